"""
The pclntab: the table of Go's functions and source files, which stays in every image, stripped or not.

golink finds it by its section, or else by its header, which counts only if all its fields fit. Layouts: Go 1.2 to
1.15, 1.16 and 1.17, 1.18 and 1.19, from 1.20 on.

Source: Go's src/internal/abi/symtab.go, src/runtime/symtab.go, src/debug/gosym/pclntab.go and
src/cmd/link/internal/ld/pcln.go of the versions named.
"""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_golink.golang.functions import Functions
from pytest_golink.golang.memory import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_golink.golang.memory import Memory

Layout = Literal["1.2", "1.16", "1.18", "1.20"]

_LAYOUTS: dict[int, Layout] = {0xFFFFFFFB: "1.2", 0xFFFFFFFA: "1.16", 0xFFFFFFF0: "1.18", 0xFFFFFFF1: "1.20"}
# After the magic: two zeros, the size of the smallest instruction, the size of a pointer.
_PREFIX_SIZE = 8
_QUANTA = (1, 2, 4)

# Up to Go 1.25 internally linked PIEs have .data.rel.ro.gopclntab, and externally linked ones no section for it.
_SECTIONS = (
    ".gopclntab",
    ".data.rel.ro.gopclntab",
    "__TEXT,__gopclntab",
    "__DATA_CONST,__gopclntab",
    "__DATA,__gopclntab",
)


# The header's words after the prefix, by name; "textStart" has been 0 since Go 1.26.
_WORDS: dict[Layout, tuple[str, ...]] = {
    "1.2": ("nfunc",),
    "1.16": ("nfunc", "nfiles", "funcnametab", "cutab", "filetab", "pctab", "functab"),
    "1.18": ("nfunc", "nfiles", "textStart", "funcnametab", "cutab", "filetab", "pctab", "functab"),
    "1.20": ("nfunc", "nfiles", "textStart", "funcnametab", "cutab", "filetab", "pctab", "functab"),
}
_TABLES = frozenset({"funcnametab", "cutab", "filetab", "pctab", "functab"})

# Bounds the scan of a file made to be slow. Real images have one pclntab, and one more for each Go image inside.
_MAX_TRIED = 100_000
_MAX_FOUND = 64
_MAX_NAME = 4096


class BadPclntab(Exception):  # noqa: N818 - carried to the place that knows whether it is an error
    """The bytes at a place are not a pclntab, or a damaged one."""

    def __init__(self, place: Place, at: int, what: str, *, garbled: bool = False) -> None:
        super().__init__(what)
        self.offset = place.offset + at
        # Another magic number: garble writes its own, and changes the runtime to accept it.
        self.garbled = garbled


