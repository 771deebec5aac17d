"""Run one program alone: in an empty root folder, without a network, for a limited time, with limited memory."""

from __future__ import annotations

import errno
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from pytest_golink.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Private writable memory of each process: Go reserves far more addresses than it uses, so that a limit of addresses
# would say nothing.
_MEMORY_BYTES = 2 << 30
# Beyond those that the machine has already: the kernel counts a user's threads, of other programs too.
_PROCESSES = 512
_FILE_BYTES = 64 << 20
# What a failure shows of a program's output.
_OUTPUT_BYTES = 64 << 10
# How long the launcher may take until the program starts, on a machine that has much else to do.
_START_S = 60.0
_GRACE_S = 10.0
# Where a program that sees the machine's files lies itself: every user may look into it.
_PLACE = "/tmp"  # noqa: S108 - a mount point in a namespace of its own

Refusal = Literal["interpreter", "machine"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """
    How a program ended.

    `refused` is why the kernel did not start it, None where it did: "interpreter" is not there, or it is for another
    "machine". `status` is its exit status, 128 and the number of the signal that ended it; None where it was still
    running when its time was over. `output` and `errors` are the beginnings of what it printed.
    """

    refused: Refusal | None = None
    status: int | None = None
    output: str = ""
    errors: str = ""


def run_alone(
    image: Path,
    *,
    arguments: Sequence[str] = (),
    seconds: float,
    environment: Mapping[str, str] | None = None,
    beside: Sequence[Path] = (),
    root: bool = True,
) -> Ran:
    """
    Start a program in namespaces of its own: no network, no other processes, no user of this machine.

    Args:
        image: The program.
        arguments: Its arguments, without its name.
        seconds: How long it may run.
        environment: All of its environment; "{folder}" in a value stands for the folder that it lies in.
        beside: Files that lie beside it.
        root: Whether its folder is its root folder, with nothing but itself; else it sees this machine's files, all
            read-only, but for folders of users and of running programs.

    Raises:
        SandboxError: This machine does not allow such a start; the message says how to allow it.
    """
    if sys.platform != "linux":
        raise SandboxError("a program can be run apart from the machine on Linux only, which has namespaces")
    with _folder((image, *beside)) as folder:
        inside = "" if root else _PLACE
        program = f"{inside}/{image.name}"
        spec = {
            "folder": folder,
            "root": root,
            "place": _PLACE,
            "program": program,
            "arguments": [program, *arguments],
            "environment": {name: value.replace("{folder}", inside) for name, value in (environment or {}).items()},
            "limits": {
                # Not 0, with which the kernel still hands a core to a program that waits for them.
                # Source: Linux's fs/coredump.c, and core(5).
                "RLIMIT_CORE": 1,
                # Seconds of all processors.
                "RLIMIT_CPU": (int(seconds) + 1) * (os.cpu_count() or 1),
                "RLIMIT_DATA": _MEMORY_BYTES,
                "RLIMIT_FSIZE": _FILE_BYTES,
                "RLIMIT_NPROC": _PROCESSES + _threads(),
            },
        }
        return _launch(spec, seconds)


@contextmanager
def _folder(files: Sequence[Path]) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="golink-root-", ignore_cleanup_errors=True) as folder:
        if os.statvfs(folder).f_flag & os.ST_NOEXEC:
            raise SandboxError(
                f"no program can be started from {tempfile.gettempdir()}, which is mounted noexec: "
                "let TMPDIR name another folder"
            )
        # The program is started as another user.
        Path(folder).chmod(0o755)
        for file in files:
            copy = Path(folder, file.name)
            shutil.copyfile(file, copy)
            copy.chmod(0o755)
        yield folder


def _threads() -> int:
    # Source: proc_loadavg(5), the fourth field: runnable/existing.
    return int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].partition("/")[2])


def _launch(spec: Mapping[str, object], seconds: float) -> Ran:
    launcher = Path(__file__).with_name("launch.py")
    # Files, not pipes: what it prints is bounded by the limit of file sizes, and nobody need read it while it runs.
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        asked.write(json.dumps(spec).encode())
        asked.seek(0)
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb", buffering=0) as report:
            try:
                process = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-B", str(launcher), str(writing)],
                    stdin=asked,
                    stdout=output,
                    stderr=errors,
                    pass_fds=(writing,),
                    start_new_session=True,
                )
            finally:
                os.close(writing)
            try:
                last = _last_word(report, seconds)
            finally:
                _end(process)
        if last is None:
            raise SandboxError(
                f"no program could be started apart from this machine: {_beginning(errors) or 'no answer'}"
            )
        return Ran(
            refused=_refused(last),
            status=last.get("status"),
            output=_beginning(output),
            errors=_beginning(errors),
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the launcher, and with its namespace whatever the program has started in there."""
    process.terminate()
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        raise SandboxError(
            f"the program is still there {_GRACE_S:.0f} s after it was ended: the machine has too much else to do, or "
            "the kernel waits for a device or a network file system"
        ) from None
    finally:
        # Also where Ctrl-C comes in between. With the launcher ends the namespace's first process, and all in there.
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _last_word(report: IO[bytes], seconds: float) -> Mapping[str, Any] | None:
    """Give the launcher's last word in time; None where it has died without one."""
    last: Mapping[str, Any] | None = None
    heard = b""
    until = time.monotonic() + _START_S
    with selectors.DefaultSelector() as selector:
        selector.register(report, selectors.EVENT_READ)
        while last is None or last["stage"] == "started":
            if not selector.select(max(0.0, until - time.monotonic())):
                return last
            said = os.read(report.fileno(), 4096)
            if not said:
                return None
            *lines, heard = (heard + said).split(b"\n")
            for line in lines:
                last = json.loads(line)
                # The program's own time begins with itself.
                until = time.monotonic() + seconds
    return last


def _refused(last: Mapping[str, Any]) -> Refusal | None:
    if last["stage"] == "apart":
        raise SandboxError(
            f"no program can be started apart from this machine here ({last['text']}): run as root, or allow user "
            "namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0, "
            "user.max_user_namespaces above 0); in a container --cap-add SYS_ADMIN --security-opt apparmor=unconfined, "
            "or a seccomp profile that lets unshare and mount through"
        )
    if last["stage"] != "exec":
        return None
    if last["errno"] == errno.ENOENT:
        # The file is there: it is the interpreter that is not.
        return "interpreter"
    if last["errno"] == errno.ENOEXEC:
        return "machine"
    raise SandboxError(f"this machine does not start the program: {last['text']}")


def _beginning(file: IO[bytes]) -> str:
    return os.pread(file.fileno(), _OUTPUT_BYTES, 0).decode(errors="backslashreplace")
