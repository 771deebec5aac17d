"""Run one program of the toolchain: with a time limit, without a terminal, and leave no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import FrameType

# How long an interrupted `go` may take to remove its work folder before it is killed.
_GRACE_S = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """A program that has ended; `status` is negative for a signal."""

    status: int
    stdout: str
    stderr: str


def run(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], timeout_s: float) -> Completed:
    """
    Run a program to its end.

    Raises:
        OSError: It cannot be started.
        subprocess.TimeoutExpired: It took too long; golink ended it with all its children.
    """
    process: subprocess.Popen[str] | None = None
    try:
        with _interrupts_wait():
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                # In a new group, so that golink can end the compilers and linkers under `go` with it.
                start_new_session=True,
            )
        stdout, stderr = process.communicate(timeout=timeout_s)
    except BaseException:
        # Ctrl-C, a timeout, or another plugin's exception: the caller does not wait for the output any more.
        if process is not None:
            _end(process)
        raise
    return Completed(status=process.returncode, stdout=stdout, stderr=stderr)


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Hold Ctrl-C back: inside Popen it would leave a program running unnoticed."""
    handler = signal.getsignal(signal.SIGINT)
    # Python calls handlers in the main thread only.
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: held.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if held:
        handler(*held[0])


def _end(process: subprocess.Popen[str]) -> None:
    if sys.platform == "win32":  # pragma: no cover - there are no process groups to signal
        _end_tree(process)
        return
    # SIGINT first: only on this signal does `go` remove its work folder.
    # Source: cmd/go/internal/base/signal_unix.go, signalsToIgnore.
    _signal_group(process, signal.SIGINT)
    try:
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_GRACE_S)
    finally:
        _signal_group(process, signal.SIGKILL)
        process.communicate()


def _end_tree(process: subprocess.Popen[str]) -> None:
    # By its children too: the compilers and linkers under `go` have its pipes, and golink would wait for them.
    # Source: learn.microsoft.com, taskkill.
    with suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            ["taskkill", "/T", "/F", "/PID", str(process.pid)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_GRACE_S,
            check=False,
        )
    process.kill()
    process.communicate()


def _signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        # It leads its own session: the group has its process id.
        os.killpg(process.pid, number)
