"""The remedies of a finding as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_golink.findings import Finding


def remedy_lines(finding: Finding) -> tuple[str, ...]:
    """Return the words of the remedies, a line each, as every report shows them."""
    return finding.remedy
