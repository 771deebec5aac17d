"""
The headers of a tar, one member after another: ustar, GNU and pax. golink refuses a tar on which readers differ.

Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar 1.34, src/tar.h, src/list.c,
src/sparse.c; tar(5) of libarchive.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from struct import Struct
from typing import TYPE_CHECKING

from pytest_golink.archives import limits
from pytest_golink.archives.members import shown
from pytest_golink.errors import ArchiveError

if TYPE_CHECKING:
    from typing import NoReturn

    from pytest_golink.archives.streams import Stream

BLOCK = 512
_ZEROS = bytes(BLOCK)
# Source: APPNOTE.TXT of zip, 4.3.16. Zip readers search for it backward from the end of a file.
_ZIP_END_MAGIC = b"PK\x05\x06"
# name, mode, (owner, group,) size, (time,) checksum, type, link, magic with version, (owners, devices,) prefix
_HEADER = Struct("100s8s16x12s12x8s1s100s8s80x155s12x")
_CHECKSUM = slice(148, 156)
_POSIX = b"ustar\0"
_GNU = b"ustar  \0"

# A sparse file in GNU's old form: 4 parts in the header, 21 in each block behind it, and a flag that another follows.
_OLD_PARTS, _OLD_MORE, _OLD_SIZE = slice(386, 482), 482, slice(483, 495)
_BLOCK_PARTS, _BLOCK_MORE = slice(0, 504), 504
_PART_BYTES = 24

_RECORD = re.compile(rb"([1-9][0-9]{0,7}) ([^=\0]+)=")
# The pax records that change the name, the link target or the bytes of a member.
_COUNTS = re.compile(r"path|linkpath|size|GNU\.sparse\..+")
_LARGEST_OCTAL = 8**11


@dataclass(kw_only=True, slots=True)
class Header:
    """
    One member's header, combined with the extended headers before it.

    Attributes:
        at: Where its data starts.
        name: The name as written.
        size: The size of the data in the archive.
        parts: The position and the length of each part of a sparse file; None for another file.
        full_size: The unpacked size of a sparse file.
        map_in_data: Whether the parts of a sparse file stand before its data.
    """

    at: int
    name: str
    type: bytes
    mode: int
    size: int
    target: str
    parts: list[tuple[int, int]] | None = None
    full_size: int = 0
    map_in_data: bool = False


@dataclass(kw_only=True, slots=True)
class _Before:
    """The extended headers before a member's own header."""

    names: dict[bytes, str] = field(default_factory=dict)
    pax: dict[str, str] | None = None
    sparse: list[int] = field(default_factory=list)


def is_tar(block: bytes) -> bool:
    """Whether a file's first 512 bytes are the header of a tar's member, or its end."""
    if len(block) < BLOCK:
        return False
    return block[:BLOCK] == _ZEROS or _checksum_is_right(block[:BLOCK])


