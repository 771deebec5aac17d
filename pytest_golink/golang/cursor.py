"""Read fields from bytes, one after the other, and no byte past their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable


class Cursor:
    """
    Reads the fields of a structure in order.

    Args:
        data: The bytes that hold the structure.
        fail: Returns the error for damage, from the reason ("ends 3 bytes too early") and the position in `data`.
        start: Where the first field is.
        end: The end of the structure; None for the end of `data`.
        byteorder: The byte order of numbers of a fixed size.
    """

    __slots__ = ("_fail", "at", "byteorder", "data", "end")

    def __init__(
        self,
        data: bytes | memoryview,
        *,
        fail: Callable[[str, int], Exception],
        start: int = 0,
        end: int | None = None,
        byteorder: Literal["little", "big"] = "little",
    ) -> None:
        self.data = data
        self.at = start
        self.end = len(data) if end is None else end
        self.byteorder: Literal["little", "big"] = byteorder
        self._fail = fail

    def take(self, size: int) -> bytes | memoryview:
        """Return the next `size` bytes."""
        start = self.at
        self.skip(size)
        return self.data[start : self.at]

    def skip(self, size: int) -> None:
        """Skip `size` bytes."""
        if size > self.end - self.at:
            raise self._fail(f"ends {size - (self.end - self.at)} bytes too early", self.at)
        self.at += size

    def byte(self) -> int:
        """Return the next byte."""
        self.skip(1)
        return self.data[self.at - 1]

    def number(self, size: int) -> int:
        """Return a number of `size` bytes."""
        return int.from_bytes(self.take(size), self.byteorder)

    def leb128(self, *, bits: int = 64, signed: bool = False) -> int:
        """Return a LEB128 number of at most `bits` bits (DWARF 5, 7.6; WebAssembly core specification, 5.2.2)."""
        value = shift = 0
        start, data, end = self.at, self.data, self.end
        # Not with byte(): some modules have 100,000 data segments with three numbers each.
        while True:
            if self.at >= end:
                raise self._fail("ends 1 bytes too early", self.at)
            byte = data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift >= bits:
                raise self._fail(f"has a number of more than {bits} bits", start)
        return value - (1 << shift) if signed and byte & 0x40 else value

    def text(self, longest: int | None = None) -> bytes:
        """Return the bytes up to the next NUL, at most `longest`, and skip the NUL."""
        limit = self.end if longest is None else min(self.end, self.at + longest)
        data = bytes(self.data[self.at : limit])
        length = data.find(0)
        if length < 0:
            raise self._fail("has a text without a NUL", self.at)
        self.at += length + 1
        return data[:length]
