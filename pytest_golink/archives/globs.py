"""Globs over paths with "/": of files, and of members; "!" reaches into an archive."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

_MAGIC = re.compile(r"[*?[]")
# "!" separates, but in a set it negates: dist/[!a]*.zip!app
_REACH = re.compile(r"!(?![^\[\]/]*\])")


def split_reach(pattern: str) -> tuple[str, ...]:
    """Split "dist/*.tar.gz!*.deb!**/app" into the glob of the file and those of the members, from outside in."""
    return tuple(_REACH.split(pattern))


def is_glob(text: str) -> bool:
    """Whether a text matches more than itself."""
    return _MAGIC.search(text) is not None


def components(glob: str) -> tuple[str, ...]:
    """Give the parts of a glob; "**" at the end means every file below, and several in a row are one."""
    parts: list[str] = []
    for part in glob.split("/"):
        if part not in ("", ".") and not (part == "**" and parts and parts[-1] == "**"):
            parts.append(part)
    return tuple([*parts, "*"] if parts and parts[-1] == "**" else parts)


def matches(glob: tuple[str, ...], name: tuple[str, ...]) -> bool:
    """Whether a path, in parts, matches a glob's components; with regard to case, on every system."""
    if not glob:
        return not name
    if glob[0] == "**":
        return any(matches(glob[1:], name[start:]) for start in range(len(name) + 1))
    return bool(name) and fnmatchcase(name[0], glob[0]) and matches(glob[1:], name[1:])