@dataclass(frozen=True, kw_only=True, slots=True)
class Pclntab:
    """
    One pclntab with a checked header; its names are read only when needed.

    Attributes:
        place: Where it starts. Its end is not recorded: other data may follow.
        layout: The first Go version that wrote this layout.
        count: How many functions the function table has.
        named: Whether golink found it by the name of its section.
        text_start_at: Where the header's textStart is. None up to Go 1.17, whose function tables hold addresses;
            since then they hold offsets from the start of Go's text.
    """

    place: Place
    layout: Layout
    count: int
    named: bool
    text_start_at: int | None
    _words: dict[str, int]
    _functab: int
    _entry: struct.Struct
    _order: str

    def entry_at(self, index: int) -> int:
        """Return where the table holds a function's entry point, or with `index` = `count` the end of the text."""
        return self._functab + 2 * index * self._entry.size

    def entry(self, index: int) -> int:
        """Return a function's entry point as the file has it: 0 for an address in a PIE that the loader relocates."""
        return int(self._entry.unpack_from(self.place.data, self.entry_at(index))[0])

    def entries(self) -> tuple[int, ...]:
        """Return the entry points of all functions as the file has them, then the end of the text."""
        kind = self._entry.format[-1]
        count = 2 * self.count + 1
        return struct.unpack_from(f"{self._order}{count}{kind}", self.place.data, self._functab)[::2]

    def name(self, index: int) -> str:
        """Return the name of a function."""
        _, name = self._function(index)
        start = self._words.get("funcnametab", 0) + name
        end = start + _longest(self.place.data[start : start + _MAX_NAME])
        return bytes(self.place.data[start:end]).decode(errors="backslashreplace")

    def names_in_order(self) -> list[str]:
        """Return the names of the function table in its order, without inlined functions; slow on large images."""
        data, kind = bytes(self.place.data), self._entry.format[-1]
        offsets = struct.unpack_from(f"{self._order}{2 * self.count}{kind}", data, self._functab)[1::2]
        base = 0 if self.layout == "1.2" else self._functab
        names = self._words.get("funcnametab", 0)
        name_of = struct.Struct(f"{self._order}{self._entry.size}xi").unpack_from
        found = []
        try:
            for offset in offsets:
                start = names + name_of(data, base + offset)[0]
                end = data.find(b"\0", start, start + _MAX_NAME)
                found.append(data[start : end if end >= 0 else start + _MAX_NAME].decode(errors="backslashreplace"))
        except struct.error as error:
            raise BadPclntab(self.place, self._functab, f"a function lies outside: {error}") from error
        return found

    def read_functions(self) -> Functions:
        """Return the names of the functions, since Go 1.16 those of inlined ones too."""
        if self.layout != "1.2":
            return Functions(self._block("funcnametab", "cutab"))
        # Names stand between other data, and each function has the offset of its own.
        kind = self._entry.format[-1]
        table = struct.unpack_from(f"{self._order}{2 * self.count}{kind}", self.place.data, self._functab)
        name_of = struct.Struct(f"{self._order}{self._entry.size}xI")
        try:
            return Functions(self._strings([name_of.unpack_from(self.place.data, at)[0] for at in table[1::2]]))
        except struct.error as error:
            raise BadPclntab(self.place, self._functab, f"a function lies outside: {error}") from error

    def read_files(self) -> bytes:
        """Return the paths of the source files, with a NUL after each."""
        if self.layout != "1.2":
            return self._block("filetab", "pctab")
        at = self.entry_at(self.count) + self._entry.size
        try:
            (table,) = struct.unpack_from(self._order + "I", self.place.data, at)
            (count,) = struct.unpack_from(self._order + "I", self.place.data, table)
            # The first entry is the count itself.
            return self._strings(struct.unpack_from(f"{self._order}{count}I", self.place.data, table)[1:])
        except struct.error as error:
            raise BadPclntab(self.place, at, f"the file table lies outside: {error}") from error

    def check(self) -> None:
        """
        Check that the tables fit each other and the bytes of the region.

        Raises:
            BadPclntab: Something does not fit.
        """
        needed, there = (2 * self.count + 1) * self._entry.size, len(self.place.data) - self._functab
        if not self.count or needed > there:
            what = f"a function table of {self.count} functions ({needed} bytes) does not fit into {there} bytes"
            raise BadPclntab(self.place, _PREFIX_SIZE, what)
        for start, end in () if self.layout == "1.2" else (("funcnametab", "cutab"), ("filetab", "pctab")):
            if self._words[start] == self._words[end] or self.place.data[self._words[end] - 1]:
                raise BadPclntab(self.place, self._words[end], f"{start} does not end with a NUL")
        for index in (0, self.count - 1):
            entry, _ = self._function(index)
            if entry != self.entry(index):
                raise BadPclntab(
                    self.place,
                    self.entry_at(index),
                    f"function {index} starts at {entry:#x}, by the function table at {self.entry(index):#x}",
                )

    def _function(self, index: int) -> tuple[int, int]:
        """Return the first two fields of a function: its entry point, and the offset of its name."""
        (at,) = self._entry.unpack_from(self.place.data, self.entry_at(index) + self._entry.size)
        # The offset counts from the function table, up to Go 1.15 from the start of the pclntab.
        at += 0 if self.layout == "1.2" else self._functab
        if at + self._entry.size + 4 > len(self.place.data):
            raise BadPclntab(self.place, self.entry_at(index), f"function {index} at {at:#x} lies outside")
        entry, name = struct.unpack_from(f"{self._entry.format}I", self.place.data, at)
        return entry, name

    def _block(self, start: str, end: str) -> bytes:
        return bytes(self.place.data[self._words[start] : self._words[end]])

    def _strings(self, offsets: Sequence[int]) -> bytes:
        """Return the NUL-terminated strings at these offsets, one after the other."""
        block = bytes(self.place.data)
        strings, size = [], 0
        for start in dict.fromkeys(offsets):
            end = block.find(b"\0", start) + 1
            size += end - start
            # Strings that overlap would make gigabytes of a small file.
            if not end or size > len(block):
                raise BadPclntab(self.place, min(start, len(block)), "a string has no end, or strings overlap")
            strings.append(block[start:end])
        return b"".join(strings)


