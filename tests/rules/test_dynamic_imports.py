"""no-dynamic-imports and user-lookup."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.facts import Cgo, Content
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.rules import evaluate
from tests.rules.facts_factory import (
    ARCHIVE,
    DYNAMIC,
    FOREIGN,
    IMPORT_DYNAMIC,
    MACHO,
    PE,
    STATIC,
    subject,
    symbols,
    target,
)

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Finding

SYSTEM = "/usr/lib/libSystem.B.dylib"


def asked(facts: BinaryFacts, *, importers: Any = (), allow: object = ()) -> Finding:
    return evaluate("no-dynamic-imports", subject(facts, content=Content(importers=importers)), {"allow": allow})


def importing(facts: BinaryFacts, *names: str) -> BinaryFacts:
    found = symbols(*names, library=SYSTEM)
    return replace(facts, imports=found, cgo=Cgo(enabled=False, used=False, dynamic_imports=found))


@pytest.mark.parametrize(
    ("facts", "importers", "allow", "outcome", "observed"),
    [
        (STATIC, (), (), "passed", "no imported symbol"),
        (IMPORT_DYNAMIC, (), (), "violated", "imports of puts"),
        (IMPORT_DYNAMIC, (), "puts", "passed", "only what is allowed, and the standard library's imports"),
        (IMPORT_DYNAMIC, (), "get*", "violated", "imports of puts"),
        (IMPORT_DYNAMIC, ("main",), (), "violated", "main"),
        (IMPORT_DYNAMIC, ("main",), "main", "passed", "only what is allowed, and the standard library's imports"),
        (replace(IMPORT_DYNAMIC, imports=(), cgo=Cgo(used=False)), (), (), "violated", "imports of libc.so.6"),
        (replace(IMPORT_DYNAMIC, imports=(), cgo=Cgo(used=False)), (), "libc.so.6", "passed", "no imported symbol"),
        (importing(MACHO, "getpid", "getaddrinfo"), (), (), "passed", "only the standard library's imports"),
        (importing(MACHO, "getpid", "puts"), (), (), "violated", "imports of puts"),
        (importing(MACHO, "getpid"), ("golang.org/x/sys/unix",), (), "violated", "golang.org/x/sys/unix"),
        (
            importing(MACHO, "getpid", "puts"),
            ("golang.org/x/sys/unix",),
            "golang.org/x/*",
            "passed",
            "only what is allowed, and the standard library's imports",
        ),
        (importing(PE, "WriteFile"), (), (), "passed", "only the standard library's imports"),
        (importing(PE, "MessageBoxW"), (), (), "violated", "imports of MessageBoxW"),
        (
            replace(importing(STATIC, "open"), target=target("openbsd/amd64")),
            (),
            (),
            "passed",
            "only the standard library's imports",
        ),
        (DYNAMIC, (), (), "undecidable", "cgo is linked in, and what it imports hides what others import"),
        (DYNAMIC, ("example.com/own",), (), "violated", "example.com/own"),
        (
            replace(PE, cgo=Cgo(used=True)),
            (),
            (),
            "passed",
            "no package outside the standard library that calls shared libraries by itself",
        ),
        (STATIC, None, (), "undecidable", "the image does not say"),
        (FOREIGN, (), (), "undecidable", "Go did not make this image"),
        (ARCHIVE, (), (), "undecidable", "an archive, which is not linked yet"),
        (replace(STATIC, target=None), (), (), "passed", "no imported symbol"),
    ],
)
def test_imports_without_cgo_are_the_standard_librarys_alone(
    facts: BinaryFacts, importers: Any, allow: object, outcome: str, observed: str
) -> None:
    finding = asked(facts, importers=importers, allow=allow)

    assert (finding.outcome, finding.observed) == (outcome, observed)


def test_an_import_is_shown_with_its_package_and_its_library() -> None:
    finding = asked(IMPORT_DYNAMIC, importers=("github.com/ebitengine/purego",))

    assert finding.evidence == (
        "pclntab: github.com/ebitengine/purego calls shared libraries by itself",
        "imports puts from libc.so.6, without cgo",
    )
    assert finding.cause == ("//go:cgo_import_dynamic needs no cgo: CGO_ENABLED=0 does not rule it out",)
    assert remedy_lines(finding) == (
        "build without the package that has this directive (-ldflags=-d makes it a link error)",
    )
    on_macos = asked(importing(MACHO, *(f"f{number}" for number in range(20))), allow="g*")
    assert on_macos.expected == "no symbol imported without cgo outside the standard library, but for g*"
    assert on_macos.evidence[-1] == "… 8 more"
    assert remedy_lines(on_macos) == ("build without these packages, or name them in allow",)
    nameless = replace(IMPORT_DYNAMIC, cgo=Cgo(used=False, dynamic_imports=symbols("puts")))
    assert asked(nameless).evidence == ("imports puts, without cgo",)


@pytest.mark.parametrize(
    ("facts", "seen", "kind", "outcome", "remedy"),
    [
        (STATIC, ("files",), "files", "passed", ()),
        (DYNAMIC, ("system",), "system", "passed", ()),
        (STATIC, ("none",), "none", "passed", ()),
        (DYNAMIC, ("system",), "files", "violated", ("-tags osusergo",)),
        (PE, ("system",), "files", "violated", ("none on Windows: accounts are the system's",)),
        (
            STATIC,
            ("files",),
            "system",
            "violated",
            ("CGO_ENABLED=1 with a C compiler, without -tags osusergo",),
        ),
        (MACHO, ("files",), "system", "violated", ("build without -tags osusergo",)),
        (replace(STATIC, target=target("plan9/amd64")), ("files",), "system", "violated", ()),
        (replace(STATIC, target=None), ("files",), "none", "violated", None),
        (STATIC, ("none",), "files", "violated", None),
        (STATIC, None, "files", "undecidable", ()),
        (FOREIGN, None, "files", "undecidable", ()),
    ],
)
def test_users_are_looked_up_where_the_image_says(
    facts: BinaryFacts, seen: Any, kind: str, outcome: str, remedy: tuple[str, ...] | None
) -> None:
    finding = evaluate("user-lookup", subject(facts, content=Content(user_lookup=seen)), {"kind": kind})

    assert finding.outcome == outcome
    if remedy is None:
        assert remedy_lines(finding)[0].startswith("none by a flag: ")
    else:
        assert remedy_lines(finding) == remedy


@pytest.mark.parametrize(
    ("facts", "seen", "line"),
    [
        (STATIC, "files", "os/user's own lookup functions, which read files such as /etc/passwd"),
        (STATIC, "none", "no lookup function of os/user"),
        (DYNAMIC, "system", "os/user's lookup functions call libc (getpwuid_r and the like)"),
        (PE, "system", "os/user's functions that call Windows"),
    ],
)
def test_user_lookup_shows_what_it_saw(facts: BinaryFacts, seen: Any, line: str) -> None:
    finding = evaluate("user-lookup", subject(facts, content=Content(user_lookup=(seen,))), {"kind": seen})

    assert finding.evidence == (f"pclntab: {line}",)
