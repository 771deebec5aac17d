"""What Go's own structures are read from: the mapped bytes of an ELF image, its pointers and its symbol table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.golang.image import MappedImage, Region
from pytest_golink.reader.elf.layout import (
    ET_REL,
    PF_W,
    PF_X,
    PT_LOAD,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    SHT_NOBITS,
    SHT_SYMTAB,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from struct import Struct

    from pytest_golink.reader.elf.dynamic import Dynamic
    from pytest_golink.reader.elf.layout import Layout, Section

_EM_PPC64 = 21
# Go's one mark that no segment maps.
_GCCGO_EXPORTS = ".go_export"
_STT_SECTION, _STT_FILE = 3, 4

# The relocation type that adds the load address and nothing else, by machine (each psABI's R_*_RELATIVE).
_RELATIVE = {3: 8, 8: 3, 21: 22, 22: 12, 40: 23, 62: 8, 183: 1027, 243: 3, 258: 3}


def map_elf(layout: Layout, dynamic: Dynamic) -> MappedImage:
    """Return the image as its loader maps it."""
    data = layout.view.data
    return MappedImage(
        path=layout.view.path,
        format="elf",
        pointer_size=8 if layout.header.bits == 64 else 4,
        byteorder=layout.header.byteorder,
        entry=_entry(layout),
        segments=tuple(
            Region(
                name="",
                address=segment.address,
                offset=segment.offset,
                data=data[segment.offset : segment.offset + segment.file_size],
                writable=bool(segment.flags & PF_W),
                executable=bool(segment.flags & PF_X),
            )
            for segment in layout.segments_of(PT_LOAD)
        ),
        sections=tuple(
            Region(
                name=section.name,
                address=section.address,
                offset=section.offset,
                data=data[section.offset : section.offset + section.size],
                writable=bool(section.flags & SHF_WRITE),
                executable=bool(section.flags & SHF_EXECINSTR),
            )
            for section in layout.sections
            if (section.flags & SHF_ALLOC or section.name == _GCCGO_EXPORTS) and section.type != SHT_NOBITS
        ),
        relocated=lambda address: _relocated(layout, dynamic, address),
        symbols=lambda: symbol_addresses(layout),
    )


def _entry(layout: Layout) -> int | None:
    header = layout.header
    if header.type == ET_REL or not header.entry:
        return None
    if header.machine == _EM_PPC64:
        # In the first ABI of 64-bit PowerPC the entry point is a function descriptor, in data: its first word is the
        # code's address.
        for segment in layout.segments_of(PT_LOAD):
            inside = segment.address <= header.entry <= segment.address + segment.file_size - 8
            if inside and not segment.flags & PF_X:
                at = layout.offset_of(header.entry, 8, "the entry point's descriptor")
                address: int = layout.view.unpack(header.layout("I", "Q"), at, "the entry point's descriptor")[0]
                return address
    return header.entry


def _relocated(layout: Layout, dynamic: Dynamic, address: int) -> int | None:
    """
    Return the address that the loader stores at `address`, None where no relative relocation covers it.

    The tables are searched as bytes: a position-independent program has a relocation for each pointer, and asks here
    for a few of them.
    """
    header = layout.header
    word = header.layout("I", "Q")
    for relocation in dynamic.relocations():
        table = layout.view.slice(relocation.table.offset, relocation.table.size, "the relocations")
        if relocation.relr:
            if address in _packed(word, table, address):
                return _in_place(layout, word, address)
            continue
        entry = header.layout("IIi" if relocation.addend else "II", "QQq" if relocation.addend else "QQ")
        raw = bytes(table)
        pattern = word.pack(address)
        at = raw.find(pattern)
        while at >= 0:
            fields = entry.unpack_from(raw, at - at % entry.size)
            kind = fields[1] & (0xFF if header.bits == 32 else 0xFFFFFFFF)
            if fields[0] == address and kind == _RELATIVE.get(header.machine):
                return int(fields[2]) if relocation.addend else _in_place(layout, word, address)
            at = raw.find(pattern, at + 1)
    return None


def _in_place(layout: Layout, word: Struct, address: int) -> int:
    at = layout.offset_of(address, word.size, "a relocated pointer")
    value: int = layout.view.unpack(word, at, "a relocated pointer")[0]
    return value


def _packed(word: Struct, table: memoryview, wanted: int) -> Iterator[int]:
    """Yield the addresses of a DT_RELR table up to `wanted`: an address, then bitmaps of the words behind it."""
    bits = word.size * 8 - 1
    base = 0
    for (value,) in word.iter_unpack(table):
        if not value & 1:
            if value > wanted:
                return
            yield value
            base = value + word.size
        else:
            if base <= wanted < base + bits * word.size:
                yield from (base + bit * word.size for bit in range(bits) if value >> (bit + 1) & 1)
            base += bits * word.size


def _symbol_tables(layout: Layout) -> Iterator[tuple[Section, Section]]:
    size = layout.header.layout("IIIBBH", "IBBHQQ").size
    for index, section in enumerate(layout.sections):
        if section.type == SHT_SYMTAB:
            names = layout.sections[section.link]
            what = f"section {index} ({section.name})"
            if section.entry_size != size or section.size % size:
                raise layout.view.error(
                    f"{what}: {section.size} bytes in entries of {section.entry_size}, not of {size}", section.offset
                )
            if names.type != 3:
                raise layout.view.error(f"{what} has no string table (sh_link {section.link})", section.offset)
            yield section, names


def _symbols(layout: Layout) -> Iterator[tuple[int, int, int, int, Section]]:
    """Yield (name offset, address, info, section index, names) of each symbol in .symtab."""
    entry = layout.header.layout("IIIBBH", "IBBHQQ")
    for table, names in _symbol_tables(layout):
        data = layout.view.slice(table.offset, table.size, table.name)
        if layout.header.bits == 32:
            for name, address, _, info, _, index in entry.iter_unpack(data):
                yield name, address, info, index, names
        else:
            for name, info, _, index, address, _ in entry.iter_unpack(data):
                yield name, address, info, index, names


def has_symbols(layout: Layout) -> bool:
    """
    Return whether .symtab names code or data.

    The null symbol, section symbols and file names alone are what `strip` may leave: they are no symbol table.
    """
    return any(name and info & 15 not in (_STT_SECTION, _STT_FILE) for name, _, info, _, _ in _symbols(layout))


def symbol_addresses(layout: Layout) -> Mapping[str, int]:
    """Return the defined symbols of .symtab; of two with one name, the first."""
    found: dict[str, int] = {}
    texts: dict[int, bytes] = {}
    view = layout.view
    for name, address, info, index, names in _symbols(layout):
        if not index or not name or info & 15 in (_STT_SECTION, _STT_FILE):
            continue
        text = texts.setdefault(names.offset, bytes(view.data[names.offset : names.offset + names.size]))
        end = text.find(0, name)
        if name >= len(text) or end < 0:
            raise view.error(f"a symbol's name is at 0x{name:x} of a string table of {len(text)} bytes", names.offset)
        # Names of Go symbols may hold any bytes; none that is looked for does.
        found.setdefault(text[name:end].decode("utf-8", "surrogateescape"), address)
    return found
