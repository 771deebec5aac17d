"""
COFF objects: what a compiler writes for Windows, with 16-bit or 32-bit (/bigobj) section numbers, and the short form in
import libraries.

Source: Microsoft's PE Format specification; winnt.h for ANON_OBJECT_HEADER_BIGOBJ.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from struct import Struct
from typing import TYPE_CHECKING

from pytest_golink.facts import ImportedSymbol, Target
from pytest_golink.golang.image import MappedImage, Region
from pytest_golink.reader.bounds import View
from pytest_golink.reader.coff.tables import (
    DWARF_SECTIONS,
    GOARCH,
    read_section_name,
    read_string_table,
    read_symbols,
)
from pytest_golink.reader.go_facts import read_go_facts
from pytest_golink.reader.unlinked import unlinked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.facts import BinaryFacts

_FILE_HEADER = Struct("<2H3I2H")
# Signatures 0 and 0xffff, version, machine, time stamp, class; sizes and flags; sections, symbol table, symbols.
_BIGOBJ_HEADER = Struct("<4HI16s16x3I")
_BIGOBJ_CLASS = uuid.UUID("d1baa1c7-baee-4ba9-af20-faf66aa4dcb8").bytes_le
_IMPORT_HEADER = Struct("<4H2I2H")
_SECTION = Struct("<8s6I2HI")
_RELOCATION_BYTES, _LINE_NUMBER_BYTES = 10, 6
_SCN_CNT_UNINITIALIZED_DATA, _SCN_LNK_NRELOC_OVFL = 0x80, 0x01000000
_SCN_MEM_EXECUTE, _SCN_MEM_WRITE = 0x20000000, 0x80000000
# Import types of the short form.
_IMPORT_ORDINAL = 0


def read_coff(path: str, data: memoryview) -> BinaryFacts:
    """
    Read the facts of one COFF object.

    An object needs no library, and its undefined symbols are the linker's business: they are no imports. A member of
    an import library is the exception: it names one symbol and the DLL that has it.

    Raises:
        UnreadableBinaryError: The file is damaged, or an object that only its own compiler can read.
    """
    view = View(data, path=path, format="coff")
    machine, sections, version = view.unpack(Struct("<3H"), 0, "the COFF file header")
    if (machine, sections) != (0, 0xFFFF):
        machine, count, _, symbols, symbol_count, optional, _ = view.unpack(_FILE_HEADER, 0, "the COFF file header")
        return _object(view, machine, count, _FILE_HEADER.size + optional, symbols, symbol_count, wide=False)
    if version == 0:
        return _import_member(view)
    fields = view.unpack(_BIGOBJ_HEADER, 0, "the header of an anonymous object")
    *_, machine, _, kind, count, symbols, symbol_count = fields
    if kind != _BIGOBJ_CLASS:
        raise view.error("is an object for link-time code generation: only its own compiler can read it", 0)
    return _object(view, machine, count, _BIGOBJ_HEADER.size, symbols, symbol_count, wide=True)


def _object(
    view: View, machine: int, count: int, table: int, symbols: int, symbol_count: int, *, wide: bool
) -> BinaryFacts:
    strings = read_string_table(view, symbols, symbol_count, 20 if wide else 18)
    sections = tuple(_sections(view, table, count, strings))
    target = _target(view, machine)
    go = read_go_facts(
        MappedImage(
            path=view.path,
            format="coff",
            pointer_size=4 if target.goarch in ("386", "arm") else 8,
            byteorder="little",
            entry=None,
            segments=sections,
            sections=sections,
            relocated=lambda _: None,
            symbols=lambda: read_symbols(
                view, symbols, symbol_count if symbols else 0, [section.address for section in sections], wide=wide
            ),
        ),
        imports=(),
    )
    return replace(
        unlinked(view, format="coff", kind="object", target=target),
        cgo=go.cgo,
        resolver=go.resolver,
        symtab=bool(symbols and symbol_count),
        dwarf=any(section.name in DWARF_SECTIONS and len(section.data) > 0 for section in sections),
        go=go.build,
        content=go.content,
    )


def _sections(view: View, table: int, count: int, strings: memoryview | None) -> Iterator[Region]:
    for index in range(count):
        header = table + index * _SECTION.size
        fields = view.unpack(_SECTION, header, f"section header {index}")
        raw, _, address, size, offset, relocations, lines, relocation_count, line_count, flags = fields
        name = read_section_name(view, raw, strings, header)
        if flags & _SCN_LNK_NRELOC_OVFL and relocation_count == 0xFFFF:
            # The count did not fit: it stands in the first relocation.
            (relocation_count,) = view.unpack(Struct("<I"), relocations, f'the relocations of section "{name}"')
        view.check(relocations, relocation_count * _RELOCATION_BYTES, f'the relocations of section "{name}"')
        view.check(lines, line_count * _LINE_NUMBER_BYTES, f'the line numbers of section "{name}"')
        empty = flags & _SCN_CNT_UNINITIALIZED_DATA or not offset
        yield Region(
            name=name,
            address=address,
            offset=offset,
            data=view.data[:0] if empty else view.slice(offset, size, f'section "{name}"'),
            writable=bool(flags & _SCN_MEM_WRITE),
            executable=bool(flags & _SCN_MEM_EXECUTE),
        )


def _target(view: View, machine: int) -> Target:
    if machine not in GOARCH:
        raise view.error(f"is for the unknown machine 0x{machine:x}", 0)
    return Target(goos="windows", goarch=GOARCH[machine])


def _import_member(view: View) -> BinaryFacts:
    _, _, _, machine, _, size, ordinal, flags = view.unpack(_IMPORT_HEADER, 0, "the header of an import library member")
    view.check(_IMPORT_HEADER.size, size, "the names of an import library member")
    end = _IMPORT_HEADER.size + size
    name = view.cstring(_IMPORT_HEADER.size, end, "the symbol of an import library member")
    library = view.cstring(_IMPORT_HEADER.size + len(name.encode()) + 1, end, "the DLL of an import library member")
    # Type in two bits, then how the name is made of the symbol in three.
    if flags >> 2 & 7 == _IMPORT_ORDINAL:
        name = f"#{ordinal}"
    imports = (ImportedSymbol(name=name, library=library),)
    return unlinked(view, format="coff", kind="object", target=_target(view, machine), imports=imports)
