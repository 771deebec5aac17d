"""The names of an image's functions: millions of bytes, searched as bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Functions:
    """
    The function names of a pclntab, those of inlined functions included (since Go 1.16).

    Names are as the linker writes them ("net.(*Resolver).goLookupIP", "gopkg.in/yaml%2ev3.Unmarshal"), in the order of
    the table. They stay one block of bytes, a line a name.
    """

    __slots__ = ("_lines",)

    def __init__(self, names: bytes = b"") -> None:
        """Store the names, given with a NUL after each."""
        self._lines = b"\n" + names.replace(b"\0", b"\n")

    def __contains__(self, name: str) -> bool:
        return b"\n" + name.encode() + b"\n" in self._lines

    def __iter__(self) -> Iterator[str]:
        for line in self._lines.split(b"\n"):
            if line:
                yield line.decode(errors="backslashreplace")

    def __bool__(self) -> bool:
        return len(self._lines) > 1

    def matching(self, regex: bytes) -> Iterator[str]:
        """
        Yield the whole names in which a regular expression matches somewhere, in the order of the table.

        `^` and `$` are the ends of a name. An expression that begins with literal bytes (after a `^`) is fast on large
        images.
        """
        if regex.startswith(b"^"):
            # `re` searches fast for a literal beginning, but byte by byte for `^`.
            regex = b"\n" + regex[1:]
        end = 0
        for match in re.finditer(regex, self._lines, re.MULTILINE):
            start = self._lines.rfind(b"\n", 0, match.start() + 1) + 1
            # A name can match twice.
            if start >= end:
                end = self._lines.find(b"\n", start)
                yield self._lines[start:end].decode(errors="backslashreplace")
