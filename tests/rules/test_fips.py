"""fips: what is linked in, not what was asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.errors import ParameterError
from pytest_golink.facts import Content, CryptoModule
from pytest_golink.rules import evaluate
from tests.rules.facts_factory import FOREIGN, STATIC, go, subject, target

if TYPE_CHECKING:
    from pytest_golink.findings import Finding

BORING = CryptoModule(kind="boringcrypto")
MODULE = CryptoModule(kind="go")
FROZEN = CryptoModule(kind="go", version="v1.0.0-c2097c7c")
PLAIN = CryptoModule(kind="plain")
OPENSSL = CryptoModule(kind="openssl")
ON = {"DefaultGODEBUG": "fips140=on"}
FROZEN_ON = {"GOFIPS140": "v1.0.0-c2097c7c", "DefaultGODEBUG": "fips140=on"}


def asked(crypto: Any, settings: dict[str, str], **parameters: object) -> Finding:
    facts = replace(STATIC, content=Content(crypto=crypto), go=go(**settings))
    return evaluate("fips", subject(facts), parameters)


@pytest.mark.parametrize(
    ("crypto", "settings", "parameters", "outcome"),
    [
        ((BORING, MODULE), {}, {"kind": "boringcrypto"}, "passed"),
        ((MODULE,), {"GOEXPERIMENT": "boringcrypto"}, {"kind": "boringcrypto"}, "violated"),
        ((), {}, {"kind": "boringcrypto"}, "violated"),
        ((OPENSSL,), {}, {"kind": "openssl"}, "passed"),
        ((MODULE,), {}, {"kind": "openssl"}, "violated"),
        ((FROZEN,), FROZEN_ON, {"kind": "go"}, "passed"),
        ((FROZEN,), FROZEN_ON, {"kind": "go", "module": "v1.0.0"}, "passed"),
        ((FROZEN,), FROZEN_ON, {"kind": "go", "module": "v1.0.0-c2097c7c"}, "passed"),
        ((FROZEN,), FROZEN_ON, {"kind": "go", "module": "v1.0"}, "violated"),
        ((FROZEN,), FROZEN_ON, {"kind": "go", "module": "v1.26.0"}, "violated"),
        ((FROZEN,), FROZEN_ON, {"kind": "go", "module": "latest"}, "violated"),
        ((MODULE,), {"GOFIPS140": "latest", **ON}, {"kind": "go", "module": "latest"}, "passed"),
        ((MODULE,), {"GOFIPS140": "latest", **ON}, {"kind": "go"}, "passed"),
        ((MODULE,), {"GOFIPS140": "latest", **ON}, {"kind": "go", "module": "v1.0.0"}, "violated"),
        # Every program of Go 1.24 has the code; nobody chose it.
        ((MODULE,), {}, {"kind": "go"}, "violated"),
        ((MODULE,), ON, {"kind": "go"}, "violated"),
        ((PLAIN,), ON, {"kind": "go"}, "violated"),
        ((FROZEN,), {"GOFIPS140": "v1.0.0-c2097c7c"}, {"kind": "go"}, "violated"),
        ((FROZEN,), {"DefaultGODEBUG": "x=1,fips140=only"}, {"kind": "go"}, "passed"),
        ((FROZEN,), {"DefaultGODEBUG": "x=1,fips140=only"}, {"kind": "go", "mode": "only"}, "passed"),
        ((FROZEN,), FROZEN_ON, {"kind": "go", "mode": "only"}, "violated"),
        ((FROZEN,), {"DefaultGODEBUG": "notfips140=on"}, {"kind": "go", "mode": "off"}, "passed"),
    ],
)
def test_the_cryptography_named_is_linked_in(
    crypto: Any, settings: dict[str, str], parameters: dict[str, object], outcome: str
) -> None:
    assert asked(crypto, settings, **parameters).outcome == outcome


def test_boringcrypto_that_was_asked_for_without_cgo_has_a_cause() -> None:
    finding = asked((MODULE,), {"CGO_ENABLED": "0", "GOEXPERIMENT": "boringcrypto"}, kind="boringcrypto")

    assert finding.expected == "BoringCrypto"
    assert finding.observed == "the Go Cryptographic Module (crypto/internal/fips140, not frozen)"
    assert finding.evidence == (
        "pclntab: the Go Cryptographic Module (crypto/internal/fips140, not frozen)",
        "build setting GOEXPERIMENT=boringcrypto",
        "build setting CGO_ENABLED=0",
    )
    assert finding.cause == ("BoringCrypto is C: with CGO_ENABLED=0 Go silently does without it (golang/go#68588)",)
    assert finding.remedy == (
        "GOEXPERIMENT=boringcrypto CGO_ENABLED=1 with a C compiler, for linux/amd64 or linux/arm64",
    )
    asked_for = asked((), {"GOEXPERIMENT": "x,boringcrypto"}, kind="boringcrypto")
    assert asked_for.cause == ("the build sets GOEXPERIMENT=boringcrypto, and nothing of it is linked in",)
    assert asked_for.observed == "no cryptography is linked in"
    assert asked_for.evidence[0] == "pclntab: no cryptography is linked in"


def test_gos_own_module_says_how_it_starts() -> None:
    finding = asked((MODULE,), {}, kind="go", module="v1.0.0", mode="only")

    assert finding.expected == "the Go Cryptographic Module v1.0.0, fips140=only"
    assert finding.observed == "the Go Cryptographic Module (crypto/internal/fips140, not frozen), fips140=off"
    assert finding.remedy == ("GOFIPS140=v1.0.0, with Go 1.24 or newer, and `godebug fips140=only` in go.mod",)
    assert asked((), {}, kind="go").remedy == ("GOFIPS140=v1.0.0, with Go 1.24 or newer",)
    assert asked((), {}, kind="openssl").remedy == (
        "build with a toolchain that carries OpenSSL, such as golang-fips/go or microsoft/go, and cgo",
    )


def test_module_and_mode_are_asked_of_gos_own_module_alone() -> None:
    for parameters in ({"module": "v1.0.0"}, {"mode": "on"}):
        with pytest.raises(ParameterError, match="not boringcrypto's"):
            asked((BORING,), {}, kind="boringcrypto", **parameters)


def test_an_image_without_a_pclntab_does_not_say() -> None:
    assert asked(None, {}, kind="go").outcome == "undecidable"
    assert evaluate("fips", subject(FOREIGN), {"kind": "go"}).outcome == "undecidable"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": target("js/wasm")}, "FIPS 140-3 mode is not supported on js/wasm"),
        ({"target": target("windows/386")}, "FIPS 140-3 mode is not supported on windows/386"),
        ({"target": target("openbsd/amd64")}, "FIPS 140-3 mode is not supported on openbsd/amd64"),
        ({"instrumentation": ("asan",)}, "FIPS 140-3 mode is incompatible with ASAN"),
        ({"tags": "netgo,purego"}, "FIPS 140-3 mode is incompatible with the purego build tag"),
        ({"crypto": (FROZEN, BORING)}, "FIPS 140-3 mode is incompatible with GOEXPERIMENT=boringcrypto"),
    ],
)
def test_where_the_module_refuses_to_start_the_program_panics(changes: dict[str, Any], words: str) -> None:
    settings = {**FROZEN_ON, **({"_tags": changes["tags"]} if "tags" in changes else {})}
    content = Content(crypto=changes.get("crypto", (FROZEN,)), instrumentation=changes.get("instrumentation"))
    image = replace(STATIC, content=content, go=go(**settings))
    if "target" in changes:
        image = replace(image, target=changes["target"])

    found = evaluate("fips", subject(image), {"kind": "go"})
    assert found.outcome == "violated"
    assert found.observed.endswith(f"the program panics at its start ({words})")
    off = replace(image, go=go(**{**settings, "DefaultGODEBUG": "fips140=off"}))
    assert evaluate("fips", subject(off), {"kind": "go", "mode": "off"}).outcome == "passed"
