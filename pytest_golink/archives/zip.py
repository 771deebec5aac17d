"""
Members of a zip: .zip, .whl and everything else of that form.

unzip, 7z and Python read the central directory; streaming unpackers read the header before each member. golink refuses
a zip in which the two differ.

Source: PKWARE's APPNOTE.TXT 6.3.10; Info-ZIP's extrafld.txt.
"""

from __future__ import annotations

import stat
import zlib
from dataclasses import dataclass
from struct import Struct
from struct import error as StructError  # noqa: N812 - an exception, in struct's own spelling
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from pytest_golink.archives import limits
from pytest_golink.archives.members import HEAD_BYTES, Member, inner_name, shown
from pytest_golink.archives.streams import Range
from pytest_golink.archives.zip_methods import decoded, unsupported
from pytest_golink.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator

ZIP_MAGIC = b"PK\x03\x04"
# The start of a zip without members.
EMPTY_ZIP_MAGIC = b"PK\x05\x06"

# this disk, disk and entries of the directory, entries in all, its size, its offset, length of the comment
_END = Struct("<4s4H2IH")
_END_MAGIC = b"PK\x05\x06"
_LONGEST_COMMENT = 0xFFFF
_LOCATOR = Struct("<4sIQI")
_LOCATOR_MAGIC = b"PK\x06\x07"
# size, versions, disks, entries here and in all, size and offset of the directory
_END_64 = Struct("<4sQ2H2I4Q")
_END_64_MAGIC = b"PK\x06\x06"
# made by, needed, flags, method, (time,) CRC, packed and full size, lengths of name, extra field and comment, disk,
# (attributes,) attributes, offset
_ENTRY = Struct("<4s4H4x3I4H2x2I")
_ENTRY_MAGIC = b"PK\x01\x02"
# needed, flags, method, (time,) CRC, packed and full size, lengths of name and extra field
_LOCAL = Struct("<4s3H4x3I2H")
_EXTRA = Struct("<2H")
_IN_ZIP64 = 0xFFFFFFFF
_ZIP64 = 0x0001
_UNICODE_PATH = 0x7075

_ENCRYPTED = 0x1 | 0x40 | 0x2000
_SIZES_FOLLOW = 0x8
_UTF8 = 0x800
# Unix keeps the mode in the upper half of a field that Windows uses for attributes; the systems that do so.
_MODE_SHIFT = 16
_UNIX = (3, 19)
_DOS_FOLDER = 0x10


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    """One entry of the central directory."""

    raw: bytes
    name: str
    system: int
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    attributes: int
    offset: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Content:
    """The place of one member's bytes, and how they are packed."""

    start: int
    packed: int
    size: int
    crc: int
    method: int

    def chunks(self, file: BinaryIO, path: str) -> Iterator[bytes]:
        """Yield the member's bytes, and check them with the size and the CRC of its header."""
        left, crc = self.size, 0
        for part in decoded(Range(file, path=path, start=self.start, size=self.packed), self.method, self.size):
            left -= len(part)
            if left < 0:
                raise ArchiveError(path, "is damaged: it unpacks to more than its header says")
            crc = zlib.crc32(part, crc)
            yield part
        if left:
            raise ArchiveError(path, f"is damaged: {left} bytes of it are missing")
        if crc != self.crc:
            raise ArchiveError(path, "is damaged: its CRC-32 is not that of its header")


def ends_as_zip(whole: Range) -> bool:
    """Whether a file ends as a zip does, whatever stands before the zip."""
    whole.seek(max(0, whole.size - _END.size - _LONGEST_COMMENT))
    return _END_MAGIC in whole.read(_END.size + _LONGEST_COMMENT)


