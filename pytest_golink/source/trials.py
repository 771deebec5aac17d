"""Remedies that are tried: each change is built, and the image is checked with the whole policy."""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.builder.failure import why_it_failed
from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.errors import BuildError, GolinkError
from pytest_golink.findings import Loss, Trial
from pytest_golink.remedies import changes
from pytest_golink.remedies.options import changed
from pytest_golink.remedies.spelling import as_flags, as_goreleaser, as_shell, as_toml
from pytest_golink.rules import RULES, check
from pytest_golink.rules.subject import Subject
from pytest_golink.source.plans import Plan, case_of, may_be_needless, plans, start_options
from pytest_golink.source.without_cgo import WithoutCgo, without_cgo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_golink.builder.binary import BuiltImage, Origin
    from pytest_golink.builder.options import BuildOptions
    from pytest_golink.findings import BuildChange, Finding, TrialOutcome
    from pytest_golink.platforms import Platform
    from pytest_golink.remedies import Remedy

# Each is a build; Go's cache makes all but the first of a kind cheap.
_MOST_BUILDS = 4
# The same where the user says how many seconds they may take.
_MOST_BUILDS_IN_TIME = 12
# Beside the one to take, another one for whom its price is too high, which changes about as little.
_ENOUGH = 2
_NEAR = 2

