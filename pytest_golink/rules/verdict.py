"""What a rule's check answers: a finding without the names that every rule shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Outcome, PlatformAnswer

# A failure text is read by people: the whole list is in the fact sheet.
_LISTED = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The outcome of a check: expected, seen, why, what to do, and as `caution` what it does not cover."""

    outcome: Outcome
    expected: str
    observed: str
    evidence: tuple[str, ...] = ()
    cause: tuple[str, ...] = ()
    remedy: tuple[str, ...] = ()
    caution: tuple[str, ...] = ()
    platforms: tuple[PlatformAnswer, ...] = ()


def listed(names: Sequence[str], *, most: int = _LISTED) -> str:
    """Join names with commas; of a long list the first ones, and how many more there are."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])}, … {len(names) - most} more"


def unsaid(facts: BinaryFacts, expected: str) -> Verdict:
    """Give the answer for an image that does not say: undecidable, with the reason."""
    if facts.kind in ("object", "archive"):
        observed = f"an {facts.kind}, which is not linked yet"
    elif facts.go is None:
        observed = "Go did not make this image"
    else:
        observed = "the image does not say"
    return Verdict(outcome="undecidable", expected=expected, observed=observed)


def quoted(names: Iterable[str]) -> str:
    """Join names with commas, as an expectation names them: "nothing" for none."""
    return ", ".join(names) or "nothing"
