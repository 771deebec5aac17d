"""
The port of Go that a Mach-O image is for.

Source: Apple's mach/machine.h (CPU_TYPE_*) and mach-o/loader.h (PLATFORM_*).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.facts import Target
from pytest_golink.reader.macho.commands import LC_BUILD_VERSION, LC_VERSION_MIN
from pytest_golink.reader.macho.identity import dotted

if TYPE_CHECKING:
    from pytest_golink.reader.macho.commands import Commands

# CPU_TYPE_*: the ports of Go, and the names of others.
GOARCH = {0x7: "386", 0x01000007: "amd64", 0xC: "arm", 0x0100000C: "arm64"}
_OTHER_CPUS = {0x12: "ppc", 0x01000012: "ppc64", 0x0200000C: "arm64_32"}
# PLATFORM_MACOS, _IOS, _IOSSIMULATOR. Mac Catalyst, tvOS, watchOS and the rest are no ports of Go.
_GOOS = {1: "darwin", 2: "ios", 7: "ios"}


def slice_name(cpu: int | None) -> str | None:
    """Return the name of a fat file's slice: its GOARCH, or Apple's word, or the number; None for a thin file."""
    return None if cpu is None else GOARCH.get(cpu) or _OTHER_CPUS.get(cpu, f"0x{cpu:x}")


def read_platform(image: Commands) -> tuple[Target | None, str | None]:
    """
    Return the target and the minimum OS version, from LC_BUILD_VERSION or one of LC_VERSION_MIN_*.

    Raises:
        UnreadableBinaryError: The load command is shorter than its fields.
    """
    goos: str | None
    command = image.first(LC_BUILD_VERSION, *LC_VERSION_MIN)
    version = None
    if command is None:
        # Objects by some assemblers, and Go before 1.17 on arm64. dyld takes them for macOS, for Go's sake.
        goos = "darwin"
    elif command.number == LC_BUILD_VERSION:
        platform, version = image.fields(command, "2I", "LC_BUILD_VERSION")
        goos = _GOOS.get(platform)
    else:
        goos = LC_VERSION_MIN[command.number]
        (version,) = image.fields(command, "I", "LC_VERSION_MIN")
    goarch = GOARCH.get(image.cpu)
    target = Target(goos=goos, goarch=goarch) if goos is not None and goarch is not None else None
    return target, None if version is None else dotted(version)
