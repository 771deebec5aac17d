"""
Patterns over names and targets: `*` is any text, `?` any character, all else itself.

Not fnmatch: in "app[linux/*]" the brackets are the name's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


_STARS = frozenset("*?")


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern stands for that text."""
    # The positions in the pattern that the text so far can have reached: bounded time, whatever the pattern.
    reached = _past_stars(pattern, {0})
    for character in text:
        reached = _past_stars(
            pattern,
            {
                at if pattern[at] == "*" else at + 1
                for at in reached
                if at < len(pattern) and pattern[at] in ("*", "?", character)
            },
        )
        if not reached:
            return False
    return len(pattern) in reached


def matches_any(patterns: Iterable[str], text: str) -> bool:
    """Whether one of the patterns stands for that text."""
    return any(matches(pattern, text) for pattern in patterns)


def overlap(one: str, other: str) -> bool:
    """Whether some text matches both patterns."""
    if not _STARS & {*one, *other}:
        return one == other
    pending = [(0, 0)]
    seen = {(0, 0)}
    while pending:
        left, right = pending.pop()
        if (left, right) == (len(one), len(other)):
            return True
        mine, theirs = one[left : left + 1], other[right : right + 1]
        steps = []
        if "*" in (mine, theirs):
            # The star stands for nothing, or for the other's next: either way one of the two goes on.
            steps += [(left + 1, right)] if mine else []
            steps += [(left, right + 1)] if theirs else []
        elif mine and theirs and (mine == theirs or "?" in (mine, theirs)):
            steps.append((left + 1, right + 1))
        pending += [step for step in steps if step not in seen]
        seen.update(steps)
    return False


def _past_stars(pattern: str, positions: set[int]) -> set[int]:
    # A star may stand for nothing.
    reached = set(positions)
    for at in positions:
        while at < len(pattern) and pattern[at] == "*":
            at += 1
            reached.add(at)
    return reached
