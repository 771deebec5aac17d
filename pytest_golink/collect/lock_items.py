"""The lock as tests: one item for each image of a policy, and one for each that only the lock has."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_golink.collect.items import PolicyItem, PolicyPart
from pytest_golink.errors import LockError, PolicyViolation
from pytest_golink.findings import Finding
from pytest_golink.fixtures import RUN
from pytest_golink.location import Location
from pytest_golink.lock import (
    RULE,
    VERSION,
    Lock,
    compare,
    diff_lines,
    drift_finding,
    drift_text,
    entry_name,
    lock_entry,
    lock_path,
    parse_tolerance,
    read_lock,
    removed_text,
)
from pytest_golink.recording import record
from pytest_golink.report.facts_json import facts_json
from pytest_golink.text.escape import json_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest

    from pytest_golink.collect.images import Image
    from pytest_golink.lock import LockEntry
    from pytest_golink.policy.model import Policy
    from pytest_golink.rules.subject import Subject

# The user property that carries an entry to the reporting process.
LOCK = "golink.lock"
_NAME = "lock"
_WIDTH = 80


class LockedPolicy:
    """
    A policy and its lock.

    Args:
        policy: The policy.
        images: The labels of all images of it that were found.
        complete: Whether these are all: not where a path found nothing.
        update: Whether this run writes the lock in place of holding images to it.
    """

    def __init__(self, policy: Policy, images: Iterable[str], *, complete: bool, update: bool) -> None:
        self.policy = policy
        self.update = update
        self.complete = complete
        self.path = lock_path(policy.file)
        self.name = _lock_name(policy)
        self.tolerance = parse_tolerance(policy.size_tolerance)
        self.images = sorted({entry_name(image) for image in images})
        self.lock = Lock()
        if not update:
            # The run ends with a usage error that says what is wrong (lock_mistakes), and no image is in this lock.
            with suppress(LockError):
                self.lock = read_lock(self.path, name=self.name)

    def removed(self) -> list[LockEntry]:
        """Return the entries of images that the policy does not have."""
        return [entry for entry in self.lock.entries if entry.image not in self.images]


def lock_mistakes(policy: Policy) -> tuple[tuple[Location | None, str], ...]:
    """Return what is wrong with a policy's lock."""
    try:
        read_lock(lock_path(policy.file), name=_lock_name(policy))
    except LockError as error:
        return error.errors
    return ()


def lock_item(part: PolicyPart, image: Image, locked: LockedPolicy) -> GolinkLock:
    """Return the item that compares an image with its entry."""
    entry = locked.lock.entry(entry_name(image.label))
    # The line of an image that is not in the lock is that of the policy.
    place = Location(file=locked.name, line=entry.line) if entry else image.binary.place
    item: GolinkLock = GolinkLock.from_parent(part, name=_NAME, place=place, image=image, locked=locked, entry=entry)
    return item


def removed_images(file: pytest.Collector, locked: LockedPolicy) -> Iterator[tuple[PolicyPart, list[PolicyItem]]]:
    """Yield a part with one item for each image that only the lock has."""
    for entry in locked.removed():
        part = RemovedImage.from_parent(file, name=entry.image.replace("::", ": :"))
        place = Location(file=locked.name, line=entry.line)
        yield part, [RemovedImageItem.from_parent(part, name=_NAME, place=place, entry=entry, locked=locked)]


def _lock_name(policy: Policy) -> str:
    # As messages call the policy.
    return Path(policy.binaries[0].place.file).with_suffix(".lock").as_posix()


class RemovedImage(PolicyPart):
    """An image that the lock has, and the policy has not."""


class GolinkLock(PolicyItem):
    """One image and its entry in the lock."""

    def __init__(self, *, image: Image, locked: LockedPolicy, entry: LockEntry | None, **others: Any) -> None:
        super().__init__(**others)
        self._image = image
        self.golink_images = (image,)
        self._locked = locked
        self._entry = entry
        self._subject: Subject | None = None
        if entry is not None:
            # The line that it is compared with is in the lock.
            self.path = locked.path
        if image.options is not None:
            self.golink_builds = (image.options,)

    def setup(self) -> None:
        """Build or read the image; an update learns of one that golink cannot build or read."""
        if self._locked.update:
            self._record_entry(None)
        self._subject = self._image.subject(self.config.stash[RUN], self.nodeid)

    def teardown(self) -> None:
        """Let go of the image."""
        self._subject = None

    def runtest(self) -> None:
        """Compare it with its entry."""
        subject = self._subject
        assert subject is not None  # noqa: S101 - set up before
        seen = lock_entry(self._image.label, facts_json(subject.facts))
        if self._locked.update:
            self._record_entry(seen)
            return
        drift = compare(self._entry, seen, self._locked.tolerance)
        place = str(self.place) if self._entry is not None else self._locked.name
        finding = drift_finding(drift, subject.facts, name=subject.name, place=place, nodeid=self.nodeid)
        record(finding, subject)
        if drift.fails:
            raise PolicyViolation(drift_text(drift, place=place, nodeid=self.nodeid), finding)
        older = self._locked.lock.version < VERSION
        if drift.better or older:
            lines = diff_lines(drift.better, width=_WIDTH)
            self._send({"lock": self._locked.name, "image": seen.image, "better": lines, "older": older})

    def _record_entry(self, seen: LockEntry | None) -> None:
        locked = self._locked
        self._send(
            {
                "lock": locked.name,
                "path": str(locked.path),
                "image": entry_name(self._image.label),
                "facts": None if seen is None else [[*key, value] for key, value in seen.facts],
                "images": locked.images,
                "complete": locked.complete,
                "tolerance": locked.policy.size_tolerance,
            }
        )

    def _send(self, entry: dict[str, object]) -> None:
        self.user_properties.append((LOCK, json_text(entry)))


class RemovedImageItem(PolicyItem):
    """An entry of the lock without an image."""

    def __init__(self, *, entry: LockEntry, locked: LockedPolicy, **others: Any) -> None:
        super().__init__(**others)
        self._entry = entry
        self._locked = locked
        self.path = locked.path

    def runtest(self) -> None:
        """Fail: the user removed it from the policy, or golink did not find it."""
        policy = self._locked.policy.binaries[0].place.file
        text = removed_text(self._entry.image, place=str(self.place), policy=policy)
        facts = dict(self._entry.facts)
        finding = Finding(
            rule=RULE,
            outcome="violated",
            image=self._entry.image,
            target=str(facts[("target", "")]) if ("target", "") in facts else None,
            expected="what the lock says",
            observed=f"no such image in {policy}",
            place=str(self.place),
        )
        record(finding)
        raise PolicyViolation(text, finding)
