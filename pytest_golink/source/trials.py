"""Remedies that are tried: each change is built, and the image is checked with the whole policy."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, fields
from itertools import islice, product
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.errors import BuildError, GolinkError
from pytest_golink.findings import Trial
from pytest_golink.remedies import Case, changes
from pytest_golink.remedies.options import changed, has
from pytest_golink.remedies.spelling import as_flags, as_goreleaser, as_toml
from pytest_golink.rules import RULES, check
from pytest_golink.rules.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_golink.builder.binary import BuiltImage, Origin
    from pytest_golink.builder.options import BuildOptions
    from pytest_golink.findings import Finding
    from pytest_golink.platforms import Platform
    from pytest_golink.remedies import Remedy

# Each is a build; Go's cache makes all but the first of a kind cheap.
_MOST_BUILDS = 12
# Of the combinations of many violated rules' candidates the first ones: the last rule's vary fastest.
_MOST_PLANS = 256
# Beside the one to take, others for whom its price is too high: as many, and those that change about as little.
_ENOUGH = 3
_NEAR = 2

Request = tuple[str, "Mapping[str, object]"]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """Remedies that are tried together, and the build that they make."""

    made_of: tuple[Remedy, ...]
    options: BuildOptions

    @property
    def weight(self) -> int:
        # Several rules may need one change.
        weights = {repr(remedy.change): remedy.weight for remedy in self.made_of}
        return sum(weights.values())

    @property
    def price(self) -> str:
        # A remedy that a later one has overruled costs nothing any more.
        kept = [remedy for remedy in self.made_of if remedy.change is not None and has(self.options, remedy.change)]
        return "; ".join(dict.fromkeys(price for remedy in kept for price in remedy.prices))


def try_remedies(
    binary: BuiltImage, rules: Sequence[Request], platforms: Mapping[str, Platform] = MappingProxyType({})
) -> tuple[Trial, ...]:
    """
    Rebuild with each remedy that changes the build, the smaller changes first, and check with the whole policy.

    For each violated rule one change, all of them together, is one trial. Where that leaves or breaks a rule, it is
    tried with that one's candidates too. The search ends with a few that keep every rule, or after a bounded number of
    builds.

    Args:
        binary: The image that violates one or more of the rules; it was built here.
        rules: The policy: each rule with its parameters, as `evaluate` takes them.
        platforms: The platforms that the policy itself describes, by name.

    Returns:
        What was tried: those that satisfy every rule first, each kind in the order of how little it changes; () where
        no rule is violated, or no change of a build can mend it.

    Raises:
        ParameterError: A rule or parameter is wrong.
    """
    origin = binary.origin
    assert origin is not None  # noqa: S101 - the callers have checked it
    start = origin.job.options
    waiting: list[tuple[int, int, _Plan]] = []
    seen = {start}
    _push(waiting, seen, _Plan(made_of=(), options=start), _failing(binary, rules, platforms), binary)
    trials: list[Trial] = []
    holding: list[_Plan] = []
    while waiting and len(trials) < _MOST_BUILDS and len(holding) < _ENOUGH:
        weight, _, plan = heapq.heappop(waiting)
        if holding and weight > holding[0].weight + _NEAR:
            break
        if any(_changes(start, held.options) <= _changes(start, plan.options) for held in holding):
            # It does what another one does, and more.
            continue
        trial, built, failing = _try(origin, plan, rules, platforms)
        trials.append(trial)
        if trial.outcome == "satisfies":
            holding.append(plan)
        elif built is not None:
            _push(waiting, seen, plan, failing, built)
    return tuple(sorted(trials, key=lambda trial: trial.outcome != "satisfies"))


def _changes(before: BuildOptions, after: BuildOptions) -> set[tuple[str, object]]:
    values = ((each.name, getattr(after, each.name)) for each in fields(after))
    return {(name, value) for name, value in values if value != getattr(before, name)}


def _push(
    waiting: list[tuple[int, int, _Plan]],
    seen: set[BuildOptions],
    plan: _Plan,
    failing: Iterable[Finding],
    binary: BuiltImage,
) -> None:
    choices = [found for finding in failing if (found := _candidates(case_of(finding, binary, plan.options)))]
    for chosen in islice(product(*choices), _MOST_PLANS):
        options = plan.options
        for remedy in chosen:
            options = changed(options, remedy.change) if remedy.change is not None else options
        if options not in seen:
            seen.add(options)
            more = _Plan(made_of=plan.made_of + chosen, options=options)
            heapq.heappush(waiting, (more.weight, len(seen), more))


def case_of(finding: Finding, binary: BuiltImage, options: BuildOptions) -> Case:
    """Return the violation of a built image, for the functions of remedies."""
    return Case(finding=finding, facts=binary.facts, options=options, warnings=binary.warnings, built=True)


def _candidates(case: Case) -> tuple[Remedy, ...]:
    find = RULES[case.finding.rule].remedies
    return () if find is None else changes(find(case))


def _failing(binary: BuiltImage, rules: Sequence[Request], platforms: Mapping[str, Platform]) -> list[Finding]:
    subject = Subject(
        name=binary.name,
        facts=binary.facts,
        link_warnings=binary.warnings,
        may_run=True,
        rebuild=binary.rebuild,
        platforms=platforms,
    )
    return [finding for rule, parameters in rules if (finding := check(rule, subject, parameters)).fails]


def _try(
    origin: Origin, plan: _Plan, rules: Sequence[Request], platforms: Mapping[str, Platform]
) -> tuple[Trial, BuiltImage | None, list[Finding]]:
    start = origin.job.options
    remedy = as_flags(start, plan.options)
    try:
        built = origin.builder.build(plan.options)
        failing = _failing(built, rules, platforms)
    except GolinkError as error:
        return Trial(remedy=remedy, outcome="does-not-build", detail=_last_line(error)), None, []
    if failing:
        starts = not any(Concern.START in RULES[finding.rule].concerns for finding in failing)
        trial = Trial(
            remedy=remedy,
            outcome="breaks" if starts else "does-not-start",
            detail="; ".join(f"{finding.rule}: {finding.observed}" for finding in failing),
        )
        return trial, built, failing
    trial = Trial(
        remedy=remedy,
        outcome="satisfies",
        price=plan.price,
        toml=as_toml(start, plan.options),
        goreleaser=as_goreleaser(start, plan.options),
    )
    return trial, built, []


def _last_line(error: GolinkError) -> str:
    if isinstance(error, BuildError) and (lines := error.output.strip().splitlines()):
        return lines[-1].strip()
    return str(error).splitlines()[0]
