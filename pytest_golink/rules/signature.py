"""The rule about an image's signature: which kind it is of, and whether the image is still what was signed."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from collections.abc import Iterator
from typing import Literal

from pytest_golink.case import Case, from_image
from pytest_golink.diagnosis.hardening import why_unsigned
from pytest_golink.facts import BinaryFacts, SignatureKind
from pytest_golink.findings import Remedy
from pytest_golink.remedies.hardening import sign
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked

SignedBy = Literal["ad-hoc", "developer-id", "authenticode"]

_WORDS: dict[SignatureKind, str] = {
    "ad-hoc": "an ad-hoc signature",
    "certificate": "a signature with a certificate",
    "developer-id": "a signature with a Developer ID",
    "authenticode": "an Authenticode signature",
}
_LINES = {"macho": "LC_CODE_SIGNATURE", "pe": "certificate table entry"}


def _sign_again(case: Case) -> Iterator[Remedy]:
    """Yield how the image is signed, and after which step."""
    content = case.facts.signature
    if content is not None and content.valid is False:
        yield Remedy(words="sign it after the last change: strip, upx, rcodesign or a packer changed it afterwards")
    yield from sign(case)


@rule(
    "signed",
    group="hardening",
    page=(
        "there is a signature (Mach-O, PE), of the kind `by` where that is given: `ad-hoc`, `developer-id`, "
        "`authenticode`; and the hashes in it are those of the file. On Mach-O an ad-hoc one counts, as it does for "
        "the loader; whether a system trusts who signed is the system's question"
    ),
    of_the_file=True,
    causes=from_image(why_unsigned),
    remedies=_sign_again,
)
def signed(subject: Subject, *, by: SignedBy | None = None) -> Verdict:
    """
    There is a signature, and the image is still what was signed.

    On Mach-O an ad-hoc signature counts, as it does for the loader.
    """
    facts = subject.facts
    expected = _WORDS[by] if by else "a signature"
    answer = undecidable_if_unlinked(facts, expected) or _not_applicable(facts, expected)
    if answer:
        return answer
    line = _LINES.get(facts.format, "signature")
    if facts.signed == "none":
        return Verdict(outcome="violated", expected=expected, observed="none", evidence=(f"no {line}",))
    content = facts.signature
    if content is None or content.valid is None:
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="a signature whose hashes golink does not read",
            evidence=(f"{line}: {facts.signed}",),
        )
    evidence = (f"{line}: {content.kind}",)
    if not content.valid:
        return Verdict(
            outcome="violated",
            expected=expected,
            observed="a signature of other content: the file was changed after it was signed",
            evidence=(*evidence, *((content.problem,) if content.problem else ())),
        )
    held = by in (None, content.kind)
    return Verdict(
        outcome="passed" if held else "violated", expected=expected, observed=_WORDS[content.kind], evidence=evidence
    )


def _not_applicable(facts: BinaryFacts, expected: str) -> Verdict | None:
    if facts.signed is not None:
        return None
    return Verdict(outcome="not-applicable", expected=expected, observed=f"{facts.format} images have no signature")
