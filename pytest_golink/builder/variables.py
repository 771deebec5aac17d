"""The variables that decide a build beside golink's own: those of the process, and those of Go's own file (GOENV)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Those that change what Go, pkg-config, zig, Nix's wrappers, the C compiler or the linker make.
# Source: `go help environment`; pkg-config(1), "ENVIRONMENT VARIABLES"; GCC's manual, "Environment Variables Affecting
# GCC"; ld(1), ENVIRONMENT and -rpath, -rpath-link; clang(1), ENVIRONMENT; xcrun(1), ENVIRONMENT.
_DECISIVE = re.compile(
    r"GO(OS|ARCH|386|AMD64|ARM|ARM64|MIPS|MIPS64|PPC64|RISCV64|WASM)"
    r"|GO(111MODULE|DEBUG|EXPERIMENT|FIPS140|FLAGS|ROOT_FINAL|TOOLCHAIN|WORK)|GCCGO\w*"
    r"|CGO_\w+|PKG_CONFIG\w*|ZIG_LIB_DIR|ZIG_LIBC|NIX_(LDFLAGS|CFLAGS|HARDENING|DYNAMIC_LINKER|DONT_SET_RPATH)\w*"
    r"|CC|CXX|FC|AR|LD|CPATH|(C|CPLUS|OBJC|OBJCPLUS)_INCLUDE_PATH|LIBRARY_PATH|LPATH"
    r"|COMPILER_PATH|GCC_EXEC_PREFIX|GCC_COMPARE_DEBUG|SOURCE_DATE_EPOCH|CCC_\w+"
    r"|LD_RUN_PATH|LD_LIBRARY_PATH|LDEMULATION|GNUTARGET|COLLECT_\w+"
    r"|SDKROOT|DEVELOPER_DIR|TOOLCHAINS|\w+_DEPLOYMENT_TARGET"
)
# Beside those: where Go and zig keep and fetch things. They are part of a key, but of no report: some hold a password.
_OTHERS = re.compile(r"GO\w*|ZIG_\w+")
_SETTING = re.compile(r"(\w+)=(.*)")


def relevant(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that can change what a build does or makes."""
    return {name: value for name, value in environment.items() if _DECISIVE.fullmatch(name) or _OTHERS.fullmatch(name)}


def decisive(environment: Mapping[str, str], *, env_file: str) -> dict[str, str]:
    """
    Return the variables that decide what an image is, those of Go's own file too, sorted by name.

    Args:
        environment: The whole environment of the build.
        env_file: The file of `go env -w`, unless GOENV names another one; "off" for none.

    Source: cmd/go/internal/cfg, EnvOrAndChanged: a variable that is empty counts as one that is not set.
    """
    found = {**_of_file(environment.get("GOENV") or env_file), **{n: v for n, v in environment.items() if v}}
    return {name: value for name, value in sorted(found.items()) if _DECISIVE.fullmatch(name)}


def _of_file(path: str) -> dict[str, str]:
    if path in ("", "off"):
        return {}
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    return {match[1]: match[2] for line in lines if (match := _SETTING.fullmatch(line.strip()))}
