"""How an image differs from its entry in the lock, and what an update writes for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.lock.comparisons import assess
from pytest_golink.lock.model import Lock, LockEntry, in_order

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pytest_golink.lock.comparisons import Assessment, Change
    from pytest_golink.lock.model import Key, Tolerance, Value

# Of an image that the lock does not have, no fact is worse than another.
_UNKNOWN: Assessment = ("changed", "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """
    One fact that differs: `old` is the lock's, `new` the image's, None where it is not there.

    `change` is "worse", "better", or "changed" where neither is certain; `reason` says why in a few words.
    """

    key: Key
    old: Value | None
    new: Value | None
    change: Change
    reason: str

    @property
    def fails(self) -> bool:
        """Whether it counts against the image: a difference that is not better does."""
        return self.change != "better"


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """
    How an image differs from its entry, in the order of the file.

    `entry` is None where the lock has none; the differences are then all facts of the image.
    """

    image: str
    entry: LockEntry | None
    differences: tuple[Difference, ...]

    @property
    def fails(self) -> bool:
        """Whether it counts against the image."""
        return self.entry is None or any(difference.fails for difference in self.differences)

    @property
    def better(self) -> tuple[Difference, ...]:
        """The differences that are better."""
        return tuple(difference for difference in self.differences if not difference.fails)


def compare(locked: LockEntry | None, seen: LockEntry, tolerance: Tolerance) -> Drift:
    """
    Compare an image with its entry, None where the lock has none: then all facts of the image differ.

    Fields that one of the two does not tell are left out.
    """
    old = dict(locked.facts) if locked is not None else {}
    new = dict(seen.facts)
    because = dict(seen.because)
    unknown = seen.unknown | (locked.unknown if locked is not None else frozenset())
    differences = []
    for key in sorted(old.keys() | new.keys(), key=in_order):
        if key[0] in unknown:
            continue
        before, after = old.get(key), new.get(key)
        # true is 1 to Python.
        if (before, type(before)) == (after, type(after)):
            continue
        assessment = _UNKNOWN if locked is None else assess(key, before, after, tolerance)
        if assessment is None:
            continue
        change, reason = assessment
        if change == "worse" and key in because:
            reason = f"{reason}: {because[key]}"
        differences.append(Difference(key=key, old=before, new=after, change=change, reason=reason))
    return Drift(image=seen.image, entry=locked, differences=tuple(differences))


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """An image that this run was to read; `entry` is None where golink could not."""

    image: str
    entry: LockEntry | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """
    A new lock, and what is new in it, by the images' names.

    Attributes:
        lock: The lock to write.
        drifts: The changes in entries that were there.
        added: Images that were not in the lock.
        removed: Images that the policy no longer has; only after a run of all that it has.
        failed: Images that golink could not build or read; their entries stay.
        stale: Images that would have been removed, had all images been read.
    """

    lock: Lock
    drifts: tuple[Drift, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether there is a change to write."""
        return bool(self.drifts or self.added or self.removed)


def updated(
    old: Lock, seen: Iterable[Seen], images: Collection[str], tolerance: Tolerance, *, complete: bool
) -> Update:
    """
    Return the lock after a run.

    A size within the tolerance stays as it is, so that the line does not change with every commit, and growth adds up
    until a person looks at it.

    Args:
        old: The lock as it is.
        seen: The images that ran.
        images: All images of the policy: where each of them was read, entries of others go.
        tolerance: How far a size may be from the locked one.
        complete: Whether `images` are all: not where a path found nothing.
    """
    entries = {entry.image: entry for entry in old.entries}
    drifts, added, failed, read = [], [], [], set()
    for each in sorted(seen, key=lambda each: each.image):
        if each.entry is None:
            failed.append(each.image)
            continue
        read.add(each.image)
        before = entries.get(each.image)
        drift = compare(before, each.entry, tolerance)
        if before is None:
            added.append(each.image)
        elif drift.differences:
            drifts.append(drift)
        entries[each.image] = _kept_size(before, each.entry, drift)
    removed = tuple(sorted(entries.keys() - set(images)))
    all_seen = complete and read >= set(images)
    for image in removed if all_seen else ():
        del entries[image]
    return Update(
        lock=Lock(entries=tuple(entry for _, entry in sorted(entries.items()))),
        drifts=tuple(drifts),
        added=tuple(added),
        removed=removed if all_seen else (),
        failed=tuple(failed),
        stale=() if all_seen else removed,
    )


def _kept_size(before: LockEntry | None, after: LockEntry, drift: Drift) -> LockEntry:
    locked: Value | None = dict(before.facts).get(("size", "")) if before is not None else None
    if locked is None or any(difference.key[0] == "size" for difference in drift.differences):
        return after
    facts = tuple((key, locked if key[0] == "size" else value) for key, value in after.facts)
    return LockEntry(image=after.image, facts=facts)