def read_pclntabs(memory: Memory) -> Iterator[Pclntab]:
    """
    Yield the candidates for an image's pclntab: first the section named for it, then everything that a scan finds.

    A section's name is only a hint: no loader reads it, and llvm-strip gives Go's sections wrong names.

    Raises:
        UnreadableBinaryError: There is such a section, its pclntab is damaged, and a scan finds no other; or a
            scan finds hundreds.
    """
    damage: BadPclntab | None = None
    found: set[int] = set()
    for place in memory.sections(*_SECTIONS):
        try:
            yield _parse(memory, place, named=True)
            found.add(place.offset)
        except BadPclntab as bad:
            damage = bad
        break
    for pclntab in _scan(memory):
        if pclntab.place.offset not in found:
            found.add(pclntab.place.offset)
            yield pclntab
    if damage is not None and not found and not damage.garbled:
        raise memory.damaged(damage.offset, f"pclntab: {damage}") from damage


def _scan(memory: Memory) -> Iterator[Pclntab]:
    header = _header(memory)
    tried = found = 0
    for region in memory.regions:
        for match in header.finditer(region.data):
            at = match.start("size") - _PREFIX_SIZE + 1
            tried += 1
            if at < 0:
                continue
            place = Place(address=region.address + at, offset=region.offset + at, data=region.data[at:])
            # Only a pclntab passes the checks: code that searches for one holds the bytes of its header too.
            with suppress(BadPclntab):
                pclntab = _parse(memory, place, named=False)
                found += 1
                yield pclntab
            if tried > _MAX_TRIED or found > _MAX_FOUND:
                raise memory.damaged(place.offset, "too many places look like a pclntab")


def _header(memory: Memory) -> re.Pattern[bytes]:
    # Literal bytes first, which makes `re` fast on 100 MB. In a little-endian image the magic's lowest byte, which
    # distinguishes the layouts, stands before them.
    magic = b"\xff\xff\xff" + (b"[\xf0\xf1\xfa\xfb]" if memory.order == ">" else b"")
    return re.compile(magic + b"\0\0[\x01\x02\x04](?P<size>" + bytes([memory.image.pointer_size]) + b")")


def _parse(memory: Memory, place: Place, *, named: bool) -> Pclntab:
    data, order = place.data, memory.order
    if len(data) < _PREFIX_SIZE:
        raise BadPclntab(place, 0, f"the header needs {_PREFIX_SIZE} bytes, {len(data)} are there")
    magic, zeros, quantum, size = struct.unpack_from(order + "IHBB", data)
    layout = _LAYOUTS.get(magic)
    if layout is None or zeros:
        what = f"{bytes(data[:6]).hex(' ')} is no magic number"
        raise BadPclntab(place, 0, what, garbled=bool(magic) and layout is None and not zeros)
    if quantum not in _QUANTA or size != memory.image.pointer_size:
        what = f"an instruction size of {quantum} or a pointer size of {size} does not fit the image"
        raise BadPclntab(place, 6, what)
    names = _WORDS[layout]
    words_end = _PREFIX_SIZE + len(names) * size
    if len(data) < words_end:
        raise BadPclntab(place, 0, f"the header needs {words_end} bytes, {len(data)} are there")
    pointer = "Q" if size == 8 else "I"
    words = dict(zip(names, struct.unpack_from(f"{order}{len(names)}{pointer}", data, _PREFIX_SIZE), strict=True))
    _check_order(place, words, words_end)
    pclntab = Pclntab(
        place=place,
        layout=layout,
        count=words["nfunc"],
        named=named,
        text_start_at=_PREFIX_SIZE + names.index("textStart") * size if "textStart" in words else None,
        _words=words,
        _functab=words.get("functab", words_end),
        _entry=struct.Struct(order + ("I" if "textStart" in words else pointer)),
        _order=order,
    )
    pclntab.check()
    return pclntab


def _check_order(place: Place, words: dict[str, int], words_end: int) -> None:
    """Check the order of the header's offsets: the tables follow the header in a fixed order."""
    before, before_name = words_end, "header"
    for index, (name, at) in enumerate(words.items()):
        if name not in _TABLES:
            continue
        if not before <= at <= len(place.data):
            what = f"{name} at {at:#x} is not between {before_name} at {before:#x} and the end at {len(place.data):#x}"
            raise BadPclntab(place, _PREFIX_SIZE + index * (words_end - _PREFIX_SIZE) // len(words), what)
        before, before_name = at, name


def _longest(data: memoryview) -> int:
    """Return how many bytes stand before the first NUL."""
    return len(bytes(data).partition(b"\0")[0])
