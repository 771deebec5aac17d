"""Small PE images, written by hand: what the toolchains at hand do not write."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

PE_OFFSET = 0x80
RVA, RAW = 0x1000, 0x400
EXECUTABLE, DLL, RELOCS_STRIPPED = 0x2, 0x2000, 0x1
DYNAMIC_BASE, NX_COMPAT = 0x40, 0x100
IMPORT, CERTIFICATE, RELOCATION, BOUND, DELAY, COM = 1, 4, 5, 11, 13, 14


@dataclass(kw_only=True, slots=True)
class Maker:
    """
    Makes one image with one section, `.rdata`, whose bytes are put in piece by piece.

    `directories` maps a data directory's number to (RVA, size); `put` gives the RVA of a piece.
    """

    wide: bool = True
    machine: int = 0x8664
    characteristics: int = EXECUTABLE
    dll: int = DYNAMIC_BASE | NX_COMPAT
    subsystem: int = 3
    entry: int = RVA
    section_flags: int = 0x40000040
    section_name: bytes = b".rdata"
    data: bytearray = field(default_factory=lambda: bytearray(16))
    directories: dict[int, tuple[int, int]] = field(default_factory=dict)
    symbols: tuple[int, int] = (0, 0)
    directory_count: int = 16
    span: int | None = None

    def put(self, piece: bytes) -> int:
        """Add bytes to the section."""
        self.data += bytes(-len(self.data) % 8)
        rva = RVA + len(self.data)
        self.data += piece
        return rva

    def name(self, text: bytes, *, hint: bool = False) -> int:
        """Add a NUL-terminated name, after a hint where it is a symbol's."""
        return self.put((b"\0\0" if hint else b"") + text + b"\0")

    def thunks(self, *entries: bytes | int) -> int:
        """Add a lookup table of names and ordinals."""
        top = 1 << (63 if self.wide else 31)
        values = [top | entry if isinstance(entry, int) else self.name(entry, hint=True) for entry in entries]
        return self.put(struct.pack(f"<{len(values) + 1}{'Q' if self.wide else 'I'}", *values, 0))

    def imports(self, **libraries: tuple[bytes | int, ...]) -> None:
        """Fill the import directory; "_" in a keyword stands for "."."""
        table = b""
        for library, entries in libraries.items():
            lookup = self.thunks(*entries)
            table += struct.pack("<5I", lookup, 0, 0, self.name(library.replace("_", ".").encode()), lookup)
        rva = self.put(table + bytes(20))
        self.directories[IMPORT] = (rva, len(table) + 20)

    def delay_imports(self, library: bytes, *entries: bytes | int, attributes: int = 1, base: int = 0) -> None:
        """Fill the delay-import directory with one DLL."""
        lookup, name = self.thunks(*entries), self.name(library)
        rva = self.put(
            struct.pack("<8I", attributes, base + name, base, base + lookup, base + lookup, 0, 0, 0) + bytes(32)
        )
        self.directories[DELAY] = (rva, 64)

    def image(self, tail: bytes = b"") -> bytes:
        """The whole file; `tail` stands behind the section."""
        raw = bytes(self.data).ljust(-(-len(self.data) // 0x200) * 0x200, b"\0")
        count = self.directory_count
        pairs = b"".join(struct.pack("<2I", *self.directories.get(number, (0, 0))) for number in range(min(count, 16)))
        base = 0x140000000 if self.wide else 0x400000
        optional = struct.pack("<H2B4I", 0x20B if self.wide else 0x10B, 3, 0, 0, 0, 0, self.entry)
        optional += struct.pack("<IQ" if self.wide else "<3I", *((RVA, base) if self.wide else (RVA, RVA, base)))
        optional += struct.pack("<2I6HI", 0x1000, 0x200, 5, 9, 0, 0, 6, 1, 0)
        optional += struct.pack("<3I2H", 0x10000, RAW, 0, self.subsystem, self.dll)
        optional += struct.pack("<4QI" if self.wide else "<4II", 0, 0, 0, 0, 0) + struct.pack("<I", count) + pairs
        symbols, number = self.symbols
        header = struct.pack("<2H3I2H", self.machine, 1, 0, symbols, number, len(optional), self.characteristics)
        span = len(self.data) if self.span is None else self.span
        section = struct.pack("<8s6I2HI", self.section_name, span, RVA, len(raw), RAW, 0, 0, 0, 0, self.section_flags)
        dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", PE_OFFSET)
        head = dos.ljust(PE_OFFSET, b"\0") + b"PE\0\0" + header + optional + section
        return head.ljust(RAW, b"\0") + raw + tail
