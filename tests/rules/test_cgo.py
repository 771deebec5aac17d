"""Rules about cgo."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink.facts import Cgo
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.rules import evaluate
from tests.rules.facts_factory import ARCHIVE, DYNAMIC, FOREIGN, MACHO, OWN_C, PE, STATIC, subject

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts

UNSAID = replace(STATIC, cgo=Cgo(), link_mode=None, resolver=None)
RUNTIME_ALONE = replace(DYNAMIC, cgo=Cgo(used=True, packages=("runtime/cgo",)))


@pytest.mark.parametrize(
    ("rule", "parameters", "facts", "outcome", "observed"),
    [
        ("no-cgo", {}, STATIC, "passed", "no runtime/cgo"),
        ("no-cgo", {}, DYNAMIC, "violated", "runtime/cgo is linked in"),
        ("no-cgo", {}, UNSAID, "undecidable", "the image does not say"),
        ("no-cgo", {}, FOREIGN, "undecidable", "Go did not make this image"),
        ("no-cgo", {}, ARCHIVE, "undecidable", "an archive, which is not linked yet"),
        ("only-cgo-packages", {"packages": ["net"]}, DYNAMIC, "passed", "net, runtime/cgo"),
        ("only-cgo-packages", {"packages": ["net", "os/user"]}, RUNTIME_ALONE, "passed", "runtime/cgo"),
        ("only-cgo-packages", {"packages": []}, STATIC, "passed", "none"),
        ("only-cgo-packages", {"packages": ["main"]}, OWN_C, "passed", "main, runtime/cgo"),
        ("only-cgo-packages", {"packages": ["example.com/*"]}, OWN_C, "passed", "main, runtime/cgo"),
        ("only-cgo-packages", {"packages": ["os/user"]}, DYNAMIC, "violated", "net too"),
        ("only-cgo-packages", {"packages": []}, DYNAMIC, "violated", "net, runtime/cgo"),
        ("only-cgo-packages", {"packages": []}, RUNTIME_ALONE, "violated", "runtime/cgo"),
        ("only-cgo-packages", {"packages": []}, replace(STATIC, cgo=Cgo(used=True)), "violated", "runtime/cgo"),
        ("only-cgo-packages", {"packages": ["net"]}, UNSAID, "undecidable", "the image does not say"),
        ("linkmode", {"mode": "internal"}, DYNAMIC, "passed", "internal"),
        ("linkmode", {"mode": "external"}, OWN_C, "passed", "external"),
        ("linkmode", {"mode": "external"}, DYNAMIC, "violated", "internal"),
        ("linkmode", {"mode": "internal"}, OWN_C, "violated", "external"),
        ("linkmode", {"mode": "internal"}, UNSAID, "undecidable", "the image does not say"),
        ("linkmode", {"mode": "internal"}, ARCHIVE, "undecidable", "an archive, which is not linked yet"),
        ("resolver", {"kind": "cgo,go"}, DYNAMIC, "passed", "cgo, go"),
        ("resolver", {"kind": ["go", "cgo", "go"]}, DYNAMIC, "passed", "cgo, go"),
        ("resolver", {"kind": "none"}, STATIC, "passed", "none"),
        ("resolver", {"kind": "windows"}, PE, "passed", "windows"),
        ("resolver", {"kind": "go"}, DYNAMIC, "violated", "cgo, go"),
        ("resolver", {"kind": "go"}, FOREIGN, "undecidable", "Go did not make this image"),
        ("resolver", {"kind": "go"}, UNSAID, "undecidable", "the image does not say"),
    ],
)
def test_what_each_rule_says(
    rule: str, parameters: dict[str, object], facts: BinaryFacts, outcome: str, observed: str
) -> None:
    finding = evaluate(rule, subject(facts), parameters)

    assert (finding.outcome, finding.observed) == (outcome, observed)


def test_the_packages_with_cgo_wrappers_are_the_evidence() -> None:
    finding = evaluate("no-cgo", subject(DYNAMIC), {})

    assert finding.expected == "runtime/cgo is not linked in"
    assert finding.evidence == (
        "pclntab: cgo wrappers of net",
        "pclntab: _cgo_topofstack, runtime/cgo's mark",
        "build setting CGO_ENABLED=1",
    )
    assert finding.cause == ("net uses cgo: its wrappers are in the image, and runtime/cgo with them",)
    assert remedy_lines(finding) == ("CGO_ENABLED=0, or -tags netgo",)
    assert evaluate("no-cgo", subject(STATIC), {}).evidence == (
        "pclntab: no _cgo_topofstack, runtime/cgo's mark",
        "build setting CGO_ENABLED=0",
    )


def test_many_packages_are_cut_with_a_count() -> None:
    packages = tuple(f"example.com/p{number}" for number in range(10))
    finding = evaluate("no-cgo", subject(OWN_C, cgo=Cgo(used=True, packages=(*packages, "runtime/cgo"))), {})

    assert finding.evidence == (
        f"pclntab: cgo wrappers of {', '.join(packages[:8])}, … 2 more",
        "pclntab: _cgo_topofstack, runtime/cgo's mark",
    )
    assert finding.cause == (
        "example.com/p0, example.com/p1, example.com/p2, example.com/p3, example.com/p4, example.com/p5, … 4 more use "
        "cgo: their wrappers are in the image, and runtime/cgo with them",
    )


def test_the_main_package_without_a_path_is_main_alone() -> None:
    assert evaluate("only-cgo-packages", subject(OWN_C, go=None), {"packages": "example.com/app"}).outcome == "violated"


def test_another_link_mode_is_explained() -> None:
    own = evaluate("linkmode", subject(OWN_C), {"mode": "internal"})
    asked = evaluate("linkmode", subject(DYNAMIC, link_mode="external"), {"mode": "internal"})
    external = evaluate("linkmode", subject(STATIC), {"mode": "external"})

    assert own.evidence == ("the entry point lies outside Go's own text",)
    assert own.cause == ("main: Go links cgo by itself only for its own packages",)
    assert remedy_lines(own) == ("CGO_ENABLED=0, where main can do without cgo",)
    assert (asked.cause, remedy_lines(asked)) == ((), ("build without -linkmode external; CGO_ENABLED=0 rules it out",))
    assert external.evidence == ("the entry point lies inside Go's own text",)
    assert remedy_lines(external) == ("CGO_ENABLED=1 with a C compiler, and -ldflags '-linkmode external'",)


@pytest.mark.parametrize(
    ("facts", "kind", "evidence", "remedy"),
    [
        (
            DYNAMIC,
            "go",
            ("cgo: libc's getaddrinfo, through package net's cgo wrappers", "go: Go's own resolver"),
            ("-tags netgo",),
        ),
        (
            MACHO,
            "go",
            ("go: Go's own resolver", "system: libSystem's getaddrinfo, without cgo"),
            ("-tags netgo",),
        ),
        (
            replace(DYNAMIC, resolver=("go",)),
            "cgo,go",
            ("go: Go's own resolver",),
            ("CGO_ENABLED=1 with a C compiler, without -tags netgo",),
        ),
        (replace(MACHO, resolver=("go",)), "system,go", ("go: Go's own resolver",), ("build without -tags netgo",)),
        (replace(DYNAMIC, resolver=("go",)), "system,go", ("go: Go's own resolver",), ()),
        (
            STATIC,
            "go",
            ("none: no resolver code is linked in",),
            ("none by a flag: the program looks no name up, so the linker dropped the resolver",),
        ),
        (PE, "go", ("windows: the system's GetAddrInfoW",), ()),
    ],
)
def test_another_resolver_has_its_flag_where_there_is_one(
    facts: BinaryFacts, kind: str, evidence: tuple[str, ...], remedy: tuple[str, ...]
) -> None:
    finding = evaluate("resolver", subject(facts), {"kind": kind})

    assert (finding.outcome, finding.evidence, remedy_lines(finding)) == ("violated", evidence, remedy)
