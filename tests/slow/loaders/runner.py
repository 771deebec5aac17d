"""
Starts many programs, one after the other, in the fence of the rule starts-alone.

A process of its own, because one with threads cannot enter a user namespace: it reads a JSON object a line (what
launch.py takes) and answers with one, until its input ends.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __package__:
    from pytest_golink.errors import SandboxError
else:
    # Run as a script, with -I: the package is found by this file's place.
    sys.path.insert(0, str(Path(__file__).parents[3]))

from pytest_golink.sandbox import launch
from pytest_golink.sandbox.alone import _shown
from pytest_golink.sandbox.system_calls import call_filter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

PLACE = "/tmp"  # noqa: S108 - a mount point in a namespace of its own
# That of all seeds; it lies in a folder that is shown whole.
_INTERPRETER = "/lib64/ld-linux-x86-64.so.2"
_SECONDS = 5
_OUTPUT_BYTES = 1 << 16
_LIMITS = {"RLIMIT_CORE": 1, "RLIMIT_CPU": 5, "RLIMIT_DATA": 1 << 30, "RLIMIT_FSIZE": 1 << 20}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """
    How a program ended.

    `refused` is the error of execve, None where the kernel started it; `status` the exit status, negative for the
    signal that ended it, None where it did not end in time.
    """

    refused: str | None = None
    status: int | None = None
    output: str = ""


class Fence:
    """A fence in which programs of one folder are started; it is there until it is closed."""

    def __init__(self, folder: Path) -> None:
        self._root = tempfile.TemporaryDirectory(prefix="golink-root-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [sys.executable, "-I", __file__, str(folder), self._root.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Fence:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # At the end of its input it ends.
        self._process.__exit__(kind, error, trace)
        self._root.cleanup()

    def run(self, program: str, environment: Mapping[str, str], before: Sequence[str] = ()) -> Ran:
        """
        Start a program of the folder.

        Args:
            program: Its name there.
            environment: All of its environment.
            before: A loader or an emulator, by path, and its arguments: it gets the program as its last one.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        arguments = [*before, f"{PLACE}/{program}"]
        self._process.stdin.write(json.dumps({"arguments": arguments, "environment": dict(environment)}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SandboxError("programs cannot be started apart from this machine: see starts-alone")
        return Ran(**json.loads(line))


def _run(asked: dict[str, Any], fence: dict[str, Any]) -> dict[str, Any]:
    spec = {**asked, **fence, "program": asked["arguments"][0], "limits": _LIMITS}
    output = os.memfd_create("output")
    reading, writing = os.pipe()
    program = os.fork()
    if program == 0:
        try:
            os.dup2(output, 1)
            os.dup2(output, 2)
            launch._become(spec)
        except BaseException as error:
            os.write(writing, str(getattr(error, "strerror", None) or error).encode())
        os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as failure:
        refused = failure.read().decode()
    status = _ended(program)
    text = os.pread(output, _OUTPUT_BYTES, 0).decode(errors="replace")
    os.close(output)
    return {"refused": refused, "output": text} if refused else {"status": status, "output": text}


def _ended(program: int) -> int | None:
    handle = os.pidfd_open(program)
    ended = bool(select.select([handle], [], [], _SECONDS)[0])
    os.close(handle)
    if not ended:
        os.kill(program, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])
    return status if ended else None


def main(folder: str, root: str) -> None:
    """Enter the fence, and start what is asked for."""
    fence = {
        "folder": folder,
        "mount": root,
        "shown": _shown(_INTERPRETER),
        "place": PLACE,
        "filter": call_filter(os.uname().machine, unix_sockets=False).hex(),
    }
    launch._enter_namespaces()
    launch._lay_out(fence)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 3)
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    launch._die_with_parent()
    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line), fence)), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
