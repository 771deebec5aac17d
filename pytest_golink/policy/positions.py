"""
The line of each key of a TOML document, which tomllib does not return.

Only a document that tomllib has accepted is scanned, so that this finds keys, not mistakes.

Source: TOML v1.0.0, and v1.1.0 for line breaks and trailing commas in inline tables.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Keys, and for arrays the index: ("binary", 0, "targets", 1).
Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_PART = re.compile(r""" "(?:[^"\\\n]|\\.)*" | '[^'\n]*' | [^\s.=\]"']+ """, re.VERBOSE)
_STRINGS = (
    # Up to two quotes before the closing three are the string's own.
    ('"""', re.compile(r'"""(?:\\.|[^\\])*?""""{0,2}', re.DOTALL)),
    ("'''", re.compile(r"'''.*?''''{0,2}", re.DOTALL)),
    ('"', re.compile(r'"(?:[^"\\]|\\.)*"')),
    ("'", re.compile(r"'[^']*'")),
)
_SCALAR = re.compile(r"[^,\]}#\n]*")


def positions(text: str, loads: Callable[[str], dict[str, object]]) -> dict[Path, int]:
    """
    Return the line of each key and each array element, counted from 1: the line where it is written first.

    Args:
        text: A document that `loads` accepts.
        loads: The TOML parser, which decides what a quoted key with escapes means.
    """
    scanner = _Scanner(text, loads)
    scanner.document()
    return scanner.lines


class _Scanner:
    def __init__(self, text: str, loads: Callable[[str], dict[str, object]]) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._loads = loads
        self._at = 0
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        # The tables of an [[array]] so far.
        self._tables: dict[Path, int] = {}

    def document(self) -> None:
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)

    def _header(self) -> Path:
        array = self._text.startswith("[[", self._at)
        self._at += 2 if array else 1
        keys = self._keys("]")
        self._at += 2 if array else 1
        path: Path = ()
        for number, (key, line) in enumerate(keys):
            path = (*path, key)
            self.lines.setdefault(path, line)
            if array and number == len(keys) - 1:
                self._tables[path] = self._tables.get(path, 0) + 1
            if path in self._tables:
                path = (*path, self._tables[path] - 1)
                self.lines.setdefault(path, line)
        return path

    def _pair(self, table: Path) -> None:
        path = table
        for key, line in self._keys("="):
            path = (*path, key)
            self.lines.setdefault(path, line)
        self._at += 1
        self._value(path)

    def _keys(self, end: str) -> list[tuple[str, int]]:
        keys = []
        while True:
            self._skip(_SPACE)
            line = self._line()
            keys.append((self._key(self._skip(_PART)), line))
            self._skip(_SPACE)
            if self._text[self._at] == end:
                return keys
            self._at += 1

    def _key(self, written: str) -> str:
        if written[0] not in "\"'":
            return written
        if "\\" not in written:
            return written[1:-1]
        return str(self._loads(f"key = {written}")["key"])

    def _value(self, path: Path) -> None:
        self._skip(_SPACE)
        first = self._text[self._at]
        if first == "[":
            self._several("]", lambda number: self._element((*path, number)))
        elif first == "{":
            self._several("}", lambda _number: self._pair(path))
        else:
            self._skip(next((form for quotes, form in _STRINGS if self._text.startswith(quotes, self._at)), _SCALAR))

    def _element(self, path: Path) -> None:
        self.lines[path] = self._line()
        self._value(path)

    def _several(self, end: str, one: Callable[[int], None]) -> None:
        self._at += 1
        self._skip(_BLANK)
        number = 0
        while self._text[self._at] != end:
            one(number)
            number += 1
            self._skip(_BLANK)
            if self._text[self._at] == ",":
                self._at += 1
                self._skip(_BLANK)
        self._at += 1

    def _skip(self, form: re.Pattern[str]) -> str:
        match = form.match(self._text, self._at)
        if match is None:  # pragma: no cover - tomllib has accepted the document
            raise ValueError(f"line {self._line()}: not TOML")
        self._at = match.end()
        return match[0]

    def _line(self) -> int:
        return bisect_right(self._breaks, self._at - 1) + 1
