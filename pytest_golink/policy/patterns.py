"""
Patterns over names and targets: `*` is any text, `?` any character, everything else itself.

There are no sets of characters: in "app[linux/*]" the brackets are part of the name.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


_STARS = frozenset("*?")


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern matches that text."""
    # A bracket of the pattern is a plain character, for which fnmatch wants a set of one.
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def matches_any(patterns: Iterable[str], text: str) -> bool:
    """Whether one of the patterns matches that text."""
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
            # The star matches nothing, or the other's next: either way one of the two goes on.
            steps += [(left + 1, right)] if mine else []
            steps += [(left, right + 1)] if theirs else []
        elif mine and theirs and (mine == theirs or "?" in (mine, theirs)):
            steps.append((left + 1, right + 1))
        pending += [step for step in steps if step not in seen]
        seen.update(steps)
    return False
