"""Globs over paths with "/", for files and for members; "!" reaches into an archive."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAGIC = re.compile(r"[*?[]")
# "!" separates, but inside a set it negates: dist/[!a]*.zip!app
_REACH = re.compile(r"!(?![^\[\]/]*\])")


def split_reach(pattern: str) -> tuple[str, ...]:
    """Split "dist/*.tar.gz!*.deb!**/app" into the glob of the file and those of the members, from outside in."""
    return tuple(_REACH.split(pattern))


def is_glob(text: str) -> bool:
    """Whether a text matches more than itself."""
    return _MAGIC.search(text) is not None


def components(glob: str) -> tuple[str, ...]:
    """Return the parts of a glob; "**" at the end means every file below, and several in a row count as one."""
    parts: list[str] = []
    for part in glob.split("/"):
        if part not in ("", ".") and not (part == "**" and parts and parts[-1] == "**"):
            parts.append(part)
    return tuple([*parts, "*"] if parts and parts[-1] == "**" else parts)


def matches_name(patterns: Iterable[str], name: str) -> bool:
    """Whether a pattern with "!" matches the name of a file or a member, or an archive around it."""
    parts = name.split("!")
    for pattern in patterns:
        globs = split_reach(pattern)
        if len(globs) <= len(parts) and all(
            matches(components(glob), tuple(part.split("/"))) for glob, part in zip(globs, parts, strict=False)
        ):
            return True
    return False


def matches(glob: tuple[str, ...], name: tuple[str, ...]) -> bool:
    """Whether a path, in parts, matches a glob's components; with regard to case, on every system."""
    # Compare the parts before the first "**" and behind the last with both ends: most globs have no others.
    start, end = 0, len(name)
    while glob and glob[-1] != "**":
        end -= 1
        if end < start or not fnmatchcase(name[end], glob[-1]):
            return False
        glob = glob[:-1]
    while glob and glob[0] != "**":
        if start == end or not fnmatchcase(name[start], glob[0]):
            return False
        start += 1
        glob = glob[1:]
    if len(glob) < 2:
        return bool(glob) or start == end
    # The lengths of path that the parts of the glob so far may match: the work is at most one length times the other,
    # however many ways a stranger's path has to match "**".
    reached = {start}
    for part in glob:
        if part == "**":
            reached = set(range(min(reached), end + 1))
        else:
            reached = {count + 1 for count in reached if count < end and fnmatchcase(name[count], part)}
        if not reached:
            return False
    return end in reached
