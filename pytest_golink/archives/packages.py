"""
Members of Linux packages: .deb and .rpm. An .apk of Alpine is a tar in several gzip members, which tar.py reads.

Source: deb(5), ar(5); the RPM Package File Format of rpm.org ("Package file format", V4); cpio(5), "New ASCII Format".
"""

from __future__ import annotations

import re
import stat
from struct import Struct
from typing import TYPE_CHECKING, BinaryIO, Literal

from pytest_golink.archives import limits
from pytest_golink.archives.members import HEAD_BYTES, Member, inner_name, shown
from pytest_golink.archives.rpm_header import FileList, read_file_list
from pytest_golink.archives.streams import Extent, Range, Stream, codec_of, stream
from pytest_golink.archives.tar import tar_members
from pytest_golink.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator

AR_MAGIC = b"!<arch>\n"
RPM_MAGIC = b"\xed\xab\xee\xdb"
_MAGIC_BYTES = 8

_AR_HEADER = Struct("16s32x10s2s")  # name, (date, owner, group, mode,) size, end
_AR_END = b"`\n"
# A package has three members; later versions of the format may add more (deb(5)).
_AR_MEMBERS = 100

_RPM_LEAD_BYTES = 96
_RPM_HEADER = Struct(">8sII")  # magic with version, index entries, bytes of data
_RPM_HEADER_MAGIC = b"\x8e\xad\xe8\x01"
_RPM_INDEX_ENTRY_BYTES = 16

# Magic number, then 13 numbers of 8 hexadecimal digits.
_CPIO_HEADER_BYTES = 110
_CPIO_MAGIC = (b"070701", b"070702")
_CPIO_STRIPPED = b"07070X"
_CPIO_END = "TRAILER!!!"
_CPIO_DIGITS = re.compile(rb"[0-9A-Fa-f]{104}")


def deb_members(file: BinaryIO, path: str) -> Iterator[Member]:
    """
    Yield the members of a Debian package's data.

    Raises:
        ArchiveError: The package is damaged, or is another kind of ar archive.
    """
    whole = Range(file, path=path)
    at = len(AR_MAGIC)
    names: list[str] = []
    found: list[Range] = []
    while at < whole.size:
        whole.seek(at)
        header = whole.read(_AR_HEADER.size)
        raw_name, raw_size, end = _AR_HEADER.unpack(header) if len(header) == _AR_HEADER.size else (b"", b"", b"")
        if end != _AR_END or not raw_size.strip().isdigit():
            raise ArchiveError(path, f"the ar header at offset {at} is damaged or cut short")
        name, size = raw_name.rstrip().rstrip(b"/").decode("latin-1"), int(raw_size)
        names.append(name)
        if len(names) > _AR_MEMBERS:
            raise ArchiveError(path, f"is an ar archive of more than {_AR_MEMBERS} members, so no Debian package")
        if names[0] != "debian-binary":
            break
        data = Range(file, path=path, start=at + _AR_HEADER.size, size=size)
        if name == "data.tar" or name.startswith("data.tar."):
            found.append(data)
        at += _AR_HEADER.size + size + size % 2
    if len(found) > 1:
        raise ArchiveError(path, f"has two data.tar ({shown(', '.join(names))}): unpackers differ on which one counts")
    if not found:
        listing = shown(", ".join(names))
        raise ArchiveError(path, f"is an ar archive without data.tar, so no Debian package (has {listing})")
    codec = codec_of(found[0].read(_MAGIC_BYTES))
    yield from tar_members(found[0], codec, root=True)


def rpm_members(file: BinaryIO, path: str) -> Iterator[Member]:
    """
    Yield the members of an RPM package's payload.

    Raises:
        ArchiveError: The package is damaged, or has an unknown form.
    """
    whole = Range(file, path=path, largest=limits.DIRECTORY_BYTES)
    at = _RPM_LEAD_BYTES
    index = data = b""
    for what, alignment in (("signature", 8), ("main", 1)):
        whole.seek(at)
        header = whole.read(_RPM_HEADER.size)
        magic, entries, size = _RPM_HEADER.unpack(header) if len(header) == _RPM_HEADER.size else (b"", 0, 0)
        if not magic.startswith(_RPM_HEADER_MAGIC):
            raise ArchiveError(path, f"the RPM's {what} header at offset {at} is damaged or cut short")
        if what == "main":
            index, data = whole.read(entries * _RPM_INDEX_ENTRY_BYTES), whole.read(size)
            if len(data) != size:
                raise ArchiveError(path, f"the RPM's main header at offset {at} is cut short")
        at += _RPM_HEADER.size + entries * _RPM_INDEX_ENTRY_BYTES + size
        at += -at % alignment
    listed = read_file_list(index, data, path)
    payload = Range(file, path=path, start=at, size=max(0, whole.size - at))
    codec = codec_of(payload.read(_MAGIC_BYTES))
    try:
        yield from _cpio_members(payload, codec, listed)
    except ArchiveError:
        raise
    except Exception as error:
        raise ArchiveError(path, f"is a damaged RPM: {shown(str(error))}") from error


