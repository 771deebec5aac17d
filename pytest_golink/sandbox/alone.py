"""Run one program behind a fence: in an empty root folder, without a network, with limited time and memory."""

from __future__ import annotations

import errno
import glob
import json
import os
import selectors
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from pytest_golink.errors import SandboxError
from pytest_golink.sandbox.system_calls import MACHINES, call_filter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# The limit for all processes together, and for the private writable memory of each, so that an allocation over it gets
# the usual error. A limit of the address space would not do: Go reserves far more than it uses.
MEMORY_BYTES = 2 << 30
# Beyond those that the machine has already: the kernel counts a user's threads, of other programs too.
_PROCESSES = 512
_FILE_BYTES = 64 << 20
# How much of a program's output a failure shows.
_OUTPUT_BYTES = 64 << 10
# The exit status by which a shell reports a program that a filter of system calls ended.
_SIGSYS_STATUS = 128 + 31
# How long the launcher may take until the program starts, on a machine that has much else to do.
_START_S = 60.0
_GRACE_S = 10.0
# The folder of a program that sees the machine's libraries.
_PLACE = "/golink"
# A loader reads these: the library folders of glibc, musl, Nix and Guix, glibc's cache and musl's search path.
# Source: ld.so(8); musl's ldso/dynlink.c.
_LIBRARIES = (
    *("/lib", "/lib32", "/lib64", "/libx32"),
    *("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32", "/usr/local/lib", "/usr/local/lib64"),
    *("/nix/store", "/gnu/store"),
)
_LOADER_FILES = ("/etc/ld.so.cache", "/etc/ld-musl-*.path")

