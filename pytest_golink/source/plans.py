"""Combinations of remedies as builds: in which order they are tried, which of them cannot be, and what they cost."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from pytest_golink.case import Case
from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.errors import GolinkError
from pytest_golink.findings import Loss
from pytest_golink.remedies import changes
from pytest_golink.remedies.cgo_off import why_cgo_is_needed
from pytest_golink.remedies.linker_flags import linkmode_of
from pytest_golink.remedies.options import changed, folded, has
from pytest_golink.remedies.tags import TAGS
from pytest_golink.rules import RULES
from pytest_golink.source.without_cgo import cgo_packages
from pytest_golink.traits import opens_libraries, own_cgo_packages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_golink.builder.binary import BuiltImage, Origin
    from pytest_golink.builder.options import BuildOptions
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import BuildChange, Finding
    from pytest_golink.remedies import Remedy

# Of the combinations of many violated rules' candidates the first ones: the last rule's vary fastest.
_MOST_PLANS = 256
# What a change of one of these does, flags of the C linker depend on.
_LINKAGE = frozenset({"cgo", "linkmode", "buildmode", "cc", "tags"})
_LINKED = "how it is linked"
_STATIC = frozenset({"-static", "-static-pie"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """
    Remedies that are tried together, and the build that they make.

    Attributes:
        made_of: The remedies, each change once; with the rule that each one is for.
        options: The build.
    """

    made_of: tuple[tuple[str, Remedy], ...]
    options: BuildOptions

    @property
    def changes(self) -> tuple[BuildChange, ...]:
        """The changes, in their order."""
        return tuple(remedy.change for _, remedy in self.made_of if remedy.change is not None)

    @property
    def rank(self) -> tuple[int, int]:
        """Return its place among others: first those that take less from the program, then those that change less."""
        remedies = [remedy for _, remedy in self.made_of]
        return max((remedy.loss for remedy in remedies), default=Loss.NOTHING), sum(one.weight for one in remedies)

    @property
    def price(self) -> str:
        """Return what all the parts cost; a remedy that a later one has overruled costs nothing any more."""
        kept = [remedy for _, remedy in self.made_of if remedy.change is not None and has(self.options, remedy.change)]
        return "; ".join(dict.fromkeys(price for remedy in kept for price in remedy.prices))

    def includes(self, found: Sequence[BuildChange]) -> bool:
        """Return whether it makes all of these changes, and maybe others."""
        return all(has(self.options, change) for change in found)


def start_options(origin: Origin) -> BuildOptions:
    """Return the options of a build, with what GOFLAGS and cgo's variables add to them."""
    try:
        known = origin.builder.toolchain.settings.get("GOFLAGS", "")
        environment = {"GOFLAGS": known, **os.environ, **origin.job.environment}
        return folded(origin.job.options, environment)
    except GolinkError:
        # GOFLAGS that cannot be split into words; a build with them would have failed.
        return origin.job.options


def case_of(finding: Finding, binary: BuiltImage, options: BuildOptions) -> Case:
    """Return the violation of a built image, for the functions of remedies."""
    facts = with_cgo_packages(binary)
    if binary.origin is not None and options != start_options(binary.origin):
        facts = _predicted(facts, options)
    return Case(finding=finding, facts=facts, options=options, warnings=binary.warnings, built=True)


def with_cgo_packages(binary: BuiltImage) -> BinaryFacts:
    """Return the facts with every package that has C: an image shows only those whose wrappers the linker kept."""
    facts = binary.facts
    foreign = [package for package in own_cgo_packages(facts) if package not in TAGS]
    if not facts.cgo.used or binary.origin is None or (opens_libraries(facts) and not foreign):
        # C without wrappers that opens libraries is there for Go code to call: see `calls_dlopen_itself`.
        return facts
    packages = {*facts.cgo.packages, *cgo_packages(binary.origin)}
    return replace(facts, cgo=replace(facts.cgo, packages=tuple(sorted(packages))))


def plans(plan: Plan, failing: Sequence[Finding], binary: BuiltImage) -> Iterator[Plan]:
    """
    Yield the plans that go on from one: for each violated rule one more change.

    Args:
        plan: What was built.
        failing: The rules that the image of that build violates.
        binary: The image.
    """
    wanted = [(finding, _candidates(finding, plan, binary)) for finding in failing]
    # What others do to the link decides which linker takes the flags of the rest.
    wanted.sort(key=lambda one: not any(_LINKED in _families(remedy) for remedy in one[1]))
    return islice(_combined(plan, wanted, binary), _MOST_PLANS)