def zip_members(file: BinaryIO, path: str) -> Iterator[Member]:
    """
    Yield the members in the order of the central directory.

    Raises:
        ArchiveError: The zip is damaged or cut short, a name leads out of it, or unpackers differ on it.
    """
    whole = Range(file, path=path, largest=limits.DIRECTORY_BYTES)
    try:
        entries, shift, end = _directory(whole)
        ends = _ends(entries, shift, end, path)
        whole.seek(0)
        if whole.read(len(ZIP_MAGIC)) == ZIP_MAGIC and min(ends, default=0) + shift > 0:
            raise ArchiveError(path, "starts with a member that is not in its directory: unpackers differ")
        offsets: dict[str, int] = {}
        for entry in entries:
            start = _checked_start(whole, entry, shift, ends)
            if offsets.get(entry.name, 0) > entry.offset:
                _differ(path, "stands twice, in another order than in the directory", entry.name)
            offsets[entry.name] = entry.offset
            yield _member(file, entry, start, path)
    except StructError as error:
        raise ArchiveError(path, "is a damaged zip: a header is cut short") from error


def _directory(whole: Range) -> tuple[list[_Entry], int, int]:
    """
    Read the directory.

    Returns:
        Its entries, the position in the file from which their offsets count, and the start of the directory.
    """
    end_at, end = _end(whole)
    *disks, here, count, size, offset, _comment = end
    directory_end = end_at
    whole.seek(max(0, end_at - _LOCATOR.size))
    locator = whole.read(_LOCATOR.size)
    if locator.startswith(_LOCATOR_MAGIC) and len(locator) == _LOCATOR.size:
        directory_end, here, count, size, offset = _end_64(whole, end_at - _LOCATOR.size, locator)
    if any(disks) or here != count:
        raise ArchiveError(whole.path, "is one part of a zip in several files")
    if size > limits.DIRECTORY_BYTES:
        raise ArchiveError(
            whole.path, f"its directory has {size} bytes, more than the bound of {limits.DIRECTORY_BYTES}"
        )
    if count > limits.MEMBERS:
        raise ArchiveError(whole.path, f"has more than the bound of {limits.MEMBERS} members")
    start = directory_end - size
    if start < offset:
        raise ArchiveError(whole.path, "is a damaged zip: its directory does not fit into it")
    whole.seek(start)
    data = whole.read(size)
    entries: list[_Entry] = []
    at = 0
    for _ in range(count):
        entry, at = _entry(data, at, whole.path)
        entries.append(entry)
    if at != size:
        raise ArchiveError(whole.path, "is a damaged zip: its directory has more in it than its members")
    return entries, start - offset, start


def _end(whole: Range) -> tuple[int, tuple[int, ...]]:
    start = max(0, whole.size - _END.size - _LONGEST_COMMENT)
    whole.seek(start)
    tail = whole.read(whole.size - start)
    found = []
    at = tail.find(_END_MAGIC)
    while at >= 0:
        if at + _END.size <= len(tail):
            _, *fields = _END.unpack_from(tail, at)
            if at + _END.size + fields[-1] == len(tail):
                found.append((start + at, tuple(fields)))
        at = tail.find(_END_MAGIC, at + 1)
    if not found:
        raise ArchiveError(whole.path, "is a damaged zip: it has no end record, or is cut short")
    if len(found) > 1:
        raise ArchiveError(whole.path, "has two end records: unpackers differ on which one counts")
    return found[0]


def _end_64(whole: Range, locator_at: int, locator: bytes) -> tuple[int, int, int, int, int]:
    _, _disk, _offset, disks = _LOCATOR.unpack(locator)
    # It stands directly before its locator, whatever stands before the zip.
    at = locator_at - _END_64.size
    whole.seek(max(0, at))
    fields = _END_64.unpack(whole.read(_END_64.size))
    magic, record_size, _made, _needed, disk, directory_disk, here, count, size, offset = fields
    if magic != _END_64_MAGIC or record_size != _END_64.size - 12:
        raise ArchiveError(whole.path, "is a damaged zip: its zip64 end record is not where it belongs")
    if disk or directory_disk or disks > 1:
        raise ArchiveError(whole.path, "is one part of a zip in several files")
    return at, here, count, size, offset


