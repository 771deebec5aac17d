"""
Starts one program in namespaces of its own, and in a root folder of its own if asked: a script that alone.py runs.

It has an interpreter to itself, because a process with threads cannot enter a user namespace, and knows the standard
library alone. It says on the file descriptor that it was given, a JSON object a line, how far it got: "apart" where
this machine allows no namespaces, "exec" where the kernel does not start the program, "started", "ended".

    launcher            enters the namespaces, makes the mounts
      init              the first process of the new process namespace: when it ends, all in there end
        program         an ordinary process: for the first one the kernel drops SIGTERM and even abort()'s SIGABRT

Source: Linux's unshare(2), user_namespaces(7), pid_namespaces(7), mount(2), chroot(2), prctl(2).
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import signal
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUTS = 0x04000000
_CLONE_NEWIPC = 0x08000000
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWPID = 0x20000000
_CLONE_NEWNET = 0x40000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REMOUNT, _MS_BIND = 1, 2, 4, 8, 32, 4096
_MS_NOATIME, _MS_NODIRATIME, _MS_RELATIME = 1024, 2048, 1 << 21
_MS_REC_PRIVATE = 0x4000 | 0x40000
# What a mount point of the machine forbids must stay forbidden in a user namespace: statvfs's flag, mount's flag.
_KEPT = (
    (os.ST_NOSUID, _MS_NOSUID),
    (os.ST_NODEV, _MS_NODEV),
    (os.ST_NOEXEC, _MS_NOEXEC),
    (os.ST_NOATIME, _MS_NOATIME),
    (os.ST_NODIRATIME, _MS_NODIRATIME),
    (os.ST_RELATIME, _MS_RELATIME),
)
# Linux 5.12; libc has no function of that name before glibc 2.36.
# Source: Linux's include/uapi/linux/mount.h, struct mount_attr.
_SYS_MOUNT_SETATTR, _AT_RECURSIVE = 442, 0x8000
_READ_ONLY = struct.pack("=4Q", 1, 0, 0, 0)
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_NOBODY = 65534
# A program that sees the machine's files does not see these.
_HIDDEN = ("/home", "/root", "/run", "/var/tmp", "/dev/shm", "/proc")  # noqa: S108 - hidden, not used
_BUSY_TRIES, _BUSY_S = 40, 0.05

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _say(report: int, stage: str, **more: object) -> None:
    # Shorter than PIPE_BUF, so that a line arrives whole.
    os.write(report, json.dumps({"stage": stage, **more}).encode() + b"\n")


def _die_with_parent() -> None:
    _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _enter_namespaces() -> None:
    apart = _CLONE_NEWNS | _CLONE_NEWUTS | _CLONE_NEWIPC | _CLONE_NEWPID | _CLONE_NEWNET
    user, group = os.geteuid(), os.getegid()
    try:
        if user != 0 or not _nobody_is_there():
            raise PermissionError
        _call("unshare", apart)
    except PermissionError:
        # An ordinary user; or the root of a container, without rights over the machine, or alone in a user namespace.
        _call("unshare", apart | _CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{_NOBODY} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{_NOBODY} {group} 1", encoding="ascii")
    # What is mounted here must not appear outside.
    _call("mount", b"none", b"/", None, _MS_REC_PRIVATE, None)


def _nobody_is_there() -> bool:
    """Whether root can become nobody: in a user namespace there may be no such user."""
    proc = Path("/proc/self")
    for name in ("uid_map", "gid_map"):
        ranges = [
            [int(word) for word in line.split()] for line in (proc / name).read_text(encoding="ascii").splitlines()
        ]
        if not any(first <= _NOBODY < first + count for first, _, count in ranges):
            return False
    return (proc / "setgroups").read_text(encoding="ascii").strip() == "allow"


def _show(folder: str, place: str) -> None:
    """Mount a folder at a place, read-only."""
    source, target = os.fsencode(folder), os.fsencode(place)
    _call("mount", source, target, None, _MS_BIND, None)
    given = os.statvfs(place).f_flag
    kept = sum(flag for reported, flag in _KEPT if given & reported)
    _call("mount", b"none", target, None, _MS_BIND | _MS_REMOUNT | _MS_RDONLY | _MS_NOSUID | _MS_NODEV | kept, None)


def _forbid_writing() -> None:
    """Make all that is mounted read-only: an ordinary user's program is still of that user, whatever it is called."""
    try:
        _call("syscall", _SYS_MOUNT_SETATTR, 0, b"/", _AT_RECURSIVE, _READ_ONLY, len(_READ_ONLY))
    except OSError as error:
        raise OSError(error.errno, f"mount_setattr, of Linux 5.12: {os.strerror(error.errno or 0)}") from error


