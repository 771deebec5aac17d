"""The rule about FIPS 140 cryptography: what is linked in, whatever the build was told."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

import re
from typing import Literal

from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.errors import ParameterError
from pytest_golink.facts import BinaryFacts, CryptoModule
from pytest_golink.remedies.flags import link_fips
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable
from pytest_golink.text.words import listed
from pytest_golink.traits import setting

FipsKind = Literal["boringcrypto", "go", "openssl"]
FipsMode = Literal["on", "only", "off"]

_WORDS = {
    "boringcrypto": "BoringCrypto",
    "go": "the Go Cryptographic Module",
    "openssl": "OpenSSL through a toolchain that carries it",
    "plain": "Go's cryptography, outside a FIPS 140 module",
}
_DEFAULT = re.compile(r"(?:^|,)fips140=(\w+)")


@rule(
    "fips",
    group="content",
    page=(
        "the FIPS 140 cryptography named (`boringcrypto`, `go` for the Go Cryptographic Module, `openssl`) is"
        ' really linked in, stripped or not. For `go`: `module` "v1.0.0" or "latest", `mode` `on`, `only` or '
        "`off`; without `mode` it must be on or only when the program starts"
    ),
    concerns={Concern.CGO_MISSING},
    remedies=link_fips,
)
def fips(subject: Subject, *, kind: FipsKind, module: str | None = None, mode: FipsMode | None = None) -> Verdict:
    """
    FIPS 140 cryptography named is really linked in: read from the pclntab, so it holds after stripping.

    For kind "go": `module` is a frozen version ("v1.0.0", its hash may be left out) or "latest", `mode` what GODEBUG's
    fips140 is when the program starts; without `mode` it must be on or only.
    """
    facts = subject.facts
    if kind != "go" and (module is not None or mode is not None):
        raise ParameterError(f"fips: module and mode are the Go Cryptographic Module's (kind = go), not {kind}'s")
    expected = f"{_WORDS[kind]}{f' {module}' if module else ''}"
    if kind == "go":
        expected += f", fips140={mode or 'on or only'}"
    found = facts.content.crypto
    if found is None:
        return undecidable(facts, expected)
    evidence = tuple(f"pclntab: {_word(each)}" for each in found) or ("pclntab: no cryptography is linked in",)
    evidence += tuple(
        f"build setting {key}={setting(facts, key)}"
        for key in ("GOEXPERIMENT", "GOFIPS140", "CGO_ENABLED")
        if setting(facts, key)
    )
    if _DEFAULT.search(setting(facts, "DefaultGODEBUG")):
        evidence += (f"build setting DefaultGODEBUG has fips140={default_mode(facts)}",)
    modules = [each for each in found if each.kind == kind]
    started = default_mode(facts)
    refused = None
    held = bool(modules)
    if kind == "go":
        held = held and all(_is_module(facts, each, module) for each in modules)
        held = held and (started in ("on", "only") if mode is None else started == mode)
        refused = _refused(facts) if started in ("on", "only") else None
        held = held and refused is None
    observed = listed([_word(each) for each in found]) or "no cryptography is linked in"
    if kind == "go":
        observed += f", fips140={started}"
        if refused is not None:
            observed += f": the program panics at its start ({refused})"
    return Verdict(
        outcome="passed" if held else "violated",
        expected=expected,
        observed=observed,
        evidence=evidence,
        cause=() if held else _cause(facts, kind),
        remedy=() if held else _remedy(kind, module, mode),
    )


def _refused(facts: BinaryFacts) -> str | None:
    """
    Return why the Go Cryptographic Module does not start in FIPS 140-3 mode, None where it does.

    Source: Go's crypto/internal/fips140/fips140.go, Supported, in Go 1.24 to 1.27; windows/arm went with Go 1.26.
    """
    target = facts.target
    if target is not None and (
        target.goarch == "wasm"
        or target.goos in ("openbsd", "aix")
        or (target.goos, target.goarch) in (("windows", "386"), ("windows", "arm"))
    ):
        return f"FIPS 140-3 mode is not supported on {target}"
    if "asan" in (facts.content.instrumentation or ()):
        return "FIPS 140-3 mode is incompatible with ASAN"
    if "purego" in setting(facts, "-tags").split(","):
        return "FIPS 140-3 mode is incompatible with the purego build tag"
    if any(each.kind == "boringcrypto" for each in facts.content.crypto or ()):
        return "FIPS 140-3 mode is incompatible with GOEXPERIMENT=boringcrypto"
    return None


def default_mode(facts: BinaryFacts) -> str:
    """Return GODEBUG's fips140 as the program starts with it, unless its environment says otherwise."""
    match = _DEFAULT.search(setting(facts, "DefaultGODEBUG"))
    return match[1] if match else "off"


def _is_module(facts: BinaryFacts, found: CryptoModule, module: str | None) -> bool:
    if module == "latest":
        return found.version is None and setting(facts, "GOFIPS140") == "latest"
    if module is None:
        # Every program of Go 1.24 has the module's code. A frozen copy, or the setting, is what makes it a choice.
        return found.version is not None or setting(facts, "GOFIPS140") not in ("", "off")
    return found.version is not None and (found.version == module or found.version.startswith(f"{module}-"))


def _word(module: CryptoModule) -> str:
    if module.kind == "go":
        where = f"crypto/internal/fips140/{module.version}" if module.version else "crypto/internal/fips140, not frozen"
        return f"{_WORDS['go']} ({where})"
    return _WORDS[module.kind]


def _cause(facts: BinaryFacts, kind: FipsKind) -> tuple[str, ...]:
    if kind == "boringcrypto" and "boringcrypto" in setting(facts, "GOEXPERIMENT").split(","):
        if setting(facts, "CGO_ENABLED") == "0":
            return ("BoringCrypto is C: with CGO_ENABLED=0 Go silently does without it (golang/go#68588)",)
        return ("the build sets GOEXPERIMENT=boringcrypto, and nothing of it is linked in",)
    return ()


def _remedy(kind: FipsKind, module: str | None, mode: FipsMode | None) -> tuple[str, ...]:
    if kind == "boringcrypto":
        return ("GOEXPERIMENT=boringcrypto CGO_ENABLED=1 with a C compiler, for linux/amd64 or linux/arm64",)
    if kind == "openssl":
        return ("build with a toolchain that carries OpenSSL, such as golang-fips/go or microsoft/go, and cgo",)
    remedy = f"GOFIPS140={module or 'v1.0.0'}, with Go 1.24 or newer"
    if mode in ("only", "off"):
        remedy += f", and `godebug fips140={mode}` in go.mod"
    return (remedy,)
