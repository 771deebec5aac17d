"""Files that are written whole or not at all, and digests of files."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK_BYTES = 1 << 20


def write_whole(path: Path, data: bytes) -> None:
    """
    Write a file: a reader sees the old one or the new one, never a part.

    Raises:
        OSError: It cannot be written; the old one is as it was.
    """
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """
    Yield a new file that takes the place of `path` where the block ends well, and is removed where it does not.

    A symbolic link stays one: its target is replaced. The file keeps the mode of the old one; a new one has the usual
    mode.

    Raises:
        OSError: It cannot be written; the old one is as it was.
    """
    path = Path(os.path.realpath(path))
    beside = path.with_name(f".{os.urandom(8).hex()}.golink")
    # "x": never a file that is there. Its mode is the process's default, unlike that of a tempfile.
    with beside.open("xb") as file:
        try:
            with suppress(FileNotFoundError):
                beside.chmod(stat.S_IMODE(path.stat().st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
            # Windows replaces no file that is open.
            file.close()
            beside.replace(path)
        except BaseException:
            # A write that failed, on a full disk for one, fails again when the file is closed.
            with suppress(OSError):
                file.close()
            with suppress(OSError):
                beside.unlink()
            raise


def digest(path: Path) -> str:
    """
    Return the SHA-256 of a file in a cache, in hexadecimal.

    What stands there may be another's: a link out of the cache, a FIFO that waits for a writer, a device.

    Raises:
        OSError: It cannot be read, or is no regular file.
    """
    with open(path, "rb", opener=_opened) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(f"{path} is no regular file")
        sha256 = hashlib.sha256()
        while chunk := file.read(_CHUNK_BYTES):
            sha256.update(chunk)
        return sha256.hexdigest()


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