def _entry(data: bytes, at: int, path: str) -> tuple[_Entry, int]:
    fields = _ENTRY.unpack_from(data, at)
    magic, made, _needed, flags, method, crc, packed, size, name_size, extra_size, comment_size, disk, outer, offset = (
        fields
    )
    if magic != _ENTRY_MAGIC:
        raise ArchiveError(path, f"is a damaged zip: no entry at offset {at} of its directory")
    name_at = at + _ENTRY.size
    extra_at = name_at + name_size
    end = extra_at + extra_size + comment_size
    if end > len(data):
        raise ArchiveError(path, "is a damaged zip: its directory is cut short")
    raw, extra = data[name_at:extra_at], data[extra_at : extra_at + extra_size]
    system = made >> 8
    name = _name(raw, flags, system, path)
    extras = _extras(extra, name, path)
    wide = extras.get(_ZIP64, b"")
    values = []
    for value in (size, packed, offset):
        if value == _IN_ZIP64:
            values.append(int.from_bytes(wide[:8], "little") if len(wide) >= 8 else value)
            wide = wide[8:]
        else:
            values.append(value)
    if disk not in (0, 0xFFFF):
        raise ArchiveError(path, "is one part of a zip in several files")
    name = _by_unicode_path(extras, raw, name, path)
    entry = _Entry(
        raw=raw, name=name, system=system, flags=flags, method=method, crc=crc, packed=values[1], size=values[0],
        attributes=outer, offset=values[2],
    )  # fmt: skip
    return entry, end


def _name(raw: bytes, flags: int, system: int, path: str) -> str:
    if raw.isascii():
        return raw.decode("ascii")
    try:
        if flags & _UTF8 or system in _UNIX:
            return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if flags & _UTF8:
            raise ArchiveError(path, f"is a damaged zip: the name {shown(repr(raw))} is no UTF-8") from error
    return raw.decode("utf-8", "surrogateescape") if system in _UNIX else raw.decode("cp437")


def _extras(extra: bytes, name: str, path: str) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + _EXTRA.size <= len(extra):
        kind, size = _EXTRA.unpack_from(extra, at)
        data = extra[at + _EXTRA.size : at + _EXTRA.size + size]
        if len(data) < size:
            # zipalign writes padding here, which is not a field.
            break
        if kind in (_ZIP64, _UNICODE_PATH) and found.get(kind, data) != data:
            _differ(path, f"has the extra field 0x{kind:04x} twice", name)
        found[kind] = data
        at += _EXTRA.size + size
    return found


def _by_unicode_path(extras: dict[int, bytes], raw: bytes, name: str, path: str) -> str:
    """Return the name of a member, after a check with Info-ZIP's Unicode Path field, which unzip and 7z use instead."""
    data = extras.get(_UNICODE_PATH, b"")
    # A version and the CRC of the name that the field is for: for another name, the field is a leftover.
    if data[:1] != b"\x01" or int.from_bytes(data[1:5], "little") != zlib.crc32(raw):
        return name
    other = data[5:].decode("utf-8", "surrogateescape")
    # A name that is not ASCII may be in any encoding, which is why the field exists.
    same = other == name or (not raw.isascii() and _ascii_of(other) == _ascii_of(raw.decode("latin-1")))
    if not same:
        _differ(path, f'has two names: "{shown(name)}" in its header, "{shown(other)}" in its Unicode Path field', name)
    return other


def _ascii_of(text: str) -> list[str]:
    """Return the parts of a name without runs of letters that are not ASCII: the same in every encoding."""
    return "".join(letter if letter.isascii() else "\0" for letter in text).replace("\0\0", "\0").split("\0")


def _ends(entries: list[_Entry], shift: int, end: int, path: str) -> dict[int, int]:
    """Return the start of the next member, or of the directory, by the offset of each member."""
    starts = sorted({entry.offset for entry in entries})
    if len(starts) != len(entries):
        raise ArchiveError(path, "is a zip whose members overlap")
    return dict(zip(starts, [*(start + shift for start in starts[1:]), end], strict=bool(starts)))


