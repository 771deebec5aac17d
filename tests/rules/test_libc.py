"""Rules about the C library."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink.facts import Cgo, Libc, VersionNeed
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.rules import evaluate
from tests.rules.facts_factory import (
    ARCHIVE,
    DYNAMIC,
    GLIBC_STATIC,
    IMPORT_DYNAMIC,
    MACHO,
    OWN_C,
    PE,
    STATIC,
    subject,
    target,
)

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts

UNKNOWN = replace(DYNAMIC, libc=Libc(kind="unknown", presence="dynamic"))
UNSAID = replace(DYNAMIC, libc=Libc(kind="unknown", presence="none"))
MUSL = replace(DYNAMIC, libc=Libc(kind="musl", presence="dynamic"))
RELR = replace(
    DYNAMIC, version_needs=(*DYNAMIC.version_needs, VersionNeed(library="libc.so.6", version="GLIBC_ABI_DT_RELR"))
)
FUTURE = replace(DYNAMIC, version_needs=(VersionNeed(library="libc.so.6", version="GLIBC_ABI_NEW"),))


PRIVATE = replace(DYNAMIC, version_needs=(VersionNeed(library="ld-linux-x86-64.so.2", version="GLIBC_PRIVATE"),))


def with_floor(floor: str) -> BinaryFacts:
    return replace(DYNAMIC, libc=replace(DYNAMIC.libc, floor=floor))


@pytest.mark.parametrize(
    ("rule", "parameters", "facts", "outcome", "observed"),
    [
        ("needs-libc", {}, DYNAMIC, "passed", "glibc is loaded, needs GLIBC_2.34: pthread_create"),
        ("needs-libc", {}, UNKNOWN, "passed", "unknown is loaded"),
        ("needs-libc", {"kind": "glibc"}, DYNAMIC, "passed", "glibc is loaded, needs GLIBC_2.34: pthread_create"),
        ("needs-libc", {"kind": "libSystem"}, MACHO, "passed", "libSystem is loaded"),
        ("needs-libc", {"kind": "glibc", "at-most": "2.34"}, DYNAMIC, "passed", "needs glibc 2.34"),
        ("needs-libc", {"at-most": "2.17"}, with_floor("2.9"), "passed", "needs glibc 2.9"),
        ("needs-libc", {"at-most": "2.9"}, with_floor("2.17"), "violated", "needs glibc 2.17"),
        ("needs-libc", {"at-most": "2.34"}, MUSL, "violated", "musl is loaded"),
        (
            "glibc-at-most",
            {"version": "2.41"},
            PRIVATE,
            "violated",
            "needs GLIBC_PRIVATE of ld-linux-x86-64.so.2, which only the very same glibc has",
        ),
        ("needs-libc", {"kind": "musl"}, DYNAMIC, "violated", "glibc is loaded, needs GLIBC_2.34: pthread_create"),
        ("needs-libc", {}, STATIC, "violated", "no libc"),
        ("needs-libc", {"kind": "glibc"}, GLIBC_STATIC, "violated", "glibc is linked into the image"),
        ("needs-libc", {"kind": "glibc"}, UNKNOWN, "undecidable", "a libc that is not known"),
        ("needs-libc", {}, ARCHIVE, "undecidable", "an archive, which is not linked yet"),
        ("no-libc", {}, STATIC, "passed", "no libc"),
        ("no-libc", {}, GLIBC_STATIC, "passed", "glibc is linked into the image"),
        ("no-libc", {}, PE, "passed", "no libc"),
        ("no-libc", {}, DYNAMIC, "violated", "glibc is loaded, needs GLIBC_2.34: pthread_create"),
        ("no-libc", {}, MACHO, "violated", "libSystem is loaded"),
        ("no-libc", {}, UNSAID, "undecidable", "the image does not say whether a libc is among what it needs"),
        ("no-libc", {}, ARCHIVE, "undecidable", "an archive, which is not linked yet"),
        ("glibc-at-most", {"version": "2.34"}, DYNAMIC, "passed", "needs glibc 2.34"),
        ("glibc-at-most", {"version": "2.34.1"}, DYNAMIC, "passed", "needs glibc 2.34"),
        ("glibc-at-most", {"version": "2.17"}, with_floor("2.3.4"), "passed", "needs glibc 2.3.4"),
        ("glibc-at-most", {"version": "2.17"}, IMPORT_DYNAMIC, "passed", "glibc, with no GLIBC_x.y version need"),
        ("glibc-at-most", {"version": "2.17"}, STATIC, "passed", "no libc"),
        ("glibc-at-most", {"version": "2.17"}, GLIBC_STATIC, "passed", "glibc is linked into the image"),
        ("glibc-at-most", {"version": "2.17"}, MUSL, "passed", "musl is loaded"),
        ("glibc-at-most", {"version": "2.17"}, MACHO, "passed", "libSystem is loaded"),
        ("glibc-at-most", {"version": "2.33"}, DYNAMIC, "violated", "needs glibc 2.34"),
        ("glibc-at-most", {"version": "2.3"}, with_floor("2.3.4"), "violated", "needs glibc 2.3.4"),
        ("glibc-at-most", {"version": "2.35"}, RELR, "violated", "needs glibc 2.36"),
        ("glibc-at-most", {"version": "2.36"}, RELR, "passed", "needs glibc 2.36"),
        (
            "glibc-at-most",
            {"version": "2.40"},
            FUTURE,
            "undecidable",
            "needs GLIBC_ABI_NEW, and golink does not know which glibc has that",
        ),
        ("glibc-at-most", {"version": "2.17"}, FUTURE, "violated", "needs glibc 2.34"),
        ("glibc-at-most", {"version": "2.17"}, UNKNOWN, "undecidable", "the image does not say which libc it loads"),
        ("glibc-at-most", {"version": "2.17"}, UNSAID, "undecidable", "the image does not say which libc it loads"),
        ("glibc-at-most", {"version": "2.17"}, ARCHIVE, "undecidable", "an archive, which is not linked yet"),
    ],
)
def test_what_each_rule_says(
    rule: str, parameters: dict[str, object], facts: BinaryFacts, outcome: str, observed: str
) -> None:
    finding = evaluate(rule, subject(facts), parameters)

    assert (finding.outcome, finding.observed) == (outcome, observed)


def test_a_newer_glibc_is_shown_with_its_symbols_its_cause_and_two_ways_out() -> None:
    finding = evaluate("glibc-at-most", subject(OWN_C), {"version": "2.17"})

    assert finding.expected == "glibc 2.17 or older, or none"
    assert finding.evidence == ("DT_NEEDED libm.so.6", "DT_NEEDED libc.so.6 (needs GLIBC_2.34: pthread_create)")
    assert finding.cause == (
        "main (example.com/app) uses cgo: its wrappers are in the image, and runtime/cgo with them",
    )
    assert remedy_lines(finding) == (
        'link against that glibc: CC="zig cc -target x86_64-linux-gnu.2.17" CGO_ENABLED=1',
        "or build on a system whose glibc is 2.17 or older",
    )


def test_where_tags_do_it_no_libc_is_the_first_way_out() -> None:
    assert remedy_lines(evaluate("glibc-at-most", subject(DYNAMIC), {"version": "2.17"})) == (
        "CGO_ENABLED=0, or -tags netgo: no libc is needed at all",
        'or link against that glibc: CC="zig cc -target x86_64-linux-gnu.2.17" CGO_ENABLED=1',
        "or build on a system whose glibc is 2.17 or older",
    )


def test_a_glibc_older_than_the_architecture_is_not_advised() -> None:
    assert remedy_lines(
        evaluate("glibc-at-most", subject(OWN_C, target=target("linux/arm64")), {"version": "2.12"})
    ) == ("build on a system whose glibc is 2.12 or older",)


def test_a_version_need_that_is_no_number_is_shown() -> None:
    assert (
        evaluate("glibc-at-most", subject(RELR), {"version": "2.35"}).evidence[-1] == "version need GLIBC_ABI_DT_RELR"
    )


def test_a_libc_that_is_missing_is_one_compiler_away() -> None:
    finding = evaluate("needs-libc", subject(STATIC), {"kind": "glibc", "at-most": "2.17"})

    assert finding.expected == "loads glibc 2.17 or older"
    assert finding.evidence == ("no PT_INTERP", "no DT_NEEDED")
    assert finding.cause == ("runtime/cgo is not linked in",)
    assert remedy_lines(finding) == ("CGO_ENABLED=1 with a C compiler: without one Go turns cgo off silently",)
    assert remedy_lines(evaluate("needs-libc", subject(GLIBC_STATIC), {})) == ()
    assert remedy_lines(evaluate("needs-libc", subject(PE), {})) == ()


def test_no_libc_says_where_that_cannot_be() -> None:
    macos = evaluate("no-libc", subject(MACHO), {})
    linux = evaluate("no-libc", subject(DYNAMIC), {})
    windows = evaluate(
        "no-libc",
        subject(PE, libc=Libc(kind="ucrt", presence="dynamic"), cgo=Cgo(used=True, packages=("main", "runtime/cgo"))),
        {},
    )

    assert macos.cause == ("a program on macOS calls the system through libSystem",)
    assert remedy_lines(macos) == ("none: every program there loads it; check this target with self-contained instead",)
    assert remedy_lines(linux) == ("CGO_ENABLED=0, or -tags netgo",)
    assert remedy_lines(windows) == ("CGO_ENABLED=0, where main can do without cgo",)


def test_the_libraries_are_the_evidence_and_without_one_that_there_is_none() -> None:
    loaded = evaluate("needs-libc", subject(DYNAMIC), {"kind": "musl"})
    # musl's loader is the C library.
    own_loader = evaluate("needs-libc", subject(MUSL, needed=(), needs_loader_only=True), {"kind": "glibc"})

    assert loaded.evidence == ("DT_NEEDED libc.so.6 (needs GLIBC_2.34: pthread_create)",)
    assert own_loader.evidence[-1] == "no DT_NEEDED"
