"""A TOML file as values that know their lines, and the errors in it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pytest_golink.errors import PolicyError
from pytest_golink.location import Location
from pytest_golink.policy.nesting import too_deep
from pytest_golink.policy.positions import positions
from pytest_golink.text.escape import escape_message

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

    from pytest_golink.policy.positions import Path

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover - the same parser under its other name
    import tomli as tomllib

# A policy for a thousand binaries has a tenth of this size.
MAX_FILE_BYTES = 1024 * 1024
# A message quotes the head of a value.
_LONGEST_VALUE = 80
_BYTE_ORDER_MARK = "; the file starts with a byte order mark: save it as UTF-8 without one"
# Looking for what each wrong name may have meant takes time.
_MOST_ERRORS = 1000
# Of a message, which quotes names of the file.
_LONGEST_ERROR = 1000
# TOML asks an implementation for 64 bits; Python refuses to write a number of some thousand digits into a message.
_INTEGER_BITS = 63


class Document:
    """
    One TOML file: its values, their lines, and the errors in it.

    Attributes:
        values: What tomllib reads.
    """

    def __init__(self, file: str, text: str) -> None:
        """
        Parse a text.

        Raises:
            PolicyError: It is not TOML.
        """
        self._file = file
        self._errors: set[tuple[int, str]] = set()
        self.values: dict[str, object] = {}
        self._lines: dict[Path, int] = {}
        if (offset := too_deep(text)) is not None:
            self.add_error_at(text.count("\n", 0, offset) + 1, "not a policy: tables or lists are nested too deeply")
            self.raise_errors()
        try:
            self.values = tomllib.loads(text)
            self._lines = positions(text, tomllib.loads)
        except tomllib.TOMLDecodeError as error:
            # "… (at line 3, column 5)", or "(at end of document)".
            message = str(error)
            where = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", message)
            line = int(where[1]) if where and where[1] else max(text.count("\n") + (not text.endswith("\n")), 1)
            hint = _BYTE_ORDER_MARK if text[:1] == "\ufeff" else ""
            self.add_error_at(line, f"not TOML: {message[: where.start()] if where else message}{hint}")
        except ValueError as error:
            # A number with thousands of digits, or a date in no calendar.
            self.add_error_at(1, f"not TOML: {error}")
        for path in _huge_numbers(self.values):
            self.add_error(path, "not TOML: a number beyond 64 bits")
        self.raise_errors()

    @property
    def error_count(self) -> int:
        """The number of errors so far."""
        return len(self._errors)

    def location(self, path: Path) -> Location:
        """Return the line of a key; that of the table or list around it where the key itself has none."""
        while path and path not in self._lines:
            path = path[:-1]
        return Location(file=self._file, line=self._lines.get(path, 1))

    def add_error(self, path: Path, text: str) -> None:
        """Note an error at a key."""
        self.add_error_at(self.location(path).line, text)

    def add_error_at(self, line: int, text: str) -> None:
        """
        Note an error at a line; the same error at the same line counts once.

        Raises:
            PolicyError: There are more errors than are looked for.
        """
        self._errors.add((line, escape_message(text, longest=_LONGEST_ERROR)))
        if len(self._errors) > _MOST_ERRORS:
            self.raise_errors()

    def raise_errors(self) -> None:
        """
        Raise the errors so far; do nothing where there are none.

        Raises:
            PolicyError: There are errors: all of them, by line.
        """
        if self._errors:
            raise PolicyError([(Location(file=self._file, line=line), text) for line, text in sorted(self._errors)])


def read_document(path: pathlib.Path, file: str) -> Document:
    """
    Read a file.

    Args:
        path: The file.
        file: Its name in messages.

    Raises:
        PolicyError: It cannot be read, is too large, or is not TOML.
    """
    try:
        with path.open("rb") as stream:
            # One byte more than the bound shows a larger file, whatever size the system reports.
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _unreadable(file, 1, f"cannot be read: {error.strerror or error}") from error
    if len(data) > MAX_FILE_BYTES:
        raise _unreadable(file, 1, f"larger than {MAX_FILE_BYTES:,} bytes, the most that golink reads")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _unreadable(file, line, "not TOML: it is not UTF-8; save it in that encoding") from error
    # TOML's line breaks; a lone carriage return stays, and tomllib refuses it.
    return Document(file, text.replace("\r\n", "\n"))


def _unreadable(file: str, line: int, text: str) -> PolicyError:
    return PolicyError([(Location(file=file, line=line), escape_message(text, longest=_LONGEST_ERROR))])


def _huge_numbers(values: Mapping[str, object]) -> Iterator[Path]:
    pending: list[tuple[Path, object]] = [((), values)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, dict):
            pending += [((*path, key), entry) for key, entry in value.items()]
        elif isinstance(value, list):
            pending += [((*path, number), entry) for number, entry in enumerate(value)]
        elif isinstance(value, int) and value.bit_length() > _INTEGER_BITS:
            yield path


def shown(value: object) -> str:
    """Return a value for a message: a plain one as TOML writes it, the kind of another."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value[:_LONGEST_VALUE]}…"' if len(value) > _LONGEST_VALUE else f'"{value}"'
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return str(value)
