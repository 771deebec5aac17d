"""Why an image is linked as it is, from the source that it was built from; and which remedies hold when tried."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.source.explain import explain
from pytest_golink.source.trials import try_remedies

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_golink.builder import GoBinary
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Finding, Trial
    from pytest_golink.platforms import Platform

__all__ = ["explain", "explained", "try_remedies", "trying_remedies"]

# Trials of this process, by image and policy; None where nobody asked for trials (`--golink-try-remedies`).
_trials: dict[tuple[str, str], tuple[Trial, ...]] | None = None


@contextmanager
def trying_remedies() -> Iterator[None]:
    """Try the remedies of every violation that is explained inside."""
    global _trials
    before, _trials = _trials, {}
    try:
        yield
    finally:
        _trials = before


def explained(
    finding: Finding,
    facts: BinaryFacts,
    binary: GoBinary | None = None,
    rules: Sequence[tuple[str, Mapping[str, object]]] = (),
    platforms: Mapping[str, Platform] = MappingProxyType({}),
) -> Finding:
    """
    Give a finding with its cause in the source, and with the remedies that were tried where somebody asked for that.

    Args:
        finding: What a rule answered; one that is not a violation is given as it is.
        facts: The image that it was asked of.
        binary: The build of that image, None for one that was not built here.
        rules: The whole policy of the image, which a remedy must keep.
        platforms: The platforms that the policy itself describes, by name.
    """
    if finding.outcome != "violated":
        return finding
    finding = explain(finding, facts, binary.origin if binary is not None else None)
    if _trials is None or binary is None or binary.origin is None:
        return finding
    key = (str(binary.path), repr(rules))
    if key not in _trials:
        _trials[key] = try_remedies(binary, rules, platforms)
    return replace(finding, trials=_trials[key])
