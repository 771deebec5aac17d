"""The parameters of a finding's rule as text: what reports show of the typed values."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_golink.findings import Finding


def parameter_texts(finding: Finding) -> tuple[tuple[str, str], ...]:
    """Return the parameters of the finding's rule as (name, text) pairs; the values of a list are joined by ", "."""
    return tuple((name, _text(value)) for name, value in finding.parameters)


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
