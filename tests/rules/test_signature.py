"""The rule about signatures, on facts, and on images that were changed after they were signed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink import read_binary
from pytest_golink.facts import Signature, SignatureContent, SignatureKind
from pytest_golink.rules import evaluate
from tests.rules.facts_factory import ARCHIVE, MACHO, PE, STATIC, subject

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample
    from pytest_golink.facts import BinaryFacts


def by(kind: SignatureKind, *, valid: bool | None = True, problem: str | None = None) -> BinaryFacts:
    image = PE if kind == "authenticode" else MACHO
    signed: Signature = "ad-hoc" if kind == "ad-hoc" else "signed"
    return replace(image, signed=signed, signature=SignatureContent(kind=kind, valid=valid, problem=problem))


@pytest.mark.parametrize(
    ("facts", "wanted", "outcome", "observed"),
    [
        (by("ad-hoc"), None, "passed", "an ad-hoc signature"),
        (by("authenticode"), None, "passed", "an Authenticode signature"),
        (by("developer-id"), "developer-id", "passed", "a signature with a Developer ID"),
        (by("certificate"), "developer-id", "violated", "a signature with a certificate"),
        (by("ad-hoc"), "developer-id", "violated", "an ad-hoc signature"),
        (by("developer-id"), "ad-hoc", "violated", "a signature with a Developer ID"),
        (by("ad-hoc", valid=None), None, "undecidable", "a signature whose hashes golink does not read"),
        (replace(MACHO, signature=None), None, "undecidable", "a signature whose hashes golink does not read"),
        (replace(MACHO, signed="none", signature=None), None, "violated", "none"),
        (PE, "authenticode", "violated", "none"),
        (STATIC, None, "not-applicable", "elf images have no signature"),
        (ARCHIVE, None, "undecidable", "an archive, which is not linked yet"),
    ],
)
def test_a_signature_is_of_the_kind_and_of_the_file(
    facts: BinaryFacts, wanted: str | None, outcome: str, observed: str
) -> None:
    finding = evaluate("signed", subject(facts), {"by": wanted} if wanted else {})

    assert (finding.outcome, finding.observed) == (outcome, observed)


def test_a_changed_page_is_named_with_what_to_do(go_sample: GoSample, tmp_path: Path) -> None:
    built = go_sample("static", target="darwin/arm64", cgo=False)
    data = bytearray(built.path.read_bytes())
    at = data.index(b"runtime: ")
    data[at] ^= 1
    changed = tmp_path / "changed"
    changed.write_bytes(data)

    assert evaluate("signed", subject(built.facts), {}).outcome == "passed"
    finding = evaluate("signed", subject(read_binary(changed)), {})

    assert finding.outcome == "violated"
    assert finding.evidence[0] == "LC_CODE_SIGNATURE: ad-hoc"
    assert "page" in finding.evidence[1]
    assert finding.remedy[0].startswith("sign it after the last change")
    assert finding.cause == ()
    starts = evaluate("launches-on-macos", subject(read_binary(changed)), {"version": "26"})
    assert (starts.outcome, starts.observed.partition(":")[0]) == ("violated", "a signature of other content")
    assert evaluate("runs-on", subject(read_binary(changed)), {"platforms": ["macos26"]}).outcome == "violated"


def test_a_signature_of_other_content_needs_no_words_of_the_reader() -> None:
    finding = evaluate("signed", subject(by("authenticode", valid=False)), {})

    assert (finding.outcome, finding.evidence) == ("violated", ("certificate table entry: authenticode",))