def _checked_start(whole: Range, entry: _Entry, shift: int, ends: dict[int, int]) -> int:
    """Return the start of a member's bytes, after a check of its own header with the directory's entry."""
    path = whole.path
    at = entry.offset + shift
    if at + _LOCAL.size > whole.size:
        raise ArchiveError(path, "is a damaged zip: its header is behind the end", member=shown(entry.name))
    whole.seek(at)
    magic, _needed, flags, method, crc, packed, size, name_size, extra_size = _LOCAL.unpack(whole.read(_LOCAL.size))
    if magic != ZIP_MAGIC:
        raise ArchiveError(path, "is a damaged zip: its header is not there", member=shown(entry.name))
    raw, extra = whole.read(name_size), whole.read(extra_size)
    name = _name(raw, flags, entry.system, path)
    extras = _extras(extra, name, path)
    name = _by_unicode_path(extras, raw, name, path)
    if raw != entry.raw or name != entry.name:
        _differ(path, f'has two names: "{shown(name)}" in its own header, "{shown(entry.name)}" in the directory', name)
    if method != entry.method:
        _differ(path, f"has two methods: {method} in its own header, {entry.method} in the directory", name)
    if not flags & _SIZES_FOLLOW and _IN_ZIP64 not in (packed, size):
        mine, theirs = (crc, packed, size), (entry.crc, entry.packed, entry.size)
        if mine != theirs:
            _differ(path, f"has two sizes: {mine[1:]} in its own header, {theirs[1:]} in the directory", name)
    start: int = at + _LOCAL.size + name_size + extra_size
    end = ends[entry.offset]
    if start + entry.packed > end:
        raise ArchiveError(path, "is a zip whose members overlap", member=shown(name))
    whole.seek(start + entry.packed)
    # A data descriptor (its CRC and sizes) may follow, and padding.
    if ZIP_MAGIC in whole.read(min(end - start - entry.packed, limits.HEADER_BYTES)):
        _differ(path, "is followed by a member that is not in the directory", name)
    return start


def _member(file: BinaryIO, entry: _Entry, start: int, path: str) -> Member:
    if "\\" in entry.name:
        raise ArchiveError(path, f'the name of the member "{shown(entry.name)}" has a backslash')
    name = inner_name(entry.name, path=path, root=False)
    high = entry.attributes >> _MODE_SHIFT
    mode = high if entry.system in _UNIX else 0
    slash = entry.name.endswith("/")
    if stat.S_ISLNK(high) and not stat.S_ISLNK(mode):
        _differ(path, "is a link, of a system that has none", entry.name)
    if slash and (entry.size or stat.S_ISLNK(mode)):
        _differ(path, "is a folder by its name, and has what a file or a link has", entry.name)
    if not slash and stat.S_ISDIR(mode):
        _differ(path, "is a folder by its mode, and a file by its name", entry.name)
    bits = mode & 0o7777 if mode else None
    if slash:
        return Member(name=name, kind="folder", mode=bits)
    if not stat.S_IFMT(mode) and entry.attributes & _DOS_FOLDER:
        _differ(path, "is a folder by its attributes, and a file by its name", entry.name)
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFLNK):
        return Member(name=name, kind="other", mode=bits)
    content = _Content(start=start, packed=entry.packed, size=entry.size, crc=entry.crc, method=entry.method)
    problem = "is encrypted" if entry.flags & _ENCRYPTED else unsupported(entry.method)
    if stat.S_ISLNK(mode):
        return Member(name=name, kind="symlink", target=_target(file, entry, content, problem, path))
    head = b"" if problem else _head(content, file, path)
    return Member(
        name=name, kind="file", mode=bits, size=entry.size, head=head, chain=(content.chunks,), problem=problem
    )


def _target(file: BinaryIO, entry: _Entry, content: _Content, problem: str, path: str) -> str:
    if entry.size > limits.NAME_BYTES:
        problem = f"is a link of {entry.size} bytes"
    if problem:
        raise ArchiveError(path, problem, member=shown(entry.name))
    target = b"".join(content.chunks(file, f"{path}!{shown(entry.name)}"))
    return target.decode("utf-8", "surrogateescape")


def _head(content: _Content, file: BinaryIO, path: str) -> bytes:
    packed = Range(file, path=path, start=content.start, size=content.packed)
    try:
        return next(decoded(packed, content.method, HEAD_BYTES), b"")[:HEAD_BYTES]
    except ArchiveError:
        # A damaged member matters only if something reads it.
        return b""


def _differ(path: str, reason: str, name: str) -> NoReturn:
    raise ArchiveError(path, f"{reason}: unpackers differ", member=shown(name))
