"""The lock's file: beside its golink.toml, read whole, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.errors import LockError
from pytest_golink.location import Location
from pytest_golink.lock.text import UPDATE, parse_lock

if TYPE_CHECKING:
    from pytest_golink.lock.model import Lock

# Ten thousand images of a hundred lines: a larger file is none of ours.
_LARGEST = 64 * 1024 * 1024


def lock_path(policy: Path) -> Path:
    """Give the lock of a policy: "golink.lock" beside golink.toml, else the policy's name with that ending."""
    return policy.with_suffix(".lock")


def read_lock(path: Path, *, name: str) -> Lock:
    """
    Read a lock file.

    Args:
        path: The file.
        name: What to call it in an error ("golink.lock").

    Raises:
        LockError: There is no such file, it cannot be read, or it is no lock of this version.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise LockError((None, f"{name}: there is no such file; `{UPDATE}` writes it")) from None
    except OSError as error:
        raise LockError((None, f"{name}: cannot be read: {error.strerror}")) from error
    if len(raw) > _LARGEST:
        raise LockError((None, f"{name}: larger than {_LARGEST:,} bytes: no lock that golink wrote"))
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise LockError((Location(file=name, line=line), f"not UTF-8; `{UPDATE}` writes the file anew")) from None
    return parse_lock(text, name=name)


def write_lock(path: Path, text: str) -> None:
    """
    Write a lock file: whoever reads it meanwhile sees the old one or the new one.

    Raises:
        LockError: It cannot be written; the old one is still there.
    """
    temporary = None
    try:
        # A link stays a link: what it points to is what is written.
        path = Path(os.path.realpath(path))
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
        # mkstemp lets nobody else read; a lock is as readable as the file it goes with.
        Path(temporary).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                Path(temporary).unlink()
        raise LockError((None, f"{path.name}: cannot be written: {error.strerror}")) from error


def _umask() -> int:
    # There is no other way to ask than to set it.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
