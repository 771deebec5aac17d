"""
The dynamic table of an ELF image, which the loader reads; golink checks every table that it points to with the file.

Source: System V gABI, chapter 5, "Dynamic Section".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_golink.facts import NeededLibrary
from pytest_golink.reader.elf.layout import PT_DYNAMIC

if TYPE_CHECKING:
    from collections.abc import Iterator
    from struct import Struct

    from pytest_golink.reader.elf.layout import Layout

DT_NULL, DT_NEEDED, DT_PLTRELSZ, DT_HASH, DT_STRTAB, DT_SYMTAB = 0, 1, 2, 4, 5, 6
DT_RELA, DT_RELASZ, DT_RELAENT, DT_STRSZ, DT_SYMENT, DT_SONAME, DT_RPATH = 7, 8, 9, 10, 11, 14, 15
DT_REL, DT_RELSZ, DT_RELENT, DT_PLTREL, DT_DEBUG, DT_JMPREL, DT_BIND_NOW = 17, 18, 19, 20, 21, 23, 24
DT_RUNPATH, DT_FLAGS, DT_RELRSZ, DT_RELR, DT_RELRENT = 29, 30, 35, 36, 37
DT_GNU_HASH, DT_VERSYM, DT_FLAGS_1 = 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFB
DT_AUXILIARY, DT_FILTER = 0x7FFFFFFD, 0x7FFFFFFF
DT_RELACOUNT, DT_RELCOUNT = 0x6FFFFFF9, 0x6FFFFFFA
DT_PLTGOT, DT_TEXTREL, DT_DEPAUDIT, DT_AUDIT = 3, 22, 0x6FFFFEFB, 0x6FFFFEFC
DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM = 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
DT_MIPS_SYMTABNO = 0x70000011
# Packed tables of LLD, which only bionic reads. Source: bionic's libc/include/elf.h.
DT_ANDROID_REL, DT_ANDROID_RELA, DT_ANDROID_RELR = 0x6000000F, 0x60000011, 0x6FFFE000
DF_TEXTREL, DF_BIND_NOW, DF_STATIC_TLS, DF_1_NOW, DF_1_PIE = 4, 8, 16, 1, 0x08000000

# The gABI's tags, with room for new ones, and the ranges left to systems and processors; nothing is defined outside.
_TAGS = ((0, 0xFF), (0x6000000D, 0x7FFFFFFF))
# Tags that a reader must find once: where a table stands twice, two loaders may take different ones.
_ONCE = {
    DT_STRTAB: "DT_STRTAB",
    DT_STRSZ: "DT_STRSZ",
    DT_SYMTAB: "DT_SYMTAB",
    DT_HASH: "DT_HASH",
    DT_GNU_HASH: "DT_GNU_HASH",
    DT_VERSYM: "DT_VERSYM",
    DT_VERNEED: "DT_VERNEED",
    DT_SONAME: "DT_SONAME",
    DT_RPATH: "DT_RPATH",
    DT_RUNPATH: "DT_RUNPATH",
}
_MAY_BE_EMPTY = (DT_RPATH, DT_RUNPATH, DT_AUDIT, DT_DEPAUDIT)
_STRINGS = {
    DT_NEEDED: "DT_NEEDED",
    DT_SONAME: "DT_SONAME",
    DT_RPATH: "DT_RPATH",
    DT_RUNPATH: "DT_RUNPATH",
    DT_AUXILIARY: "DT_AUXILIARY",
    DT_FILTER: "DT_FILTER",
    DT_AUDIT: "DT_AUDIT",
    DT_DEPAUDIT: "DT_DEPAUDIT",
}
# Loaded as DT_NEEDED is (glibc's _dl_map_object_deps).
_LIBRARIES = {DT_NEEDED: "DT_NEEDED", DT_AUXILIARY: "DT_AUXILIARY", DT_FILTER: "DT_FILTER"}
_AUDITORS = {DT_AUDIT: "DT_AUDIT", DT_DEPAUDIT: "DT_DEPAUDIT"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A range of the file that a dynamic entry points to."""

    offset: int
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Relocations:
    """A relocation table; `addend` tells RELA from REL, `relr` the packed relative form, `lazy` DT_JMPREL."""

    table: Table
    addend: bool = False
    relr: bool = False
    lazy: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Dynamic:
    """
    The dynamic table, without entries where an image has none.

    Attributes:
        layout: The image's headers.
        entries: All (tag, value) pairs before DT_NULL, in the image's order.
        ends: How many DT_NULL entries follow: more than one where the link editor left room, or where a hole is.
        text: DT_STRTAB.
    """

    layout: Layout
    entries: tuple[tuple[int, int], ...] = ()
    ends: int = 0
    text: Table | None = None

    def values(self, tag: int) -> tuple[int, ...]:
        """Return the values of every entry with this tag."""
        return tuple(value for found, value in self.entries if found == tag)

    def value(self, tag: int) -> int | None:
        """
        Return the value of the entry with this tag, None where there is none.

        Of many the last one counts (glibc's elf_get_dynamic_info, musl's decode_vec), but for DT_NEEDED and filters.
        """
        return next(reversed(self.values(tag)), None)

    def has(self, tag: int, flag: int = 0) -> bool:
        """Return whether there is an entry with this tag, and with `flag` set in it where one is given."""
        value = self.value(tag)
        return value is not None and (not flag or bool(value & flag))

    @property
    def binds_now(self) -> bool:
        """Whether the loader resolves all symbols at the start."""
        return self.has(DT_BIND_NOW) or self.has(DT_FLAGS, DF_BIND_NOW) or self.has(DT_FLAGS_1, DF_1_NOW)

    def needed(self) -> tuple[NeededLibrary, ...]:
        """
        Return everything that the loader loads with the image, in the order of the table: DT_NEEDED and filters.

        The auditors come behind: of each tag the last entry, a list with colons (glibc's audit_list_add_dynamic_tag).
        """
        found = [
            NeededLibrary(name=self.string(value, _LIBRARIES[tag]), via=_LIBRARIES[tag])
            for tag, value in self.entries
            if tag in _LIBRARIES
        ]
        for tag, name in _AUDITORS.items():
            value = self.value(tag)
            for library in self.string(value, name, required=False).split(":") if value is not None else ():
                found += [NeededLibrary(name=library, via=name)] if library else []
        return tuple(found)

    def texts(self, tag: int) -> tuple[str, ...]:
        """Return the texts of every entry with this tag: library names are not empty, search paths may be."""
        name = _STRINGS[tag]
        return tuple(self.string(value, name, required=tag not in _MAY_BE_EMPTY) for value in self.values(tag))

    def string(self, index: int, what: str, *, required: bool = True) -> str:
        """
        Return the text at an index of DT_STRTAB.

        Raises:
            UnreadableBinaryError: It is not there, has no end, or is empty where it is required.
        """
        view = self.layout.view
        if self.text is None:
            raise view.error(f"the dynamic table has {what} but no DT_STRTAB")
        start, end = self.text.offset, self.text.offset + self.text.size
        if index >= self.text.size:
            raise view.error(f"{what} is at 0x{index:x} of a DT_STRTAB of {self.text.size} bytes", start)
        text = view.cstring(start + index, end, what)
        if required and not text:
            raise view.error(f"{what} is empty", start + index)
        return text

    def table(self, address: int, size: int, what: str) -> Table:
        """Return where the file holds the `size` bytes at an address."""
        return Table(offset=self.layout.offset_of(address, size, what), size=size)

    def record(self, record: Struct, address: int, what: str) -> tuple[int, ...]:
        """Return the fields of a structure at an address."""
        return self.layout.view.unpack(record, self.layout.offset_of(address, record.size, what), what)

    def relocations(self) -> Iterator[Relocations]:
        """
        Yield the relocation tables.

        Raises:
            UnreadableBinaryError: One is not in the file whole, or its entries have not the size they must have.
        """
        header, error = self.layout.header, self.layout.view.error
        rel, rela, word = (
            header.layout(narrow, wide).size for narrow, wide in (("II", "QQ"), ("III", "QQQ"), ("I", "Q"))
        )
        for tag, size_tag, entry_tag, entry_size, name in (
            (DT_RELA, DT_RELASZ, DT_RELAENT, rela, "DT_RELA"),
            (DT_REL, DT_RELSZ, DT_RELENT, rel, "DT_REL"),
            (DT_RELR, DT_RELRSZ, DT_RELRENT, word, "DT_RELR"),
        ):
            address, size, entry = self.value(tag), self.value(size_tag), self.value(entry_tag)
            if address is None or not size:
                continue
            if entry != entry_size or size % entry_size:
                raise error(f"{name}: {size} bytes in entries of {entry}, not of {entry_size}")
            yield Relocations(table=self.table(address, size, name), addend=tag == DT_RELA, relr=tag == DT_RELR)
        address, size, kind = self.value(DT_JMPREL), self.value(DT_PLTRELSZ), self.value(DT_PLTREL)
        if address is not None and size:
            if kind not in (DT_REL, DT_RELA):
                raise error(f"DT_PLTREL is {kind}, neither DT_REL nor DT_RELA")
            if size % (rela if kind == DT_RELA else rel):
                raise error(f"DT_JMPREL: {size} bytes are no whole number of entries")
            yield Relocations(table=self.table(address, size, "DT_JMPREL"), addend=kind == DT_RELA, lazy=True)


