"""The lock's file: beside its golink.toml, read whole, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.errors import LockError
from pytest_golink.lock.text import UPDATE, parse_lock

if TYPE_CHECKING:
    from pytest_golink.lock.model import Lock

# Ten thousand images of a hundred lines: a larger file is none of ours.
_LARGEST = 64 * 1024 * 1024


def lock_path(policy: Path) -> Path:
    """Return the lock of a policy: "golink.lock" beside golink.toml, else the policy's name with that ending."""
    return policy.with_suffix(".lock")


def read_lock(path: Path, *, name: str) -> Lock:
    """
    Read a lock file.

    Args:
        path: The file.
        name: What to call it in an error ("golink.lock").

    Raises:
        LockError: There is no such file, it cannot be read, is a link out of the project, or no lock of this version.
    """
    _stay_inside(path, name)
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise LockError(f"{name}: there is no such file; `{UPDATE}` writes it") from None
    except OSError as error:
        raise LockError(f"{name}: cannot be read: {error.strerror}") from error
    if len(raw) > _LARGEST:
        raise LockError(f"{name}: larger than {_LARGEST:,} bytes: not a lock that golink wrote")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise LockError(f"{name}:{line}: not UTF-8; `{UPDATE}` writes the file anew") from None
    return parse_lock(text, name=name)


def write_lock(path: Path, text: str) -> None:
    """
    Write a lock file: another process that reads it meanwhile sees the old one or the new one.

    Raises:
        LockError: It cannot be written, or is a link out of the project; the old one is still there.
    """
    _stay_inside(path, path.name)
    temporary = None
    try:
        # A link stays a link: what it points to is what is written.
        path = Path(os.path.realpath(path))
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
        # Only the owner may read what mkstemp makes; a lock is as readable as other files of the project.
        Path(temporary).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                Path(temporary).unlink()
        raise LockError(f"{path.name}: cannot be written: {error.strerror}") from error


def _stay_inside(path: Path, name: str) -> None:
    """Refuse a link that leads out of the repository, or where there is none, out of the lock's folder."""
    folder = path.parent.resolve()
    project = next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)
    target = Path(os.path.realpath(path))
    if not target.is_relative_to(project):
        raise LockError(f"{name}: is a link out of the project, to {target}: golink reads and writes a lock inside it")
    if target.exists() and not target.is_file() and not target.is_dir():
        raise LockError(f"{name}: is not a regular file")


def _umask() -> int:
    # There is no other way to ask than to set it.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
