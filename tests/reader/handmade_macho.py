"""Small Mach-O images, written by hand: what the toolchains at hand do not write, in either byte order and width."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

AMD64, I386, ARM64, ARM, PPC = 0x01000007, 0x7, 0x0100000C, 0xC, 0x12
OBJECT, EXECUTE, DYLIB, BUNDLE = 0x1, 0x2, 0x6, 0x8
TWOLEVEL, PIE, ALLOW_STACK_EXECUTION = 0x80, 0x200000, 0x20000
BASE = 0x100000000
# Where the bytes behind the load commands start, in the file.
TAIL = 0x1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Maker:
    """Makes images of one byte order and width."""

    order: Literal["<", ">"] = "<"
    wide: bool = True

    def command(self, number: int, layout: str, *fields: int | bytes, text: bytes = b"") -> bytes:
        """One load command; `text` goes behind its fields, NUL-terminated."""
        body = struct.pack(self.order + layout, *fields) + text + (b"\0" if text else b"")
        body += bytes(-len(body) % 8)
        return struct.pack(f"{self.order}2I", number, 8 + len(body)) + body

    def library(self, name: str, number: int = 0xC) -> bytes:
        """A dylib command."""
        return self.command(number, "4I", 24, 0, 0x10000, 0x10000, text=name.encode())

    def string(self, number: int, text: str) -> bytes:
        """A command with one string: LC_LOAD_DYLINKER, LC_RPATH, …"""
        return self.command(number, "I", 12, text=text.encode())

    def segment(
        self, name: str, *, address: int, offset: int, size: int, protection: int = 1, sections: tuple[bytes, ...] = ()
    ) -> bytes:
        """A segment command with these section headers."""
        words = "4Q4I" if self.wide else "8I"
        fields = (address, max(size, 0x1000), offset, size, 7, protection, len(sections), 0)
        number = 0x19 if self.wide else 0x1
        body = struct.pack(f"{self.order}16s{words}", name.encode(), *fields) + b"".join(sections)
        return struct.pack(f"{self.order}2I", number, 8 + len(body)) + body

    def section(
        self,
        name: str,
        segment: str,
        *,
        address: int,
        offset: int,
        size: int,
        kind: int = 0,
        relocations: tuple[int, int] = (0, 0),
    ) -> bytes:
        """A section header; `relocations` are their offset and count."""
        words = "2Q8I" if self.wide else "2I7I"
        rest = (offset, 0, *relocations, kind, 0, 0, 0)[: 8 if self.wide else 7]
        return struct.pack(f"{self.order}16s16s{words}", name.encode(), segment.encode(), address, size, *rest)

    def symbol(self, name: int, kind: int, description: int = 0, value: int = 0) -> bytes:
        """One entry of the symbol table."""
        return struct.pack(f"{self.order}I2BH{'Q' if self.wide else 'I'}", name, kind, 0, description, value)

    def image(
        self, *commands: bytes, file_type: int = EXECUTE, cpu: int = ARM64, flags: int = TWOLEVEL, tail: bytes = b""
    ) -> bytes:
        """A whole image: header, __TEXT and __LINKEDIT, these commands, and `tail` from TAIL on."""
        base = BASE if self.wide else 0x1000
        everything = (
            self.segment("__TEXT", address=base, offset=0, size=TAIL, protection=5),
            self.segment("__LINKEDIT", address=base + TAIL, offset=TAIL, size=len(tail)),
            *commands,
        )
        table = b"".join(everything)
        magic = 0xFEEDFACF if self.wide else 0xFEEDFACE
        header = struct.pack(f"{self.order}7I", magic, cpu, 0, file_type, len(everything), len(table), flags)
        header += bytes(4 if self.wide else 0)
        return (header + table).ljust(TAIL, b"\0") + tail


def fat(*slices: tuple[int, bytes], wide: bool = False, align: int = 0x4000) -> bytes:
    """A fat file of (CPU type, image) slices."""
    offset = align
    table = struct.pack(">2I", 0xCAFEBABF if wide else 0xCAFEBABE, len(slices))
    body = b""
    for cpu, image in slices:
        fields = (cpu, 0, offset, len(image), 14, 0)[: 6 if wide else 5]
        table += struct.pack(">2I2Q2I" if wide else ">5I", *fields)
        padded = image + bytes(-len(image) % align)
        body += padded
        offset += len(padded)
    return table.ljust(align, b"\0") + body[: len(body) or None]
