"""
The paths in an image's DWARF: DW_AT_comp_dir and DW_AT_name of each unit, and the directories of the line tables.

golink reads only the first entry of each unit and the header of each line table; it inflates the sections as a stream,
so that 100 MB of debug data need no memory.

Source: DWARF 5, chapters 6.2.4 (line table header), 7.5 (units) and 7.5.6 (forms), and the same of DWARF 2 to 4;
System V gABI, "Compressed section"; binutils' .zdebug_ sections.
"""

from __future__ import annotations

import re
import struct
import sys
import zlib
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Literal

from pytest_golink.golang.cursor import Cursor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_AT_NAME, _AT_COMP_DIR = 0x03, 0x1B
_LNCT_PATH, _LNCT_DIRECTORY = 1, 2
_TYPE_UNITS, _WITH_DWO_ID = (2, 6), (4, 5)
# The sizes of forms with a fixed size; "A" is an address, "O" an offset into a section.
_FIXED = {0x0B: 1, 0x05: 2, 0x06: 4, 0x07: 8, 0x1E: 16, 0x0C: 1, 0x11: 1, 0x12: 2, 0x13: 4, 0x14: 8, 0x20: 8, 0x19: 0}
_FIXED |= {0x25: 1, 0x26: 2, 0x27: 3, 0x28: 4, 0x29: 1, 0x2A: 2, 0x2B: 3, 0x2C: 4, 0x21: 0, 0x1C: 4, 0x24: 8}
_LEB = frozenset({0x0D, 0x0F, 0x15, 0x1A, 0x1B, 0x22, 0x23})
_OFFSETS = frozenset({0x17, 0x1D, 0x1F20, 0x1F21})
_ADDR, _STRING, _STRP, _LINE_STRP, _IMPLICIT_CONST, _STRX = 0x01, 0x08, 0x0E, 0x1F, 0x21, 0x1A
_BLOCKS = {0x0A: 1, 0x03: 2, 0x04: 4}
_LEB_BLOCKS = frozenset({0x09, 0x18})
_REF_ADDR = 0x10

_CHUNK = 1 << 20
# Names of units are short: no compiler writes a longer first entry, in bytes.
_FIRST_ENTRY_BYTES = 16_384
_MOST_HEADER_BYTES = 64 << 20
_MOST_STRINGS_BYTES = 1 << 28
_LONGEST_PATH = 4096
_MOST_UNITS = 1_000_000
_MOST_PATHS = 20_000
_MOST_ABBREVIATIONS = 1_000_000


class _Unread(Exception):  # noqa: N818 - the answer is then "cannot be told"
    """The DWARF is damaged, or compressed by an unknown method."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DebugSection:
    """One debug section as the file has it; `compressed` means that an Elf_Chdr stands before its bytes."""

    name: str
    data: memoryview
    compressed: bool = False


def dwarf_paths(
    sections: Iterable[DebugSection], *, byteorder: Literal["little", "big"], wide: bool
) -> frozenset[str] | None:
    """
    Return the names and folders of compilation units, and the folders of their line tables.

    Args:
        sections: All sections of the image; their names show which are debug sections.
        byteorder: The byte order of the image.
        wide: Whether it is a 64-bit image: the width of an Elf_Chdr.

    Returns:
        None for DWARF that cannot be read (damaged, or compressed by another method): it may hold any path.
    """
    named = {_plain_name(section.name): section for section in sections if "debug_" in section.name and section.data}
    if not named:
        return frozenset()
    try:
        return frozenset(_Dwarf(named, byteorder, wide=wide).paths())
    except (_Unread, struct.error, zlib.error, IndexError, UnicodeDecodeError):
        return None


def _plain_name(name: str) -> str:
    # ".debug_info", ".zdebug_info", "__DWARF,__debug_info", "__DWARF,__zdebug_info"; Mach-O cuts "__debug_line_str" at
    # sixteen characters.
    plain = re.sub(r"^.*?z?debug_", "", name)
    return "line_str" if plain.startswith("line_") else plain


class _Stream:
    """Reads a section from its start, and inflates a compressed one."""

    def __init__(self, section: DebugSection, byteorder: Literal["little", "big"], *, wide: bool) -> None:
        data = section.data
        if section.compressed:
            header = Struct(("<" if byteorder == "little" else ">") + ("IIQQ" if wide else "III"))
            unpack = _UNPACKERS.get(header.unpack_from(data)[0])
            if unpack is None:
                raise _Unread
            self._chunks = unpack(data[header.size :])
        elif bytes(data[:4]) == b"ZLIB":
            self._chunks = _inflated(data[12:])
        else:
            self._chunks = _plain(data)
        self._ready = b""
        self._at = 0

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer at the end."""
        parts = []
        while size > 0 and (self._at < len(self._ready) or self._fill()):
            part = self._ready[self._at : self._at + size]
            self._at += len(part)
            size -= len(part)
            parts.append(part)
        return b"".join(parts)

    def skip(self, size: int) -> None:
        """Skip `size` bytes, which must be there."""
        while size > 0:
            if self._at >= len(self._ready) and not self._fill():
                raise _Unread
            passed = min(size, len(self._ready) - self._at)
            self._at += passed
            size -= passed

    def _fill(self) -> bool:
        self._ready, self._at = next(self._chunks, b""), 0
        return bool(self._ready)


