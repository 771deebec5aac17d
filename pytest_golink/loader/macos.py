"""What macOS requires of an image before it starts: its version, LC_UUID, a signature, and its libraries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.loader.obstacles import Obstacle
from pytest_golink.loader.os_floors import go_floor, last_go, symbol_floors
from pytest_golink.loader.project import outside
from pytest_golink.platforms.system_libraries import outside_system
from pytest_golink.text.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.facts import BinaryFacts
    from pytest_golink.platforms import Platform

# From macOS 26 on, dyld requires LC_UUID of a program whose SDK is of that release or newer.
# Source: dyld-1323.3, mach_o/Policy.cpp: an MH_EXECUTE, from the epoch fall2025 on; ebitengine/purego#483.
_UUID_FROM = (26,)
# From macOS 26 on, dyld checks a program by its rules; before, it checked only libraries, by earlier editions.
# Source: dyld-1323.3, mach_o/Policy.cpp, enforceHasUUID; dyld-1284.13 to 1378.
_POLICY_FROM = (26, 0, 0)
_OLDER_GO = "an older Go: its own linker writes the oldest macOS that this version of Go runs on"
_OLDER_WINDOWS_GO = "an older Go: its own linker writes the oldest Windows that this version of Go runs on"
# Pages of Apple silicon, in bytes.
_PAGE_ARM64 = 1 << 14
_CHANGED = "on arm64 the kernel ends a program at a page that is not the one that was signed"
_IN_THE_FOLDER = re.compile(r"@(executable_path|loader_path)/(.*)")


def system_of(facts: BinaryFacts) -> str:
    """Return the operating system of a Mach-O or PE image, as os-at-most spells it."""
    if facts.format == "pe":
        return "windows"
    platform = facts.macho.platform if facts.macho else None
    return platform or {"ios": "ios"}.get(facts.target.goos if facts.target else "", "macos")


def padded(version: str) -> tuple[int, ...]:
    """Return a version as three numbers to compare: "11" and "11.0" are one."""
    return (*numbers(version), 0, 0, 0)[:3]


def sdk_of(facts: BinaryFacts) -> str | None:
    """Return the version of the SDK that the image was linked for, None where it does not say."""
    return facts.macho.sdk if facts.macho else None


def minimum_line(facts: BinaryFacts) -> str:
    """Return the evidence of the minimum OS version."""
    if facts.format == "pe":
        return f"subsystem version {facts.os_minimum}"
    sdk = sdk_of(facts)
    return f"minimum OS {facts.os_minimum}" + (f", SDK {sdk}" if sdk else "")


def older_system(facts: BinaryFacts, system: str, limit: str) -> tuple[str, ...]:
    """Return how to link the same program for a system as old as `limit`."""
    if facts.go is None:
        return (f"link it with -mmacosx-version-min={limit}",) if system == "macos" else ()
    if facts.format == "macho":
        if system == "macos" and not _runs_there(facts, limit):
            # Another version in the header would only hide that.
            last = last_go(system, limit)
            return (f"{last}, the last one for macOS {limit}" if last else _OLDER_GO,)
        if facts.link_mode == "external":
            return (f"MACOSX_DEPLOYMENT_TARGET={limit}",)
        return (_OLDER_GO, f"Go 1.27 has -ldflags -macos={limit} to write another")
    last = last_go("windows", limit)
    return (f"{last}, the last one for it" if last else _OLDER_WINDOWS_GO,)


def _runs_there(facts: BinaryFacts, limit: str) -> bool:
    """Return whether that macOS is new enough for Go and for every symbol that the image calls."""
    floors = [*symbol_floors(facts, "macos"), *filter(None, [go_floor(facts, "macos")])]
    return all(padded(floor.version) <= padded(limit) for floor in floors)


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """One thing that macOS requires and the image lacks: the evidence, why macOS refuses it, the remedy."""

    observed: str
    cause: str
    remedy: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MacosCheck:
    """What a version of macOS misses in an image, and the question that stays open where nothing is missing."""

    missing: tuple[Missing, ...] = ()
    question: str | None = None

    @property
    def observed(self) -> str:
        """The evidence in one line; "" where nothing is missing and nothing is open."""
        return ", ".join(each.observed for each in self.missing) or self.question or ""


def check_macos(facts: BinaryFacts, version: str) -> MacosCheck:
    """Check a Mach-O image for what macOS requires before it starts."""
    system = system_of(facts)
    if system == "maccatalyst":
        return MacosCheck(question="its minimum is a version of iOS, which Mac Catalyst counts by")
    missing = tuple(
        Missing(observed=seen, cause=cause, remedy=remedy)
        for seen, cause, remedy in _missing(facts, system, padded(version))
    )
    return MacosCheck(missing=missing, question=None if missing else _uuid_question(facts, padded(version)))


def _lacks_uuid(facts: BinaryFacts, version: tuple[int, ...]) -> bool:
    return version >= _UUID_FROM and not (facts.macho and facts.macho.uuid)


def _has_older_sdk(facts: BinaryFacts) -> bool:
    sdk = sdk_of(facts)
    return sdk is not None and numbers(sdk) < _UUID_FROM


def _uuid_question(facts: BinaryFacts, version: tuple[int, ...]) -> str | None:
    if not _lacks_uuid(facts, version):
        return None
    # Go before 1.24 with CGO_ENABLED=0. drogers0/aistat#38 says that such a release did not start.
    return f"no LC_UUID, and SDK {sdk_of(facts)}: dyld asks for it with SDK 26 or newer; reports on older ones differ"


def cpu_of(facts: BinaryFacts) -> str:
    """Return the GOARCH of the image, or words for a CPU without one."""
    return facts.target.goarch if facts.target else facts.slice or "a CPU without a port of Go"


def _missing(facts: BinaryFacts, system: str, version: tuple[int, ...]) -> list[tuple[str, str, str]]:
    """Return what macOS misses: the evidence, why macOS refuses it, the remedy."""
    missing = []
    goarch = cpu_of(facts)
    if system != "macos":
        missing.append((f"for {system}", f"the loader refuses images for {system}", "GOOS=darwin"))
    if goarch == "arm64" and version < (11, 0):
        # Source: Apple's "macOS Big Sur 11" release notes: the first one for Apple silicon.
        missing.append(("for arm64", "macOS runs on arm64 from 11 on", "GOARCH=amd64"))
    elif goarch == "386" and version >= (10, 15):
        # Source: Apple's "macOS Catalina 10.15" release notes; golang/go#34749.
        missing.append(("32-bit", "macOS starts no 32-bit program from 10.15 on", "GOARCH=amd64 or GOARCH=arm64"))
    elif goarch not in ("386", "amd64", "arm64"):
        missing.append((f"for {goarch}", "macOS runs on amd64 and arm64", "GOARCH=amd64 or GOARCH=arm64"))
    if system == "macos" and facts.os_minimum and padded(facts.os_minimum) > version:
        remedies = older_system(facts, system, ".".join(map(str, version[:2])))
        missing.append((f"minimum OS {facts.os_minimum}", "dyld refuses an image for a newer system", remedies[0]))
    if system == "macos":
        missing += _newer_code(facts, version)
    missing += _against_policy(facts, version)
    if _lacks_uuid(facts, version) and not _has_older_sdk(facts):
        # "dyld: missing LC_UUID load command".
        remedy = "Go 1.24 or newer, or -ldflags '-linkmode external' on a Mac" if facts.go else "link without -no_uuid"
        cause = "from macOS 26 on, dyld refuses a program that was linked for its SDK and has no LC_UUID"
        missing.append(("no LC_UUID", cause, remedy))
    if goarch == "arm64":
        if facts.signed == "none":
            # Source: Apple's "macOS Big Sur 11 Universal Apps Beta Release Notes": code signing; golang/go#42684.
            missing.append(
                ("no signature", "on arm64 the kernel kills unsigned programs", "codesign --sign - FILE is enough")
            )
        elif facts.signature is not None and facts.signature.valid is False:
            # Source: xnu's bsd/kern/ubc_subr.c, cs_validate_page: a page whose hash differs ends the process.
            remedy = "sign it again after the last change: codesign --force --sign - FILE"
            missing.append((f"a signature of other content: {facts.signature.problem}", _CHANGED, remedy))
        if facts.hardening.pie is False:
            # Source: xnu's bsd/kern/mach_loader.c: LOAD_FAILURE where pie_required(), which holds on arm64.
            cause = "on arm64 the kernel starts only position-independent programs"
            missing.append(("no MH_PIE", cause, "-buildmode=pie" if facts.go else "link without -no_pie"))
    return missing


def _newer_code(facts: BinaryFacts, version: tuple[int, ...]) -> list[tuple[str, str, str]]:
    """Return why the code needs a newer system, whatever minimum the header has."""
    missing = []
    limit = ".".join(map(str, version[:2]))
    for floor in symbol_floors(facts, "macos"):
        if padded(floor.version) > version:
            remedies = older_system(facts, "macos", limit)
            missing.append((floor.reason, "dyld ends a program whose symbol it does not find", (*remedies, "")[0]))
    own = go_floor(facts, "macos")
    if own is not None and padded(own.version) > max(version, padded(facts.os_minimum or "0")):
        remedies = older_system(facts, "macos", limit)
        missing.append((own.reason, "what Go's runtime calls may be missing on an older one", remedies[0]))
    return missing


def _against_policy(facts: BinaryFacts, version: tuple[int, ...]) -> list[tuple[str, str, str]]:
    """Return what dyld's rules forbid for the image's SDK, and what the kernel forbids for a slice."""
    missing = []
    sdk = sdk_of(facts)
    for breach in facts.macho.policy if facts.macho and version >= _POLICY_FROM else ():
        if sdk is not None and padded(sdk) >= padded(breach.sdk):
            cause = f"dyld refuses that of an image whose SDK is {breach.sdk} or newer"
            missing.append((breach.text, cause, "link it again, or for an older SDK"))
    if facts.macho and facts.macho.fat64 and facts.kind == "executable":
        cause = "the kernel starts programs of the 32-bit fat header only"
        missing.append(("a fat header of 64 bits", cause, "lipo without -fat64"))
    offset = facts.macho.slice_offset if facts.macho else None
    if cpu_of(facts) == "arm64" and offset is not None and offset % _PAGE_ARM64:
        cause = "pages of Apple silicon have 16 KiB: the slice cannot be mapped"
        missing.append((f"the slice is at 0x{offset:x}", cause, "lipo, which aligns arm64 to 2^14"))
    return missing


def macos_obstacles(facts: BinaryFacts, platform: Platform) -> Iterator[Obstacle]:
    """Yield what this macOS misses: everything that the rule launches-on-macos checks, and libraries outside macOS."""
    check = check_macos(facts, platform.os_version or "")
    if check.observed:
        yield Obstacle(
            text=check.observed,
            cause=tuple(each.cause for each in check.missing),
            remedy=tuple(dict.fromkeys(each.remedy for each in check.missing if each.remedy)),
            certain=bool(check.missing),
        )
    if facts.target is None:
        return
    for library in outside_system(facts.target, facts.needed):
        places = _places_beside(facts, library.name)
        inside = [place for place in places if not outside(place, Path(facts.path))]
        if any(place.is_file() for place in inside):
            yield Obstacle(text=f"{library.name} is beside the image; what it needs is not looked at", caution=True)
        elif library.via == "LC_LOAD_WEAK_DYLIB":
            yield Obstacle(text=f"{library.name} is not part of macOS; the image links to it weakly", caution=True)
        elif len(inside) < len(places):
            text = f"{library.name}: its place is outside of the project, and what is there is not known here"
            yield Obstacle(text=text, certain=False)
        elif library.name.startswith("@rpath/") and any(not each.startswith("@") for each in facts.rpath or ()):
            yield Obstacle(text=f"{library.name}: what is in LC_RPATH there is not known here", certain=False)
        else:
            yield Obstacle(text=f"{library.name} is no part of macOS", remedy=(f"link {library.name} statically",))


def _places_beside(facts: BinaryFacts, name: str) -> list[Path]:
    names = [name]
    if name.startswith("@rpath/"):
        names = [f"{entry}/{name.removeprefix('@rpath/')}" for entry in facts.rpath or ()]
    matches = map(_IN_THE_FOLDER.fullmatch, names)
    return [Path(facts.path).parent / match[2] for match in matches if match]
