"""
The symbol table of a Mach-O image: what is undefined, and whether more is left than the loader needs.

Source: Apple's mach-o/nlist.h.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING

from pytest_golink.reader.bounds import NameBudget
from pytest_golink.reader.macho.commands import LC_DYSYMTAB, LC_SYMTAB, MH_OBJECT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.reader.macho.commands import Commands

# n_type: N_STAB, N_PEXT, N_TYPE, N_EXT. Undefined: N_UNDF (0) or prebound N_PBUD (0xc), external, no stab.
_UNDEFINED = re.compile(rb"[\x01\x0d\x11\x1d]")
# What `strip` and `go build -ldflags=-s` (internal link, or `ld -x` and `strip -x`: cmd/link/internal/ld/lib.go)
# take away: stabs, and defined symbols without N_EXT. Exported ones stay, as they do in ELF's dynamic symbol table.
_LOCAL = re.compile(rb"[\x20-\xff\x02\x04\x06\x08\x0a\x0c\x0e\x12\x14\x16\x18\x1a\x1c\x1e]")
_DEFINED = re.compile(rb"[\x02-\x0b\x0e\x0f\x12-\x1b\x1e\x1f]")
# External, neither undefined nor private to the image.
_EXPORTED = re.compile(rb"[\x03\x05\x07\x09\x0b\x0f]")
_N_WEAK_REF = 0x40


@dataclass(frozen=True, kw_only=True, slots=True)
class Undefined:
    """A symbol that another image must define; `ordinal` is the library's in a two-level namespace."""

    name: str
    ordinal: int
    weak: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SymbolTable:
    """LC_SYMTAB's table: the types of all entries, and where their fields and names are."""

    image: Commands
    types: bytes
    offset: int
    strings: int
    strings_end: int

    @property
    def entry(self) -> Struct:
        """An entry's layout: n_strx, n_type, n_sect, n_desc, n_value."""
        return Struct(f"{self.image.order}I2BHQ" if self.image.wide else f"{self.image.order}I2BHI")

    @property
    def size(self) -> int:
        """The bytes of the entries and of their names."""
        return len(self.types) * self.entry.size + self.strings_end - self.strings

    @property
    def unneeded(self) -> bool:
        """Whether there are symbols that the loader does without: any defined one in an object, else local ones."""
        pattern = _DEFINED if self.image.file_type == MH_OBJECT else _LOCAL
        return pattern.search(self.types) is not None

    def undefined(self) -> tuple[Undefined, ...]:
        """Return the undefined symbols, in the table's order."""
        found, names = [], NameBudget(self.image.view, "the symbol table")
        for match in _UNDEFINED.finditer(self.types):
            offset = self.offset + match.start() * self.entry.size
            what = f"symbol {match.start()}"
            start, _, _, description, _ = self.image.view.unpack(self.entry, offset, what)
            name = self.image.view.cstring(self.strings + start, self.strings_end, f"the name of {what}")
            names.spend(name)
            found.append(Undefined(name=name, ordinal=description >> 8, weak=bool(description & _N_WEAK_REF)))
        return tuple(found)

    def exported(self) -> tuple[str, ...]:
        """Return the names of the defined symbols that other images may use, without their leading underscore."""
        found, names = [], NameBudget(self.image.view, "the symbol table")
        for match in _EXPORTED.finditer(self.types):
            what = f"symbol {match.start()}"
            start, *_ = self.image.view.unpack(self.entry, self.offset + match.start() * self.entry.size, what)
            name = self.image.view.cstring(self.strings + start, self.strings_end, f"the name of {what}")
            names.spend(name)
            found.append(name.removeprefix("_"))
        return tuple(found)

    def defined(self) -> Mapping[str, int]:
        """Return the defined symbols' names, without their leading underscore, and addresses."""
        found: dict[str, int] = {}
        names = NameBudget(self.image.view, "the symbol table")
        strings = bytes(self.image.view.data[self.strings : self.strings_end])
        for match in _DEFINED.finditer(self.types):
            offset = self.offset + match.start() * self.entry.size
            start, *_, value = self.image.view.unpack(self.entry, offset, f"symbol {match.start()}")
            # Names of Go symbols may hold any bytes; none that is looked for does.
            name = strings[start : max(strings.find(b"\0", start), start)].decode("utf-8", "surrogateescape")
            names.spend(name)
            found.setdefault(name.removeprefix("_"), value)
        return found


def read_symbols(image: Commands) -> SymbolTable | None:
    """
    Return the symbol table, None where there is none.

    Raises:
        UnreadableBinaryError: LC_DYSYMTAB counts other symbols than the table has.
    """
    command = image.first(LC_SYMTAB)
    if command is None:
        return None
    offset, count, strings, size = image.fields(command, "4I", "LC_SYMTAB")
    stride = 16 if image.wide else 12
    table = SymbolTable(
        image=image,
        types=bytes(image.view.data[offset + 4 : offset + count * stride : stride]),
        offset=offset,
        strings=strings,
        strings_end=strings + size,
    )
    # Each symbol has a type, or a name. Zeros are a hole in the file, such as a download that was not finished leaves.
    if (
        count
        and not table.types.strip(b"\0")
        and not bytes(image.view.data[offset : offset + count * stride]).strip(b"\0")
    ):
        raise image.view.error(f"the symbol table holds {count * stride} zeros instead of {count} symbols", offset)
    groups = image.first(LC_DYSYMTAB)
    if groups is not None:
        _, local, _, external, _, undefined, *_ = image.fields(groups, "18I", "LC_DYSYMTAB")
        found = sum(1 for _ in _UNDEFINED.finditer(table.types))
        if local + external + undefined != count or undefined != found:
            raise image.view.error(
                f"LC_DYSYMTAB counts {local} local, {external} external and {undefined} undefined symbols; "
                f"the symbol table has {count}, of them {found} undefined",
                groups.offset,
            )
    return table
