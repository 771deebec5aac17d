"""The variables that golink sets for a build, beyond the process's environment."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_golink.errors import ToolchainError
from pytest_golink.toolchain.ccompiler import identify, missing_compiler, zig_triple
from pytest_golink.toolchain.quoting import join_quoted, split_quoted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_golink.builder.options import BuildOptions
    from pytest_golink.facts import Target
    from pytest_golink.toolchain import GoToolchain

# golink reads the linker's warnings, which other locales translate (golang/go#34429).
_LOCALE = {"LC_ALL": "C", "LANG": "C", "LANGUAGE": "C"}


def build_environment(toolchain: GoToolchain, options: BuildOptions, target: Target, *, cache: Path) -> dict[str, str]:
    """
    Return the variables to set for a build.

    Raises:
        ToolchainError: cgo is on for a target without a C compiler.
    """
    variables = {
        **toolchain.environment,
        **_LOCALE,
        "GOOS": target.goos,
        "GOARCH": target.goarch,
        **dict(options.env),
    }
    if options.cgo is not None:
        variables["CGO_ENABLED"] = "1" if options.cgo else "0"
    if options.cc is not None:
        variables |= _compiler(toolchain, options.cc, cache)
    elif options.cgo and target != toolchain.host:
        variables |= _cross_compiler(toolchain, variables, target, cache)
    return variables


def build_flags(options: BuildOptions, environment: Mapping[str, str]) -> tuple[str, ...]:
    """
    Return the flags of `go build`, except -o.

    zig links musl statically, unless -dynamic says otherwise: then there is no shared libc for Go's own linker to
    import from, and it fails on "relocation target not defined". The C linker knows what to do.
    """
    zig_musl = "ZIG_GLOBAL_CACHE_DIR" in environment and "-musl" in environment.get("CC", "")
    if zig_musl and options.linkmode is None and "-linkmode" not in options.ldflags:
        options = replace(options, linkmode="external")
    return tuple(options.flags())


def _compiler(toolchain: GoToolchain, cc: str, cache: Path) -> dict[str, str]:
    words = split_quoted(cc)
    if words[0] != "zig":
        return {"CC": cc}
    if toolchain.zig is None:
        raise ToolchainError(f"cc {cc!r}: there is no zig: pip install 'pytest-golink[zig]', or put it on PATH")
    return _zig(toolchain.zig, words[1:], cache)


def _cross_compiler(
    toolchain: GoToolchain, variables: Mapping[str, str], target: Target, cache: Path
) -> dict[str, str]:
    if variables.get("CC"):
        return {}
    command = os.environ.get("CC") or toolchain.cc.command
    if identify(command, os.environ, toolchain.path.parent).fits(target):
        return {"CC": command}
    triple = zig_triple(target)
    if toolchain.zig is None or triple is None:
        raise missing_compiler(target)
    return _zig(toolchain.zig, ["cc", "-target", triple], cache)


def _zig(zig: Path, arguments: list[str], cache: Path) -> dict[str, str]:
    variables = {
        "CC": join_quoted([str(zig), *arguments]),
        # zig compiles a libc for each target: one cache for all slots, so that it does so only once.
        "ZIG_GLOBAL_CACHE_DIR": os.environ.get("ZIG_GLOBAL_CACHE_DIR", str(cache / "zig")),
        "ZIG_LOCAL_CACHE_DIR": os.environ.get("ZIG_LOCAL_CACHE_DIR", str(cache / "zig")),
    }
    if arguments[:1] == ["cc"]:
        variables["CXX"] = join_quoted([str(zig), "c++", *arguments[1:]])
    return variables