Request = tuple[str, "Mapping[str, object]"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """
    How long a search may take.

    Attributes:
        deadline: The moment of `time.monotonic` after which no build starts; None: the number of builds is the bound.
        tell: Called with a line about each build before it starts.
    """

    deadline: float | None = None
    tell: Callable[[str], None] = lambda _line: None

    @property
    def builds(self) -> int:
        """How many builds there may be."""
        return _MOST_BUILDS if self.deadline is None else _MOST_BUILDS_IN_TIME

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return self.deadline is not None and time.monotonic() >= self.deadline


def try_remedies(
    binary: BuiltImage,
    rules: Sequence[Request],
    platforms: Mapping[str, Platform] = MappingProxyType({}),
    limits: Limits | None = None,
) -> tuple[Trial, ...]:
    """
    Rebuild with each remedy that changes the build, and check with the whole policy.

    First come those that take nothing from the program, then those with a known price, then those that take C away; of
    each kind the smaller changes first. For each violated rule one change, all of them together, is one trial. Where
    that leaves or breaks a rule, it is tried with that one's candidates too; where it keeps every rule, each part that
    may be needless is left out. What cannot be built is not built, and neither is what adds to a change that did not
    build. The search ends with one or two that keep every rule, or at its limits.

    Args:
        binary: The image that violates one or more of the rules; it was built here.
        rules: The policy: each rule with its parameters, as `evaluate` takes them.
        platforms: The platforms that the policy itself describes, by name.
        limits: How long it may take.

    Returns:
        What was tried: those that satisfy every rule first, each kind in the order of how little it changes; () where
        no rule is violated, or no change of a build can mend it.

    Raises:
        ParameterError: A rule or parameter is wrong.
    """
    origin = binary.origin
    assert origin is not None  # noqa: S101 - the callers have checked it
    search = _Search(binary=binary, origin=origin, rules=rules, platforms=platforms, limits=limits or Limits())
    return search.run()


@dataclass(kw_only=True, slots=True)
class _Search:
    binary: BuiltImage
    origin: Origin
    rules: Sequence[Request]
    platforms: Mapping[str, Platform]
    limits: Limits
    start: BuildOptions = field(init=False)
    violated: dict[str, Finding] = field(default_factory=dict)
    builds: int = 0
    waiting: list[tuple[tuple[int, int], int, Plan]] = field(default_factory=list)
    seen: set[BuildOptions] = field(default_factory=set)
    failed: list[tuple[BuildChange, ...]] = field(default_factory=list)
    holding: list[Plan] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start = start_options(self.origin)

    def run(self) -> tuple[Trial, ...]:
        self.seen.add(self.start)
        failing = self._failing(self.binary)
        self.violated = {finding.rule: finding for finding in failing}
        self._push(Plan(made_of=(), options=self.start), failing, self.binary)
        while self.waiting and len(self.holding) < _ENOUGH and self._may_build():
            (loss, weight), _, plan = heapq.heappop(self.waiting)
            if self.holding and (loss == Loss.UNKNOWN or weight > self.holding[0].rank[1] + _NEAR):
                continue
            if any(plan.includes(held.changes) for held in self.holding) or self._repeats_a_failure(plan):
                continue
            self._try(plan)
        order: dict[TrialOutcome, int] = {"satisfies": 0, "unproven": 1}
        return tuple(sorted(self.trials, key=lambda trial: order.get(trial.outcome, 2)))

    def _may_build(self) -> bool:
        return self.builds < self.limits.builds and not self.limits.over

    def _repeats_a_failure(self, plan: Plan) -> bool:
        # Another C compiler may link what the first one could not.
        return any(plan.includes(made) and plan.options.cc == _cc_of(made, self.start) for made in self.failed)

    def _push(self, plan: Plan, failing: Sequence[Finding], binary: BuiltImage) -> None:
        for more in plans(plan, failing, binary):
            if more.options not in self.seen:
                self.seen.add(more.options)
                heapq.heappush(self.waiting, (more.rank, len(self.seen), more))

    def _try(self, plan: Plan) -> None:
        left = self._without_cgo(plan.options)
        if left.error:
            self._fail(plan, left.error)
            return
        try:
            built, failing = self._build(plan.options)
        except GolinkError as error:
            self._fail(plan, _reason(error))
            return
        if failing:
            starts = not any(Concern.START in RULES[finding.rule].concerns for finding in failing)
            detail = "; ".join(f"{finding.rule}: {finding.observed}" for finding in failing)
            self._add(plan, "breaks" if starts else "does-not-start", detail)
            self._push(plan, failing, built)
            return
        plan = self._smallest(plan)
        if (plan.rank[0] == Loss.UNKNOWN or left.lines) and not self._runs_it():
            self._add(plan, "unproven", "; ".join(left.lines))
        else:
            self.holding.append(plan)
            self._add(plan, "satisfies")

    def _runs_it(self) -> bool:
        return any(Concern.START in RULES[rule].concerns for rule, _ in self.rules)

    def _without_cgo(self, options: BuildOptions) -> WithoutCgo:
        if options.cgo is not False or self.start.cgo is False:
            return WithoutCgo()
        try:
            return without_cgo(self.origin, options)
        except GolinkError:
            # Then the build itself will show.
            return WithoutCgo()

    def _build(self, options: BuildOptions) -> tuple[BuiltImage, list[Finding]]:
        self.builds += 1
        flags = as_flags(self.start, options)
        self.limits.tell(f"{self.binary.name} ({self.binary.target}): trying {flags}")
        built = self.origin.builder.build(options)
        return built, self._failing(built)

    def _smallest(self, plan: Plan) -> Plan:
        """Return a plan that keeps every rule, without those of its remedies that it does not need."""
        for rule, remedy in plan.made_of:
            kept = tuple(one for one in plan.made_of if one[1] is not remedy)
            options = self.start
            for _, one in kept:
                options = changed(options, one.change) if one.change is not None else options
            if options == plan.options or (kept and self._needs_no_more(rule, remedy, plan, options)):
                plan = replace(plan, made_of=kept, options=options)
        return plan

    def _needs_no_more(self, rule: str, remedy: Remedy, plan: Plan, options: BuildOptions) -> bool:
        """Return whether these options, which are the plan's without one of its remedies, keep every rule too."""
        if not may_be_needless(rule, remedy, plan, self._alternatives(rule)) or not self._may_build():
            return False
        self.seen.add(options)
        try:
            return not self._build(options)[1]
        except GolinkError:
            return False

    def _alternatives(self, name: str) -> tuple[Remedy, ...]:
        """Return all candidates for a rule that the image at the start violates; () for one that a change broke."""
        finding = self.violated.get(name)
        find = RULES[name].remedies
        return () if find is None or finding is None else changes(find(case_of(finding, self.binary, self.start)))

    def _failing(self, binary: BuiltImage) -> list[Finding]:
        subject = Subject(
            name=binary.name,
            facts=binary.facts,
            link_warnings=binary.warnings,
            may_run=True,
            rebuild=binary.rebuild,
            platforms=self.platforms,
        )
        found = (check(rule, subject, parameters) for rule, parameters in self.rules)
        return [finding for finding in found if finding.fails]

    def _fail(self, plan: Plan, reason: str) -> None:
        self.failed.append(plan.changes)
        self._add(plan, "does-not-build", reason)

    def _add(self, plan: Plan, outcome: TrialOutcome, detail: str = "") -> None:
        trial = Trial(remedy=as_flags(self.start, plan.options), outcome=outcome, detail=detail)
        if outcome in ("satisfies", "unproven"):
            trial = replace(
                trial,
                price=plan.price,
                toml=as_toml(self.start, plan.options),
                goreleaser=as_goreleaser(self.start, plan.options),
                shell=as_shell(self.origin.job.options, self.start, plan.options),
            )
        self.trials.append(trial)


def _cc_of(made: Sequence[BuildChange], start: BuildOptions) -> object:
    return next((change.options["cc"] for change in made if "cc" in change.options), start.cc)


def _reason(error: GolinkError) -> str:
    if isinstance(error, BuildError) and (line := why_it_failed(error.output)):
        return line
    return str(error).splitlines()[0]
