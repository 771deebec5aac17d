"""The answer of a rule's check: a finding without the names that every rule shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Outcome, PlatformAnswer


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """
    The outcome of a check: expected, seen, and as `caution` what it does not cover.

    `details` is what the causes and remedies of the rule need to know of a violation. `cause` and `remedy` go with an
    undecidable outcome, whose reason only the check knows; of a violation they are those of a rule about
    platforms, or of one that runs or builds the program.
    """

    outcome: Outcome
    expected: str
    observed: str
    evidence: tuple[str, ...] = ()
    cause: tuple[str, ...] = ()
    remedy: tuple[str, ...] = ()
    caution: tuple[str, ...] = ()
    platforms: tuple[PlatformAnswer, ...] = ()
    details: object = None


def undecidable(facts: BinaryFacts, expected: str) -> Verdict:
    """Return the answer for an image that does not say: undecidable, with the reason."""
    if facts.kind in ("object", "archive"):
        observed = f"an {facts.kind}, which is not linked yet"
    elif facts.go is None:
        observed = "Go did not make this image"
    elif facts.cgo.witnesses:
        observed = "the pclntab names no function of runtime/cgo, and the image shows that it is linked in"
        return Verdict(outcome="undecidable", expected=expected, observed=observed, evidence=facts.cgo.witnesses)
    else:
        observed = "the image does not say"
    return Verdict(outcome="undecidable", expected=expected, observed=observed)


def undecidable_if_unlinked(facts: BinaryFacts, expected: str) -> Verdict | None:
    """
    Return the answer for a file that has no linkage yet, None for one that has.

    An archive in place of a program is a mistake, and must not pass a gate that is about programs.
    """
    if facts.kind in ("executable", "shared-library"):
        return None
    return Verdict(
        outcome="undecidable",
        expected=expected,
        observed=f"an {facts.kind}, which is not linked yet",
        cause=("the program that it is linked into decides",),
        remedy=("name the executable or the shared library that it becomes a part of",),
    )
