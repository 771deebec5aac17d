"""claims-hold: the build info against the image."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_golink.facts import BuildInfo, BuildPath, Cgo, Content, CryptoModule, Hardening
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.rules import evaluate
from pytest_golink.rules.claims import linker_flags
from tests.rules.facts_factory import ARCHIVE, DYNAMIC, FOREIGN, MACHO, PE, STATIC, go, subject, target

SEEN = Content(
    pclntab="1.20",
    startup="linux",
    user_lookup=("none",),
    instrumentation=(),
    crypto=(),
    importers=(),
    build_paths=(),
)
HELD = replace(STATIC, content=SEEN)


def contradictions(content: dict[str, Any] | None = None, facts: dict[str, Any] | None = None, **settings: str) -> Any:
    image = replace(HELD, content=replace(SEEN, **(content or {})), go=go(**settings), **(facts or {}))
    finding = evaluate("claims-hold", subject(image), {})
    assert finding.outcome in ("passed", "violated")
    return finding.evidence if finding.outcome == "violated" else None


BORING = CryptoModule(kind="boringcrypto")
PLAIN = CryptoModule(kind="go")
FROZEN = CryptoModule(kind="go", version="v1.0.0-c2097c7c")
PATHS = (BuildPath(path="/home/me/app", where="pclntab"), BuildPath(path="/home/me/app", where="DWARF"))


@pytest.mark.parametrize(
    ("settings", "content", "facts", "contradiction"),
    [
        ({"GOARCH": "arm64"}, {}, {}, "GOARCH=arm64, but the headers say amd64"),
        ({"GOOS": "freebsd"}, {}, {}, "GOOS=freebsd, but its entry point is linux's"),
        (
            {"GOOS": "linux"},
            {},
            {"format": "macho", "target": target("darwin/arm64")},
            "GOOS=linux, but the headers say darwin",
        ),
        ({}, {}, {"cgo": Cgo(enabled=False, used=True)}, "CGO_ENABLED=0, but runtime/cgo is linked in"),
        (
            {"_tags": "netgo,x"},
            {},
            {"resolver": ("cgo", "go")},
            "tag netgo, but getaddrinfo is called, through cgo",
        ),
        (
            {"_tags": "netgo"},
            {},
            {"resolver": ("go", "system")},
            "tag netgo, but getaddrinfo is called, from the system",
        ),
        (
            {"_tags": "osusergo"},
            {"user_lookup": ("system",)},
            {},
            "tag osusergo, but os/user calls libc's getpwuid_r and the like",
        ),
        (
            {"GOEXPERIMENT": "boringcrypto"},
            {"crypto": (PLAIN,)},
            {},
            "GOEXPERIMENT=boringcrypto, but none of BoringCrypto's functions is linked in",
        ),
        (
            {"GOOS": "linux"},
            {"crypto": (BORING,)},
            {},
            "no GOEXPERIMENT=boringcrypto, but BoringCrypto's functions are linked in",
        ),
        (
            {"GOARCH": "amd64", "GOFIPS140": "v1.0.0-c2097c7c"},
            {"crypto": (PLAIN,)},
            {},
            "GOFIPS140=v1.0.0-c2097c7c, but the module that is linked in is crypto/internal/fips140",
        ),
        (
            {"GOARCH": "amd64"},
            {"crypto": (FROZEN,)},
            {},
            "GOFIPS140=off, but the module that is linked in is crypto/internal/fips140/v1.0.0-c2097c7c",
        ),
        ({"_race": "true"}, {}, {}, "-race=true, but its run-time support is not linked in"),
        ({"_cover": "true"}, {}, {}, "-cover=true, but its run-time support is not linked in"),
        (
            {"GOARCH": "amd64"},
            {"instrumentation": ("race",)},
            {},
            "no -race, but its run-time support is linked in",
        ),
        ({"_buildmode": "pie"}, {}, {}, "-buildmode=pie, but the image is not position independent"),
        ({"_buildmode": "c-shared"}, {}, {}, "-buildmode=c-shared, but the image is an executable"),
        (
            {"_ldflags": "-linkmode external"},
            {},
            {},
            "-ldflags -linkmode=external, but the link mode is internal",
        ),
        ({"_ldflags": "-w"}, {}, {}, "-ldflags -w, but there is DWARF"),
        ({"_trimpath": "true"}, {"build_paths": PATHS}, {}, "-trimpath=true, but the pclntab names /home/me/app"),
        ({"_compiler": "gccgo"}, {}, {}, "-compiler=gccgo, but there is a pclntab, which only gc writes"),
    ],
)
def test_a_claim_that_the_image_contradicts_is_its_own_evidence(
    settings: dict[str, str], content: dict[str, Any], facts: dict[str, Any], contradiction: str
) -> None:
    assert contradictions(content, facts, **settings) == (contradiction,)


@pytest.mark.parametrize(
    ("settings", "content", "facts"),
    [
        ({"GOOS": "linux"}, {"startup": None}, {}),
        ({"_tags": "netgo"}, {}, {"resolver": None}),
        ({"_tags": "netgo"}, {}, {"resolver": ("go", "windows"), "format": "pe"}),
        ({"_tags": "netgo"}, {}, {"resolver": ("system",), "format": "plan9"}),
        ({"_tags": "osusergo"}, {"user_lookup": None}, {}),
        ({"_tags": "osusergo"}, {"user_lookup": ("system",)}, {"format": "pe"}),
        # No cryptography at all: nothing that BoringCrypto would have replaced.
        ({"GOEXPERIMENT": "boringcrypto"}, {}, {}),
        ({"GOEXPERIMENT": "boringcrypto"}, {"crypto": (BORING, PLAIN)}, {}),
        # Before Go 1.18 there were no settings to claim it.
        ({}, {"crypto": (BORING,)}, {}),
        ({"GOFIPS140": "v1.0.0-c2097c7c"}, {}, {}),
        ({"GOARCH": "amd64", "GOFIPS140": "v1.0.0-c2097c7c"}, {"crypto": (FROZEN,)}, {}),
        ({"GOARCH": "amd64", "GOFIPS140": "latest"}, {"crypto": (PLAIN,)}, {}),
        ({"GOARCH": "amd64"}, {"crypto": (PLAIN,)}, {}),
        ({"_race": "true"}, {"instrumentation": None}, {}),
        ({"_race": "true"}, {"instrumentation": ("race",)}, {}),
        # Coverage data can be asked for in the source too (package runtime/coverage).
        ({"GOARCH": "amd64"}, {"instrumentation": ("cover",)}, {}),
        ({"_buildmode": "pie"}, {}, {"hardening": Hardening()}),
        ({"_buildmode": "c-shared"}, {}, {"kind": "shared-library"}),
        ({"_buildmode": "c-shared"}, {}, {"format": "wasm"}),
        ({"_ldflags": "-linkmode=external"}, {}, {"link_mode": None}),
        ({"_ldflags": "-linkmode=internal"}, {}, {}),
        ({"_ldflags": "-s"}, {}, {"symtab": False, "dwarf": False}),
        ({"_ldflags": "-s -w=0"}, {}, {"symtab": False}),
        ({"_ldflags": "-s"}, {}, {"symtab": None, "dwarf": None}),
        # clang keeps a symbol table for -s; the DWARF of C code stays in an external link.
        ({"_ldflags": "-s"}, {}, {"format": "macho", "link_mode": "external"}),
        ({"_ldflags": "-w"}, {}, {"link_mode": "external"}),
        # Go's flag package, as strconv.ParseBool.
        *(({"_ldflags": f"-s={off}"}, {}, {}) for off in ("0", "f", "F", "false")),
        ({"_trimpath": "true"}, {"build_paths": None}, {}),
        ({"_trimpath": "true"}, {"build_paths": PATHS[1:]}, {}),
    ],
)
def test_what_the_image_bears_out_or_does_not_tell_is_no_contradiction(
    settings: dict[str, str], content: dict[str, Any], facts: dict[str, Any]
) -> None:
    assert contradictions(content, facts, **settings) is None


@pytest.mark.parametrize(
    ("version", "layout", "held"),
    [
        ("go1.15.9", "1.2", True),
        ("go1.16", "1.16", True),
        ("go1.19.8", "1.18", True),
        ("go1.27.3 X:boringcrypto", "1.20", True),
        ("go1.27.3", "1.18", False),
        ("go1.17.1", "1.20", False),
        ("devel go1.28-0123abc", "1.18", True),
    ],
)
def test_the_claimed_version_wrote_such_a_pclntab(version: str, layout: str, held: bool) -> None:
    build = replace(go(GOARCH="amd64"), version=version)
    finding = evaluate("claims-hold", subject(replace(HELD, go=build, content=replace(SEEN, pclntab=layout))), {})

    assert finding.outcome == ("passed" if held else "violated")
    assert held or finding.evidence == (f"version {version}, but the pclntab has the layout of Go {layout}",)


def test_all_contradictions_are_told_at_once() -> None:
    image = replace(
        HELD,
        go=go(_buildmode="pie", _ldflags="-extldflags -static", CGO_ENABLED="0", GOEXPERIMENT="boringcrypto"),
        content=replace(SEEN, crypto=(PLAIN,), instrumentation=("race",)),
    )
    finding = evaluate("claims-hold", subject(image), {})

    assert finding.observed == "2 of 4 claims are contradicted"
    assert finding.cause == (
        "BoringCrypto is C: with CGO_ENABLED=0 Go silently does without it (golang/go#68588)",
        "-extldflags -static makes the C linker write an ordinary executable, whatever -buildmode says",
    )
    assert remedy_lines(finding) == (
        "GOEXPERIMENT=boringcrypto CGO_ENABLED=1 with a C compiler, for linux/amd64 or linux/arm64",
        "a static-pie, with a C compiler: CGO_ENABLED=1 -buildmode=pie "
        "-ldflags '-linkmode external -extldflags \"-static-pie\"'",
    )


def test_a_contradiction_without_an_honest_cause_asks_for_a_new_build() -> None:
    finding = evaluate("claims-hold", subject(replace(HELD, go=go(GOARCH="arm64"))), {})

    assert finding.observed == "1 of 3 claims is contradicted"
    assert finding.cause == ()
    assert remedy_lines(finding) == ("build it again from its source: something changed the image or its build info",)


def test_an_honest_image_shows_what_it_bears_out() -> None:
    image = replace(HELD, go=go(CGO_ENABLED="0", GOOS="linux", GOARCH="amd64", _trimpath="true"))
    finding = evaluate("claims-hold", subject(image), {})

    assert finding.outcome == "passed"
    assert finding.observed == "nothing contradicts the 5 claims that the image can bear out"
    assert finding.evidence == ("borne out: version go1.27.3, GOARCH=amd64, GOOS=linux, CGO_ENABLED=0, -trimpath=true",)


@pytest.mark.parametrize("facts", [MACHO, PE, DYNAMIC])
def test_a_target_in_the_headers_bears_the_claim_out(facts: Any) -> None:
    assert evaluate("claims-hold", subject(facts), {}).outcome == "passed"


@pytest.mark.parametrize(
    "facts",
    [
        FOREIGN,
        ARCHIVE,
        replace(HELD, go=BuildInfo()),
        # A build info with a version of its own and nothing else to hold it against.
        replace(HELD, go=replace(go(), version="devel"), cgo=Cgo()),
    ],
)
def test_without_claims_nothing_is_decided(facts: Any) -> None:
    assert evaluate("claims-hold", subject(facts), {}).outcome == "undecidable"


@pytest.mark.parametrize(
    ("ldflags", "flags"),
    [
        ("-s -w", {"s": "true", "w": "true"}),
        ("--s -w=0", {"s": "true", "w": "0"}),
        ("all=-linkmode external", {"linkmode": "external"}),
        ('-linkmode=internal -X "main.flags=-s -w"', {"linkmode": "internal", "X": "main.flags=-s -w"}),
        ("-extldflags '-static -s' -d", {"extldflags": "-static -s", "d": "true"}),
        ("-X main.a=b stray -linkmode", {"X": "main.a=b", "linkmode": ""}),
        ("-X 'unclosed", {}),
        ("", {}),
    ],
)
def test_linker_flags_are_told_from_their_values(ldflags: str, flags: dict[str, str]) -> None:
    assert linker_flags(ldflags) == flags


def test_a_pclntab_that_hides_cgo_is_contradicted_by_what_the_image_imports() -> None:
    witnesses = ("imports pthread_getattr_np, pthread_key_create",)
    image = replace(STATIC, cgo=replace(STATIC.cgo, used=None, witnesses=witnesses))

    finding = evaluate("claims-hold", subject(image), {})
    without = evaluate("no-cgo", subject(image), {})

    assert finding.outcome == "violated"
    assert f"no function of runtime/cgo in the pclntab, but the image has {witnesses[0]}" in finding.evidence
    assert (without.outcome, without.evidence) == ("undecidable", witnesses)
    assert "shows that it is linked in" in without.observed
