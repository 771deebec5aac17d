"""C compilers that link to another libc than the machine's."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.text.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.facts import BinaryFacts

# GOARCH → zig's architecture, and the oldest glibc there is for it.
# Source: glibc's NEWS (aarch64 2.17, riscv64 2.27).
_ZIG: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "amd64": ("x86_64", "2.2.5"),
        "arm64": ("aarch64", "2.17"),
        "riscv64": ("riscv64", "2.27"),
    }
)


def zig_cc(facts: BinaryFacts, libc: str) -> str | None:
    """Return the C compiler that links to `libc` ("musl", "gnu.2.17"), None where zig has none for the target."""
    if facts.target is None or facts.target.goos != "linux" or facts.target.goarch not in _ZIG:
        return None
    arch, oldest = _ZIG[facts.target.goarch]
    version = libc.partition(".")[2]
    if version and numbers(version) < numbers(oldest):
        return None
    return f"zig cc -target {arch}-linux-{libc}"


# zig compiles its start files and libc for the CPU that it is told: a level that the rule allows → its target and CPU.
# For arm1176jzf_s zig 0.17.1 makes a static image that is ARMv6 as a whole (readelf -A).
_ZIG_CPU: Mapping[str, str] = MappingProxyType(
    {
        **{f"GOAMD64={level}": "x86_64-linux-gnu" for level in ("v1", "v2", "v3")},
        "GOARM=6": "arm-linux-musleabihf -mcpu=arm1176jzf_s",
    }
)


def zig_for_cpu(facts: BinaryFacts, level: str) -> str | None:
    """Return the C compiler whose libc is for a CPU level ("GOARM=6"), None where zig has none for the target."""
    if facts.target is None or facts.target.goos != "linux" or level not in _ZIG_CPU:
        return None
    return f"zig cc -target {_ZIG_CPU[level]}"
