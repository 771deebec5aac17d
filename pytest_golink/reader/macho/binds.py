"""
The symbols that dyld binds: LC_DYLD_INFO's bind opcodes, or the import table of the chained fixups.

LIEF expands the opcodes and follows the chains, in time and memory that a stranger's counts decide. Which symbols are
bound to which library stands in the opcodes and in the import table themselves, and that is all we want.

Source: Apple's mach-o/loader.h (BIND_OPCODE_*) and mach-o/fixup-chains.h.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING

from pytest_golink.golang.cursor import Cursor
from pytest_golink.reader.bounds import NameBudget
from pytest_golink.reader.macho.commands import LC_DYLD_CHAINED_FIXUPS, LC_DYLD_INFO, LC_DYLD_INFO_ONLY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.reader.macho.commands import Command, Commands

_BIND_WEAK_IMPORT = 0x1
# BIND_OPCODE_DO_BIND, …_ADD_ADDR_ULEB, …_ADD_ADDR_IMM_SCALED, …_ULEB_TIMES_SKIPPING_ULEB.
_DO_BIND = frozenset({0x90, 0xA0, 0xB0, 0xC0})
# How many numbers follow the opcodes that have no other meaning for us: DONE (zeros also pad), SET_TYPE_IMM,
# SET_ADDEND_SLEB, SET_SEGMENT_AND_OFFSET_ULEB, ADD_ADDR_ULEB, the four above and THREADED's.
_NUMBERS = {0x00: 0, 0x50: 0, 0x60: 1, 0x70: 1, 0x80: 1, 0x90: 0, 0xA0: 1, 0xB0: 0, 0xC0: 2}
_THREADED = 0xD0
# DYLD_CHAINED_IMPORT, _ADDEND, _ADDEND64: the entry's layout, the bits of its library ordinal and those below its
# name's offset.
_CHAINED_IMPORTS = {1: ("I", 8, 9), 2: ("I4x", 8, 9), 3: ("Q8x", 16, 32)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Bind:
    """A symbol that dyld binds, from the library with this ordinal; not positive: no particular library."""

    name: str
    ordinal: int
    weak: bool


def read_binds(image: Commands) -> tuple[Bind, ...]:
    """
    Every symbol that dyld binds, in order, each as often as the image names it.

    Raises:
        UnreadableBinaryError: The opcodes or the import table are damaged.
    """
    found: list[Bind] = []
    for command in image.all(LC_DYLD_INFO, LC_DYLD_INFO_ONLY):
        fields = image.fields(command, "10I", "LC_DYLD_INFO")
        found.extend(_opcodes(image, fields[2], fields[3], "the bind information"))
        found.extend(_opcodes(image, fields[6], fields[7], "the lazy bind information"))
    for command in image.all(LC_DYLD_CHAINED_FIXUPS):
        found.extend(_chained_imports(image, command))
    return tuple(found)


def _opcodes(image: Commands, offset: int, size: int, what: str) -> Iterator[Bind]:
    view = image.view
    code = bytes(view.slice(offset, size, what))
    cursor = Cursor(code, fail=lambda reason, at: view.error(f"{what} {reason}", offset + at))
    ordinal, name, weak = 0, "", False
    names = NameBudget(view, what)
    while cursor.at < size:
        byte = cursor.byte()
        opcode, immediate = byte & 0xF0, byte & 0x0F
        if opcode == 0x10:  # SET_DYLIB_ORDINAL_IMM
            ordinal = immediate
        elif opcode == 0x20:  # SET_DYLIB_ORDINAL_ULEB
            ordinal = cursor.leb128()
        elif opcode == 0x30:  # SET_DYLIB_SPECIAL_IMM: 0 or a small negative number
            ordinal = immediate - 16 if immediate else 0
        elif opcode == 0x40:  # SET_SYMBOL_TRAILING_FLAGS_IMM
            weak = bool(immediate & _BIND_WEAK_IMPORT)
            name = view.cstring(offset + cursor.at, offset + size, f"a symbol name in {what}")
            cursor.skip(len(name.encode()) + 1)
            names.spend(name)
        else:
            numbers = _NUMBERS.get(opcode)
            if opcode == _THREADED and immediate in (0, 1):  # SET_BIND_ORDINAL_TABLE_SIZE_ULEB, APPLY
                numbers = 1 - immediate
            if numbers is None:
                raise view.error(f"{what} has the unknown opcode 0x{byte:x}", offset + cursor.at - 1)
            for _ in range(numbers):
                cursor.leb128()
        if opcode in _DO_BIND:
            yield Bind(name=name, ordinal=ordinal, weak=weak)


def _chained_imports(image: Commands, command: Command) -> Iterator[Bind]:
    what = "the chained fixups"
    view = image.view
    start, size = image.fields(command, "2I", what)
    end = start + size
    if size == 0:
        return
    fields = view.unpack(Struct(f"{image.order}7I"), start, what)
    version, _, imports, symbols, count, kind, packed = fields
    if version or packed or kind not in _CHAINED_IMPORTS:
        raise view.error(f"{what} have version {version}, import format {kind}, symbol format {packed}: unknown", start)
    layout, ordinal_bits, name_shift = _CHAINED_IMPORTS[kind]
    entry = Struct(image.order + layout)
    if imports + count * entry.size > size or symbols > size:
        raise view.error(f"the {count} imports of {what} go past their end", start)
    names = NameBudget(view, what)
    for index in range(count):
        (value,) = view.unpack(entry, start + imports + index * entry.size, f"import {index} of {what}")
        ordinal = value & ((1 << ordinal_bits) - 1)
        # 0xfd, 0xfe, 0xff (0xfffd, …) are the special ordinals -3, -2 and -1.
        if ordinal > (1 << ordinal_bits) - 16:
            ordinal -= 1 << ordinal_bits
        name = view.cstring(start + symbols + (value >> name_shift), end, f"the name of import {index} of {what}")
        names.spend(name)
        yield Bind(name=name, ordinal=ordinal, weak=bool(value >> ordinal_bits & 1))
