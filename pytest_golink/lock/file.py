"""The lock's file: beside its golink.toml, read whole, written whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.errors import LockError
from pytest_golink.files import write_whole
from pytest_golink.lock.text import UPDATE, parse_lock

if TYPE_CHECKING:
    from pathlib import Path

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
        raise LockError(f"{name}: there is no such file; `{UPDATE}` writes it") from None
    except OSError as error:
        raise LockError(f"{name}: cannot be read: {error.strerror}") from error
    if len(raw) > _LARGEST:
        raise LockError(f"{name}: larger than {_LARGEST:,} bytes: no lock that golink wrote")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise LockError(f"{name}:{line}: not UTF-8; `{UPDATE}` writes the file anew") from None
    return parse_lock(text, name=name)


def write_lock(path: Path, text: str) -> None:
    """
    Write a lock file: whoever reads it meanwhile sees the old one or the new one.

    Raises:
        LockError: It cannot be written; the old one is still there.
    """
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise LockError(f"{path.name}: cannot be written: {error.strerror}") from error
