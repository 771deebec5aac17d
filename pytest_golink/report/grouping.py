"""Failing findings by what is behind them: one cause of twelve findings stands there once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.report.parameters import parameter_texts
from pytest_golink.report.remedy_text import remedy_lines

if TYPE_CHECKING:
    from pytest_golink.findings import Finding, Outcome
    from pytest_golink.report.model import Report


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupedFinding:
    """A finding, and the node ids of all tests that recorded it."""

    finding: Finding
    tests: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FailureGroup:
    """
    Failing findings with one cause.

    `cause` is "" where no cause is known: then all of them are one rule's, and ask and expect the same. `rules` are in
    the report's order, each once; `outcome` is "violated" unless every finding is undecidable.
    """

    outcome: Outcome
    cause: str
    rules: tuple[str, ...]
    findings: tuple[GroupedFinding, ...]


def failure_groups(report: Report) -> tuple[FailureGroup, ...]:
    """Return the groups of a report: violations first, then the one with the most findings."""
    tests: dict[Finding, list[str]] = {}
    for reported in report.findings:
        if reported.finding.fails:
            tests.setdefault(reported.finding, []).append(reported.test)
    groups: dict[tuple[str, ...], list[GroupedFinding]] = {}
    for finding, nodeids in tests.items():
        # The first line is the cause; those after it say more about the image at hand.
        key = finding.cause[:1] or (
            "",
            finding.rule,
            finding.outcome,
            finding.expected,
            *map("=".join, parameter_texts(finding)),
        )
        groups.setdefault(key, []).append(GroupedFinding(finding=finding, tests=tuple(nodeids)))
    made = [
        FailureGroup(
            outcome="violated" if any(each.finding.outcome == "violated" for each in members) else "undecidable",
            cause=key[0],
            rules=tuple(dict.fromkeys(each.finding.rule for each in members)),
            findings=tuple(members),
        )
        for key, members in groups.items()
    ]
    return tuple(sorted(made, key=lambda group: (group.outcome != "violated", -len(group.findings))))


def headline(group: FailureGroup) -> str:
    """Return a group's cause, or else what its rule observed or expected."""
    if group.cause:
        return group.cause
    first = group.findings[0].finding
    alike = all(each.finding.observed == first.observed for each in group.findings)
    return f"{first.rule}: {first.observed if alike else f'expected {first.expected}'}"


def best_trials(group: FailureGroup) -> dict[str, list[Finding]]:
    """
    Return the remedies that were tried and satisfy the policy, each with the findings that it is the best one for.

    The trials of a finding stand in the order of what they cost; those of an image are the same for each of its rules.
    """
    best: dict[str, dict[object, Finding]] = {}
    for each in group.findings:
        finding = each.finding
        trial = next((trial for trial in finding.trials if trial.outcome == "satisfies"), None)
        if trial is not None:
            image = finding.image, finding.target, finding.path
            best.setdefault(trial.remedy, {}).setdefault(image, finding)
    return {remedy: [*findings.values()] for remedy, findings in best.items()}


def remedies(group: FailureGroup) -> tuple[str, ...]:
    """
    Return the remedies for all of a group.

    Of those that were tried the best for each image; else what the first finding with a remedy says.
    """
    return tuple(best_trials(group)) or next(
        (lines for each in group.findings if (lines := remedy_lines(each.finding))), ()
    )