def read_dynamic(layout: Layout) -> Dynamic:
    """
    Read and check what PT_DYNAMIC says; a value without entries where there is none.

    Raises:
        UnreadableBinaryError: An entry, a string or a relocation table is damaged or not in the file.
    """
    segment = layout.one(PT_DYNAMIC)
    if segment is None:
        return Dynamic(layout=layout)
    view = layout.view
    if not segment.file_size:
        raise view.error("PT_DYNAMIC has no bytes in the file (a file of debug information?)", segment.offset)
    if layout.offset_of(segment.address, segment.file_size, "PT_DYNAMIC") != segment.offset:
        raise view.error(f"PT_DYNAMIC is not what its address 0x{segment.address:x} maps", segment.offset)
    entries, ends = _entries(layout, segment.offset, segment.file_size)
    dynamic = Dynamic(layout=layout, entries=entries, ends=ends)
    for tag, name in _ONCE.items():
        if len(dynamic.values(tag)) > 1:
            raise view.error(f"the dynamic table has {len(dynamic.values(tag))} {name} entries", segment.offset)
    address, size = dynamic.value(DT_STRTAB), dynamic.value(DT_STRSZ)
    if address is not None:
        if not size:
            raise view.error("the dynamic table has DT_STRTAB but no DT_STRSZ", segment.offset)
        text = dynamic.table(address, size, "DT_STRTAB")
        dynamic = replace(dynamic, text=text)
    for tag in _STRINGS:
        dynamic.texts(tag)
    _check_mandatory(dynamic, segment.offset)
    for _ in dynamic.relocations():
        pass
    return dynamic


