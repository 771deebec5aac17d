"""Rules about the operating system versions that an image starts on: Mach-O and PE say them."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

import re
from collections.abc import Iterator
from typing import Annotated

from pytest_golink.errors import ParameterError
from pytest_golink.facts import BinaryFacts
from pytest_golink.forms import Form
from pytest_golink.loader.macos import check_macos, cpu_of, minimum_line, older_system, padded, system_of
from pytest_golink.loader.os_floors import OsFloor, go_floor, symbol_floors
from pytest_golink.remedies import Case, Remedy
from pytest_golink.remedies.flags import older_macos
from pytest_golink.rules.parameters import NonEmpty
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked
from pytest_golink.text.versions import numbers

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


def _is_macos(version: str) -> bool:
    first = numbers(version)[0] if re.fullmatch(_PLAIN, version) else 0
    return first >= _FIRST_MACOS and first not in _NO_MACOS


def _version_of(system: str, version: str) -> str | None:
    """Return the version as images of the system spell it, None where there is no such version."""
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


def _older_macos(case: Case) -> Iterator[Remedy]:
    """Yield the minimum version that the rule allows, where Go and what the program calls are as old."""
    system = system_of(case.facts)
    wanted = _limit(system, case.finding.names("version"))
    yield from (Remedy(words=line) for line in older_system(case.facts, system, wanted))
    limits = [version for system, version in map(_parse, case.finding.names("version")) if system in (None, "macos")]
    highest = max((padded(floor.version) for floor in _floors(case.facts, system)), default=())
    if all(highest <= padded(limit) for limit in limits):
        yield from older_macos(case)


@rule(
    "os-at-most",
    group="platform",
    page="the minimum OS version that the image asks for is at or under it (Mach-O, PE): see below",
    remedies=_older_macos,
)
def os_at_most(subject: Subject, *, version: Annotated[tuple[OsVersion, ...], NonEmpty]) -> Verdict:
    """Minimum OS version that the image asks for at or under the one named for its system."""
    facts = subject.facts
    expected = f"{', '.join(version)} or older is enough"
    unlinked = undecidable_if_unlinked(facts, expected)
    if unlinked:
        return unlinked
    if facts.format not in ("macho", "pe") or (facts.format == "pe" and facts.os_minimum is None):
        what = "images for firmware ask" if facts.format == "pe" else f"{facts.format} images ask"
        return Verdict(outcome="not-applicable", expected=expected, observed=f"{what} for no OS version")
    system = system_of(facts)
    limit = _limit(system, version)
    if facts.os_minimum is None:
        return Verdict(
            outcome="undecidable", expected=expected, observed="there is no LC_BUILD_VERSION and no LC_VERSION_MIN"
        )
    # Whatever the header says, what is newer in the image decides.
    newer = [floor for floor in _floors(facts, system) if padded(floor.version) > padded(facts.os_minimum)]
    highest = max([facts.os_minimum, *(floor.version for floor in newer)], key=padded)
    held = padded(highest) <= padded(limit)
    return Verdict(
        outcome="passed" if held else "violated",
        expected=f"{system} {limit} or older is enough",
        observed=f"{system} {highest}",
        evidence=(minimum_line(facts), *(floor.reason for floor in newer)),
    )


def _floors(facts: BinaryFacts, system: str) -> Iterator[OsFloor]:
    """Yield what the image asks of the system beside its header."""
    own = go_floor(facts, system)
    if own is not None:
        yield own
    yield from symbol_floors(facts, system)


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


@rule(
    "launches-on-macos",
    group="platform",
    page="what that macOS asks of an image is there: see below",
    no_remedies="A newer Go or a Mac's linker is no option of a build.",
)
def launches_on_macos(subject: Subject, *, version: MacVersion) -> Verdict:
    """All that this version of macOS asks of an image before it starts is there."""
    facts = subject.facts
    expected = f"what macOS {version} asks of an image"
    unlinked = undecidable_if_unlinked(facts, expected)
    if unlinked:
        return unlinked
    if facts.format != "macho":
        return Verdict(outcome="not-applicable", expected=expected, observed=f"{facts.format} images are not for macOS")
    check = check_macos(facts, version)
    if system_of(facts) == "maccatalyst":
        return Verdict(
            outcome="undecidable", expected=expected, observed=check.observed, evidence=(minimum_line(facts),)
        )
    evidence = (
        f"{system_of(facts)}/{cpu_of(facts)}",
        minimum_line(facts) if facts.os_minimum else "no minimum OS",
        f"LC_UUID {facts.macho.uuid}" if facts.macho and facts.macho.uuid else "no LC_UUID",
        "no code signature" if facts.signed == "none" else f"code signature: {facts.signed}",
    )
    return Verdict(
        outcome="violated" if check.missing else "undecidable" if check.question else "passed",
        expected=expected,
        observed=check.observed or "all of it",
        evidence=evidence,
        cause=tuple(each.cause for each in check.missing),
        remedy=tuple(dict.fromkeys(each.remedy for each in check.missing if each.remedy)),
    )
