"""Bytes and pointers of an image by address, as the running program would see them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.errors import UnreadableBinaryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.golang.image import MappedImage, Region


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A place in an image: its address, its offset in the file, and the bytes from there to the end of its region."""

    address: int
    offset: int
    data: memoryview


class Memory:
    """
    Reads an image's segments by address (its sections, where it has no segments: an object file).

    The methods return None for an address that is not mapped, and the caller decides what that means. They apply the
    image's relocations to pointers, since a position-independent file may hold 0 in their place.
    """

    def __init__(self, image: MappedImage) -> None:
        self.image = image
        # Writable ones first: build info and moduledata live there.
        self.regions: tuple[Region, ...] = tuple(
            sorted(image.segments or image.sections, key=lambda region: not region.writable)
        )
        order = "<" if image.byteorder == "little" else ">"
        self.word = struct.Struct(order + ("Q" if image.pointer_size == 8 else "I"))
        self.order = order

    def place(self, address: int) -> Place | None:
        """Return where an address lies; None if the file holds no byte for it."""
        for region in self.regions:
            at = address - region.address
            if 0 <= at < len(region.data):
                return Place(address=address, offset=region.offset + at, data=region.data[at:])
        return None

    def read(self, address: int, size: int) -> memoryview | None:
        """Return exactly `size` bytes at an address; None if they are not all there."""
        place = self.place(address)
        if place is None or size > len(place.data):
            return None
        return place.data[:size]

    def pointer(self, address: int) -> int | None:
        """Return the pointer that the loaded image has at an address; None if the address is not mapped."""
        relocated = self.image.relocated(address)
        if relocated is not None:
            return relocated
        raw = self.read(address, self.word.size)
        return None if raw is None else int(self.word.unpack(raw)[0])

    def sections(self, *names: str) -> Iterator[Place]:
        """Yield the non-empty sections with one of these names, in the order of the names."""
        for name in names:
            for section in self.image.sections:
                if section.name == name and len(section.data):
                    yield Place(address=section.address, offset=section.offset, data=section.data)

    def damaged(self, offset: int, what: str) -> UnreadableBinaryError:
        """Return the error for damage at an offset of the file."""
        return UnreadableBinaryError(self.image.path, f"at offset {offset:#x}: {what}", format=self.image.format)
