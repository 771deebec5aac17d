"""The rule about the hardened runtime, which notarization asks of a program for macOS."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from collections.abc import Iterator

from pytest_golink.case import Case
from pytest_golink.findings import Remedy
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked


def _sign(_case: Case) -> Iterator[Remedy]:
    """Yield the command that signs the image for the hardened runtime."""
    yield Remedy(words="codesign --options runtime --sign IDENTITY FILE")


@rule(
    "hardened-runtime",
    group="hardening",
    page="Mach-O: every code directory of the signature has the hardened runtime, which notarization asks for",
    remedies=_sign,
)
def hardened_runtime(subject: Subject) -> Verdict:
    """Signature has the hardened runtime."""
    facts = subject.facts
    expected = "the hardened runtime"
    unlinked = undecidable_if_unlinked(facts, expected)
    if unlinked:
        return unlinked
    if facts.macho is None:
        return Verdict(outcome="not-applicable", expected=expected, observed=f"{facts.format} images have no such flag")
    flags = facts.macho.code_flags
    held = facts.macho.hardened_runtime is True
    return Verdict(
        outcome="passed" if held else "violated",
        expected=expected,
        observed="it has it" if held else "no signature" if flags is None else "a signature without it",
        evidence=("no code signature" if flags is None else f"code directory flags 0x{flags:x}",),
    )