def _plain(data: memoryview) -> Iterator[bytes]:
    for at in range(0, len(data), _CHUNK):
        yield bytes(data[at : at + _CHUNK])


def _inflated(data: memoryview) -> Iterator[bytes]:
    inflate, chunks = zlib.decompressobj(), _plain(data)
    while not inflate.eof:
        rest = inflate.unconsumed_tail or next(chunks, b"")
        more = inflate.decompress(rest, _CHUNK)
        if more:
            yield more
        elif not rest:
            # No input and no output are left, but the end was not reached: the data was cut off.
            raise _Unread


def _from_zstd(data: memoryview) -> Iterator[bytes]:
    # Imported at first use: few images need it.
    if sys.version_info >= (3, 14):  # pragma: no cover - one of the two is the run's
        from compression.zstd import ZstdDecompressor, ZstdError
    else:
        from backports.zstd import ZstdDecompressor, ZstdError
    unpack, chunks = ZstdDecompressor(), _plain(data)
    try:
        while not unpack.eof:
            rest = next(chunks, b"") if unpack.needs_input else b""
            more = unpack.decompress(rest, _CHUNK)
            if more:
                yield more
            elif not rest:
                raise _Unread
    except ZstdError as error:
        raise _Unread from error


# ELFCOMPRESS_ZLIB and ELFCOMPRESS_ZSTD.
_UNPACKERS: Mapping[int, Callable[[memoryview], Iterator[bytes]]] = {1: _inflated, 2: _from_zstd}


class _Cursor(Cursor):
    """Reads fields of DWARF; a field that does not fit makes the whole DWARF unknown."""

    def __init__(self, data: bytes, byteorder: Literal["little", "big"]) -> None:
        super().__init__(data, byteorder=byteorder, fail=lambda _reason, _at: _Unread())

    def string(self) -> bytes:
        return self.text(_LONGEST_PATH)