def _combined(plan: Plan, wanted: Sequence[tuple[Finding, tuple[Remedy, ...]]], binary: BuiltImage) -> Iterator[Plan]:
    if not wanted:
        yield plan
        return
    (finding, candidates), *others = wanted
    # A change that another rule needs may mend this one too.
    done = any(one.change in plan.changes for one in candidates)
    found = () if done else _candidates(finding, plan, binary)
    if not found:
        yield from _combined(plan, others, binary)
        return
    fitting = [more for remedy in found if (more := _with(plan, finding.rule, remedy, binary.facts)) is not None]
    # Where none fits what the others need, theirs may mend it all the same.
    for more in fitting or [plan]:
        yield from _combined(more, others, binary)


def _with(plan: Plan, rule: str, remedy: Remedy, facts: BinaryFacts) -> Plan | None:
    """Return a plan with one more remedy, None where both contradict each other, or Go refuses the pair."""
    assert remedy.change is not None  # noqa: S101 - `changes` has chosen it so
    if any(_contradict(remedy.change, change) for change in plan.changes):
        return None
    try:
        options = changed(plan.options, remedy.change)
    except GolinkError:
        # Go has no form for both kinds of quotes in one flag.
        return None
    return None if _is_impossible(facts, options) else Plan(made_of=(*plan.made_of, (rule, remedy)), options=options)


def _candidates(finding: Finding, plan: Plan, binary: BuiltImage) -> tuple[Remedy, ...]:
    find = RULES[finding.rule].remedies
    # No flag links an archive or an object.
    return (
        ()
        if find is None or binary.facts.kind in ("archive", "object")
        else changes(find(case_of(finding, binary, plan.options)))
    )


def _predicted(facts: BinaryFacts, options: BuildOptions) -> BinaryFacts:
    """Return the facts as far as a change of the build decides them: who links it, and whether C is inside."""
    own = own_cgo_packages(facts)
    without_c = all(package in TAGS and TAGS[package] in options.tags for package in own) and bool(own)
    if options.cgo is False or (without_c and linkmode_of(options) != "external"):
        return replace(facts, cgo=replace(facts.cgo, used=False, packages=(), calls=()), link_mode="internal")
    if linkmode_of(options) == "external":
        return replace(facts, link_mode="external")
    return facts


def _is_impossible(facts: BinaryFacts, options: BuildOptions) -> bool:
    off = options.cgo is False or dict(options.env).get("CGO_ENABLED") == "0"
    return off and (linkmode_of(options) == "external" or why_cgo_is_needed(facts, options) != "")


def _contradict(change: BuildChange, other: BuildChange) -> bool:
    """Return whether two changes want different values of one thing."""
    if any(name in other.options and other.options[name] != value for name, value in change.options.items()):
        return True
    pairs = ((change.added, other.dropped), (change.dropped, other.added))
    return any({*flags} & {*dropped.get(name, ())} for added, dropped in pairs for name, flags in added.items())


def _families(remedy: Remedy) -> frozenset[str]:
    """Return what a remedy is about: changes of one family may make each other needless."""
    change = remedy.change
    if change is None:
        return frozenset()
    names = {*change.options, *change.added, *change.dropped}
    if names & _LINKAGE or _STATIC & {*change.added.get("extldflags", ())}:
        return frozenset({_LINKED})
    parts = [
        f"{name} {flag}" for part in (change.added, change.dropped) for name, flags in part.items() for flag in flags
    ]
    return frozenset({*change.options, *parts, *(name for name, _ in change.environment)})


def may_be_needless(rule: str, remedy: Remedy, plan: Plan, alternatives: Sequence[Remedy]) -> bool:
    """
    Return whether the rule that a remedy is for may hold without it, with what else the plan changes.

    Args:
        rule: The rule.
        remedy: The remedy in question.
        plan: The plan, which keeps every rule.
        alternatives: All candidates for that rule.
    """
    others = frozenset[str]().union(*(_families(other) for _, other in plan.made_of if other is not remedy))
    if RULES[rule].concerns & {Concern.PLATFORMS, Concern.START}:
        return bool(others)
    return bool(others & frozenset[str]().union(*map(_families, alternatives)))
