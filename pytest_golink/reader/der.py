"""
ASN.1 values in DER, as far as signatures need them.

Source: ITU-T X.690.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONG_FORM, _MOST_LENGTH_BYTES = 0x80, 4
_HIGH_TAG = 0x1F


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """One value: its tag byte and its content."""

    tag: int
    content: bytes

    def children(self) -> Iterator[Value]:
        """
        Yield the values in this one's content.

        Raises:
            ValueError: A value goes past the end, or has a form that DER does not allow.
        """
        at = 0
        while at < len(self.content):
            value, at = _value(self.content, at)
            yield value

    def child(self, *path: int) -> Value:
        """
        Return the value at these positions, one level after the other.

        Raises:
            ValueError: There is none.
        """
        found = self
        for index in path:
            children = list(found.children())
            if index >= len(children):
                raise ValueError(f"a value has {len(children)} parts, not {index + 1}")
            found = children[index]
        return found


def read_value(data: bytes) -> Value:
    """
    Return the value at the start of data.

    Raises:
        ValueError: It goes past the end, or has a form that DER does not allow.
    """
    return _value(data, 0)[0]


def _value(data: bytes, at: int) -> tuple[Value, int]:
    if len(data) - at < 2 or data[at] & _HIGH_TAG == _HIGH_TAG:
        raise ValueError("a value has no tag and length that are read")
    tag, length = data[at], data[at + 1]
    at += 2
    if length & _LONG_FORM:
        size = length & ~_LONG_FORM
        if not 0 < size <= _MOST_LENGTH_BYTES:
            raise ValueError(f"a length has {size} bytes")
        length = int.from_bytes(data[at : at + size], "big")
        at += size
    if length > len(data) - at:
        raise ValueError(f"a value of {length} bytes goes past the end")
    return Value(tag=tag, content=data[at : at + length]), at + length
