"""The rules of a first golink.toml: those that hold today, each with why a team wants it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_golink.rules import RULES, check
from pytest_golink.text.escape import escape
from pytest_golink.text.toml import toml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from pytest_golink.findings import Finding
    from pytest_golink.rules import Rule
    from pytest_golink.rules.proposal import Proposal
    from pytest_golink.rules.subject import Subject

_LONGEST_OBSERVED = 110


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposedRule:
    """A rule for a policy; `observed` is the evidence of an image that violates it, "" where all keep it."""

    rule: Rule
    proposal: Proposal
    observed: str = ""

    def line(self) -> str:
        """Return the rule's line for a policy."""
        return f"{self.rule.name} = {toml(self._value())}"

    def _value(self) -> object:
        parameters = self.proposal.parameters
        if not parameters:
            return True
        if len(self.rule.parameters) == 1:
            return next(iter(parameters.values()))
        return parameters


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposals:
    """
    The rules for a policy, in its order.

    Attributes:
        held: The rules that every image keeps.
        broken: The rules that some image violates.
        own: For each binary, in the order given, the broken rules that all its images keep.
    """

    held: tuple[ProposedRule, ...]
    broken: tuple[ProposedRule, ...]
    own: tuple[tuple[ProposedRule, ...], ...]


def proposals(binaries: Sequence[Sequence[Subject]]) -> Proposals:
    """Check the images of several binaries with the proposed rules."""
    held: list[ProposedRule] = []
    broken: list[ProposedRule] = []
    own: list[list[ProposedRule]] = [[] for _binary in binaries]
    for ladder in _ladders([subject for binary in binaries for subject in binary]):
        # A binary gets the first rule of each ladder that it keeps.
        climbed: set[int] = set()
        for proposed in ladder:
            if proposed.proposal.of_a_release:
                broken.append(replace(proposed, observed=proposed.proposal.observed))
                continue
            findings = [_findings(proposed, binary) for binary in binaries]
            failing = [(subject, finding) for one in findings for subject, finding in one if finding.fails]
            if not failing and any(finding.outcome == "passed" for one in findings for _subject, finding in one):
                held.append(proposed)
                break
            if failing:
                if proposed.proposal.needs:
                    broken.append(_broken(proposed, *failing[0], others=len(failing) - 1))
                for number, one in enumerate(findings):
                    if number not in climbed and all(finding.outcome == "passed" for _subject, finding in one):
                        climbed.add(number)
                        own[number].append(proposed)
    return Proposals(held=tuple(held), broken=tuple(broken), own=tuple(tuple(one) for one in own))


def without(found: Proposals, rules: Collection[str]) -> Proposals:
    """Return the proposals without some rules, which a run of pytest did not find kept."""

    def kept(proposed: Iterable[ProposedRule]) -> tuple[ProposedRule, ...]:
        return tuple(one for one in proposed if one.rule.name not in rules)

    return Proposals(held=kept(found.held), broken=kept(found.broken), own=tuple(map(kept, found.own)))


def strictest(found: Proposals) -> Proposals:
    """Return the proposals with those rules held, too, that some image violates and that a build could keep."""
    known = {one.rule.name for one in found.held}
    held = list(found.held)
    for one in found.broken:
        if not one.proposal.of_a_release and one.rule.name not in known:
            known.add(one.rule.name)
            held.append(one)
    broken = tuple(one for one in found.broken if one not in held)
    return Proposals(held=tuple(held), broken=broken, own=tuple(() for _own in found.own))


def _findings(proposed: ProposedRule, binary: Sequence[Subject]) -> list[tuple[Subject, Finding]]:
    return [(subject, check(proposed.rule.name, subject, proposed.proposal.parameters)) for subject in binary]


def _broken(proposed: ProposedRule, subject: Subject, finding: Finding, *, others: int) -> ProposedRule:
    more = f" (and {others} more)" if others else ""
    seen = proposed.proposal.observed or finding.observed
    return replace(proposed, observed=f"{escape(subject.name)}{more}: {escape(seen, longest=_LONGEST_OBSERVED)}")


def _ladders(subjects: Sequence[Subject]) -> Iterator[list[ProposedRule]]:
    """Yield the proposed rules in the order of the rules, as ladders: the first rule that holds counts."""
    ladders: dict[str, list[ProposedRule]] = {}
    for rule in RULES.values():
        for proposal in rule.propose(subjects):
            proposed = ProposedRule(rule=rule, proposal=proposal)
            ladders.setdefault(proposal.ladder or rule.name, []).append(proposed)
    for ladder in ladders.values():
        yield sorted(ladder, key=lambda proposed: proposed.proposal.rung)
