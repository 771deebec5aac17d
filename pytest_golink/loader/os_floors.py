"""
The oldest macOS or Windows that an image starts on: what its header says, Go's own minimum, and what it imports.

A linker writes any version into the header (-macos, MACOSX_DEPLOYMENT_TARGET, zig's default); a function that the code
calls exists from some release on, whatever the header says.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.loader.obstacles import go_minor
from pytest_golink.text.versions import numbers
from pytest_golink.text.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_golink.facts import BinaryFacts

# Go's minor version, and the oldest system that Go supports from it on; the newest first.
# Source: the section "Darwin" of Go's release notes, which announce what the next release needs: 1.10 (1.11: 10.10,
# golang/go#23122), 1.12 (1.13: 10.11), 1.14 (1.15: 10.12), 1.16 (1.17: 10.13), 1.20 (1.21: 10.15; Windows 10 and Server
# 2016), 1.22 (1.23: 11, golang/go#64207), 1.24 (1.25: 12), 1.26 (1.27: 13). Windows 7 and Server 2008 R2: Go 1.10's.
_GO: Mapping[str, tuple[tuple[int, str], ...]] = MappingProxyType(
    {
        "macos": (
            *((27, "13"), (25, "12"), (23, "11"), (21, "10.15"), (17, "10.13"), (15, "10.12"), (13, "10.11")),
            (11, "10.10"),
        ),
        "windows": ((21, "10.0"), (11, "6.1")),
    }
)
# The macOS that brought a symbol of libSystem, Security or CoreFoundation.
# Source: the availability in Apple's headers (Security/SecTrust.h, sys/stat.h, sys/uio.h, sys/clonefile.h, time.h,
# stdlib.h, unistd.h, os/lock.h, os/os_sync_wait_on_address.h, spawn.h, string.h); syncthing/syncthing-macos#276.
_MACOS: Mapping[str, str] = MappingProxyType(
    {
        "SecTrustCopyCertificateChain": "12",
        "SecTrustEvaluateWithError": "10.14",
        "SecTrustEvaluateAsyncWithError": "10.15",
        "aligned_alloc": "10.15",
        "clock_gettime": "10.12",
        "clock_gettime_nsec_np": "10.12",
        "clonefile": "10.12",
        "clonefileat": "10.12",
        "fclonefileat": "10.12",
        "futimens": "10.13",
        "getentropy": "10.12",
        "mkfifoat": "13",
        "mknodat": "13",
        "os_sync_wait_on_address": "14.4",
        "os_sync_wait_on_address_with_timeout": "14.4",
        "os_sync_wake_by_address_any": "14.4",
        "os_unfair_lock_lock": "10.12",
        "posix_spawn_file_actions_addchdir": "26",
        "posix_spawn_file_actions_addchdir_np": "10.15",
        "preadv": "11",
        "pthread_jit_write_protect_np": "11",
        "ptsname_r": "10.13.4",
        "pwritev": "11",
        "renameatx_np": "10.12",
        "renamex_np": "10.12",
        "strchrnul": "15.4",
        "timingsafe_bcmp": "10.12.1",
        "utimensat": "10.13",
    }
)
# The Windows that brought a function: its version, with the build where it came with a later Windows 10 or 11.
# Source: "Minimum supported client" in Microsoft's Win32 documentation of each; ProcessPrng: Go 1.22's
# runtime/os_windows.go, which needs it on every Windows since 10.
_WINDOWS: Mapping[str, str] = MappingProxyType(
    {
        "BCryptHash": "10.0",
        "CreateFile2": "6.2",
        "CreatePseudoConsole": "10.0.17763",
        "GetHostNameW": "6.2",
        "GetMachineTypeAttributes": "10.0.22000",
        "GetOverlappedResultEx": "6.2",
        "GetProcessMitigationPolicy": "6.2",
        "GetSystemTimePreciseAsFileTime": "6.2",
        "GetTempPath2A": "10.0.20348",
        "GetTempPath2W": "10.0.20348",
        "GetThreadDescription": "10.0.14393",
        "IsWow64Process2": "10.0.10586",
        "MapViewOfFile3": "10.0.17134",
        "PathCchCanonicalizeEx": "6.2",
        "PrefetchVirtualMemory": "6.2",
        "ProcessPrng": "6.2",
        "SetProcessMitigationPolicy": "6.2",
        "SetThreadDescription": "10.0.14393",
        "TryAcquireSRWLockExclusive": "6.1",
        "VirtualAlloc2": "10.0.17134",
        "WaitOnAddress": "6.2",
        "WakeByAddressAll": "6.2",
        "WakeByAddressSingle": "6.2",
    }
)
# The first build of each release of Windows 10 and newer, by platform.
# Source: Microsoft's "Windows release health" and "Windows Server release information".
_BUILDS: Mapping[str, int] = MappingProxyType(
    {
        "windows10": 10240,
        "windows11": 22000,
        "windows-server2016": 14393,
        "windows-server2019": 17763,
        "windows-server2022": 20348,
        "windows-server2025": 26100,
        "nanoserver-ltsc2019": 17763,
        "nanoserver-ltsc2022": 20348,
        "nanoserver-ltsc2025": 26100,
    }
)
_WINDOWS_NAMES: Mapping[str, str] = MappingProxyType(
    {"10.0": "Windows 10 or Server 2016", "6.1": "Windows 7 or Server 2008 R2", "6.2": "Windows 8 or Server 2012"}
    | {"10.0.20348": "Windows 11 or Server 2022", "10.0.22000": "Windows 11"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class OsFloor:
    """The oldest system that a part of an image starts on, and which part that is, in words."""

    version: str
    reason: str


def whole(version: str) -> tuple[int, ...]:
    """Return a version as numbers to compare: "11" and "11.0" are one."""
    return (*numbers(version), 0, 0, 0)[:3]


def go_floor(facts: BinaryFacts, system: str) -> OsFloor | None:
    """Return the oldest system that this release of Go runs on, None where that is not known."""
    minor = go_minor(facts)
    oldest = next((version for first, version in _GO.get(system, ()) if minor is not None and minor >= first), None)
    if oldest is None:
        return None
    words = f"macOS {oldest}" if system == "macos" else _WINDOWS_NAMES[oldest]
    return OsFloor(version=oldest, reason=f"Go 1.{minor} runs on {words} and newer")


def last_go(system: str, limit: str) -> str | None:
    """Return the last Go that runs on that old a system: "Go 1.24"; None where every Go does, or none does."""
    fitting = [first for first, version in _GO.get(system, ()) if whole(version) > whole(limit)]
    return f"Go 1.{min(fitting) - 1}" if fitting and min(fitting) > _GO[system][-1][0] else None


def symbol_floors(facts: BinaryFacts, system: str) -> Iterator[OsFloor]:
    """Yield the oldest system that has what the image calls, the newest first; weak calls do not count."""
    since = {"macos": _MACOS, "windows": _WINDOWS}.get(system, {})
    found: dict[str, list[str]] = {}
    late = {library.name for library in facts.needed if library.via == "delay-import directory"}
    for symbol in facts.imports:
        if symbol.name in since and not symbol.weak and symbol.library not in late:
            found.setdefault(since[symbol.name], []).append(symbol.name)
    for version in sorted(found, key=whole, reverse=True):
        if system == "macos":
            words = f"macOS {version}"
        else:
            words = _WINDOWS_NAMES.get(version, f"Windows 10 build {version.rpartition('.')[2]}")
        yield OsFloor(version=version, reason=f"calls {listed(found[version], most=3)}, which came with {words}")


def windows_version(platform: str, os_version: str) -> str:
    """Return the version of a Windows platform, with its build where that is known."""
    return f"{os_version}.{_BUILDS[platform]}" if platform in _BUILDS else os_version
