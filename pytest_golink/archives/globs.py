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
    # What stands behind the last "**" can only be the end of the path.
    tail = glob[::-1].index("**") if "**" in glob else len(glob)
    at = len(name) - tail
    if at < 0 or not all(map(fnmatchcase, name[at:], glob[len(glob) - tail :])):
        return False
    # How many parts of the path what was seen of the glob may be: no more work than one length times the other, however
    # many "**" a stranger's path could match in.
    reached = {0}
    for part in glob[: len(glob) - tail]:
        if part == "**":
            reached = set(range(min(reached), at + 1))
        else:
            reached = {count + 1 for count in reached if count < at and fnmatchcase(name[count], part)}
        if not reached:
            return False
    return at in reached
