"""Extracted members: files named by the digest of their content, which golink checks each time."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pytest_golink.archives import limits
from pytest_golink.errors import ArchiveError
from pytest_golink.files import digest as digest_of_file

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK_BYTES = 1 << 20
_DIGITS = 24


def digest_of(path: Path) -> str | None:
    """Return the SHA-256 of an extracted file; None if it is missing, cannot be read, or is larger than any member."""
    try:
        # A stranger may have made a cached file larger than any member: golink does not read it then.
        return digest_of_file(path) if path.stat().st_size <= limits.MEMBER_BYTES else None
    except OSError:
        return None


def extract(write: Callable[[BinaryIO], None], folder: Path, base: str, *, name: str, mode: int) -> tuple[Path, str]:
    """
    Write a member's bytes to a file below a folder, or below a temporary folder if that one cannot be written.

    Args:
        write: Writes the bytes.
        folder: The folder; golink makes it if it is missing.
        base: The last part of the file's name.
        name: The member, for messages.
        mode: The permission bits of the file.

    Returns:
        The file and its SHA-256.

    Raises:
        ArchiveError: The archive is damaged, or no folder can be written.
    """
    try:
        return _written(write, folder, base, mode)
    except OSError as first:
        # The cache is read-only, or full.
        try:
            return _written(write, _temporary_folder(), base, mode)
        except OSError as error:
            raise ArchiveError(name, f"cannot be extracted into {folder}: {first}; nor elsewhere: {error}") from error


def _written(write: Callable[[BinaryIO], None], folder: Path, base: str, mode: int) -> tuple[Path, str]:
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=folder)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            write(file)
            file.seek(0)
            digest = _sha256(file)
        # A release may hold one program with several modes.
        target = folder / f"{digest[:_DIGITS]}-{mode:03o}" / base
        # Another program may have written the file that is there, or changed it since.
        if digest_of(target) != digest or stat.S_IMODE(target.stat().st_mode) != mode:
            target.parent.mkdir(exist_ok=True)
            Path(temporary).chmod(mode)
            Path(temporary).replace(target)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return target, digest


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while part := file.read(_CHUNK_BYTES):
        digest.update(part)
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="golink-", ignore_cleanup_errors=True)


def _temporary_folder() -> Path:
    """Return a folder that is removed when this process ends."""
    return Path(_temporary().name)
