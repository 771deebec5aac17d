"""Rules about operating system versions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import ParameterError
from pytest_golink.facts import MachO, PolicyBreach
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.rules import evaluate
from tests.rules.facts_factory import ARCHIVE, MACHO, PE, STATIC, by_go, subject, symbols, target

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts

UUID = "FEC0E491-7814-3C84-B0BF-047EB8A8E529"
IDENTITY = MachO(platform="macos", sdk="26.2", uuid=UUID)
MAC = replace(MACHO, macho=IDENTITY)
GO_1_20 = by_go("go1.20.14")
CHAIN = symbols("SecTrustCopyCertificateChain")
TWICE = (PolicyBreach(text="duplicate LC_RPATH '/lib'", sdk="26"),)
INTEL = replace(MAC, target=target("darwin/amd64"), signed="none")
IOS = replace(MAC, target=target("ios/arm64"), macho=MachO(platform="ios", uuid=UUID))
OBJECT = replace(MAC, kind="object")
# What Go 1.21 to 1.23 make.
NO_UUID = replace(MAC, os_minimum="11.0", macho=MachO(platform="macos", sdk="26.0"))
# As Go before 1.24 links without cgo.
OLD_SDK = replace(NO_UUID, macho=MachO(platform="macos", sdk="11.0"))


@pytest.mark.parametrize(
    ("facts", "version", "outcome", "observed"),
    [
        (MAC, "13.0", "passed", "macos 13.0"),
        (MAC, "13", "passed", "macos 13.0"),
        (MAC, "macOS 13.0.0", "passed", "macos 13.0"),
        (MAC, ["windows 7", "macos 14.2"], "passed", "macos 13.0"),
        (MAC, "12.6", "violated", "macos 13.0"),
        (MAC, ["windows 10", "macos 10.15"], "violated", "macos 13.0"),
        (MACHO, "13.0", "passed", "macos 13.0"),
        (IOS, "ios 13", "passed", "ios 13.0"),
        (replace(IOS, macho=None), "ios 12.1", "violated", "ios 13.0"),
        (PE, "10.0", "passed", "windows 10.0"),
        (PE, "windows 11", "passed", "windows 10.0"),
        (PE, "windows 8.1", "violated", "windows 10.0"),
        (PE, "6.1", "violated", "windows 10.0"),
        (replace(PE, os_minimum="6.1", go=None), ["Windows 7", "macos 11"], "passed", "windows 6.1"),
        (replace(PE, os_minimum="6.1", go=None), "windows vista", "violated", "windows 6.1"),
        # Go 1.27, whatever another linker wrote.
        (replace(PE, os_minimum="6.0"), "windows 7", "violated", "windows 10.0"),
        (replace(PE, os_minimum="6.0", go=GO_1_20), "windows 7", "passed", "windows 6.1"),
        (
            replace(PE, os_minimum="6.0", go=None, imports=symbols("WaitOnAddress")),
            "windows 7",
            "violated",
            "windows 6.2",
        ),
        (replace(MAC, os_minimum="11.0"), "11", "violated", "macos 13"),
        (replace(MAC, os_minimum="11.0", go=GO_1_20, imports=CHAIN), "11", "violated", "macos 12"),
        (replace(MAC, os_minimum="11.0", go=GO_1_20), "11", "passed", "macos 11.0"),
        (
            replace(MAC, os_minimum=None),
            "13.0",
            "undecidable",
            "there is no LC_BUILD_VERSION and no LC_VERSION_MIN",
        ),
        (replace(PE, os_minimum=None), "10.0", "not-applicable", "images for firmware ask for no OS version"),
        (STATIC, "13.0", "not-applicable", "elf images ask for no OS version"),
        (ARCHIVE, "13.0", "undecidable", "an archive, which is not linked yet"),
        (OBJECT, "13.0", "undecidable", "an object, which is not linked yet"),
    ],
)
def test_what_os_at_most_says(facts: BinaryFacts, version: object, outcome: str, observed: str) -> None:
    finding = evaluate("os-at-most", subject(facts), {"version": version})

    assert (finding.outcome, finding.observed) == (outcome, observed)


def test_the_evidence_is_the_image_s_own_word() -> None:
    assert evaluate("os-at-most", subject(MAC), {"version": "13"}).evidence == ("minimum OS 13.0, SDK 26.2",)
    assert evaluate("os-at-most", subject(MACHO), {"version": "13"}).evidence == ("minimum OS 13.0",)
    assert evaluate("os-at-most", subject(PE), {"version": "10.0"}).evidence == ("subsystem version 10.0",)


@pytest.mark.parametrize(
    ("facts", "version", "remedy"),
    [
        (
            replace(MAC, go=GO_1_20),
            "12",
            (
                "an older Go: its own linker writes the oldest macOS that this version of Go runs on",
                "Go 1.27 has -ldflags -macos=12 to write another",
            ),
        ),
        # What the program calls is not there, whatever the header says.
        (replace(MAC, go=GO_1_20, imports=CHAIN), "11", ("Go 1.24, the last one for macOS 11",)),
        (MAC, "10.9", ("an older Go: its own linker writes the oldest macOS that this version of Go runs on",)),
        (replace(MAC, go=GO_1_20, link_mode="external"), "12", ("MACOSX_DEPLOYMENT_TARGET=12",)),
        (replace(MAC, go=None), "12", ("link it with -mmacosx-version-min=12",)),
        (PE, "windows 7", ("Go 1.20, the last one for it",)),
        (PE, "5.1", ("an older Go: its own linker writes the oldest Windows that this version of Go runs on",)),
        (replace(PE, go=None), "windows 7", ()),
        (MAC, "13", ()),
    ],
)
def test_how_an_older_system_is_enough(facts: BinaryFacts, version: str, remedy: tuple[str, ...]) -> None:
    assert remedy_lines(evaluate("os-at-most", subject(facts), {"version": version})) == remedy


@pytest.mark.parametrize(
    ("facts", "version", "message"),
    [
        (PE, "7", 'os-at-most: version: 7 is no version of windows as images spell it; say "windows 7", or "6.1"'),
        (PE, "10", 'os-at-most: version: 10 is no version of windows as images spell it; say "windows 7", or "6.1"'),
        (
            MAC,
            "6.1",
            "os-at-most: version: 6.1 is no version of macos as images spell it; it is 10.0 to 15, or 26 and up",
        ),
        (MAC, "windows 7", "os-at-most: version: windows 7 says nothing of macos; add its version"),
        (MAC, ["macos 12", "macos 13"], "os-at-most: version: macos is named twice"),
        (MAC, ["12", "13"], "os-at-most: version: a version without its system is named twice"),
        (MAC, ["13", "windows 10"], "os-at-most: version: 13 needs its system too, as the others have it"),
    ],
)
def test_a_version_that_does_not_fit_is_an_error(facts: BinaryFacts, version: object, message: str) -> None:
    with pytest.raises(ParameterError) as raised:
        evaluate("os-at-most", subject(facts), {"version": version})

    assert str(raised.value) == message


@pytest.mark.parametrize("version", ["", "new", 13, "windows 9", "macos 18", "amiga 3.1", "1.2.3.4", "windows"])
def test_a_version_that_never_was_is_told_the_form(version: object) -> None:
    with pytest.raises(ParameterError, match=r' is not a system and its version, such as "macos 13\.0", "windows 7"'):
        evaluate("os-at-most", subject(MAC), {"version": [version]})


@pytest.mark.parametrize(
    ("facts", "version", "outcome", "observed"),
    [
        (MAC, "26", "passed", "all of it"),
        (MAC, "13.0", "passed", "all of it"),
        (INTEL, "26", "passed", "all of it"),
        (replace(MAC, signed="signed", kind="shared-library"), "26", "passed", "all of it"),
        (replace(INTEL, os_minimum=None, go=None), "10.9", "passed", "all of it"),
        (replace(INTEL, os_minimum="10.9"), "12", "violated", "Go 1.27 runs on macOS 13 and newer"),
        (
            replace(MAC, os_minimum="11.0", go=GO_1_20, imports=CHAIN),
            "11",
            "violated",
            "calls SecTrustCopyCertificateChain, which came with macOS 12",
        ),
        (replace(MAC, macho=replace(IDENTITY, policy=TWICE)), "26", "violated", "duplicate LC_RPATH '/lib'"),
        (replace(MAC, macho=replace(IDENTITY, policy=TWICE)), "15.5", "passed", "all of it"),
        (replace(MAC, macho=replace(IDENTITY, policy=TWICE, sdk="15.4")), "26", "passed", "all of it"),
        (replace(MAC, macho=replace(IDENTITY, slice_offset=0x5000)), "13", "violated", "the slice is at 0x5000"),
        (replace(MAC, macho=replace(IDENTITY, slice_offset=0x8000)), "13", "passed", "all of it"),
        (replace(INTEL, macho=replace(IDENTITY, slice_offset=0x5000)), "13", "passed", "all of it"),
        (replace(MAC, macho=replace(IDENTITY, fat64=True)), "13", "violated", "a fat header of 64 bits"),
        (NO_UUID, "15.5", "passed", "all of it"),
        (NO_UUID, "26", "violated", "no LC_UUID"),
        (OLD_SDK, "15.5", "passed", "all of it"),
        (
            OLD_SDK,
            "26",
            "undecidable",
            "no LC_UUID, and SDK 11.0: dyld asks for it with SDK 26 or newer; reports on older ones differ",
        ),
        (replace(OLD_SDK, signed="none"), "26", "violated", "no signature"),
        (replace(MAC, macho=None), "26", "violated", "no LC_UUID"),
        (MAC, "12.7", "violated", "minimum OS 13.0"),
        (replace(MAC, signed="none"), "15", "violated", "no signature"),
        (replace(MAC, hardening=replace(MAC.hardening, pie=False)), "15", "violated", "no MH_PIE"),
        (replace(INTEL, hardening=replace(MAC.hardening, pie=False)), "15", "passed", "all of it"),
        (replace(MAC, os_minimum="10.13", go=None), "10.15", "violated", "for arm64"),
        (replace(INTEL, target=target("darwin/386"), os_minimum="10.9", go=None), "10.15", "violated", "32-bit"),
        (replace(INTEL, target=target("darwin/386"), os_minimum="10.9", go=None), "10.14", "passed", "all of it"),
        (replace(INTEL, target=None, slice="ppc"), "13", "violated", "for ppc"),
        (replace(INTEL, target=None), "13", "violated", "for a CPU without a port of Go"),
        (IOS, "15", "violated", "for ios"),
        (
            replace(NO_UUID, signed="none", os_minimum="27.0"),
            "26",
            "violated",
            "minimum OS 27.0, no LC_UUID, no signature",
        ),
        (
            replace(MAC, macho=MachO(platform="maccatalyst")),
            "15",
            "undecidable",
            "its minimum is a version of iOS, which Mac Catalyst counts by",
        ),
        (STATIC, "15", "not-applicable", "elf images are not for macOS"),
        (PE, "15", "not-applicable", "pe images are not for macOS"),
        (OBJECT, "15", "undecidable", "an object, which is not linked yet"),
    ],
)
def test_what_launches_on_macos_says(facts: BinaryFacts, version: str, outcome: str, observed: str) -> None:
    finding = evaluate("launches-on-macos", subject(facts), {"version": version})

    assert (finding.outcome, finding.observed) == (outcome, observed)


def test_each_thing_that_macos_misses_has_its_cause_and_its_remedy() -> None:
    bare = replace(NO_UUID, signed="none", hardening=replace(MAC.hardening, pie=False))
    finding = evaluate("launches-on-macos", subject(bare), {"version": "26.1"})

    assert finding.expected == "what macOS 26.1 asks of an image"
    assert finding.evidence == ("macos/arm64", "minimum OS 11.0, SDK 26.0", "no LC_UUID", "no code signature")
    assert finding.cause == (
        "from macOS 26 on, dyld refuses a program that was linked for its SDK and has no LC_UUID",
        "on arm64 the kernel kills unsigned programs",
        "on arm64 the kernel starts only position-independent programs",
    )
    assert remedy_lines(finding) == (
        "Go 1.24 or newer, or -ldflags '-linkmode external' on a Mac",
        "codesign --sign - FILE is enough",
        "-buildmode=pie",
    )
    foreign = evaluate("launches-on-macos", subject(replace(bare, go=None)), {"version": "26"})
    assert remedy_lines(foreign) == (
        "link without -no_uuid",
        "codesign --sign - FILE is enough",
        "link without -no_pie",
    )
    older = evaluate("launches-on-macos", subject(replace(MAC, go=None)), {"version": "12.1"})
    assert remedy_lines(older) == ("link it with -mmacosx-version-min=12.1",)
    assert evaluate("launches-on-macos", subject(replace(MAC, os_minimum=None)), {"version": "26"}).evidence == (
        "macos/arm64",
        "no minimum OS",
        f"LC_UUID {UUID}",
        "code signature: ad-hoc",
    )


@pytest.mark.parametrize("version", ["", "Tahoe", "16", "25.1", "9", 26, "26.0.0.1"])
def test_a_macos_that_never_was_is_an_error(version: object) -> None:
    with pytest.raises(ParameterError, match=r' is not a version of macOS, such as "26" or "10\.15"'):
        evaluate("launches-on-macos", subject(MAC), {"version": version})
