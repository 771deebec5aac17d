"""Start a program in a root folder, bounded in time and memory, and say whether it started."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_RUN_S = 60
_CPU_S = 30
_MEMORY = 16 << 30  # address space: Go and qemu reserve far more than they touch
_FOLDER = "golink-run"
# glibc finds $ORIGIN through /proc/self/exe; the mount is gone with its namespace.
_ENTER = 'mkdir -p "$1/proc" && mount -t proc proc "$1/proc" && exec chroot "$@"'
_NEEDED = (
    "make platforms starts programs in root folders: be root, or allow user namespaces "
    "(sysctl kernel.unprivileged_userns_clone=1 or kernel.apparmor_restrict_unprivileged_userns=0)"
)


def started(root: Path, image: Path, *, beside: tuple[Path, ...] = (), emulator: tuple[Path, ...] | None = None) -> str:
    """
    Start a program in a root folder; give "" where it printed "started" and left with 0, else what it said.

    Args:
        root: The folder that becomes "/".
        image: The program; it is copied into the root, and taken away again.
        beside: Libraries that are copied beside it.
        emulator: qemu of user mode and its arguments, as paths; it is copied into the root too.
    """
    folder = root / _FOLDER / image.parent.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        for file in (image, *beside, *(emulator or ())[:1]):
            shutil.copy(file, folder / file.name)
        inside = f"/{_FOLDER}/{folder.name}"
        command = [*_chroot(), str(root)]
        if emulator:
            command += [f"{inside}/{emulator[0].name}", *map(str, emulator[1:])]
        return _result([*command, f"{inside}/{image.name}"])
    finally:
        shutil.rmtree(root / _FOLDER, ignore_errors=True)


def _result(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_RUN_S,
            check=False,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
            preexec_fn=_limit,
        )
    except subprocess.TimeoutExpired:
        return f"not done after {_RUN_S} s"
    if done.returncode == 0 and done.stdout.strip() == "started":
        return ""
    return (
        (done.stderr or done.stdout).strip().splitlines()[0]
        if done.stderr or done.stdout
        else f"exit {done.returncode}"
    )


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@cache
def _chroot() -> tuple[str, ...]:
    """
    Return the command that changes the root folder: its arguments are the root, and what is started there.

    Raises:
        RuntimeError: Neither root nor a user namespace is to be had.
    """
    user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    command = ("unshare", *user, "--mount", "--pid", "--net", "--fork", "--kill-child", "sh", "-c", _ENTER, "sh")
    try:
        subprocess.run([*command, "/", "true"], capture_output=True, check=True, timeout=_RUN_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise RuntimeError(_NEEDED) from error
    return command
