"""Checked access to a file's bytes: every range that a header promises must be in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_golink.errors import UnreadableBinaryError

if TYPE_CHECKING:
    from struct import Struct


class View:
    """
    The bytes of one image, with every access checked.

    Every method takes the offset inside the image and `what` stands there ("program header 3"), and raises
    UnreadableBinaryError that names both where the bytes end too early. `base` is the image's own offset in its file
    (a slice of a fat Mach-O, an archive member): messages give file offsets.

    Args:
        data: The image's bytes.
        path: The file as the caller named it.
        format: The format by its magic number, for messages.
        base: Where `data` starts in the file.
    """

    __slots__ = ("base", "data", "format", "path", "size")

    def __init__(self, data: memoryview | bytes, *, path: str, format: str, base: int = 0) -> None:  # noqa: A002 - as UnreadableBinaryError
        self.data = memoryview(data)
        self.path = path
        self.format = format
        self.base = base
        self.size = len(self.data)

    def error(self, reason: str, offset: int | None = None) -> UnreadableBinaryError:
        """Return the error for damage at `offset`, for the caller to raise."""
        where = "" if offset is None else f"at offset 0x{self.base + offset:x}: "
        return UnreadableBinaryError(self.path, f"{where}{reason}", format=self.format)

    def check(self, offset: int, size: int, what: str) -> None:
        """Check that the range of `size` bytes from `offset` is inside the image."""
        if offset < 0 or size < 0:
            raise self.error(f"{what} has a negative offset or size ({offset}, {size})")
        past = offset + size - self.size
        if past > 0:
            raise self.error(
                f"{what} goes {past} bytes past the end of the file (size {self.base + self.size})", offset
            )

    def slice(self, offset: int, size: int, what: str) -> memoryview:
        """Return the `size` bytes from `offset`, without a copy."""
        self.check(offset, size, what)
        return self.data[offset : offset + size]

    def unpack(self, layout: Struct, offset: int, what: str) -> tuple[Any, ...]:
        """Return the fields of a structure at `offset`."""
        self.check(offset, layout.size, what)
        return layout.unpack_from(self.data, offset)

    def cstring(self, offset: int, limit: int, what: str) -> str:
        """
        Return the NUL-terminated UTF-8 text at `offset`.

        Args:
            offset: Where it starts.
            limit: The end of its table: the NUL stands before this offset.
            what: Its name, for the message.
        """
        self.check(offset, 0, what)
        if not offset < limit:
            raise self.error(f"{what} starts past the end of its table (0x{self.base + limit:x})", offset)
        self.check(offset, limit - offset, f"the table of {what}")
        end = _find_nul(self.data, offset, limit)
        if end < 0:
            raise self.error(f"{what} has no terminating NUL", offset)
        try:
            return str(self.data[offset:end], "utf-8")
        except UnicodeDecodeError as error:
            raise self.error(f"{what} is not UTF-8: {bytes(self.data[offset:end])[:40]!r}", offset) from error


# Names may overlap in their table, so that a hundred kilobytes would make gigabytes of text.
_FREE_NAME_BYTES, _MOST_NAME_TIMES = 1 << 20, 4


class NameBudget:
    """
    The bound of how much text the names of one table may make, by the size of the file.

    Args:
        view: The image.
        what: The table, for the message.
    """

    __slots__ = ("_left", "_view", "_what")

    def __init__(self, view: View, what: str) -> None:
        self._left = _FREE_NAME_BYTES + _MOST_NAME_TIMES * view.size
        self._view = view
        self._what = what

    def spend(self, name: str | bytes) -> None:
        """
        Count one name.

        Raises:
            UnreadableBinaryError: The names are too long together.
        """
        self._left -= len(name)
        if self._left < 0:
            raise self._view.error(
                f"the names in {self._what} overlap: together they are more than {_MOST_NAME_TIMES} times the file"
            )


# Names are short and tables are long: search a piece of the table first.
_FIRST_LOOK_BYTES = 256


def _find_nul(data: memoryview, start: int, limit: int) -> int:
    """Return the offset of the first NUL in [start, limit), -1 where there is none (a memoryview has no find)."""
    step = _FIRST_LOOK_BYTES
    while start < limit:
        end = min(start + step, limit)
        found = bytes(data[start:end]).find(0)
        if found >= 0:
            return start + found
        start = end
        step *= 4
    return -1
