"""What an update writes: new entries for what ran, the old ones for what did not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.lock.drift import Drift, compare
from pytest_golink.lock.model import Lock, LockEntry

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pytest_golink.lock.model import Value
    from pytest_golink.lock.tolerance import Tolerance


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """An image that was to be read in this run; `entry` is None where it could not be."""

    image: str
    entry: LockEntry | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """
    A new lock, and what is new in it, by the images' names.

    Attributes:
        lock: What to write.
        drifts: What changed in entries that were there.
        added: Images that were not in the lock.
        removed: Images that the policy has no more; only after a run of all that it has.
        failed: Images that could not be built or read; what the lock has of them stays.
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
        """Whether there is anything to write."""
        return bool(self.drifts or self.added or self.removed)


def updated(
    old: Lock, seen: Iterable[Seen], images: Collection[str], tolerance: Tolerance, *, complete: bool
) -> Update:
    """
    Give the lock after a run.

    A size within the tolerance stays as it is, so that the line does not change with every commit, and growth adds up
    until somebody looks at it.

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
    gone = tuple(sorted(entries.keys() - set(images)))
    whole = complete and read >= set(images)
    for image in gone if whole else ():
        del entries[image]
    return Update(
        lock=Lock(entries=tuple(entry for _, entry in sorted(entries.items()))),
        drifts=tuple(drifts),
        added=tuple(added),
        removed=gone if whole else (),
        failed=tuple(failed),
        stale=() if whole else gone,
    )


def _kept_size(before: LockEntry | None, after: LockEntry, drift: Drift) -> LockEntry:
    locked: Value | None = dict(before.facts).get(("size", "")) if before is not None else None
    if locked is None or any(difference.key[0] == "size" for difference in drift.differences):
        return after
    facts = tuple((key, locked if key[0] == "size" else value) for key, value in after.facts)
    return LockEntry(image=after.image, facts=facts)
