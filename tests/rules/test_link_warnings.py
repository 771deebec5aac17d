"""Rules about what the linker said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink.facts import Cgo, Libc, LinkWarning
from pytest_golink.rules import evaluate
from tests.rules.facts_factory import ARCHIVE, DYNAMIC, GLIBC_STATIC, MACHO, PE, STATIC, subject, target

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.rules.subject import Subject

TAIL = (
    "in statically linked applications requires at runtime the shared libraries from the glibc version used for linking"
)
GETADDRINFO = LinkWarning(
    text="/usr/bin/ld: /build/go-link-1/000004.o: in function `_cgo_97ab22c4dc7b_C2func_getaddrinfo': "
    f"/build/go-build/cgo-gcc-prolog:60: warning: Using 'getaddrinfo' {TAIL}",
    function="getaddrinfo",
    object="/build/go-link-1/000004.o",
    caller="_cgo_97ab22c4dc7b_C2func_getaddrinfo",
    source="cgo-gcc-prolog:60",
)
DLOPEN = LinkWarning(text=f"warning: Using 'dlopen' {TAIL}", function="dlopen")
OTHER = LinkWarning(text="/usr/bin/ld: warning: x.o: missing .note.GNU-stack section implies executable stack")

CLEAN = replace(GLIBC_STATIC, static_name_service=(), cgo=Cgo(used=True, packages=("main", "runtime/cgo")))
MUSL = replace(CLEAN, libc=Libc(kind="musl", presence="embedded"))
UNKNOWN = replace(CLEAN, libc=Libc(kind="unknown", presence="embedded"))


@pytest.mark.parametrize(
    ("case", "outcome", "observed"),
    [
        (subject(STATIC), "passed", "no libc"),
        (subject(DYNAMIC), "passed", "dynamic: the libc that is loaded brings its own"),
        (subject(CLEAN), "passed", "glibc is linked in, without such a function"),
        (subject(MUSL), "passed", "musl is linked in, without such a function"),
        (subject(UNKNOWN, built=True), "passed", "unknown is linked in, without such a function"),
        (subject(CLEAN, OTHER), "passed", "glibc is linked in, without such a function"),
        (subject(GLIBC_STATIC), "violated", "getaddrinfo"),
        (subject(CLEAN, GETADDRINFO), "violated", "getaddrinfo"),
        (subject(GLIBC_STATIC, GETADDRINFO, DLOPEN), "violated", "dlopen, getaddrinfo"),
        (subject(CLEAN, LinkWarning(text=f"warning: {TAIL}")), "violated", "1 linker warning"),
        (subject(CLEAN, LinkWarning(text="übersetzt", function="getpwnam_r")), "violated", "getpwnam_r"),
        (subject(ARCHIVE, GETADDRINFO), "violated", "getaddrinfo"),
        (subject(ARCHIVE), "undecidable", "an archive, which is not linked yet"),
        (subject(UNKNOWN), "undecidable", "a libc is linked in, and the image does not say which"),
        (subject(MACHO), "not-applicable", "macho images have no static glibc"),
        (subject(PE), "not-applicable", "pe images have no static glibc"),
    ],
)
def test_the_linker_and_the_image_are_both_asked(case: Subject, outcome: str, observed: str) -> None:
    finding = evaluate("no-getaddrinfo-warning", case, {})

    assert (finding.outcome, finding.observed) == (outcome, observed)


def test_both_sources_are_shown_with_cause_and_remedy() -> None:
    finding = evaluate("no-getaddrinfo-warning", subject(GLIBC_STATIC, GETADDRINFO, GETADDRINFO, OTHER), {})

    assert finding.expected == "no glibc name-service code or dlopen in a static image"
    assert finding.evidence == (
        f"linker: warning: Using 'getaddrinfo' {TAIL} (from _cgo_97ab22c4dc7b_C2func_getaddrinfo, cgo-gcc-prolog:60)",
        "in the image: getaddrinfo, of the glibc that is linked in",
    )
    assert finding.cause == (
        "net uses cgo and calls libc's resolver",
        "glibc, though linked in, loads shared libraries of its own version for these",
    )
    assert finding.remedy == (
        "-tags netgo: Go's own code instead of glibc's",
        'or link musl in, which loads nothing: CC="zig cc -target x86_64-linux-musl" CGO_ENABLED=1 '
        "-ldflags '-linkmode external -extldflags \"-static\"'",
    )


@pytest.mark.parametrize(
    ("facts", "functions", "cause", "remedy"),
    [
        (
            replace(GLIBC_STATIC, cgo=Cgo(used=True, packages=("net", "os/user", "runtime/cgo"))),
            ("getaddrinfo", "getgrouplist", "getpwnam_r"),
            ("net uses cgo and calls libc's resolver", "os/user uses cgo and calls libc's user database"),
            "-tags netgo,osusergo: Go's own code instead of glibc's",
        ),
        (
            replace(GLIBC_STATIC, cgo=Cgo(used=True, packages=("net", "os/user", "runtime/cgo"))),
            ("getpwuid_r",),
            ("os/user uses cgo and calls libc's user database",),
            "-tags osusergo: Go's own code instead of glibc's",
        ),
        (
            replace(CLEAN, cgo=Cgo(used=True, packages=("plugin", "runtime/cgo")), target=target("linux/s390x")),
            ("dlopen",),
            ("plugin uses cgo and calls dlopen",),
            "build without -static: dlopen needs a loader (static musl links silently, and its dlopen fails)",
        ),
        (
            CLEAN,
            ("dlopen",),
            ("C code of main, or what it links to, calls it",),
            "build without -static: dlopen needs a loader (static musl links silently, and its dlopen fails)",
        ),
        (
            replace(CLEAN, target=target("linux/s390x")),
            ("getservbyname",),
            ("C code of main, or what it links to, calls it",),
            "link libc dynamically, or leave out the package that calls it",
        ),
        (
            replace(CLEAN, cgo=Cgo(), go=None),
            ("gethostbyname",),
            (),
            'link musl in, which loads nothing: CC="zig cc -target x86_64-linux-musl" CGO_ENABLED=1 '
            "-ldflags '-linkmode external -extldflags \"-static\"'",
        ),
    ],
)
def test_the_remedy_is_for_the_package_that_calls(
    facts: BinaryFacts, functions: tuple[str, ...], cause: tuple[str, ...], remedy: str
) -> None:
    finding = evaluate("no-getaddrinfo-warning", subject(facts, static_name_service=functions), {})

    assert finding.cause[:-1] == cause
    assert finding.remedy[0] == remedy


def test_a_pass_says_what_was_looked_at_and_what_cannot_be_seen() -> None:
    unbuilt = "the linker's output of a prebuilt image is unknown"
    clean = "in the image: no name-service code of glibc"

    assert evaluate("no-getaddrinfo-warning", subject(STATIC), {}).evidence == (
        unbuilt,
        "no libc is linked into the image",
    )
    assert evaluate("no-getaddrinfo-warning", subject(CLEAN, built=True), {}).evidence == (
        "linker: no such warning",
        clean,
    )
    assert evaluate("no-getaddrinfo-warning", subject(CLEAN), {}).evidence == (unbuilt, clean)
    assert evaluate("no-getaddrinfo-warning", subject(CLEAN, symtab=False), {}).evidence == (
        unbuilt,
        clean,
        "not visible: whether C code of main calls dlopen (no symbol table)",
    )
    assert evaluate("no-getaddrinfo-warning", subject(CLEAN, symtab=False, cgo=Cgo(), go=None), {}).evidence == (
        unbuilt,
        clean,
        "not visible: whether C code calls dlopen (no symbol table)",
    )


@pytest.mark.parametrize(
    ("case", "allow", "outcome", "observed"),
    [
        (subject(STATIC, built=True), [], "passed", "none"),
        (subject(STATIC, OTHER), ["GNU-stack"], "passed", "1 allowed"),
        # Python warns of such a set, and our warnings are errors.
        (subject(STATIC, OTHER), ["[[G]NU-stack"], "passed", "1 allowed"),
        (subject(STATIC, OTHER), [], "violated", "1 linker warning"),
        (subject(STATIC, OTHER, DLOPEN, GETADDRINFO), ["dlopen"], "violated", "2 of 3 linker warnings"),
        (
            subject(STATIC),
            [],
            "undecidable",
            "the image was not built in this run, and does not keep the linker's messages",
        ),
    ],
)
def test_no_link_warnings_allows_lines_that_match(case: Subject, allow: list[str], outcome: str, observed: str) -> None:
    finding = evaluate("no-link-warnings", case, {"allow": allow})

    assert (finding.outcome, finding.observed) == (outcome, observed)


def test_the_lines_that_are_not_allowed_are_shown() -> None:
    silent = evaluate("no-link-warnings", subject(STATIC, built=True), {})
    some = evaluate("no-link-warnings", subject(STATIC, OTHER, DLOPEN), {"allow": "dlopen"})
    many = [LinkWarning(text=f"odd line {number}") for number in range(10)]

    assert silent.evidence == ("the linker printed nothing",)
    assert some.expected == "no linker warning, but for dlopen"
    assert some.evidence == ("linker: warning: x.o: missing .note.GNU-stack section implies executable stack",)
    assert evaluate("no-link-warnings", subject(STATIC, *many), {}).evidence[-2:] == ("linker: odd line 7", "… 2 more")


def test_of_an_image_that_tells_nothing_only_the_linker_is_shown() -> None:
    finding = evaluate("no-getaddrinfo-warning", subject(CLEAN, DLOPEN), {})

    assert finding.evidence == (f"linker: warning: Using 'dlopen' {TAIL}",)