class _Dwarf:
    def __init__(self, sections: Mapping[str, DebugSection], order: Literal["little", "big"], *, wide: bool) -> None:
        self._sections = sections
        self._order = order
        self._wide = wide
        self._strings: dict[str, bytes] = {}
        self._abbreviations = 0
        self._abbrevs: dict[int, dict[int, list[tuple[int, int]]]] = {}

    def paths(self) -> set[str]:
        found: set[bytes] = set()
        for part in (self._unit_paths(), self._line_paths()):
            for path in part:
                found.add(path)
                if len(found) > _MOST_PATHS:
                    break
        return {path.decode(errors="backslashreplace") for path in found if path}

    def _whole(self, name: str) -> bytes:
        if name not in self._strings:
            stream = self._stream(name)
            data = b"" if stream is None else stream.take(_MOST_STRINGS_BYTES)
            self._strings[name] = data
        return self._strings[name]

    def _stream(self, name: str) -> _Stream | None:
        section = self._sections.get(name)
        return None if section is None else _Stream(section, self._order, wide=self._wide)

    def _units(self, name: str) -> Iterator[tuple[_Stream, int, int]]:
        """Yield each unit of a section: the stream at its first field, its length, and the size of an offset in it."""
        stream = self._stream(name)
        if stream is None:
            return
        for _ in range(_MOST_UNITS):
            raw = stream.take(4)
            if not raw:
                return
            length, offset_size = _Cursor(raw, self._order).number(4), 4
            if length == 0xFFFFFFFF:
                length, offset_size = _Cursor(stream.take(8), self._order).number(8), 8
            elif length >= 0xFFFFFFF0:
                raise _Unread
            if length:
                yield stream, length, offset_size
        raise _Unread

    def _unit_paths(self) -> Iterator[bytes]:
        for stream, length, offset_size in self._units("info"):
            taken = stream.take(min(length, _FIRST_ENTRY_BYTES))
            # Relocated strings, or forms of a later DWARF: a unit that golink cannot read makes the whole unknown.
            yield from self._first_entry(_Cursor(taken, self._order), offset_size)
            stream.skip(length - len(taken))

    def _first_entry(self, unit: _Cursor, offset_size: int) -> Iterator[bytes]:
        version = unit.number(2)
        if not 2 <= version <= 5:
            raise _Unread
        kind = 1
        if version == 5:
            kind, address_size, abbrevs_at = unit.number(1), unit.number(1), unit.number(offset_size)
            unit.skip(8 + offset_size if kind in _TYPE_UNITS else 8 if kind in _WITH_DWO_ID else 0)
        else:
            abbrevs_at, address_size = unit.number(offset_size), unit.number(1)
        code = unit.leb128()
        if not code:
            return
        wanted = {_AT_NAME, _AT_COMP_DIR}
        for attribute, form in self._abbrev(abbrevs_at, code):
            value = self._value(unit, form, offset_size, address_size, version)
            if attribute in wanted:
                wanted.remove(attribute)
                if value is not None:
                    yield value
                elif "line" not in self._sections:
                    # An indexed string, which golink does not look up: the line table has the same folder.
                    raise _Unread
                if not wanted:
                    return

    def _abbrev(self, at: int, code: int) -> list[tuple[int, int]]:
        table = self._abbrevs.get(at)
        if table is None:
            table = self._abbrevs[at] = {}
            cursor = _Cursor(self._whole("abbrev"), self._order)
            cursor.at = at
            while entry := cursor.leb128():
                cursor.leb128()
                cursor.skip(1)
                attributes: list[tuple[int, int]] = []
                while True:
                    attribute, form = cursor.leb128(), cursor.leb128()
                    if form == _IMPLICIT_CONST:
                        cursor.leb128()
                    if not attribute and not form:
                        break
                    attributes.append((attribute, form))
                table[entry] = attributes
                self._abbreviations += 1
                if self._abbreviations > _MOST_ABBREVIATIONS:
                    raise _Unread
        if code not in table:
            raise _Unread
        return table[code]

    def _value(self, unit: _Cursor, form: int, offset_size: int, address_size: int, version: int) -> bytes | None:
        """Read one value; return its text, None for a value of another kind."""
        if form == _STRING:
            return unit.string()
        if form in (_STRP, _LINE_STRP):
            return self._string("str" if form == _STRP else "line_str", unit.number(offset_size))
        if form in _FIXED:
            unit.skip(_FIXED[form])
        elif form in _LEB:
            unit.leb128()
        elif form == _ADDR:
            unit.skip(address_size)
        elif form in _OFFSETS:
            unit.skip(offset_size)
        elif form == _REF_ADDR:
            unit.skip(address_size if version == 2 else offset_size)
        elif form in _BLOCKS:
            unit.skip(unit.number(_BLOCKS[form]))
        elif form in _LEB_BLOCKS:
            unit.skip(unit.leb128())
        else:
            raise _Unread
        return None

    def _string(self, section: str, at: int) -> bytes:
        data = self._whole(section)
        end = data.find(b"\0", at, at + _LONGEST_PATH)
        if end < 0:
            raise _Unread
        return data[at:end]

    def _line_paths(self) -> Iterator[bytes]:
        for stream, length, offset_size in self._units("line"):
            head = stream.take(min(length, 4 + 2 * offset_size))
            cursor = _Cursor(head, self._order)
            version = cursor.number(2)
            if not 2 <= version <= 5:
                raise _Unread
            cursor.skip(2 if version == 5 else 0)
            header_length = cursor.number(offset_size)
            if header_length > min(length, _MOST_HEADER_BYTES):
                raise _Unread
            body = head[cursor.at :] + stream.take(max(header_length - (len(head) - cursor.at), 0))
            yield from self._line_header(_Cursor(body[:header_length], self._order), version, offset_size)
            stream.skip(length - cursor.at - len(body))

    def _line_header(self, header: _Cursor, version: int, offset_size: int) -> Iterator[bytes]:
        # minimum_instruction_length, maximum_operations_per_instruction, default_is_stmt, line_base, line_range
        header.skip(5 if version >= 4 else 4)
        header.skip(max(header.number(1) - 1, 0))
        if version < 5:
            folders = [b""]
            while folder := header.string():
                folders.append(folder)
                yield folder
            while name := header.string():
                header.leb128(), header.leb128(), header.leb128()
                yield _folder_of(name)
            return
        for of_files in (False, True):
            formats = [(header.leb128(), header.leb128()) for _ in range(header.number(1))]
            count = header.leb128()
            if count > len(header.data):
                raise _Unread
            for _ in range(count):
                for content, form in formats:
                    value = self._value(header, form, offset_size, 8, version)
                    if content == _LNCT_PATH and value is not None:
                        yield _folder_of(value) if of_files else value


def _folder_of(file: bytes) -> bytes:
    return re.sub(rb"[/\\][^/\\]*$", b"", file) if file[:1] == b"/" or file[1:2] == b":" else b""
