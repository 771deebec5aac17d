"""
Start one program in its own namespaces and its own root folder: a script that alone.py runs.

It runs in an interpreter of a separate process, because a process with threads cannot enter a user namespace, and
imports only the standard library. It writes its progress, one JSON object a line, to the file descriptor that alone.py
names: "apart" where this machine allows no namespaces, "filter" where it takes no filter of system calls, "exec" where
the kernel does not start the program, "started", "ended", and "outgrew" where the program's processes hold too much
memory.

    launcher            enters the namespaces, makes the mounts, counts the memory
      init              the first process of the new process namespace: when it ends, all in there end
        program         an ordinary process: for the first one the kernel drops SIGTERM and even abort()'s SIGABRT

Source: Linux's unshare(2), user_namespaces(7), pid_namespaces(7), mount(2), chroot(2), prctl(2), keyctl(2).
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
_MS_REC = 16384
# A user namespace must keep the restrictions of the machine's mount points: statvfs's flag, mount's flag.
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
# MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV.
_READ_ONLY = struct.pack("=4Q", 1 | 2 | 4, 0, 0, 0)
_PR_SET_PDEATHSIG = 1
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_PR_SET_NO_NEW_PRIVS = 38
_KEYCTL_JOIN_SESSION_KEYRING = 1
_NOBODY = 65534
_BUSY_TRIES, _BUSY_S = 40, 0.05
# How often the launcher counts the memory that the program's processes hold.
_COUNT_S = 0.05
# Positions in /proc/PID/stat behind the name: ppid and rss, numbers 4 and 24 of proc_pid_stat(5); rss is in pages.
_STAT_PPID, _STAT_RSS = 1, 21

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


def _leave_keyring(keyctl: int) -> None:
    """Join a new session keyring: otherwise the program would possess the keys of the user's login."""
    if _libc.syscall(keyctl, _KEYCTL_JOIN_SESSION_KEYRING, None) < 0:
        number = ctypes.get_errno()
        # The kernel has no keyrings; or a container's filter forbids them to this process, and so to the program.
        if number not in (errno.ENOSYS, errno.EPERM):
            raise OSError(number, f"keyctl: {os.strerror(number)}")


