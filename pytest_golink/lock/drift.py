"""How an image differs from its entry in the lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.lock.judges import judge
from pytest_golink.lock.model import LockEntry, in_order
from pytest_golink.lock.tolerance import bytes_of

if TYPE_CHECKING:
    from pytest_golink.lock.judges import Judgement, Way
    from pytest_golink.lock.model import Key, Value
    from pytest_golink.lock.tolerance import Tolerance

_SIZE: Key = ("size", "")
# Of an image that the lock does not have, no fact is worse than another.
_UNKNOWN: Judgement = ("changed", "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """
    One fact that differs: `old` is the lock's, `new` the image's, None where it is not there.

    `way` is "worse", "better", or "changed" for what is neither for certain; `reason` says in a few words why.
    """

    key: Key
    old: Value | None
    new: Value | None
    way: Way
    reason: str

    @property
    def fails(self) -> bool:
        """Whether it counts against the image: whatever is not better."""
        return self.way != "better"


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
        """What only got better."""
        return tuple(difference for difference in self.differences if not difference.fails)


def compare(locked: LockEntry | None, seen: LockEntry, tolerance: Tolerance) -> Drift:
    """Compare an image with its entry, None where the lock has none: nobody has agreed to what it links to."""
    old = dict(locked.facts) if locked is not None else {}
    new = dict(seen.facts)
    because = dict(seen.because)
    differences = []
    for key in sorted(old.keys() | new.keys(), key=in_order):
        before, after = old.get(key), new.get(key)
        # true is 1 to Python.
        if (before, type(before)) == (after, type(after)):
            continue
        judgement = _UNKNOWN if locked is None else _judge(key, before, after, tolerance)
        if judgement is None:
            continue
        way, reason = judgement
        if way == "worse" and key in because:
            reason = f"{reason}: {because[key]}"
        differences.append(Difference(key=key, old=before, new=after, way=way, reason=reason))
    return Drift(image=seen.image, entry=locked, differences=tuple(differences))


def _judge(key: Key, old: Value | None, new: Value | None, tolerance: Tolerance) -> Judgement | None:
    if key == _SIZE:
        return _size(old, new, tolerance)
    return judge(*key, old, new)


def _size(old: Value | None, new: Value | None, tolerance: Tolerance) -> Judgement | None:
    if not isinstance(old, str) or not isinstance(new, str):
        return "changed", "the lock does not say how large it was"
    before, after = bytes_of(old), bytes_of(new)
    if abs(after - before) <= tolerance.around(before):
        return None
    share = f" by {abs(after - before) / before:.0%}" if before else ""
    return ("worse", f"grew{share}") if after > before else ("better", f"shrank{share}")
