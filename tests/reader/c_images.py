"""Small C programs, compiled for the reader's tests by gcc and by zig."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

_COMPILE_TIMEOUT_S = 300

HELLO = """
#include <stdio.h>
int main(void) { puts("hello"); return 0; }
"""
# environ is copied into a program that is not position independent: R_*_COPY.
COPY = """
#include <stdio.h>
extern char **environ;
int main(void) { fprintf(stderr, "%p", (void *)environ); return 0; }
"""
NO_LIBC = "void _start(void) { for (;;) ; }"
ANSWER = "int answer(void) { return 42; }"
LOOKUP_PASSWD = """
#include <pwd.h>
int main(void) { return getpwnam("root") == 0; }
"""
LOOKUP_HOST = """
#include <netdb.h>
int main(void) { struct addrinfo *found; return getaddrinfo("localhost", 0, 0, &found); }
"""
WEAK = """
extern int pthread_cond_clockwait(void) __attribute__((weak));
int main(void) { return pthread_cond_clockwait != 0; }
"""


def zig() -> tuple[str, ...]:
    """The command of the ziglang package's compiler."""
    return (sys.executable, "-m", "ziglang", "cc")


class CompileC(Protocol):
    """The type of the `compile_c` fixture."""

    def __call__(self, *flags: str, source: str = HELLO, compiler: tuple[str, ...] = ("gcc",)) -> Path:
        """Compile one C source, once a session for the same arguments, and give the image."""


def compile_into(folder: Path, compiler: tuple[str, ...], flags: tuple[str, ...], source: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "source.c").write_text(source)
    image = folder / "image"
    subprocess.run(
        [*compiler, str(folder / "source.c"), *flags, "-o", str(image)],
        check=True,
        capture_output=True,
        timeout=_COMPILE_TIMEOUT_S,
    )
    return image
