"""Rules about hardening."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.facts import Hardening, LinkWarning
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.rules import evaluate
from tests.rules.facts_factory import (
    ARCHIVE,
    DYNAMIC,
    FOREIGN,
    LOADED,
    MACHO,
    PE,
    PIE,
    STATIC,
    go,
    header,
    subject,
    target,
)

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts

WASM = replace(STATIC, format="wasm", hardening=Hardening())
PLAN9 = replace(STATIC, format="plan9", hardening=Hardening(pie=False), target=target("plan9/amd64"))
SHARED = replace(PIE, kind="shared-library", interpreter=None, needs_loader_only=None)
RELRO = header("PT_GNU_RELRO", "r--", 0x56E000, 0x21F80, 0x1000)
PARTIAL = replace(DYNAMIC, hardening=replace(DYNAMIC.hardening, relro="partial"), program_headers=(RELRO,))
FULL = replace(DYNAMIC, hardening=replace(DYNAMIC.hardening, relro="full"), program_headers=(RELRO,))
STATIC_PARTIAL = replace(PARTIAL, linkage="static")
STACK = header("PT_GNU_STACK", "rwx", 0, 0, 16)
EXEC_STACK = replace(
    DYNAMIC, link_mode="external", hardening=replace(DYNAMIC.hardening, nx=False), program_headers=(STACK,)
)
LINK = "example.com/w.o: missing .note.GNU-stack section implies executable stack"


def hardened(facts: BinaryFacts, **changes: Any) -> BinaryFacts:
    return replace(facts, hardening=replace(facts.hardening, **changes))


@pytest.mark.parametrize(
    ("rule", "facts", "outcome", "observed", "evidence"),
    [
        ("pie", PIE, "passed", "position independent", "e_type ET_DYN"),
        ("pie", SHARED, "passed", "position independent", "e_type ET_DYN"),
        ("pie", MACHO, "passed", "position independent", "MH_PIE"),
        ("pie", PE, "passed", "position independent", "DYNAMIC_BASE and base relocations"),
        ("pie", STATIC, "violated", "at a fixed address", "e_type ET_EXEC"),
        ("pie", hardened(MACHO, pie=False), "violated", "at a fixed address", "no MH_PIE"),
        (
            "pie",
            hardened(PE, pie=False),
            "violated",
            "at a fixed address",
            "no DYNAMIC_BASE, or no base relocations",
        ),
        ("pie", PLAN9, "violated", "at a fixed address", "plan9 images are loaded at one address"),
        ("pie", WASM, "not-applicable", "wasm images have no such property", None),
        ("pie", ARCHIVE, "undecidable", "an archive, which is not linked yet", None),
        ("nx", LOADED, "passed", "the stack is not executable", "PT_GNU_STACK rw-"),
        ("nx", STATIC, "passed", "the stack is not executable", "no PT_GNU_STACK"),
        ("nx", MACHO, "passed", "the stack is not executable", "no MH_ALLOW_STACK_EXECUTION"),
        ("nx", PE, "passed", "the stack is not executable", "NX_COMPAT"),
        ("nx", EXEC_STACK, "violated", "an executable stack", "PT_GNU_STACK rwx"),
        ("nx", hardened(MACHO, nx=False), "violated", "an executable stack", "MH_ALLOW_STACK_EXECUTION"),
        ("nx", hardened(PE, nx=False), "violated", "an executable stack", "no NX_COMPAT"),
        ("nx", WASM, "not-applicable", "wasm images have no such property", None),
        ("nx", ARCHIVE, "undecidable", "an archive, which is not linked yet", None),
        ("no-writable-code", STATIC, "passed", "none", None),
        ("no-writable-code", LOADED, "passed", "none", "PT_LOAD r-x at 0x400000, p_align 0x1000"),
        (
            "no-writable-code",
            replace(
                hardened(STATIC, writable_code=True), program_headers=(header("PT_LOAD", "rwx", 0x400000, 9, 4096),)
            ),
            "violated",
            "a PT_LOAD is both",
            "PT_LOAD rwx at 0x400000, p_align 0x1000",
        ),
        (
            "no-writable-code",
            hardened(PE, writable_code=True),
            "violated",
            "a section is both",
            "a section is writable and executable",
        ),
        (
            "no-writable-code",
            hardened(MACHO, writable_code=True),
            "violated",
            "a segment is both",
            "a segment is writable and executable",
        ),
        ("no-writable-code", WASM, "not-applicable", "wasm images have no such property", None),
        ("no-writable-code", ARCHIVE, "undecidable", "an archive, which is not linked yet", None),
    ],
)
def test_what_each_rule_says(rule: str, facts: BinaryFacts, outcome: str, observed: str, evidence: str | None) -> None:
    finding = evaluate(rule, subject(facts), {})

    assert (finding.outcome, finding.observed) == (outcome, observed)
    assert finding.evidence[:1] == ((evidence,) if evidence else ())


@pytest.mark.parametrize(
    ("facts", "remedy"),
    [
        (
            STATIC,
            (
                "-buildmode=pie: the program then has an interpreter, and is no longer static",
                "or a static-pie, with a C compiler: CGO_ENABLED=1 -buildmode=pie "
                "-ldflags '-linkmode external -extldflags \"-static-pie\"'",
            ),
        ),
        (DYNAMIC, ("-buildmode=pie",)),
        (replace(STATIC, target=target("freebsd/amd64")), ("-buildmode=pie",)),
        (replace(STATIC, target=target("netbsd/amd64")), ("none: Go has no -buildmode=pie for netbsd/amd64",)),
        (replace(STATIC, target=None), ("-buildmode=pie",)),
        (hardened(PE, pie=False), ("-buildmode=pie",)),
        (FOREIGN, ("compile with -fPIE and link with -pie",)),
        (hardened(replace(PE, go=None), pie=False), ("link with --dynamicbase (MSVC: /DYNAMICBASE)",)),
    ],
)
def test_how_to_become_position_independent(facts: BinaryFacts, remedy: tuple[str, ...]) -> None:
    assert remedy_lines(evaluate("pie", subject(facts), {})) == remedy


NOTE = 'in each assembly file of C code: .section .note.GNU-stack,"",%progbits'


@pytest.mark.parametrize(
    ("facts", "warnings", "cause", "remedy"),
    [
        (
            EXEC_STACK,
            (LINK,),
            "an object file wants it: the linker names the file above",
            NOTE,
        ),
        (
            replace(EXEC_STACK, go=go(_ldflags="-linkmode external -extldflags -Wl,-z,execstack")),
            (),
            "-z execstack in -ldflags sets it",
            "build without -z execstack in -extldflags",
        ),
        (
            EXEC_STACK,
            (),
            "an object file wants it, most often one assembled from a .S file without .note.GNU-stack",
            NOTE,
        ),
        (
            replace(EXEC_STACK, program_headers=()),
            (),
            "without PT_GNU_STACK the system's default holds, which here is an executable stack",
            NOTE,
        ),
        (replace(EXEC_STACK, link_mode="internal"), (), None, NOTE),
        (hardened(PE, nx=False), (), None, "link with --nxcompat (MSVC: /NXCOMPAT)"),
        (hardened(MACHO, nx=False), (), None, "link without -allow_stack_execute"),
    ],
)
def test_who_asks_for_an_executable_stack(
    facts: BinaryFacts, warnings: tuple[str, ...], cause: str | None, remedy: str
) -> None:
    finding = evaluate("nx", subject(facts, *(LinkWarning(text=text) for text in warnings)), {})

    assert finding.cause == ((cause,) if cause else ())
    assert remedy_lines(finding)[0] == remedy
    assert [line for line in finding.evidence if line.startswith("linker: ")] == [
        f"linker: {text}" for text in warnings
    ]


def test_a_program_that_go_did_not_make_takes_the_flag_as_its_linker_does() -> None:
    finding = evaluate("nx", subject(replace(EXEC_STACK, go=None)), {})

    assert remedy_lines(finding) == (NOTE, "or, where no code runs on the stack, -Wl,-z,noexecstack")


@pytest.mark.parametrize(
    ("facts", "cause", "remedy"),
    [
        (
            replace(MACHO, signed="none"),
            ("Go signs a program for arm64 itself: something took the signature away afterwards",),
            "codesign --sign - FILE for an ad-hoc signature, --sign IDENTITY for one with a certificate",
        ),
        (
            replace(MACHO, signed="none", target=target("darwin/amd64")),
            ("Go's own linker signs only for arm64",),
            "codesign --sign - FILE for an ad-hoc signature, --sign IDENTITY for one with a certificate",
        ),
        (PE, (), "signtool sign, or osslsigncode sign, with a certificate"),
    ],
)
def test_how_to_sign(facts: BinaryFacts, cause: tuple[str, ...], remedy: str) -> None:
    finding = evaluate("signed", subject(facts), {})

    assert (finding.cause, remedy_lines(finding)) == (cause, (remedy,))


@pytest.mark.parametrize(
    ("facts", "level", "outcome", "observed"),
    [
        (FULL, "full", "passed", "full"),
        (FULL, "partial", "passed", "full"),
        (PARTIAL, "partial", "passed", "partial"),
        (PARTIAL, "full", "violated", "partial"),
        (STATIC, "none", "passed", "none"),
        (STATIC, "partial", "violated", "none"),
        (STATIC_PARTIAL, "partial", "passed", "partial"),
        (STATIC_PARTIAL, "full", "undecidable", "partial, and a static image cannot show more"),
        (MACHO, "full", "not-applicable", "macho images have no such property"),
        (PE, "full", "not-applicable", "pe images have no such property"),
        (ARCHIVE, "full", "undecidable", "an archive, which is not linked yet"),
    ],
)
def test_what_relro_says(facts: BinaryFacts, level: str, outcome: str, observed: str) -> None:
    finding = evaluate("relro", subject(facts), {"level": level})

    assert (finding.outcome, finding.observed) == (outcome, observed)


def test_relro_shows_the_segment_and_the_binding() -> None:
    segment = "PT_GNU_RELRO r-- at 0x56e000, p_align 0x1000"

    assert evaluate("relro", subject(FULL), {"level": "full"}).evidence == (segment, "BIND_NOW")
    assert evaluate("relro", subject(PARTIAL), {"level": "full"}).evidence == (segment, "no BIND_NOW")
    assert evaluate("relro", subject(STATIC), {"level": "full"}).evidence == ("no PT_GNU_RELRO",)


LAZY = "functions are bound when they are first called, so the table of their addresses stays writable"


@pytest.mark.parametrize(
    ("facts", "level", "cause", "remedy"),
    [
        (
            STATIC,
            "full",
            ("Go's own linker makes PT_GNU_RELRO only with -buildmode=pie",),
            (
                "-buildmode=pie -ldflags -bindnow, which makes the program name an interpreter",
                "or a C linker: CGO_ENABLED=1 -ldflags '-linkmode external -bindnow', "
                "which makes the program name an interpreter",
            ),
        ),
        (
            DYNAMIC,
            "partial",
            ("Go's own linker makes PT_GNU_RELRO only with -buildmode=pie",),
            ("-buildmode=pie", "or a C linker: CGO_ENABLED=1 -ldflags '-linkmode external'"),
        ),
        (
            replace(DYNAMIC, link_mode="external"),
            "partial",
            (),
            ("-ldflags '-extldflags \"-Wl,-z,relro\"'",),
        ),
        (
            replace(DYNAMIC, link_mode="external"),
            "full",
            (),
            ("-ldflags '-extldflags \"-Wl,-z,relro,-z,now\"'",),
        ),
        (
            PARTIAL,
            "full",
            (LAZY,),
            ("-ldflags -bindnow (Go 1.23 or newer), or -ldflags '-extldflags \"-Wl,-z,now\"' in an external link",),
        ),
        (
            STATIC_PARTIAL,
            "full",
            (),
            (
                "a static-pie shows it: CGO_ENABLED=1 -buildmode=pie "
                "-ldflags '-linkmode external -bindnow -extldflags \"-static-pie\"'",
            ),
        ),
        (replace(STATIC_PARTIAL, go=None), "full", (), ("a static-pie shows it: -static-pie -Wl,-z,now",)),
        (FOREIGN, "full", (), ("link with -Wl,-z,relro,-z,now",)),
        (replace(FOREIGN, link_mode=None), "partial", (), ("link with -Wl,-z,relro",)),
    ],
)
def test_how_to_more_relro(facts: BinaryFacts, level: str, cause: tuple[str, ...], remedy: tuple[str, ...]) -> None:
    finding = evaluate("relro", subject(facts), {"level": level})

    assert (finding.cause, remedy_lines(finding)) == (cause, remedy)
