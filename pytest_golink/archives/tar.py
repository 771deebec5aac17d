"""Members of a tar, however it is compressed: tarfile reads the headers, and is not let off with what it forgives."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING, BinaryIO, cast

from pytest_golink.archives import limits
from pytest_golink.archives.members import HEAD_BYTES, Member, inner_name, shown
from pytest_golink.archives.streams import Extent, Range, stream
from pytest_golink.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = 512


class _StrictTarInfo(tarfile.TarInfo):
    """A header that must be right: tarfile takes a damaged or missing one for the end of the archive."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _StrictTarInfo:
        info = super().frombuf(buf, encoding, errors)
        # CVE-2025-8194: tarfile goes back by that, for ever.
        if info.size < 0:
            raise tarfile.InvalidHeaderError("negative size")  # type: ignore[attr-defined]
        return info

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> _StrictTarInfo:
        try:
            return super().fromtarfile(archive)
        except tarfile.HeaderError as error:
            if isinstance(error, tarfile.EOFHeaderError):  # type: ignore[attr-defined]
                raise
            raise tarfile.ReadError(f"{error} at offset {archive.offset}") from error


def is_tar(block: bytes) -> bool:
    """Whether a file's first 512 bytes are the header of a tar's member, or its end."""
    try:
        tarfile.TarInfo.frombuf(block[:_BLOCK], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return len(block) >= _BLOCK and not any(block[:_BLOCK])
    return True


def tar_members(packed: Range, codec: str | None, *, root: bool) -> Iterator[Member]:
    """
    Yield the members in file order, and read the archive to its end, so that its checksums are held.

    Raises:
        ArchiveError: A header is damaged, or the archive is cut short.
    """
    data = stream(packed, codec)
    try:
        archive = tarfile.TarFile(
            fileobj=cast("BinaryIO", data), tarinfo=_StrictTarInfo, encoding="utf-8", errors="surrogateescape"
        )
        while (info := archive.next()) is not None:
            # tarfile keeps every header.
            archive.members = []  # type: ignore[attr-defined]
            # Here the data starts. A sparse file's parts are elsewhere.
            head = (
                data.read(min(HEAD_BYTES, info.size)) if info.isreg() and not info.issparse() and info.size > 0 else b""
            )
            yield _member(info, head, packed, codec, root=root)
        while data.read(limits.HEADER_BYTES):
            pass
    except ArchiveError:
        raise
    except Exception as error:
        # What tarfile and the decoders raise for damage is as manifold as the damage.
        raise ArchiveError(packed.path, f"is a damaged tar: {shown(str(error))}") from error


def _member(info: tarfile.TarInfo, head: bytes, packed: Range, codec: str | None, *, root: bool) -> Member:
    # By a pax header, which is laid over the other one.
    if info.size < 0:
        raise ArchiveError(packed.path, "a header has a negative size")
    name = inner_name(info.name, path=packed.path, root=root)
    if info.isreg():
        start = info.offset_data
        extent = Extent(start=packed.start, length=packed.size, codec=codec, offset=start, size=info.size)
        problem = "is stored as a sparse file, which cannot be read" if info.issparse() else ""
        chain = (extent.chunks,)
        return Member(
            name=name,
            kind="file",
            size=info.size,
            offset=start,
            head=head,
            chain=chain,
            mode=info.mode,
            problem=problem,
        )
    if info.issym():
        return Member(name=name, kind="symlink", target=info.linkname)
    if info.islnk():
        return Member(name=name, kind="hardlink", target=inner_name(info.linkname, path=packed.path, root=root))
    return Member(name=name, kind="folder" if info.isdir() else "other")