def _cpio_members(payload: Range, codec: str | None, listed: FileList) -> Iterator[Member]:
    data = stream(payload, codec)
    # A file with several names has its bytes at the last name; the other entries are empty, and rpm links them to it.
    holders: set[tuple[int, ...]] = set()
    empty: dict[tuple[int, ...], list[Member]] = {}
    at = count = 0
    while True:
        data.seek(at)
        numbers = _cpio_header(data, payload.path, at)
        inode, mode, links, size, name_size = numbers[0], numbers[1], numbers[4], numbers[6], numbers[11]
        raw_name = data.read(name_size).split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
        start = at + _CPIO_HEADER_BYTES + name_size
        start += -start % 4
        if raw_name == _CPIO_END:
            break
        count += 1
        if count > limits.MEMBERS:
            raise ArchiveError(payload.path, f"has more than the bound of {limits.MEMBERS} members")
        name = inner_name(raw_name, path=payload.path, root=True)
        same = (inode, *numbers[7:9])
        if stat.S_ISREG(mode):
            data.seek(start)
            member = _cpio_file(payload, codec, name, start, size, data.read(min(HEAD_BYTES, size)), mode)
            member = listed.hold(member, mode, payload.path)
            if links > 1 and not size:
                if same in holders:
                    raise ArchiveError(
                        payload.path,
                        "is a name of a file whose bytes stand before it: unpackers differ",
                        member=shown(name),
                    )
                empty.setdefault(same, []).append(member)
            else:
                if links > 1 and same in holders:
                    raise ArchiveError(payload.path, "has the bytes of one file twice", member=shown(name))
                holders.add(same)
                yield listed.hold_bytes(member)
                for other in empty.pop(same, ()):
                    yield other if other.problem else Member(name=other.name, kind="hardlink", target=name)
        elif stat.S_ISLNK(mode):
            if size > limits.NAME_BYTES:
                raise ArchiveError(payload.path, f"is a link of {size} bytes", member=shown(name))
            data.seek(start)
            target = data.read(size).decode("utf-8", "surrogateescape")
            yield listed.hold(Member(name=name, kind="symlink", target=target), mode, payload.path)
        else:
            kind: Literal["folder", "other"] = "folder" if stat.S_ISDIR(mode) else "other"
            yield listed.hold(Member(name=name, kind=kind, mode=stat.S_IMODE(mode)), mode, payload.path)
        at = start + size
        at += -at % 4
    for members in empty.values():
        yield from map(listed.hold_bytes, members)
    while data.read(limits.HEADER_BYTES):
        pass


def _cpio_header(data: Stream, path: str, at: int) -> list[int]:
    header = data.read(_CPIO_HEADER_BYTES)
    magic, digits = header[:6], header[6:]
    if magic == _CPIO_STRIPPED:
        raise ArchiveError(path, "is an RPM for files over 4 GiB (stripped cpio), which cannot be read")
    if magic not in _CPIO_MAGIC or not _CPIO_DIGITS.fullmatch(digits):
        raise ArchiveError(path, f"the cpio header at offset {at} of the payload is damaged or cut short")
    return [int(digits[index : index + 8], 16) for index in range(0, len(digits), 8)]


def _cpio_file(payload: Range, codec: str | None, name: str, offset: int, size: int, head: bytes, mode: int) -> Member:
    extent = Extent(start=payload.start, length=payload.size, codec=codec, offset=offset, size=size)
    chain = (extent.chunks,)
    return Member(name=name, kind="file", mode=stat.S_IMODE(mode), size=size, offset=offset, head=head, chain=chain)
