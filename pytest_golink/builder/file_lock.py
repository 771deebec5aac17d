"""A lock between processes that the operating system releases when its holder dies."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

if sys.platform == "win32":  # pragma: no cover - the other branch is tested
    import msvcrt

    def _acquire(descriptor: int) -> None:
        while True:
            try:
                # Tries for ten seconds, then gives up.
                msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
            except OSError:
                continue
            return
else:
    import fcntl

    def _acquire(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """
    Hold the lock of a file, which is made where there is none.

    It is never removed: two files of one name, one of them removed, would be two locks.
    """
    with path.open("ab") as file:
        _acquire(file.fileno())
        yield