def _check_mandatory(dynamic: Dynamic, offset: int) -> None:
    """
    Hold the table against what the gABI asks of each (figure 5-10).

    A file with a hole in it, such as a download that was not finished, has zeros there: DT_NULL, the table's end.
    """
    for tag, name in ((DT_STRTAB, "DT_STRTAB"), (DT_SYMTAB, "DT_SYMTAB")):
        if not dynamic.has(tag):
            count = len(dynamic.entries)
            raise dynamic.layout.view.error(f"the dynamic table of {count} entries has no {name}", offset)


def _entries(layout: Layout, offset: int, size: int) -> tuple[tuple[tuple[int, int], ...], int]:
    """Return the entries before DT_NULL, and how many of those there are."""
    entry = layout.header.layout("II", "QQ")
    whole = size - size % entry.size
    found = list(entry.iter_unpack(layout.view.slice(offset, whole, "PT_DYNAMIC")))
    count = next((index for index, (tag, _) in enumerate(found) if tag == DT_NULL), len(found))
    if count == len(found):
        raise layout.view.error("the dynamic table has no DT_NULL at its end", offset)
    # A loader stops at the first DT_NULL; the rest is room that link editors leave, of the same.
    if any(tag != DT_NULL for tag, _ in found[count:]):
        raise layout.view.error(f"the dynamic table goes on behind its DT_NULL, entry {count}", offset)
    for index, (tag, _) in enumerate(found[:count]):
        if not any(first <= tag <= last for first, last in _TAGS):
            raise layout.view.error(f"entry {index} of the dynamic table has the tag 0x{tag:x}", offset)
    return tuple((tag, value) for tag, value in found[:count]), len(found) - count
