"""
Programs that only start the data behind them in the same file: AppImages, self-extracting archives, installers.

The headers of an ELF, PE or Mach-O image say where it ends. The loader does not load the data behind, and no rule sees
it.

Source: System V gABI, chapter 4; Microsoft's PE Format, "Section Table" and "The Attribute Certificate Table"; Apple's
mach-o/loader.h and mach-o/fat.h; the AppImage specification, "Type 2 image format"; squashfs,
Documentation/filesystems/squashfs.rst of Linux.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from struct import Struct
from struct import error as StructError  # noqa: N812 - an exception, in struct's own spelling
from typing import TYPE_CHECKING, BinaryIO

from pytest_golink.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ELF = b"\x7fELF"
_PE = b"MZ"
# The magic numbers of thin Mach-O images: byte order and size of the header.
_MACHO = {
    b"\xcf\xfa\xed\xfe": ("<", 32),
    b"\xfe\xed\xfa\xcf": (">", 32),
    b"\xce\xfa\xed\xfe": ("<", 28),
    b"\xfe\xed\xfa\xce": (">", 28),
}
# Those of fat files: the bytes of an entry, and where its offset and size are.
_FAT = {b"\xca\xfe\xba\xbe": Struct(">8x2I4x"), b"\xca\xfe\xba\xbf": Struct(">8x2Q8x")}
# What Java's class files have, whose magic number is that of a fat file, is a version above this.
_MOST_SLICES = 40
# LC_SEGMENT and LC_SEGMENT_64: offset and size in the file. Commands of __LINKEDIT lie in that segment.
_SEGMENTS = {0x1: "32xII", 0x19: "40xQQ"}
_MOST_COMMANDS = 1 << 16
_SQUASHFS = b"hsqs"
# In the padding of the ELF header, for AppImages of type 1 and 2.
_APPIMAGE = slice(8, 11), (b"AI\x01", b"AI\x02")
_BEHIND = {
    b"PK\x03\x04": "a zip",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"\x1f\x8b\x08": "a gzip archive",
    b"\xfd7zXZ\0": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"Rar!\x1a\x07": "a RAR archive",
    _ELF: "another program",
}
_HEADER_BYTES = 64
_SECTION_BYTES = 40
_NOBITS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """An image: where it starts and ends, and where the bytes behind it end."""

    start: int
    end: int
    limit: int


def check_whole(path: Path, name: str) -> None:
    """
    Check that a file is the program that its headers describe, and not a stub before something larger.

    Raises:
        ArchiveError: It is an AppImage, or most of the file lies behind the image.
    """
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
        try:
            parts = list(_parts(file, head))
        except StructError:
            # Its reader reports the damage.
            return
        for part in parts:
            # Of an image without an end no loader maps anything: damaged too.
            if part.end > part.start:
                _check_part(name, head, part, _read(file, min(part.end, part.limit), _HEADER_BYTES))


def _check_part(name: str, head: bytes, part: _Part, behind: bytes) -> None:
    own, more = part.end - part.start, part.limit - part.end
    squashfs = behind.startswith(_SQUASHFS)
    if squashfs or (head.startswith(_ELF) and head[_APPIMAGE[0]] in _APPIMAGE[1]):
        raise ArchiveError(
            name,
            f"is an AppImage: the program is in the {'squashfs' if squashfs else 'disk'} image behind a runtime of "
            f"{own} bytes; unpack it (--appimage-extract) and name the program in squashfs-root",
        )
    if more > own:
        what = next((what for magic, what in _BEHIND.items() if behind.startswith(magic)), "something else")
        raise ArchiveError(
            name,
            f"is a program of {own} bytes with {what} of {more} bytes behind it, which no rule sees: "
            "unpack it and name what it holds",
        )


def _parts(file: BinaryIO, head: bytes) -> Iterator[_Part]:
    """Yield the images in a file: one, or those of a fat file; none of another file."""
    size = file.seek(0, os.SEEK_END)
    if head.startswith(_ELF):
        yield _Part(start=0, end=_end_of_elf(file, head), limit=size)
    elif head.startswith(_PE):
        yield _Part(start=0, end=_end_of_pe(file), limit=size)
    elif head[:4] in _MACHO:
        yield _Part(start=0, end=_end_of_macho(file, 0), limit=size)
    elif head[:4] in _FAT:
        yield from _slices(file, _FAT[head[:4]], size)


def _slices(file: BinaryIO, entry: Struct, size: int) -> Iterator[_Part]:
    (count,) = Struct(">4xI").unpack(_read(file, 0, 8))
    if count > _MOST_SLICES:
        return
    places = sorted(entry.unpack(_read(file, 8 + index * entry.size, entry.size)) for index in range(count))
    for start, length in places:
        # What is behind the last slice is behind its image too.
        limit = size if (start, length) == places[-1] else start + length
        yield _Part(start=start, end=_end_of_macho(file, start), limit=limit)


def _end_of_macho(file: BinaryIO, start: int) -> int:
    """Return where the last segment of an image ends; its start if there is none."""
    magic = _read(file, start, 4)
    if magic not in _MACHO:
        return start
    order, at = _MACHO[magic]
    (count,) = Struct(f"{order}16xI").unpack(_read(file, start, 20))
    at += start
    end = 0
    for _ in range(min(count, _MOST_COMMANDS)):
        number, size = Struct(f"{order}2I").unpack(_read(file, at, 8))
        if number in _SEGMENTS:
            layout = Struct(order + _SEGMENTS[number])
            end = max(end, sum(layout.unpack(_read(file, at, layout.size))))
        at += size
    return start + end


def _end_of_elf(file: BinaryIO, head: bytes) -> int:
    """Return where the last of an ELF image's segments, sections and tables ends."""
    order = ">" if head[5:6] == b"\x02" else "<"
    wide = head[4:5] == b"\x02"
    # Offsets of the tables, (flags,) (size of the header,) size and number of segments, of sections.
    tables = Struct(f"{order}{'32xQQ' if wide else '28xII'}4x2x4H")
    segments_at, sections_at, segment_size, segments, section_size, sections = tables.unpack_from(head)
    segment = Struct(f"{order}{'8xQ16xQ' if wide else '4xI8xI'}")
    section = Struct(f"{order}{'4xI16xQQ' if wide else '4xI8xII'}")
    whole = file.seek(0, os.SEEK_END)
    # A table behind the file's end was cut off, and is not part of the image.
    ends = [0]
    for number in range(segments):
        raw = _read(file, segments_at + number * segment_size, segment.size)
        if len(raw) == segment.size:
            ends.append(sum(segment.unpack(raw)))
    for number in range(sections):
        raw = _read(file, sections_at + number * section_size, section.size)
        if len(raw) == section.size:
            kind, offset, size = section.unpack(raw)
            ends += [] if kind == _NOBITS else [offset + size]
    ends += [segments_at + segments * segment_size, sections_at + sections * section_size]
    return max(end for end in ends if end <= whole)


def _end_of_pe(file: BinaryIO) -> int:
    """Return the end of a PE image's last section or signature; 0 of a program for DOS."""
    (at,) = Struct("<60xI").unpack(_read(file, 0, 64))
    if _read(file, at, 4) != b"PE\0\0":
        return 0
    sections, optional = Struct("<2xH12xH").unpack(_read(file, at + 4, 18))
    (magic,) = Struct("<H").unpack(_read(file, at + 24, 2))
    # The fifth entry of the data directories.
    signed_at, signed = Struct("<II").unpack(_read(file, at + 24 + (112 if magic == 0x20B else 96) + 32, 8))
    end = signed_at + signed if optional else 0
    for number in range(sections):
        raw, offset = Struct("<16xII").unpack(_read(file, at + 24 + optional + number * _SECTION_BYTES, 24))
        end = max(end, offset + raw)
    return int(end)


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)
