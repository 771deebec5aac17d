"""Rules about the platform."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import ParameterError
from pytest_golink.facts import MachO
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.rules import evaluate
from tests.rules.facts_factory import ARCHIVE, LOADED, MACHO, STATIC, header, subject, target

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts, ProgramHeader


@pytest.mark.parametrize("targets", ["linux/amd64", "linux/*", ["darwin/arm64", "linux/amd64"]])
def test_a_target_that_is_named_passes(targets: object) -> None:
    finding = evaluate("target", subject(STATIC), {"targets": targets})

    assert (finding.outcome, finding.observed) == ("passed", "linux/amd64")
    assert finding.evidence == ("elf executable for linux/amd64",)
    assert remedy_lines(finding) == ()


def test_another_target_is_a_violation_with_the_variables_to_set() -> None:
    one = evaluate("target", subject(MACHO), {"targets": "linux/arm64"})
    several = evaluate("target", subject(MACHO), {"targets": ["linux/arm64", "linux/amd64"]})
    glob = evaluate("target", subject(MACHO), {"targets": "linux/*"})

    assert (one.outcome, one.expected, one.observed) == ("violated", "linux/arm64", "darwin/arm64")
    assert remedy_lines(one) == ("GOOS=linux GOARCH=arm64",)
    assert (several.expected, remedy_lines(several)) == ("one of linux/arm64, linux/amd64", ())
    assert remedy_lines(glob) == ()


def test_an_archive_may_have_a_target_too() -> None:
    assert evaluate("target", subject(ARCHIVE), {"targets": "linux/amd64"}).outcome == "passed"


def test_an_image_that_names_no_target_is_undecidable() -> None:
    finding = evaluate("target", subject(ARCHIVE, target=None), {"targets": "linux/amd64"})

    assert (finding.outcome, finding.observed) == (
        "undecidable",
        "neither the headers nor the build info name a target",
    )
    assert finding.evidence == ("ar archive",)


def loaded(*headers: ProgramHeader, goos: str = "linux") -> BinaryFacts:
    return replace(LOADED, program_headers=headers, target=target(f"{goos}/arm64"))


TEXT = header("PT_LOAD", "r-x", 0x10000, 0x9000, 0x10000)
DATA = header("PT_LOAD", "rw-", 0x20000, 0x9000, 0x10000)


@pytest.mark.parametrize(
    ("facts", "bytes_", "outcome", "observed"),
    [
        (LOADED, 4096, "passed", "the smallest p_align is 0x1000"),
        (loaded(TEXT, DATA), 16384, "passed", "the smallest p_align is 0x10000"),
        (LOADED, 16384, "violated", "p_align 0x1000 of the PT_LOAD at 0x400000"),
        (
            # The script of golang/go#68754: a p_align that was edited.
            loaded(TEXT, header("PT_LOAD", "rw-", 0x21000, 0x9000, 0x10000, offset=0x1A000)),
            16384,
            "violated",
            "the PT_LOAD at 0x21000 is at offset 0x1a000, another place in its page",
        ),
        (
            loaded(TEXT, header("PT_LOAD", "rw-", 0x1A000, 0x9000, 0x10000, offset=0xA000)),
            16384,
            "violated",
            "the PT_LOADs at 0x10000 (r-x) and 0x1a000 (rw-) share a page",
        ),
        (
            loaded(TEXT, header("PT_LOAD", "rw-", 0x1A000, 0x9000, 0x10000, offset=0xA000)),
            4096,
            "passed",
            "the smallest p_align is 0x10000",
        ),
        (
            # One place of the file, one protection: one page.
            loaded(TEXT, header("PT_LOAD", "r-x", 0x1A000, 0x1000, 0x10000, offset=0x1A000)),
            16384,
            "passed",
            "the smallest p_align is 0x10000",
        ),
        (
            loaded(TEXT, DATA, header("PT_LOAD", "r--", 0x8000, 0, 1)),
            16384,
            "passed",
            "the smallest p_align is 0x10000",
        ),
        (STATIC, 16384, "undecidable", "no PT_LOAD is known"),
        (MACHO, 16384, "not-applicable", "macho images have no PT_LOAD"),
        (ARCHIVE, 16384, "undecidable", "an archive, which is not linked yet"),
        (replace(STATIC, kind="object"), 16384, "undecidable", "an object, which is not linked yet"),
    ],
)
def test_what_page_alignment_says(facts: BinaryFacts, bytes_: int, outcome: str, observed: str) -> None:
    finding = evaluate("page-alignment", subject(facts), {"bytes": bytes_})

    assert (finding.outcome, finding.observed) == (outcome, observed)


@pytest.mark.parametrize(
    ("goos", "relro_size", "outcome"),
    [
        ("android", 0x2000, "violated"),
        ("android", 0x4000, "passed"),
        ("android", 0x9000, "passed"),
        ("linux", 0x2000, "passed"),
    ],
)
def test_android_s_loader_protects_whole_pages(goos: str, relro_size: int, outcome: str) -> None:
    relro = header("PT_GNU_RELRO", "r--", 0x20000, relro_size, 1)
    finding = evaluate("page-alignment", subject(loaded(TEXT, DATA, relro, goos=goos)), {"bytes": 16384})

    assert finding.outcome == outcome
    if outcome == "violated":
        assert finding.observed == "PT_GNU_RELRO ends at 0x22000, and what is written to follows in the same page"
        assert finding.evidence[-1] == "PT_GNU_RELRO r-- at 0x20000, p_align 0x1"


def test_all_that_is_wrong_with_pages_is_said() -> None:
    shared = header("PT_LOAD", "rw-", 0x19000, 0x1000, 0x10000, offset=0x9000)
    more = header("PT_LOAD", "r--", 0x1A000, 0x1000, 0x10000, offset=0xA000)
    finding = evaluate("page-alignment", subject(loaded(TEXT, shared, more)), {"bytes": 16384})

    assert finding.observed == "the PT_LOADs at 0x10000 (r-x) and 0x19000 (rw-) share a page"
    assert finding.cause == ("the PT_LOADs at 0x19000 (rw-) and 0x1a000 (r--) share a page",)


@pytest.mark.parametrize(
    ("facts", "remedy"),
    [
        (
            LOADED,
            "-ldflags -R=16384, the alignment of Go's own linker; in an external link "
            '-extldflags "-Wl,-z,max-page-size=16384"',
        ),
        (replace(LOADED, link_mode="external"), "-ldflags '-extldflags \"-Wl,-z,max-page-size=16384\"'"),
        (replace(LOADED, go=None), "link with -Wl,-z,max-page-size=16384"),
    ],
)
def test_how_to_align_to_larger_pages(facts: BinaryFacts, remedy: str) -> None:
    assert remedy_lines(evaluate("page-alignment", subject(facts), {"bytes": 16384})) == (remedy,)


@pytest.mark.parametrize("value", [0, -4096, 5000, "16384", 4096.0, True])
def test_an_alignment_is_a_power_of_two(value: object) -> None:
    with pytest.raises(ParameterError, match=r"is not a power of two, in bytes, such as 16384$"):
        evaluate("page-alignment", subject(LOADED), {"bytes": value})


SIZED = replace(STATIC, symtab_size=127_938, dwarf_size=703_122)


@pytest.mark.parametrize(
    ("facts", "size", "outcome", "observed"),
    [
        (SIZED, 1_500_000, "passed", "1,500,000 bytes"),
        (SIZED, "1.5 MB", "passed", "1,500,000 bytes"),
        (SIZED, "1.5MiB", "passed", "1,500,000 bytes"),
        (SIZED, "2 gb", "passed", "1,500,000 bytes"),
        (SIZED, "1500000", "passed", "1,500,000 bytes"),
        (SIZED, "1 MiB", "violated", "1,500,000 bytes, 451,424 too many"),
        (SIZED, 1_499_999, "violated", "1,500,000 bytes, 1 too many"),
        (ARCHIVE, "2 MB", "passed", "1,500,000 bytes"),
    ],
)
def test_what_max_size_says(facts: BinaryFacts, size: object, outcome: str, observed: str) -> None:
    finding = evaluate("max-size", subject(facts), {"size": size})

    assert (finding.outcome, finding.observed) == (outcome, observed)


@pytest.mark.parametrize(
    ("facts", "size", "remedy"),
    [
        (SIZED, "1 MB", ('-ldflags "-s -w" takes away about 831,060 bytes, which is enough',)),
        (SIZED, "500 kB", ('-ldflags "-s -w" takes away about 831,060 bytes, 168,940 bytes too few',)),
        (replace(SIZED, symtab=False), "1 MB", ('-ldflags "-s -w" takes away about 703,122 bytes, which is enough',)),
        (
            replace(SIZED, dwarf=False, go=None),
            "1 MB",
            ("strip takes away about 127,938 bytes, 372,062 bytes too few",),
        ),
        (replace(SIZED, symtab=False, dwarf=False), "1 MB", ()),
        (STATIC, "1 MB", ()),
        (SIZED, "2 MB", ()),
    ],
)
def test_what_stripping_would_save_is_counted(facts: BinaryFacts, size: str, remedy: tuple[str, ...]) -> None:
    assert remedy_lines(evaluate("max-size", subject(facts), {"size": size})) == remedy


def test_the_size_is_the_file_s_with_what_stripping_takes_away_beside_it() -> None:
    assert evaluate("max-size", subject(SIZED), {"size": "1 MB"}).evidence == (
        "the file: 1,500,000 bytes",
        "symbol table: 127,938 bytes",
        "DWARF: 703,122 bytes",
    )
    assert evaluate("max-size", subject(MACHO, slice="arm64"), {"size": "1 MB"}).evidence == (
        "the file: 1,500,000 bytes, with all its slices",
    )


@pytest.mark.parametrize("size", ["", "20 potatoes", "MB", 0, -1, True, 1.5, "0", "1e6"])
def test_a_size_is_a_number_with_a_unit(size: object) -> None:
    with pytest.raises(
        ParameterError, match=r'is not a size such as "20 MB" \(10\^6\), "20 MiB" \(2\^20\) or a number'
    ):
        evaluate("max-size", subject(SIZED), {"size": size})


@pytest.mark.parametrize(
    ("goarch", "platform", "outcome", "observed"),
    [
        ("arm64", "ios", "passed", "ios/arm64"),
        ("arm64", "iossimulator", "violated", "ios/arm64 for the iOS simulator"),
        # Go's port ios/amd64 is for the simulator.
        ("amd64", "iossimulator", "passed", "ios/amd64"),
    ],
)
def test_what_is_for_the_simulator_is_not_for_a_device(goarch: str, platform: str, outcome: str, observed: str) -> None:
    image = replace(MACHO, target=target(f"ios/{goarch}"), macho=MachO(platform=platform))

    finding = evaluate("target", subject(image), {"targets": [f"ios/{goarch}"]})

    assert (finding.outcome, finding.observed) == (outcome, observed)
    assert finding.evidence == (f"macho executable for ios/{goarch}", f"platform {platform}")
