"""
Programs that only start the data behind them in the same file: AppImages, self-extracting archives, installers.

The headers of an ELF or PE image say where it ends. The loader does not load the data behind, and no rule sees it.

Source: System V gABI, chapter 4; Microsoft's PE Format, "Section Table" and "The Attribute Certificate Table"; the
AppImage specification, "Type 2 image format"; squashfs, Documentation/filesystems/squashfs.rst of Linux.
"""

from __future__ import annotations

import os
from struct import Struct
from struct import error as StructError  # noqa: N812 - an exception, in struct's own spelling
from typing import TYPE_CHECKING, BinaryIO

from pytest_golink.errors import ArchiveError

if TYPE_CHECKING:
    from pathlib import Path

_ELF = b"\x7fELF"
_PE = b"MZ"
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


def check_whole(path: Path, name: str) -> None:
    """
    Check that a file is the program that its headers describe, and not a stub before something larger.

    Raises:
        ArchiveError: It is an AppImage, or most of the file lies behind the image.
    """
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
        try:
            end = _end_of_elf(file, head) if head.startswith(_ELF) else _end_of_pe(file, head)
        except StructError:
            # Its reader reports the damage.
            return
        if not end and head.startswith(_ELF):
            # No loader maps any of it: damaged too.
            return
        size = file.seek(0, os.SEEK_END)
        file.seek(min(end, size))
        behind = file.read(_HEADER_BYTES)
    squashfs = behind.startswith(_SQUASHFS)
    if squashfs or (head.startswith(_ELF) and head[_APPIMAGE[0]] in _APPIMAGE[1]):
        raise ArchiveError(
            name,
            f"is an AppImage: the program is in the {'squashfs' if squashfs else 'disk'} image behind a runtime of "
            f"{end} bytes; unpack it (--appimage-extract) and name the program in squashfs-root",
        )
    if size - end > end:
        what = next((what for magic, what in _BEHIND.items() if behind.startswith(magic)), "something else")
        raise ArchiveError(
            name,
            f"is a program of {end} bytes with {what} of {size - end} bytes behind it, which no rule sees: "
            "unpack it and name what it holds",
        )


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


def _end_of_pe(file: BinaryIO, head: bytes) -> int:
    """Return the end of a PE image's last section or signature; the file's end if it is not a PE image."""
    size = file.seek(0, os.SEEK_END)
    if not head.startswith(_PE):
        return size
    (at,) = Struct("<60xI").unpack_from(head)
    if _read(file, at, 4) != b"PE\0\0":
        return size
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