class Headers:
    """
    Reads the headers of a tar.

    Args:
        data: The tar, decompressed.
        path: The archive, for messages.
    """

    def __init__(self, data: Stream, path: str) -> None:
        self._data = data
        self._path = path
        self._at = 0
        self._records = 0

    def next(self) -> Header | None:
        """
        Return the next header; None at the end. Afterwards the stream is at the start of the member's data.

        Raises:
            ArchiveError: The header is damaged, cut short or over the bounds, or readers differ on it.
        """
        before = _Before()
        while True:
            at = self._at
            block = self._block()
            if block is None and not at:
                self._damaged(at, "empty")
            if block is None or block == _ZEROS:
                if before.names or before.pax is not None:
                    self._damaged(at, "the end of the tar follows an extended header")
                if block is not None:
                    self._check_end()
                return None
            header = self._plain(block, at)
            if header.type in b"LK":
                if header.type in before.names:
                    self._damaged(at, "two long names of one member")
                text = self._text(header.size).split(b"\0", 1)[0]
                before.names[header.type] = text.decode("utf-8", "surrogateescape")
            elif header.type in b"xX":
                if before.pax is not None:
                    self._damaged(at, "two pax headers of one member")
                before.pax = self._pax(header, before.sparse)
            elif header.type == b"g":
                self._check_global(header)
            elif header.type == b"V":
                # A label of the whole archive.
                self._go(header.at + header.size)
            else:
                self._own_sparse(header, block)
                self._with(header, before)
                # Readers read no data for a link, whatever size its header has.
                size = 0 if header.type == b"1" else header.size
                self._at = header.at + size + -size % BLOCK
                return header

    def _block(self) -> bytes | None:
        if self._data.tell() < self._at:
            # A seek does not notice the end; reading the last byte does.
            self._data.seek(self._at - 1)
            if not self._data.read(1):
                self._damaged(self._at, "cut short")
        block = self._data.read(BLOCK)
        if not block:
            return None
        if len(block) < BLOCK:
            self._damaged(self._at, "cut short")
        self._at += BLOCK
        return block

    def _check_end(self) -> None:
        """Refuse another tar behind the end: some readers read it too."""
        while (block := self._data.read(BLOCK)) == _ZEROS:
            pass
        if block and is_tar(block):
            raise ArchiveError(self._path, "another tar follows the end of the first: some unpackers read it, some not")
        while block:
            following = self._data.read(limits.HEADER_BYTES)
            if _ZIP_END_MAGIC in block + following[: len(_ZIP_END_MAGIC)]:
                raise ArchiveError(self._path, "a zip follows the end of the tar: some unpackers read it, some the tar")
            block = following

    def _plain(self, block: bytes, at: int) -> Header:
        name, mode, size, _sum, kind, target, magic, prefix = _HEADER.unpack(block)
        if not _checksum_is_right(block):
            self._damaged(at, "bad checksum")
        if magic.startswith(b"ustar") and not magic.startswith(_POSIX) and magic != _GNU:
            self._damaged(at, f"unknown magic {magic!r}")
        raw = _text(name)
        if magic.startswith(_POSIX) and prefix[0]:
            raw = f"{_text(prefix)}/{raw}"
        return Header(
            at=self._at,
            name=raw,
            type=kind,
            mode=self._number(mode, at) & 0o7777,
            size=self._number(size, at),
            target=_text(target),
        )

    def _number(self, raw: bytes, at: int) -> int:
        if raw[0] == 0x80:
            return int.from_bytes(raw[1:], "big")
        if raw[0] & 0x80:
            self._damaged(at, "a negative size")
        digits = raw.split(b"\0", 1)[0].strip(b" ")
        if digits.strip(b"01234567"):
            self._damaged(at, f"{shown(repr(digits))} is no octal number")
        return int(digits or b"0", 8)

    def _text(self, size: int) -> bytes:
        """Read the data of an extended header."""
        if size > limits.HEADER_BYTES:
            raise ArchiveError(self._path, f"a header of {size} bytes, over the bound of {limits.HEADER_BYTES}")
        text = self._data.read(size)
        if len(text) < size:
            self._damaged(self._at, "cut short")
        self._go(self._at + size)
        return text

    def _go(self, at: int) -> None:
        self._at = at + -at % BLOCK

    def _pax(self, header: Header, sparse: list[int]) -> dict[str, str]:
        """Return the records that count; the repeated ones of a sparse map in its first form go into `sparse`."""
        text = self._text(header.size)
        found: dict[str, str] = {}
        at = count = 0
        while at < len(text) and text[at]:
            match = _RECORD.match(text, at)
            end = at + int(match[1]) if match else 0
            if match is None or end > len(text) or end <= match.end() or text[end - 1] != 0x0A:
                self._damaged(header.at, f"a pax header has a bad record: {shown(repr(text[at : at + 40]))}")
            count += 1
            if count > limits.PAX_RECORDS and not match[2].startswith(b"GNU.sparse."):
                raise ArchiveError(self._path, f"a pax header has more than the bound of {limits.PAX_RECORDS} records")
            key = match[2].decode("utf-8", "surrogateescape")
            if _COUNTS.fullmatch(key):
                value = text[match.end() : end - 1].decode("utf-8", "surrogateescape")
                if key in ("GNU.sparse.offset", "GNU.sparse.numbytes"):
                    sparse.append(self._decimal(value, header.at))
                elif found.setdefault(key, value) != value:
                    self._damaged(header.at, f"a pax header has {shown(key)} twice")
            at = end
        self._records += count
        if self._records > limits.PAX_RECORDS_IN_ALL:
            raise ArchiveError(
                self._path, f"its pax headers have more than the bound of {limits.PAX_RECORDS_IN_ALL} records"
            )
        return found

    def _check_global(self, header: Header) -> None:
        sparse: list[int] = []
        counts = [*self._pax(header, sparse), *(["GNU.sparse.offset"] if sparse else [])]
        if counts:
            raise ArchiveError(
                self._path, f"a global pax header sets {shown(counts[0])} for all members: some unpackers ignore it"
            )

    def _with(self, header: Header, before: _Before) -> None:
        """Apply the extended headers to the member's own header."""
        pax = before.pax or {}
        sparse_name = pax.get("GNU.sparse.name")
        names = [sparse_name if sparse_name is not None else pax.get("path"), before.names.get(b"L")]
        targets = [pax.get("linkpath"), before.names.get(b"K")]
        header.name = self._agreed(names, header.name, "member", pax="path")
        header.target = self._agreed(targets, header.target, "link target", pax="linkpath")
        if "size" in pax:
            size = self._decimal(pax["size"], header.at)
            if header.size not in (0, size) and size < _LARGEST_OCTAL:
                self._differ(f"has two sizes: {header.size} in its header, {size} in its pax header", header.name)
            header.size = size
        if before.sparse or any(key.startswith("GNU.sparse.") for key in pax):
            self._pax_sparse(header, pax, before.sparse)

    def _agreed(self, texts: list[str | None], plain: str, what: str, *, pax: str) -> str:
        first, second = texts
        if first == "" or second == "":
            self._damaged(self._at, f"an empty name of a {what}")
        if first is not None and second is not None and first.rstrip("/") != second.rstrip("/"):
            self._differ(
                f'has two names of its {what}: "{shown(second)}" as GNU long name, "{shown(first)}" as pax {pax}', plain
            )
        return first or second or plain

    def _decimal(self, text: str, at: int) -> int:
        if not re.fullmatch(r"[0-9]{1,19}", text):
            self._damaged(at, f"a pax header has {shown(repr(text))} where a number belongs")
        return int(text)

    def _own_sparse(self, header: Header, block: bytes) -> None:
        """Read the parts of a sparse file in GNU's old form."""
        if header.type != b"S":
            return
        header.full_size = self._number(block[_OLD_SIZE], header.at)
        header.parts = []
        parts, more = block[_OLD_PARTS], block[_OLD_MORE]
        while True:
            for index in range(0, len(parts), _PART_BYTES):
                raw = parts[index : index + _PART_BYTES]
                if raw[0] and len(header.parts) <= limits.SPARSE_PARTS:
                    header.parts.append((self._number(raw[:12], header.at), self._number(raw[12:], header.at)))
            if not more:
                break
            following = self._block()
            if following is None:
                self._damaged(header.at, "cut short")
            parts, more = following[_BLOCK_PARTS], following[_BLOCK_MORE]
        header.at = self._at

    def _pax_sparse(self, header: Header, pax: dict[str, str], parts: list[int]) -> None:
        """Read the parts of a sparse file, in the three forms of pax."""
        if header.type not in b"0\0":
            self._damaged(header.at, "sparse, and no file")
        full = pax.get("GNU.sparse.realsize", pax.get("GNU.sparse.size"))
        if full is None:
            self._damaged(header.at, "a sparse file without its size")
        header.full_size = self._decimal(full, header.at)
        if (pax.get("GNU.sparse.major"), pax.get("GNU.sparse.minor")) == ("1", "0"):
            header.parts, header.map_in_data = [], True
            return
        if "GNU.sparse.map" in pax:
            parts = [self._decimal(part, header.at) for part in pax["GNU.sparse.map"].split(",") if part]
        if len(parts) % 2 or len(parts) > 2 * limits.SPARSE_PARTS:
            self._damaged(header.at, f"{len(parts)} numbers of a sparse map")
        header.parts = list(zip(parts[::2], parts[1::2], strict=True))

    def _damaged(self, at: int, reason: str) -> NoReturn:
        raise ArchiveError(self._path, f"is a damaged tar: {reason} at offset {at}")

    def _differ(self, reason: str, name: str) -> NoReturn:
        raise ArchiveError(self._path, f"{reason}: unpackers differ", member=shown(name))


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _checksum_is_right(block: bytes) -> bool:
    digits = block[_CHECKSUM].split(b"\0", 1)[0].strip(b" ")
    if not digits or digits.strip(b"01234567"):
        return False
    written = int(digits, 8)
    rest = block[:148] + block[156:]
    unsigned = 8 * 0x20 + sum(rest)
    # Some old tars summed the bytes as signed.
    return written == unsigned or written == unsigned - 256 * sum(byte > 0x7F for byte in rest)
