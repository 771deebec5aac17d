"""C compilers: which one a target needs, and which one is installed."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.errors import ToolchainError
from pytest_golink.toolchain.process import run
from pytest_golink.toolchain.quoting import split_quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.facts import Target

# `zig cc -dumpmachine` builds nothing, but the first start of zig on a cold disk takes seconds.
_QUERY_TIMEOUT_S = 60.0

# GOARCH → the first word of zig's target triple. MIPS is left out, because zig (0.17.1) rejects -mhard-float, which Go
# passes; so is big-endian ppc64, because zig's libc does not have its old ABI.
_ZIG_ARCH = {
    "386": "x86",
    "amd64": "x86_64",
    "arm": "arm",
    "arm64": "aarch64",
    "loong64": "loongarch64",
    "ppc64le": "powerpc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
}
# GOARCH → the words for it that compilers print for -dumpmachine.
_MACHINE_ARCH = {
    "386": r"i[3-6]86|x86",
    "amd64": r"x86_64|amd64",
    "arm": r"arm(v[5-8]\w*)?|thumb\w*",
    "arm64": r"aarch64|arm64\w*",
    "loong64": r"loongarch64",
    "mips": r"mips(isa32\w*)?",
    "mips64": r"mips64(isa\w*)?",
    "mips64le": r"mips64(isa\w*)?el|mips64el",
    "mipsle": r"mips(isa32\w*)?el|mipsel",
    "ppc64": r"powerpc64|ppc64",
    "ppc64le": r"powerpc64le|ppc64le",
    "riscv64": r"riscv64",
    "s390x": r"s390x",
}
_MACHINE_OS = {
    "darwin": r"darwin|macos",
    "linux": r"linux",
    "windows": r"mingw|windows",
}
# Go's default for GOARM is hard float.
_ZIG_LINUX_ABI = {"arm": "gnueabihf"}
_DEBIAN_PACKAGE = {
    "linux/386": "gcc-i686-linux-gnu",
    "linux/amd64": "gcc-x86-64-linux-gnu",
    "linux/arm": "gcc-arm-linux-gnueabihf",
    "linux/arm64": "gcc-aarch64-linux-gnu",
    "linux/loong64": "gcc-loongarch64-linux-gnu",
    "linux/mips": "gcc-mips-linux-gnu",
    "linux/mips64": "gcc-mips64-linux-gnuabi64",
    "linux/mips64le": "gcc-mips64el-linux-gnuabi64",
    "linux/mipsle": "gcc-mipsel-linux-gnu",
    "linux/ppc64": "gcc-powerpc64-linux-gnu",
    "linux/ppc64le": "gcc-powerpc64le-linux-gnu",
    "linux/riscv64": "gcc-riscv64-linux-gnu",
    "linux/s390x": "gcc-s390x-linux-gnu",
    "windows/386": "gcc-mingw-w64-i686",
    "windows/amd64": "gcc-mingw-w64-x86-64",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CCompiler:
    """
    The C compiler that Go would call.

    `command` is the value of CC, `path` the program that its first word finds on PATH, `machine` its output for
    -dumpmachine ("x86_64-linux-gnu"); each is None where it is not known.
    """

    command: str
    path: Path | None
    machine: str | None

    def fits(self, target: Target) -> bool:
        """Return whether it makes code for a target, as far as -dumpmachine shows."""
        if self.machine is None:
            return False
        arch, _, rest = self.machine.partition("-")
        if not re.search(_MACHINE_OS.get(target.goos, re.escape(target.goos)), rest):
            return False
        if target.goos == "darwin":
            # Apple's clang compiles for either machine: Go passes it -arch.
            return True
        return re.fullmatch(_MACHINE_ARCH.get(target.goarch, re.escape(target.goarch)), arch) is not None


def identify(command: str, environment: Mapping[str, str], cwd: Path) -> CCompiler:
    """Return the compiler that a CC value names on PATH, with the machine that it makes code for."""
    found = first_word_found(command, environment)
    if found is None:
        return CCompiler(command=command, path=None, machine=None)
    try:
        answer = run(
            [found, *split_quoted(command)[1:], "-dumpmachine"],
            cwd=cwd,
            environment=environment,
            timeout_s=_QUERY_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return CCompiler(command=command, path=Path(found), machine=None)
    machine = answer.stdout.strip() if answer.status == 0 else ""
    return CCompiler(command=command, path=Path(found), machine=machine or None)


def compiler_version(command: str, environment: Mapping[str, str]) -> str:
    """Return the line with which a CC value's compiler prints its name and version; "" where it prints none."""
    found = first_word_found(command, environment)
    return "" if found is None else _first_line(found, tuple(split_quoted(command)[1:]), environment.get("PATH", ""))


@functools.cache
def _first_line(program: str, arguments: tuple[str, ...], path: str) -> str:
    try:
        answer = run(
            [program, *arguments, "--version"],
            cwd=Path(program).parent,
            environment={**os.environ, "PATH": path, "LC_ALL": "C"},
            timeout_s=_QUERY_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.partition("\n")[0].strip() if answer.status == 0 else ""


def first_word_found(command: str, environment: Mapping[str, str]) -> str | None:
    """Return the program that the first word of a CC value names, if PATH has it."""
    words = split_quoted(command)
    return shutil.which(words[0], path=environment.get("PATH", "")) if words else None


def find_zig(environment: Mapping[str, str]) -> Path | None:
    """Return zig's path: the ziglang package's binary, else the first on PATH."""
    folders = [environment.get("PATH", "")]
    # The distribution, not `import ziglang`: a folder of that name on sys.path would be imported as well.
    with suppress(metadata.PackageNotFoundError):
        folders.insert(0, str(metadata.distribution("ziglang").locate_file("ziglang")))
    found = shutil.which("zig", path=os.pathsep.join(folders))
    return Path(found) if found else None


def zig_triple(target: Target) -> str | None:
    """Return zig's name of a target ("aarch64-linux-gnu"), None where zig has no C library for it."""
    arch = _ZIG_ARCH.get(target.goarch)
    if arch is None:
        return None
    match target.goos:
        case "linux":
            return f"{arch}-linux-{_ZIG_LINUX_ABI.get(target.goarch, 'gnu')}"
        case "windows":
            return f"{arch}-windows-gnu"
        case "darwin":
            return f"{arch}-macos"
        case "freebsd" | "netbsd":
            return f"{arch}-{target.goos}"
        case _:
            return None


def missing_compiler(target: Target) -> ToolchainError:
    """Return the error that cgo needs a C compiler for a target, with what to install."""
    ways = []
    if zig_triple(target) is not None:
        ways.append("pip install 'pytest-golink[zig]'")
    if package := _DEBIAN_PACKAGE.get(str(target)):
        ways.append(f"install a C cross-compiler (Debian: {package}) and name it in cc=")
    else:
        ways.append("name a C cross-compiler in cc=")
    return ToolchainError(f"cgo for {target} needs a C compiler for {target}, and none was found: {', or '.join(ways)}")
