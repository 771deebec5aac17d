"""Members of a zip: .zip, .whl and all else of that form. zipfile reads it; the bounds are ours."""

from __future__ import annotations

import stat
import zipfile
from functools import partial
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from pytest_golink.archives import limits
from pytest_golink.archives.members import HEAD_BYTES, Member, inner_name, shown
from pytest_golink.archives.streams import Range
from pytest_golink.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK_BYTES = 1 << 18
_ENCRYPTED = 0x1
# Where Unix keeps the mode, in a field that Windows has for itself.
_MODE_SHIFT = 16
_UNIX = 3
_NO_MODE = 0o644
_LONGEST_LINK = 4096


def zip_members(file: BinaryIO, path: str) -> Iterator[Member]:
    """
    Yield the members in the order of the central directory.

    Raises:
        ArchiveError: The zip is damaged or cut short, or a name leads out of it.
    """
    with _opened(file, path) as archive:
        for index, info in enumerate(archive.infolist()):
            if "\\" in info.orig_filename:
                raise ArchiveError(path, f'the name of the member "{shown(info.orig_filename)}" has a backslash')
            name = inner_name(info.orig_filename, path=path, root=False)
            mode = info.external_attr >> _MODE_SHIFT if info.create_system == _UNIX else 0
            if info.is_dir():
                yield Member(name=name, kind="folder")
            elif stat.S_ISLNK(mode):
                if info.file_size > _LONGEST_LINK:
                    raise ArchiveError(path, f"is a link of {info.file_size} bytes", member=shown(name))
                target = b"".join(_chunks(index, file, f"{path}!{shown(name)}"))
                yield Member(name=name, kind="symlink", target=target.decode("utf-8", "surrogateescape"))
            else:
                problem = "is encrypted" if info.flag_bits & _ENCRYPTED else ""
                head = b"" if problem else _head(archive, info)
                chain = (partial(_chunks, index),)
                yield Member(
                    name=name,
                    kind="file",
                    size=info.file_size,
                    head=head,
                    chain=chain,
                    # Without one, as Go's archive/zip writes where a program sets none, unzip gives it no execute bit.
                    mode=mode or _NO_MODE,
                    problem=problem,
                )


def _head(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(info) as member:
            return member.read(HEAD_BYTES)
    except Exception:
        # A member that nobody asks for may be damaged, or packed in a way that Python does not know.
        return b""


def _opened(file: BinaryIO, path: str) -> zipfile.ZipFile:
    # zipfile reads the central directory at once, however long its header says it is.
    whole = Range(file, path=path, largest=limits.DIRECTORY_BYTES)
    try:
        return zipfile.ZipFile(cast("IO[bytes]", whole))
    except ArchiveError:
        raise
    except Exception as error:
        # Of damaged ones zipfile says BadZipFile, ValueError, struct.error, UnicodeDecodeError, NotImplementedError, …
        raise ArchiveError(path, f"is a damaged zip: {shown(str(error))}") from error


def _chunks(index: int, file: BinaryIO, path: str) -> Iterator[bytes]:
    """Yield the bytes of the member of that number; zipfile holds them against the size and the CRC of its header."""
    with _opened(file, path) as archive:
        info = archive.infolist()[index]
        try:
            with archive.open(info) as member:
                while part := member.read(_CHUNK_BYTES):
                    yield part
        except Exception as error:
            raise ArchiveError(path, f"is damaged: {shown(str(error))}") from error
