"""Small C programs, linked statically, that show how a program is started and ended."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = """
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <unistd.h>
extern char **environ;
int main(int argc, char **argv) {
"""


def compiled(folder: Path, body: str, *flags: str, name: str = "program") -> Path:
    """Compile the body of a main function."""
    source = folder / f"{name}.c"
    source.write_text(f"{_HEAD}{body}\n}}\n", encoding="ascii")
    image = folder / name
    subprocess.run(["cc", "-w", *(flags or ["-static"]), "-o", str(image), str(source)], check=True)
    return image
