"""
What dyld writes over pointers in place: the rebases among the chained fixups.

In an image with LC_DYLD_INFO the pointers in the file are already the addresses that the linker gave; in one with
LC_DYLD_CHAINED_FIXUPS they are links of a chain, and hold no address before they are decoded.

Source: Apple's mach-o/fixup-chains.h.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING

from pytest_golink.reader.macho.commands import LC_DYLD_CHAINED_FIXUPS

if TYPE_CHECKING:
    from pytest_golink.golang.image import Region
    from pytest_golink.reader.macho.commands import Commands
    from pytest_golink.reader.macho.layout import Layout

# DYLD_CHAINED_PTR_64 holds a rebase's target as an address, DYLD_CHAINED_PTR_64_OFFSET as an offset from the Mach
# header.
# The formats with authenticated pointers (arm64e) and the 32-bit ones are none that a Go image has.
_PTR_64, _PTR_64_OFFSET = 2, 6
_STRIDE_BYTES = 4
_PTR_START_NONE, _PTR_START_MULTI = 0xFFFF, 0x8000


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chains:
    """The chains of one segment: for each page where its first link is, as an offset in the page."""

    segment: Region
    page_size: int
    pages: tuple[int, ...]
    base: int
    link: Struct

    def target(self, address: int) -> int | None:
        """Return the address that a rebase puts at `address`, None where no rebase is."""
        offset = address - self.segment.address
        page = offset // self.page_size
        if not 0 <= page < len(self.pages) or self.pages[page] & _PTR_START_MULTI:
            return None
        at = page * self.page_size + self.pages[page]
        while at <= offset and at + self.link.size <= len(self.segment.data):
            (value,) = self.link.unpack_from(self.segment.data, at)
            # Bits: target 36, high8 8, reserved 7, next 12, bind 1.
            if at == offset:
                bind = value >> 63
                return None if bind else self.base + (value & 0xFFFFFFFFF)
            step = (value >> 51 & 0xFFF) * _STRIDE_BYTES
            if not step:
                return None
            at += step
        return None


class ChainedRebases:
    """Gives the address that dyld will put into the pointer slot at an address; None where no rebase covers it."""

    __slots__ = ("_chains",)

    def __init__(self, chains: tuple[_Chains, ...]) -> None:
        self._chains = chains

    def __call__(self, address: int) -> int | None:
        """Return the rebase's target."""
        for chains in self._chains:
            if 0 <= address - chains.segment.address < len(chains.segment.data):
                return chains.target(address)
        return None


def read_rebases(image: Commands, layout: Layout) -> ChainedRebases:
    """
    Return the rebases of the chained fixups; none in an image without them.

    Raises:
        UnreadableBinaryError: The tables of the chains' starts are damaged.
    """
    command = image.first(LC_DYLD_CHAINED_FIXUPS)
    if command is None:
        return ChainedRebases(())
    what = "the starts of the chained fixups"
    view = image.view
    offset, size = image.fields(command, "2I", "the chained fixups")
    if size == 0:
        return ChainedRebases(())
    _, starts = view.unpack(Struct(f"{image.order}2I"), offset, what)
    starts += offset
    (count,) = view.unpack(Struct(f"{image.order}I"), starts, what)
    if count > len(layout.segments):
        raise view.error(f"{what} speak of {count} segments, the image has {len(layout.segments)}", starts)
    infos = view.unpack(Struct(f"{image.order}{count}I"), starts + 4, what)
    head = Struct(f"{image.order}I2HQIH")
    chains = []
    for segment, info in zip(layout.segments, infos, strict=False):
        if not info:
            continue
        _, page_size, pointers, _, _, pages = view.unpack(head, starts + info, what)
        if not page_size:
            raise view.error(f"{what} have pages of no size", starts + info)
        if pointers in (_PTR_64, _PTR_64_OFFSET):
            chains.append(
                _Chains(
                    segment=segment,
                    page_size=page_size,
                    pages=view.unpack(Struct(f"{image.order}{pages}H"), starts + info + head.size, what),
                    base=(layout.base or 0) if pointers == _PTR_64_OFFSET else 0,
                    link=Struct(f"{image.order}Q"),
                )
            )
    return ChainedRebases(tuple(chains))
