"""The oldest Linux on which an image starts: Go's own minimum by port and release, and a static glibc's."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.loader.obstacles import Obstacle, go_minor
from pytest_golink.text.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_golink.facts import BinaryFacts
    from pytest_golink.platforms import Platform

# Go's minor version, and the oldest Linux from it on.
# Source: the release notes of Go 1.24 (3.2) and 1.18 (2.6.32), Go's wiki, Linux (2.6.23 before).
_KERNELS = ((24, "3.2"), (18, "2.6.32"), (0, "2.6.23"))
# The oldest Linux of a port, whatever Go's release: the one that Go's developers name, or the first with that CPU.
# Source: Go's wiki, MinimumRequirements (loong64; mips64le, golang/go#16848); the first Linux with arch/arm64 and with
# arch/riscv, whose system calls Go makes.
_PORTS: Mapping[str, str] = MappingProxyType({"loong64": "5.19", "mips64le": "4.8", "riscv64": "4.15", "arm64": "3.7"})
# An ARM without atomic instructions needs the kernel's helper for 64 bits, __kuser_cmpxchg64.
# Source: Go's wiki, MinimumRequirements; Linux: Documentation/arm/kernel_user_helpers.rst.
_ARM5 = "3.1"
# The build setting that decides the oldest Linux of arm: "5" and "5,softfloat" need _ARM5.
_ARM_SETTING = "GOARM"


@dataclass(frozen=True, kw_only=True, slots=True)
class KernelFloor:
    """The oldest Linux that a part of an image starts on, and which part that is."""

    version: str
    reason: str
    remedy: tuple[str, ...] = ()


def kernel_floors(facts: BinaryFacts) -> tuple[KernelFloor, ...]:
    """
    Return which parts of an image need which Linux, the newest first; () for another system or an unknown target.

    Only the known parts count: a dynamic C image needs the kernel that its loader needs.
    """
    if facts.target is None or facts.target.goos != "linux":
        return ()
    return tuple(sorted(_floors(facts), key=lambda floor: whole(floor.version), reverse=True))


def _floors(facts: BinaryFacts) -> Iterator[KernelFloor]:
    goarch = facts.target.goarch if facts.target else ""
    minor = go_minor(facts)
    if minor is not None and facts.go is not None:
        oldest = next(kernel for first, kernel in _KERNELS if minor >= first)
        yield KernelFloor(version=oldest, reason=f"Go 1.{minor}", remedy=("an older Go",))
        if goarch in _PORTS:
            yield KernelFloor(version=_PORTS[goarch], reason=f"Go's port linux/{goarch}")
        if goarch == "arm" and facts.go.settings.get(_ARM_SETTING, "").startswith("5"):
            yield KernelFloor(version=_ARM5, reason="GOARM=5", remedy=("GOARM=6 or GOARM=7",))
    loading = facts.loading
    embedded = (facts.libc.kind, facts.libc.presence) == ("glibc", "embedded")
    asked = facts.elf.kernel_minimum if facts.elf else None
    if loading is not None and loading.checks_kernel and asked is not None and embedded:
        yield KernelFloor(
            version=asked,
            reason="the static glibc in it",
            remedy=("CGO_ENABLED=0",) if facts.go is not None else ("link it with a static musl",),
        )


def whole(version: str) -> tuple[int, ...]:
    """Return a version of Linux as numbers to compare: "3.2" and "3.2.0" are one."""
    return (*numbers(version), 0, 0, 0)[:4]


def kernel_obstacles(facts: BinaryFacts, platform: Platform) -> Iterator[Obstacle]:
    """Yield why the kernel of the platform is too old for the image."""
    if platform.kernel is None:
        return
    for floor in kernel_floors(facts):
        if whole(platform.kernel) < whole(floor.version):
            yield Obstacle(
                text=f"{floor.reason} needs Linux {floor.version}; {platform.name} has {platform.kernel}",
                remedy=floor.remedy,
            )
