"""Why an image is linked as it is, from the source that it was built from; and which remedies hold when tried."""

from __future__ import annotations

import time
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.case import Case
from pytest_golink.diagnosis import image_causes
from pytest_golink.diagnosis.concerns import lookup_packages
from pytest_golink.remedies import concluded, without_impossible
from pytest_golink.rules import RULES, rule_named
from pytest_golink.session import Session, TrialBudget, current, within
from pytest_golink.source.explain import source_causes
from pytest_golink.source.plans import start_options, with_cgo_packages
from pytest_golink.source.trials import Limits, try_remedies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from pytest_golink.builder import BuiltImage
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Finding, Trial
    from pytest_golink.platforms import Platform

__all__ = ["explain", "explained", "remedies", "try_remedies", "trying_remedies"]


def trying_remedies(budget: TrialBudget | None = None) -> AbstractContextManager[None]:
    """Try the remedies of every violation that is explained inside, as long as the budget lasts."""
    return within(Session(trials={}, budget=budget or TrialBudget()))


def explained(
    finding: Finding,
    facts: BinaryFacts,
    binary: BuiltImage | None = None,
    rules: Sequence[tuple[str, Mapping[str, object]]] = (),
    platforms: Mapping[str, Platform] = MappingProxyType({}),
) -> Finding:
    """
    Return a finding with its cause in the source, and with the remedies that were tried under `trying_remedies`.

    Args:
        finding: What a rule answered; one that is not a violation is returned as it is.
        facts: The image that was checked.
        binary: The build of that image, None for one that was not built here.
        rules: The whole policy of the image, which a remedy must keep.
        platforms: The platforms that the policy itself describes, by name.
    """
    if finding.outcome != "violated":
        return finding
    finding = explain(finding, facts, binary)
    trials = current().trials
    if trials is None or binary is None or binary.origin is None:
        return finding
    key = (str(binary.path), repr(rules))
    if key not in trials:
        trials[key] = _within_budget(binary, rules, platforms)
    return replace(finding, trials=trials[key])


def _within_budget(
    binary: BuiltImage, rules: Sequence[tuple[str, Mapping[str, object]]], platforms: Mapping[str, Platform]
) -> tuple[Trial, ...]:
    budget = current().budget or TrialBudget()
    start = time.monotonic()
    deadline = None if budget.seconds is None else start + budget.seconds
    try:
        return try_remedies(binary, rules, platforms, Limits(deadline=deadline, tell=budget.tell))
    finally:
        if budget.seconds is not None:
            budget.seconds -= time.monotonic() - start


def remedies(binary: BuiltImage, policy: Mapping[str, object]) -> tuple[Trial, ...]:
    """
    Try the remedies for a policy as golink.toml writes it: see `GoBinary.remedies`.

    Raises:
        ParameterError: A rule or a parameter is wrong.
    """
    requests = ((rule, rule_named(rule).accept(value)) for rule, value in policy.items())
    return try_remedies(binary, [(rule, parameters) for rule, parameters in requests if parameters is not None])


def explain(finding: Finding, facts: BinaryFacts, binary: BuiltImage | None = None) -> Finding:
    """Return a violation with its cause, in the image and in its source, and with its remedies; any other as it is."""
    if finding.outcome != "violated":
        return finding
    rule = RULES[finding.rule]
    case = Case(finding=finding, facts=facts, warnings=() if binary is None else binary.warnings)
    lines = [*finding.cause, *rule.causes(case), *image_causes(finding, facts, rule.concerns)]
    if binary is not None and binary.origin is not None:
        shown = source_causes(finding, facts, rule.concerns, lookup_packages(rule.concerns), binary.origin)
        # Packages that the image shows have nothing to do with what the source explains whole.
        lines = [*(() if shown.whole else lines), *shown.lines]
        facts = with_cgo_packages(binary)
        finding = replace(finding, chains=shown.chains)
        case = replace(case, finding=finding, facts=facts, options=start_options(binary.origin), built=True)
        if shown.needs_cgo:
            return without_impossible(concluded(case, lines, rule.remedies), facts)
    return concluded(case, lines, rule.remedies)
