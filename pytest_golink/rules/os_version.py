"""Rules about the operating system versions that an image starts on: Mach-O and PE say them."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

import re
from typing import Annotated

from pytest_golink.errors import ParameterError
from pytest_golink.facts import BinaryFacts, Subject
from pytest_golink.platforms.versions import numbers
from pytest_golink.rules.evidence import not_linked
from pytest_golink.rules.parameters import SOME, Form
from pytest_golink.rules.verdict import Verdict

# Windows by its name, and the version that its loader compares with an image's subsystem version. Windows 11 is 10.0
# to a program, as Windows 10 is.
# Source: Microsoft's "Operating System Version".
_WINDOWS = {
    "2000": "5.0",
    "xp": "5.1",
    "vista": "6.0",
    "7": "6.1",
    "8": "6.2",
    "8.1": "6.3",
    "10": "10.0",
    "11": "10.0",
}
# 5.2 is 64-bit XP and Server 2003.
_NT_VERSIONS = frozenset({*_WINDOWS.values(), "5.2"})
_SYSTEMS = ("macos", "ios", "tvos", "watchos", "visionos", "maccatalyst", "windows")
_PLAIN = r"[0-9]+(?:\.[0-9]+){0,2}"
_FIRST_MACOS = 10
# macOS went from 15 to 26: what is between never was.
_NO_MACOS = range(16, 26)
# dyld asks a program for LC_UUID from macOS 26 on, where its SDK is of that release or newer.
# Source: dyld-1323.3, mach_o/Policy.cpp: an MH_EXECUTE, from the epoch fall2025 on; ebitengine/purego#483.
_UUID_FROM = (26,)


def _is_macos(version: str) -> bool:
    first = numbers(version)[0] if re.fullmatch(_PLAIN, version) else 0
    return first >= _FIRST_MACOS and first not in _NO_MACOS


def _version_of(system: str, version: str) -> str | None:
    """Give the version as images of the system spell it, None where there is no such version."""
    if system == "windows":
        return version if version in _NT_VERSIONS else _WINDOWS.get(version)
    if system == "macos":
        return version if _is_macos(version) else None
    return version if re.fullmatch(_PLAIN, version) else None


def _parse(value: str) -> tuple[str | None, str]:
    """Split "macOS 11.0"; a version alone has no system."""
    system, _, version = value.strip().lower().rpartition(" ")
    return system.strip() or None, version


def _is_os_version(value: object) -> bool:
    if not isinstance(value, str):
        return False
    system, version = _parse(value)
    if system is None:
        return re.fullmatch(_PLAIN, version) is not None
    return system in _SYSTEMS and _version_of(system, version) is not None


OsVersion = Annotated[
    str,
    Form(
        text='a system and its version, such as "macos 13.0", "windows 7" or "windows 6.1"; a version alone, such as '
        '"13.0", for images of one system',
        accepts=_is_os_version,
    ),
]
MacVersion = Annotated[
    str,
    Form(
        text='a version of macOS, such as "26" or "10.15"',
        accepts=lambda value: isinstance(value, str) and _is_macos(value),
    ),
]


def os_at_most(subject: Subject, *, version: Annotated[tuple[OsVersion, ...], SOME]) -> Verdict:
    """Minimum OS version that the image asks for at or under the one named for its system."""
    facts = subject.facts
    expected = f"{', '.join(version)} or older is enough"
    unlinked = not_linked(facts, expected)
    if unlinked:
        return unlinked
    if facts.format not in ("macho", "pe") or (facts.format == "pe" and facts.os_minimum is None):
        what = "images for firmware ask" if facts.format == "pe" else f"{facts.format} images ask"
        return Verdict(outcome="not-applicable", expected=expected, observed=f"{what} for no OS version")
    system = _system(facts)
    limit = _limit(system, version)
    if facts.os_minimum is None:
        return Verdict(
            outcome="undecidable", expected=expected, observed="there is no LC_BUILD_VERSION and no LC_VERSION_MIN"
        )
    held = _padded(facts.os_minimum) <= _padded(limit)
    return Verdict(
        outcome="passed" if held else "violated",
        expected=f"{system} {limit} or older is enough",
        observed=f"{system} {facts.os_minimum}",
        evidence=(_minimum_line(facts),),
        remedy=() if held else _older_system(facts, system, limit),
    )


def _system(facts: BinaryFacts) -> str:
    if facts.format == "pe":
        return "windows"
    platform = facts.macho.platform if facts.macho else None
    return platform or {"ios": "ios"}.get(facts.target.goos if facts.target else "", "macos")


def _limit(system: str, versions: tuple[str, ...]) -> str:
    named: dict[str | None, str] = {}
    for value in versions:
        name, version = _parse(value)
        if name in named:
            raise ParameterError(f"os-at-most: version: {name or 'a version without its system'} is named twice")
        named[name] = version
    if None in named and len(named) > 1:
        raise ParameterError(f"os-at-most: version: {named[None]} needs its system too, as the others have it")
    found = named.get(system, named.get(None))
    if found is None:
        raise ParameterError(f"os-at-most: version: {', '.join(versions)} says nothing of {system}; add its version")
    limit = _version_of(system, found)
    # "7" may be meant as Windows 7, whose version is 6.1: an image that asks for 6.3 must not pass it.
    if limit is None or (system == "windows" and None in named and found not in _NT_VERSIONS):
        raise ParameterError(
            f"os-at-most: version: {found} is no version of {system} as images spell it; "
            + ('say "windows 7", or "6.1"' if system == "windows" else "it is 10.0 to 15, or 26 and up")
        )
    return limit


def _padded(version: str) -> tuple[int, ...]:
    return (*numbers(version), 0, 0, 0)[:3]


def _sdk(facts: BinaryFacts) -> str | None:
    return facts.macho.sdk if facts.macho else None


def _minimum_line(facts: BinaryFacts) -> str:
    if facts.format == "pe":
        return f"subsystem version {facts.os_minimum}"
    sdk = _sdk(facts)
    return f"minimum OS {facts.os_minimum}" + (f", SDK {sdk}" if sdk else "")


def _older_system(facts: BinaryFacts, system: str, limit: str) -> tuple[str, ...]:
    if facts.go is None:
        return (f"link it with -mmacosx-version-min={limit}",) if system == "macos" else ()
    if facts.format == "macho" and facts.link_mode == "external":
        return (f"MACOSX_DEPLOYMENT_TARGET={limit}, where this version of Go still runs there",)
    if facts.format == "macho":
        return (
            "an older Go: its own linker writes the oldest macOS that this version of Go runs on",
            f"Go 1.27 has -ldflags -macos={limit} to write another, and no promise that the program runs there",
        )
    return ("an older Go: its own linker writes the oldest Windows that this version of Go runs on",)


def launches_on_macos(subject: Subject, *, version: MacVersion) -> Verdict:
    """All that this version of macOS asks of an image before it starts is there."""
    facts = subject.facts
    expected = f"what macOS {version} asks of an image"
    unlinked = not_linked(facts, expected)
    if unlinked:
        return unlinked
    if facts.format != "macho":
        return Verdict(outcome="not-applicable", expected=expected, observed=f"{facts.format} images are not for macOS")
    system = _system(facts)
    if system == "maccatalyst":
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="its minimum is a version of iOS, which Mac Catalyst counts by",
            evidence=(_minimum_line(facts),),
        )
    missing = _missing(facts, system, _padded(version))
    goarch = _cpu(facts)
    evidence = (
        f"{system}/{goarch}",
        _minimum_line(facts) if facts.os_minimum else "no minimum OS",
        f"LC_UUID {facts.macho.uuid}" if facts.macho and facts.macho.uuid else "no LC_UUID",
        "no code signature" if facts.signed == "none" else f"code signature: {facts.signed}",
    )
    open_question = None if missing else _uuid_question(facts, _padded(version))
    return Verdict(
        outcome="violated" if missing else "undecidable" if open_question else "passed",
        expected=expected,
        observed=", ".join(observed for observed, _, _ in missing) or open_question or "all of it",
        evidence=evidence,
        cause=tuple(cause for _, cause, _ in missing),
        remedy=tuple(dict.fromkeys(remedy for _, _, remedy in missing if remedy)),
    )


def _lacks_uuid(facts: BinaryFacts, version: tuple[int, ...]) -> bool:
    return version >= _UUID_FROM and not (facts.macho and facts.macho.uuid)


def _has_older_sdk(facts: BinaryFacts) -> bool:
    sdk = _sdk(facts)
    return sdk is not None and numbers(sdk) < _UUID_FROM


def _uuid_question(facts: BinaryFacts, version: tuple[int, ...]) -> str | None:
    if not _lacks_uuid(facts, version):
        return None
    # Go before 1.24 with CGO_ENABLED=0. drogers0/aistat#38 says that such a release did not start.
    return f"no LC_UUID, and SDK {_sdk(facts)}: dyld asks for it with SDK 26 or newer; reports of older ones differ"


def _cpu(facts: BinaryFacts) -> str:
    return facts.target.goarch if facts.target else facts.slice or "a CPU without a port of Go"


def _missing(facts: BinaryFacts, system: str, version: tuple[int, ...]) -> list[tuple[str, str, str]]:
    """Give what macOS will miss: what is seen, why macOS refuses it, what to do."""
    missing = []
    goarch = _cpu(facts)
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
    if system == "macos" and facts.os_minimum and _padded(facts.os_minimum) > version:
        remedies = _older_system(facts, system, ".".join(map(str, version[:2])))
        missing.append((f"minimum OS {facts.os_minimum}", "dyld refuses an image for a newer system", remedies[0]))
    if _lacks_uuid(facts, version) and not _has_older_sdk(facts):
        # "dyld: missing LC_UUID load command".
        remedy = "Go 1.24 or newer, or -ldflags '-linkmode external' on a Mac" if facts.go else "link without -no_uuid"
        cause = "from macOS 26 on, dyld refuses a program that was linked for its SDK and has no LC_UUID"
        missing.append(("no LC_UUID", cause, remedy))
    if goarch == "arm64":
        if facts.signed == "none":
            # Source: Apple's "macOS Big Sur 11 Universal Apps Beta Release Notes": code signing; golang/go#42684.
            missing.append(
                ("no signature", "on arm64 the kernel kills what is not signed", "codesign --sign - FILE is enough")
            )
        if facts.hardening.pie is False:
            # Source: xnu's bsd/kern/mach_loader.c: LOAD_FAILURE where pie_required(), which holds on arm64.
            cause = "on arm64 the kernel starts position-independent programs alone"
            missing.append(("no MH_PIE", cause, "-buildmode=pie" if facts.go else "link without -no_pie"))
    return missing
