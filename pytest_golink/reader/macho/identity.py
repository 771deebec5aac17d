"""
What a Mach-O image says of itself: its platform, the SDK that it was linked against, its UUID.

Source: Apple's mach-o/loader.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from pytest_golink.facts import MachO
from pytest_golink.reader.macho.commands import LC_BUILD_VERSION, LC_UUID, LC_VERSION_MIN

if TYPE_CHECKING:
    from pytest_golink.reader.macho.commands import Commands

# PLATFORM_*, as Apple's tools print them, in lower case.
_PLATFORMS = {
    1: "macos",
    2: "ios",
    3: "tvos",
    4: "watchos",
    5: "bridgeos",
    6: "maccatalyst",
    7: "iossimulator",
    8: "tvossimulator",
    9: "watchossimulator",
    10: "driverkit",
    11: "visionos",
    12: "visionossimulator",
}
_VERSION_MIN_PLATFORMS = {0x24: "macos", 0x25: "ios", 0x2F: "tvos", 0x30: "watchos"}


def dotted(version: int) -> str:
    """Return a version in nibbles xxxx.yy.zz as text; a patch of 0 is left out."""
    patch = f".{version & 0xFF}" if version & 0xFF else ""
    return f"{version >> 16}.{version >> 8 & 0xFF}{patch}"


def read_identity(image: Commands) -> MachO:
    """
    Read LC_BUILD_VERSION or LC_VERSION_MIN_*, and LC_UUID.

    Raises:
        UnreadableBinaryError: One of them is shorter than its fields.
    """
    platform: str | None = None
    sdk = 0
    command = image.first(LC_BUILD_VERSION, *LC_VERSION_MIN)
    if command is not None and command.number == LC_BUILD_VERSION:
        number, _, sdk = image.fields(command, "3I", "LC_BUILD_VERSION")
        platform = _PLATFORMS.get(number, f"platform {number}")
    elif command is not None:
        _, sdk = image.fields(command, "2I", "LC_VERSION_MIN")
        platform = _VERSION_MIN_PLATFORMS[command.number]
    uuid = image.first(LC_UUID)
    return MachO(
        platform=platform,
        # 0: the linker knew of no SDK.
        sdk=dotted(sdk) if sdk else None,
        uuid=None if uuid is None else str(UUID(bytes=image.fields(uuid, "16s", "LC_UUID")[0])).upper(),
    )
