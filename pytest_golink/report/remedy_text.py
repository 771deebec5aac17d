"""The remedies of a finding as lines, and what came of those that were tried."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.findings import Finding, TrialOutcome

# What came of a trial. Every rule holds in the first two; of the second only a run of the program would show the rest.
TRIED: Mapping[TrialOutcome, str] = MappingProxyType(
    {
        "satisfies": "keeps every rule",
        "unproven": "keeps every rule, but no rule has run the program without its C",
        "breaks": "breaks",
        "does-not-build": "does not build",
        "does-not-start": "does not start",
    }
)


def remedy_lines(finding: Finding) -> tuple[str, ...]:
    """Return the words of the remedies, a line each, as every report shows them."""
    return finding.remedy