def _enter_namespaces() -> bool:
    """Enter the namespaces; return whether this process is the machine's root, who can become another user."""
    apart = _CLONE_NEWNS | _CLONE_NEWUTS | _CLONE_NEWIPC | _CLONE_NEWPID | _CLONE_NEWNET
    user, group = os.geteuid(), os.getegid()
    is_root = True
    try:
        if user != 0 or not _nobody_is_there():
            raise PermissionError
        _call("unshare", apart)
    except PermissionError:
        is_root = False
        # An ordinary user, or root without rights over the machine: in a container, or the only user of a namespace.
        _call("unshare", apart | _CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny", encoding="utf-8")
        Path("/proc/self/uid_map").write_text(f"{_NOBODY} {user} 1", encoding="utf-8")
        Path("/proc/self/gid_map").write_text(f"{_NOBODY} {group} 1", encoding="utf-8")
    # The mounts made here must not appear outside.
    _call("mount", b"none", b"/", None, _MS_REC_PRIVATE, None)
    return is_root


def _nobody_is_there() -> bool:
    """Whether root can become the user "nobody": a user namespace may not have that user."""
    proc = Path("/proc/self")
    for name in ("uid_map", "gid_map"):
        ranges = [
            [int(word) for word in line.split()] for line in (proc / name).read_text(encoding="utf-8").splitlines()
        ]
        if not any(first <= _NOBODY < first + count for first, _, count in ranges):
            return False
    return (proc / "setgroups").read_text(encoding="utf-8").strip() == "allow"


def _show(folder: str, place: str) -> None:
    """Mount a folder at a place, read-only."""
    source, target = os.fsencode(folder), os.fsencode(place)
    _call("mount", source, target, None, _MS_BIND, None)
    given = os.statvfs(place).f_flag
    kept = sum(flag for reported, flag in _KEPT if given & reported)
    _call("mount", b"none", target, None, _MS_BIND | _MS_REMOUNT | _MS_RDONLY | _MS_NOSUID | _MS_NODEV | kept, None)


def _lay_out(spec: dict[str, Any]) -> None:
    """Make a root folder of the program's folder and of what its loader reads, read-only."""
    root = spec["mount"]
    _call("mount", b"none", os.fsencode(root), b"tmpfs", _MS_NOSUID | _MS_NODEV, b"size=1m,mode=755")
    for place in spec["shown"]:
        _lay(root, place, place)
    _lay(root, spec["folder"], spec["place"])
    try:
        # With all mounts inside the machine's folders.
        _call("syscall", _SYS_MOUNT_SETATTR, 0, os.fsencode(root), _AT_RECURSIVE, _READ_ONLY, len(_READ_ONLY))
    except OSError as error:
        raise OSError(error.errno, f"mount_setattr, of Linux 5.12: {os.strerror(error.errno or 0)}") from error


def _lay(root: str, source: str, place: str) -> None:
    target = Path(root + place)
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.path.islink(source):  # noqa: PTH114 - pathlib raises where this process may not look
        target.symlink_to(os.readlink(source))  # noqa: PTH115 - its text, as it is
        return
    # The program does not see other kinds of files, nor files that this process may not look at.
    if os.path.isdir(source):  # noqa: PTH112
        target.mkdir()
    elif os.path.isfile(source):  # noqa: PTH113
        target.touch()
    else:
        return
    _call("mount", os.fsencode(source), os.fsencode(target), None, _MS_BIND | _MS_REC, None)


def _limit(limits: dict[str, int]) -> None:
    for what, most in limits.items():
        number = getattr(resource, what)
        hard = resource.getrlimit(number)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(number, (most, most))


class _Filter(ctypes.Structure):
    """Linux's struct sock_fprog."""

    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _refuse_calls(code: bytes) -> None:
    program = _Filter(len(code) // 8, code)
    if _libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise _FilterError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _become(spec: dict[str, Any]) -> None:
    """Become the program: an error of execve is about the program, an earlier error is about this machine."""
    os.chroot(spec["mount"] or spec["folder"])
    os.chdir("/")
    os.umask(0o022)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _limit(spec["limits"])
    # Python ignores some signals, nohup or a shell's background job others; the program would go on ignoring them.
    for number in signal.valid_signals():
        with suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    _refuse_calls(bytes.fromhex(spec["filter"]))
    refusal = _execve(spec)
    for _ in range(_BUSY_TRIES):
        if refusal != errno.ETXTBSY:
            break
        # A process that forked while the copy was written holds it open for a moment.
        time.sleep(_BUSY_S)
        refusal = _execve(spec)
    raise _StartError(refusal, os.strerror(refusal))


def _execve(spec: dict[str, Any]) -> int:
    """Become the program, or return the error's number."""
    try:
        os.execve(spec["program"], spec["arguments"], spec["environment"])  # noqa: S606 - no shell is the point
    except OSError as error:
        return error.errno or 0


class _StartError(OSError):
    """The kernel does not start the program."""


class _FilterError(OSError):
    """The kernel takes no filter of system calls."""


def _init(spec: dict[str, Any], report: int) -> None:
    """Be the first process of the namespace: start the program, wait for orphans, report how the program ended."""
    # The program may have the same user, and signals with a handler do reach the first process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    # execve closes it: it ends without a message when the program starts.
    reading, writing = os.pipe()
    program = os.fork()
    if program == 0:
        try:
            _become(spec)
        except BaseException as error:
            # After any error, this process must not go on in its parent's code.
            stages: dict[type[BaseException], str] = {_StartError: "exec", _FilterError: "filter"}
            stage = stages.get(type(error), "apart")
            _say(
                writing, stage, errno=getattr(error, "errno", None), text=getattr(error, "strerror", None) or str(error)
            )
        os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as failure:
        message = failure.read()
    if message:
        os.write(report, message)
        return
    _say(report, "started")
    ended, status = os.wait()
    while ended != program:
        ended, status = os.wait()
    code = os.waitstatus_to_exitcode(status)
    # A shell reports the same status for a program that a signal ended.
    _say(report, "ended", status=code if code >= 0 else 128 - code)


def _watch(first: int, most: int, report: int) -> None:
    """Wait for the namespace's first process to end; end it when its processes together hold too much memory."""
    while os.waitpid(first, os.WNOHANG)[0] == 0:
        begin = time.monotonic()
        if _held(first) > most and _held(first, exactly=True) > most:
            _say(report, "outgrew")
            os.kill(first, signal.SIGKILL)
        # A count takes long on a machine with many processes: it gets a quarter of the time.
        signal.sigtimedwait([signal.SIGCHLD], max(_COUNT_S, 3 * (time.monotonic() - begin)))


def _held(first: int, *, exactly: bool = False) -> int:
    """
    Return how many bytes a process and all its descendants hold.

    A page that several of them share counts for each of them; with `exactly`, once.
    """
    children: dict[int, list[int]] = {}
    sizes: dict[int, int] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - many times a second
        if name.isdecimal():
            with suppress(OSError, IndexError):
                # The name in brackets may hold anything.
                fields = Path("/proc", name, "stat").read_bytes().rpartition(b")")[2].split()
                sizes[int(name)] = int(fields[_STAT_RSS]) * resource.getpagesize()
                children.setdefault(int(fields[_STAT_PPID]), []).append(int(name))
    total, waiting = 0, [first]
    while waiting:
        process = waiting.pop()
        total += _share(process, sizes.get(process, 0)) if exactly else sizes.get(process, 0)
        waiting += children.get(process, ())
    return total


def _share(process: int, resident: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        # It has ended, or the kernel is older than 4.14.
        return resident
    words = [line.split() for line in lines]
    return 1024 * sum(int(line[1]) for line in words if line[0] in ("Pss:", "SwapPss:"))


def main(report: int) -> int:
    """Read what to start from standard input, and start it."""
    spec = json.load(sys.stdin)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.set_inheritable(report, False)
    try:
        _die_with_parent()
        _leave_keyring(spec["keyctl"])
        if _enter_namespaces():
            # So that a program with mode 0700 starts too. Where root may not do that, other modes still start.
            with suppress(PermissionError):
                os.chown(spec["file"], _NOBODY, _NOBODY)
        if spec["mount"]:
            _lay_out(spec)
        else:
            _show(spec["folder"], spec["folder"])
    except OSError as error:
        _say(report, "apart", errno=error.errno, text=error.strerror or str(error))
        return 1
    # While it is ignored, no process can wait for its child.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    # The first process after unshare is the new namespace's init.
    child = os.fork()
    if child == 0:
        _init(spec, report)
        os._exit(0)

    def end(_number: int, _frame: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)

    # Not this process first: it sees its child's end only when the namespace is empty.
    signal.signal(signal.SIGTERM, end)
    _watch(child, spec["memory"], report)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
