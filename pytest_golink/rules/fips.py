"""The rule about FIPS 140 cryptography: what is linked in, whatever the build was told."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

import re
from collections.abc import Iterable
from typing import Literal

from pytest_golink.case import Case
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
# Values of GODEBUG's fips140 with which the module checks itself at the program's start.
_ON = ("on", "only")
_DEFAULT = re.compile(r"(?:^|,)fips140=(\w+)")


def _why_not_linked_in(case: Case) -> Iterable[str]:
    """Return why BoringCrypto, which the build asked for, is not there."""
    asked = "boringcrypto" in setting(case.facts, "GOEXPERIMENT").split(",")
    if case.finding.text("kind") != "boringcrypto" or not asked:
        return ()
    if setting(case.facts, "CGO_ENABLED") == "0":
        return ("BoringCrypto is C: with CGO_ENABLED=0 Go silently does without it (golang/go#68588)",)
    return ("the build sets GOEXPERIMENT=boringcrypto, and nothing of it is linked in",)


@rule(
    "fips",
    group="content",
    page=(
        "the FIPS 140 cryptography named (`boringcrypto`, `go` for the Go Cryptographic Module, `openssl`) is"
        ' really linked in, stripped or not. For `go`: `module` "v1.0.0" or "latest", `mode` `on`, `only` or '
        "`off`; without `mode` it must be on or only when the program starts"
    ),
    concerns={Concern.CGO_MISSING},
    causes=_why_not_linked_in,
    remedies=link_fips,
)
def fips(subject: Subject, *, kind: FipsKind, module: str | None = None, mode: FipsMode | None = None) -> Verdict:
    """
    FIPS 140 cryptography named is really linked in: read from the pclntab, so it holds after stripping.

    For kind "go": `module` is a frozen version ("v1.0.0", its hash may be left out) or "latest", `mode` what GODEBUG's
    fips140 is when the program starts; without `mode` it must be on or only.
    """
    if kind != "go" and (module is not None or mode is not None):
        raise ParameterError(f"fips: module and mode are the Go Cryptographic Module's (kind = go), not {kind}'s")
    facts = subject.facts
    expected = f"{_WORDS[kind]}{f' {module}' if module else ''}"
    if kind == "go":
        expected += f", fips140={mode or 'on or only'}"
    found = facts.content.crypto
    if found is None:
        return undecidable(facts, expected)
    modules = [each for each in found if each.kind == kind]
    held, observed = bool(modules), listed([_word(each) for each in found]) or "no cryptography is linked in"
    if kind == "go":
        held = held and all(_is_module(facts, each, module) for each in modules) and _starts_in(facts, mode)
        observed += f", fips140={default_mode(facts)}{_panics(facts)}"
    return Verdict(
        outcome="passed" if held else "violated", expected=expected, observed=observed, evidence=_evidence(facts, found)
    )


def _evidence(facts: BinaryFacts, found: tuple[CryptoModule, ...]) -> tuple[str, ...]:
    lines = [f"pclntab: {_word(each)}" for each in found] or ["pclntab: no cryptography is linked in"]
    settings = ((key, setting(facts, key)) for key in ("GOEXPERIMENT", "GOFIPS140", "CGO_ENABLED"))
    lines += [f"build setting {key}={value}" for key, value in settings if value]
    if _DEFAULT.search(setting(facts, "DefaultGODEBUG")):
        lines.append(f"build setting DefaultGODEBUG has fips140={default_mode(facts)}")
    return tuple(lines)


def _starts_in(facts: BinaryFacts, mode: FipsMode | None) -> bool:
    """Return whether the program starts, with fips140 as the rule wants it."""
    started = default_mode(facts)
    return (started in _ON if mode is None else started == mode) and not _panics(facts)


def _panics(facts: BinaryFacts) -> str:
    """Return that the program panics at its start, and why, "" where it does not."""
    refused = _refused(facts) if default_mode(facts) in _ON else None
    return "" if refused is None else f": the program panics at its start ({refused})"


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
