"""Members of a tar, with any compression."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from pytest_golink.archives import limits
from pytest_golink.archives.members import HEAD_BYTES, Member, inner_name, shown
from pytest_golink.archives.streams import Extent, Range, stream
from pytest_golink.archives.tar_headers import BLOCK, Header, Headers
from pytest_golink.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.archives.members import Step
    from pytest_golink.archives.streams import Stream

_FILES = (b"0", b"\0", b"7", b"S")
_OTHERS = (b"3", b"4", b"6")
# Source: pkg-create(8); libpkg/pkg.c: the members of a FreeBSD package are named from the root folder on.
_FREEBSD = ("+COMPACT_MANIFEST", "+MANIFEST")
_NUMBER = re.compile(rb"([0-9]{1,19})\n")
_ZEROS = bytes(1 << 18)


@dataclass(frozen=True, kw_only=True, slots=True)
class SparseExtent:
    """
    The place of a sparse file's bytes: the archive holds its parts in a row; the file has zeros between them.

    Attributes:
        packed: Where the parts stand.
        parts: The position of each part in the file, and its length.
        size: The size of the file.
    """

    packed: Extent
    parts: tuple[tuple[int, int], ...]
    size: int

    def chunks(self, file: BinaryIO, path: str) -> Iterator[bytes]:
        """Yield the file's bytes."""
        data = self.packed.stream(file, path)
        at = 0
        for start, length in (*self.parts, (self.size, 0)):
            yield from _zeros(start - at)
            left = length
            while left:
                part = data.read(min(len(_ZEROS), left))
                if not part:
                    raise ArchiveError(path, f"is cut short: {left} bytes of a member are missing")
                left -= len(part)
                yield part
            at = start + length


def _zeros(count: int) -> Iterator[bytes]:
    while count > 0:
        yield _ZEROS[:count]
        count -= len(_ZEROS)


def is_freebsd(block: bytes) -> bool:
    """Whether a tar's first block is that of a FreeBSD package, whose names start with "/"."""
    return posixpath.basename(block[:100].split(b"\0", 1)[0].decode("latin-1")) in _FREEBSD


def tar_members(packed: Range, codec: str | None, *, root: bool) -> Iterator[Member]:
    """
    Yield the members in file order, and read the archive to its end, so that the decoder checks its checksums.

    Raises:
        ArchiveError: A header is damaged, or the archive is cut short; readers differ on a header.
    """
    data = stream(packed, codec)
    try:
        headers = Headers(data, packed.path)
        while (header := headers.next()) is not None:
            yield _member(header, data, packed, codec, root=root)
        while data.read(limits.HEADER_BYTES):
            pass
    except ArchiveError:
        raise
    except Exception as error:
        # Each decoder has its own error.
        raise ArchiveError(packed.path, f"is a damaged tar: {shown(str(error))}") from error


def _member(header: Header, data: Stream, packed: Range, codec: str | None, *, root: bool) -> Member:
    path = packed.path
    name = inner_name(header.name, path=path, root=root)
    if header.type in _FILES and header.name.endswith("/"):
        return _slashed(header, name, path)
    if header.type in _FILES:
        return _file(header, name, data, packed, codec)
    if header.type == b"2":
        _check_no_data(header, path)
        if len(header.target) > limits.NAME_BYTES:
            raise ArchiveError(path, "links to a name that is longer than the bound", member=shown(name))
        return Member(name=name, kind="symlink", target=header.target)
    if header.type == b"1":
        target = inner_name(header.target, path=path, root=root)
        return Member(name=name, kind="hardlink", target=target)
    if header.type == b"5":
        _check_no_data(header, path)
        return Member(name=name, kind="folder", mode=header.mode)
    if header.type == b"D":
        # A folder of a backup, with a list of its files.
        return Member(name=name, kind="folder", mode=header.mode)
    if header.type not in _OTHERS:
        raise ArchiveError(path, f"is of a type that unpackers do not agree on: {header.type!r}", member=shown(name))
    return Member(name=name, kind="other", mode=header.mode)


def _slashed(header: Header, name: str, path: str) -> Member:
    """Return a folder in the form of tars from before folders had a type."""
    if header.type != b"\0" or header.size:
        raise ArchiveError(path, 'is a file whose name ends with "/": unpackers differ', member=shown(name))
    return Member(name=name, kind="folder", mode=header.mode)


def _check_no_data(header: Header, path: str) -> None:
    if header.size:
        raise ArchiveError(
            path,
            f"is no file, and has {header.size} bytes: unpackers differ on what follows",
            member=shown(header.name),
        )


def _file(header: Header, name: str, data: Stream, packed: Range, codec: str | None) -> Member:
    start, parts, problem = header.at, header.parts, ""
    if parts is not None:
        if header.map_in_data:
            parts, start = _map_in_data(header, data, packed.path)
        problem = _sparse_problem(header, parts, header.size - (start - header.at))
    extent = Extent(start=packed.start, length=packed.size, codec=codec, offset=start, size=header.size)
    chunks: Step = extent.chunks
    size = header.size
    if parts is None or problem:
        head = data.read(min(HEAD_BYTES, size)) if parts is None else b""
    else:
        size = header.full_size
        chunks = SparseExtent(packed=extent, parts=tuple(parts), size=size).chunks
        first = parts[0] if parts else (size, 0)
        head = (data.read(min(HEAD_BYTES, first[1])) if first[0] == 0 else b"").ljust(min(HEAD_BYTES, size), b"\0")
    return Member(
        name=name, kind="file", mode=header.mode, size=size, offset=start, head=head, chain=(chunks,), problem=problem
    )


def _map_in_data(header: Header, data: Stream, path: str) -> tuple[list[tuple[int, int]], int]:
    """Read the map before a sparse file's data: the number of parts, then two numbers for each, one a line."""
    text = b""
    numbers: list[int] = []
    at = 0
    # The first number is the number of parts.
    while not numbers or len(numbers) < 1 + 2 * min(numbers[0], limits.SPARSE_PARTS + 1):
        match = _NUMBER.match(text, at)
        if match is not None:
            numbers.append(int(match[1]))
            at = match.end()
            continue
        block = data.read(BLOCK)
        if len(block) < BLOCK or len(text) - at > BLOCK:
            raise ArchiveError(path, "its sparse map is damaged", member=shown(header.name))
        text, at = text[at:] + block, 0
    read = data.tell() - header.at
    return list(zip(numbers[1::2], numbers[2::2], strict=True)), header.at + read


def _sparse_problem(header: Header, parts: list[tuple[int, int]], there: int) -> str:
    """Return why a sparse file cannot be read; "" where it can."""
    if len(parts) > limits.SPARSE_PARTS:
        return f"is a sparse file of more parts than the bound of {limits.SPARSE_PARTS}"
    end = 0
    for start, length in parts:
        if start < end:
            return "is a sparse file whose parts overlap"
        end = start + length
    if end > header.full_size or sum(length for _, length in parts) > there:
        return "is a sparse file whose parts do not fit"
    return ""