def _hide(shown: Path) -> None:
    home = Path(os.environ.get("HOME", "/"))
    for folder in {*map(Path, _HIDDEN), home}:
        # Not what the program lies in, nor the root. What this process may not look at, the program may not either:
        # isdir, unlike is_dir, takes that for nothing.
        if (
            folder.is_absolute()
            and os.path.isdir(folder)  # noqa: PTH112
            and not folder.is_symlink()
            and folder not in (shown, *shown.parents)
        ):
            _call("mount", b"none", os.fsencode(folder), b"tmpfs", _MS_RDONLY | _MS_NOSUID | _MS_NODEV, None)


def _limit(limits: dict[str, int]) -> None:
    for what, most in limits.items():
        number = getattr(resource, what)
        hard = resource.getrlimit(number)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(number, (most, most))


def _become(spec: dict[str, Any]) -> None:
    """Become the program: what is raised before is of this machine, what execve raises of the program."""
    if spec["root"]:
        os.chroot(spec["folder"])
    os.chdir("/")
    os.umask(0o022)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _limit(spec["limits"])
    # Python ignores some, a shell's background job or nohup others, and what is ignored stays so in the program.
    for number in signal.valid_signals():
        with suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    refusal = _execve(spec)
    for _ in range(_BUSY_TRIES):
        if refusal != errno.ETXTBSY:
            break
        # A process that was forked while the copy was written holds it open for a moment.
        time.sleep(_BUSY_S)
        refusal = _execve(spec)
    raise _StartError(refusal, os.strerror(refusal))


def _execve(spec: dict[str, Any]) -> int:
    """Become the program, or give the error's number."""
    try:
        os.execve(spec["program"], spec["arguments"], spec["environment"])  # noqa: S606 - no shell is the point
    except OSError as error:
        return error.errno or 0


class _StartError(OSError):
    """The kernel does not start the program."""


def _init(spec: dict[str, Any], report: int) -> None:
    """Be the first process of the namespace: start the program, take leave of orphans, say how the program ended."""
    # The program may be of the same user, and signals that somebody handles do reach the first process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    # Closed by execve: its end without a word is the program's start.
    reading, writing = os.pipe()
    program = os.fork()
    if program == 0:
        try:
            _become(spec)
        except BaseException as error:
            # Whatever it is, this process must not go on in its parent's code.
            stage = "exec" if isinstance(error, _StartError) else "apart"
            _say(
                writing, stage, errno=getattr(error, "errno", None), text=getattr(error, "strerror", None) or str(error)
            )
        os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as failure:
        said = failure.read()
    if said:
        os.write(report, said)
        return
    _say(report, "started")
    ended, status = os.wait()
    while ended != program:
        ended, status = os.wait()
    code = os.waitstatus_to_exitcode(status)
    # As a shell gives it for a program that a signal ended.
    _say(report, "ended", status=code if code >= 0 else 128 - code)


def main(report: int) -> int:
    """Read what to start from standard input, and start it."""
    spec = json.load(sys.stdin)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.set_inheritable(report, False)
    try:
        _die_with_parent()
        _enter_namespaces()
        if spec["root"]:
            _show(spec["folder"], spec["folder"])
        else:
            _forbid_writing()
            _show(spec["folder"], spec["place"])
            _hide(Path(spec["place"]))
    except OSError as error:
        _say(report, "apart", errno=error.errno, text=error.strerror or str(error))
        return 1
    # The first process after unshare is the new namespace's init.
    child = os.fork()
    if child == 0:
        _init(spec, report)
        os._exit(0)
    os.close(report)

    def end(_number: int, _frame: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)

    # Not this process first: it sees its child's end when nothing is left in the namespace.
    signal.signal(signal.SIGTERM, end)
    os.waitpid(child, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