Refusal = Literal["interpreter", "machine"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """
    How a program ended.

    `refused` is why the kernel did not start it, None where it did: "interpreter" is not there, or it is for another
    "machine". `status` is its exit status, 128 and the number of the signal that ended it; None where it was still
    running when its time was over. `outgrew` says that golink ended it, because its processes together held more than
    MEMORY_BYTES. `output` and `errors` are the beginnings of what it printed.
    """

    refused: Refusal | None = None
    status: int | None = None
    outgrew: bool = False
    output: str = ""
    errors: str = ""


def run_alone(
    image: Path,
    *,
    arguments: Sequence[str] = (),
    seconds: float,
    environment: Mapping[str, str] | None = None,
    beside: Sequence[Path] = (),
    interpreter: str | None = None,
) -> Ran:
    """
    Start a program in its own namespaces: no network, no other processes, no user of this machine.

    It runs as the owner of its file, which keeps its mode, without set-user-ID bits.

    Args:
        image: The program.
        arguments: Its arguments, without its name.
        seconds: How long it may run.
        environment: Its whole environment; golink replaces "{folder}" in a value with the program's folder.
        beside: Files that lie beside it.
        interpreter: The interpreter that it names. With one the program sees it, the machine's library folders and the
            files that a loader reads, all read-only; without one it sees only itself.

    Raises:
        SandboxError: This machine does not allow such a start; the message says how to allow it.
    """
    if sys.platform != "linux":
        raise SandboxError("golink runs a program apart from the machine only on Linux, which has namespaces")
    machine = os.uname().machine
    # The program may make no Unix socket where it sees folders in which sockets of the machine may lie.
    code = call_filter(machine, unix_sockets=interpreter is None)
    with _folders(image, beside) as (folder, mount):
        inside = _PLACE if interpreter else ""
        program = f"{inside}/{image.name}"
        spec = {
            "folder": folder,
            "file": f"{folder}/{image.name}",
            "mount": mount if interpreter else None,
            "shown": _shown(interpreter) if interpreter else (),
            "place": _PLACE,
            "program": program,
            "arguments": [program, *arguments],
            "environment": {name: value.replace("{folder}", inside) for name, value in (environment or {}).items()},
            "filter": code.hex(),
            # Python may be of 32 bits where the kernel is not.
            "keyctl": MACHINES[machine][0 if sys.maxsize > 1 << 32 else -1].refused["keyctl"],
            "memory": MEMORY_BYTES,
            "limits": {
                # Not 0: with 0 the kernel still pipes a core to a program that collects them.
                # Source: Linux's fs/coredump.c, and core(5).
                "RLIMIT_CORE": 1,
                # Seconds on all processors together.
                "RLIMIT_CPU": (int(seconds) + 1) * (os.cpu_count() or 1),
                "RLIMIT_DATA": MEMORY_BYTES,
                "RLIMIT_FSIZE": _FILE_BYTES,
                "RLIMIT_NPROC": _PROCESSES + _threads(),
            },
        }
        return _launch(spec, seconds)


def _shown(interpreter: str) -> list[str]:
    """Return what a program sees with its interpreter, each once, folders first."""
    shown = [*_LIBRARIES, *(file for pattern in _LOADER_FILES for file in glob.glob(pattern))]  # noqa: PTH207
    # The kernel looks for a relative one in the program's working folder, which is its root.
    loader = os.path.normpath(f"/{interpreter.lstrip('/')}")
    if not any(Path(loader).is_relative_to(folder) for folder in _LIBRARIES):
        shown.append(loader)
    return shown


@contextmanager
def _folders(image: Path, beside: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Yield a folder with copies of the files, and one to mount at."""
    with tempfile.TemporaryDirectory(prefix="golink-root-", ignore_cleanup_errors=True) as folder:
        if os.statvfs(folder).f_flag & os.ST_NOEXEC:
            raise SandboxError(
                f"golink cannot start a program from {tempfile.gettempdir()}, which is mounted noexec: "
                "let TMPDIR name another folder"
            )
        files, mount = Path(folder, "files"), Path(folder, "root")
        for each in (files, mount):
            each.mkdir()
        # Another user starts the program, and must be able to read it.
        for each in (Path(folder), files):
            each.chmod(0o755)
        for file in (image, *beside):
            copy = files / file.name
            shutil.copyfile(file, copy)
            copy.chmod(0o755 if file in beside else stat.S_IMODE(file.stat().st_mode) & 0o777)
        yield str(files), str(mount)


def _threads() -> int:
    # Source: proc_loadavg(5), the fourth field: runnable/existing.
    return int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].partition("/")[2])


def _launch(spec: Mapping[str, object], seconds: float) -> Ran:
    launcher = Path(__file__).with_name("launch.py")
    # Files, not pipes: the limit of file sizes bounds what it prints, and golink need not read it while it runs.
    with tempfile.TemporaryFile() as request, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        request.write(json.dumps(spec).encode())
        request.seek(0)
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb", buffering=0) as report:
            try:
                process = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-B", str(launcher), str(writing)],
                    stdin=request,
                    stdout=output,
                    stderr=errors,
                    pass_fds=(writing,),
                    start_new_session=True,
                )
            finally:
                os.close(writing)
            try:
                last = _last_message(report, seconds)
            finally:
                _end(process)
        if last is None:
            raise SandboxError(
                f"golink could not start a program apart from this machine: {_beginning(errors) or 'no answer'}"
            )
        outgrew = last["stage"] == "outgrew"
        if last.get("status") == _SIGSYS_STATUS:
            raise SandboxError(
                "the fence ended the program with SIGSYS: it makes a socket with socketcall, as 386 and s390x "
                "programs do, and no filter sees what kind of socket; switch the rule off for this target"
            )
        return Ran(
            refused=_refused(last),
            status=128 + signal.SIGKILL if outgrew else last.get("status"),
            outgrew=outgrew,
            output=_beginning(output),
            errors=_beginning(errors),
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the launcher; with its namespace every process that the program started ends too."""
    process.terminate()
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        raise SandboxError(
            f"the program is still there {_GRACE_S:.0f} s after it was ended: the machine has too much else to do, or "
            "the kernel waits for a device or a network file system"
        ) from None
    finally:
        # Also after Ctrl-C. The namespace's first process, and all other processes in it, end with the launcher.
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _last_message(report: IO[bytes], seconds: float) -> Mapping[str, Any] | None:
    """Return the launcher's last message in time; None where it died without one."""
    last: Mapping[str, Any] | None = None
    unread = b""
    until = time.monotonic() + _START_S
    with selectors.DefaultSelector() as selector:
        selector.register(report, selectors.EVENT_READ)
        while last is None or last["stage"] == "started":
            if not selector.select(max(0.0, until - time.monotonic())):
                return last
            received = os.read(report.fileno(), 4096)
            if not received:
                return None
            *lines, unread = (unread + received).split(b"\n")
            for line in lines:
                last = json.loads(line)
                # The program's time begins when it starts.
                until = time.monotonic() + seconds
    return last


def _refused(last: Mapping[str, Any]) -> Refusal | None:
    if last["stage"] == "filter":
        raise SandboxError(
            f"golink cannot fence a program here: the kernel takes no filter of system calls (seccomp: {last['text']})"
        )
    if last["stage"] == "apart":
        raise SandboxError(
            f"golink cannot start a program apart from this machine here ({last['text']}): run as root, or allow user "
            "namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0, "
            "user.max_user_namespaces above 0); in a container --cap-add SYS_ADMIN --security-opt apparmor=unconfined, "
            "or a seccomp profile that lets unshare and mount through"
        )
    if last["stage"] != "exec":
        return None
    if last["errno"] == errno.ENOENT:
        # The file is there, so the missing file is its interpreter.
        return "interpreter"
    if last["errno"] == errno.ENOEXEC:
        return "machine"
    raise SandboxError(f"this machine does not start the program: {last['text']}")


def _beginning(file: IO[bytes]) -> str:
    return os.pread(file.fileno(), _OUTPUT_BYTES, 0).decode(errors="backslashreplace")
