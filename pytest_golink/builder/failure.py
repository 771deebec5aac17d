"""The line of a failed build that says why it failed."""

from __future__ import annotations

import re

# Lines that only say that something failed, and headings. Each compiler, linker and `go` itself ends with one.
_NOISE = re.compile(
    r"# "  # the package that the next lines are about
    r"|\d+ (error|warning)s?( and \d+ errors?)? generated"
    r"|collect2: |compilation terminated|make: |exit status \d+$"
    r"|[\w./+-]*(clang|gcc|cc|ld|zig)[\w.+-]*: error: (linker command failed|ld returned)"
    r"|clang: error: linker command failed|error: ld returned"
    r"|\S*link: running \S+ failed: exit status"
    r"|note: |In file included from|\s*\||\s*\^|too many errors"
    r"|/\S+/(gcc|cc|clang|zig|ld)\S* (-|@)"  # the command that failed, with -x or in the text of cmd/link
)
# What a line says that names the cause, the most telling first.
_TELLING = tuple(
    re.compile(pattern)
    for pattern in (
        r"undefined reference to|undefined symbol|Undefined symbols|multiple definition of|unresolved external",
        r"cannot find -l|unable to find (library|dynamic)|library not found|cannot find \S+\.(o|a)\b",
        r"fatal error: |No such file or directory",
        r"unrecognized (command[- ]line )?option|unsupported option|unknown (argument|option)|invalid (flag|value)"
        r"|bad value|requires external|requires cgo|not supported",
        r"build constraints exclude|no required module|is not in std",
        r"\berror: |\bError: ",
        r"\.(go|s|c|cc|cpp|h|hpp|m):\d+(:\d+)?: (?!warning|note)",
        r"relocation ",
    )
)
# `ld: /tmp/go-link-1/000001.o: in function …` names a temporary file of the build, which is gone.
_TEMPORARY = re.compile(r"^(?:\S*\bld(?:\.\w+)?: )?(?:\S*/go-(?:link|build)-?\d*/(?:\S+\.o: )?)?")


def why_it_failed(output: str) -> str:
    """Return the line of a toolchain's output that says why a build failed; "" where there is no output."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if not _NOISE.match(line) and ": warning: " not in line]
    for pattern in _TELLING:
        for line in telling:
            if pattern.search(line):
                return _short(line)
    return _short((telling or lines or [""])[-1])


def _short(line: str) -> str:
    return _TEMPORARY.sub("", line) or line
