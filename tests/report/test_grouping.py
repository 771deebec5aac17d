"""Failing findings by what is behind them."""

from __future__ import annotations

from dataclasses import replace

from pytest_golink.findings import Finding, Remedy, Trial
from pytest_golink.report.grouping import failure_groups, headline, remedies
from pytest_golink.report.model import Report, ReportedFinding

FINDING = Finding(
    rule="static", outcome="violated", image="app", target="linux/amd64", expected="static", observed="dynamic"
)


def report(*findings: Finding) -> Report:
    return Report(
        findings=tuple(ReportedFinding(test=f"t{number}", finding=finding) for number, finding in enumerate(findings))
    )


def test_findings_with_one_cause_are_one_group_and_the_largest_stands_first() -> None:
    net = ("net uses cgo", "and so does os/user")
    groups = failure_groups(
        report(
            replace(FINDING, rule="pie", observed="at a fixed address"),
            replace(FINDING, cause=net),
            replace(FINDING, rule="no-cgo", cause=net[:1]),
            replace(FINDING, image="tool", cause=net),
            replace(FINDING, outcome="passed", image="other"),
        )
    )

    assert [(group.cause, group.rules, len(group.findings)) for group in groups] == [
        ("net uses cgo", ("static", "no-cgo"), 3),
        ("", ("pie",), 1),
    ]
    assert [headline(group) for group in groups] == ["net uses cgo", "pie: at a fixed address"]


def test_a_finding_of_several_tests_is_one_finding() -> None:
    (group,) = failure_groups(report(FINDING, FINDING))

    assert [asked.tests for asked in group.findings] == [("t0", "t1")]


def test_without_a_cause_a_rule_that_asks_the_same_is_a_group() -> None:
    asked = replace(FINDING, rule="max-size", expected="at most 1 MB", parameters=(("size", "1 MB"),))
    groups = failure_groups(
        report(
            replace(asked, observed="2 MB"),
            replace(asked, observed="3 MB", image="tool"),
            replace(asked, parameters=(("size", "2 MB"),), expected="at most 2 MB", observed="3 MB", image="other"),
        )
    )

    assert [headline(group) for group in groups] == ["max-size: expected at most 1 MB", "max-size: 3 MB"]


def test_what_could_not_be_decided_comes_after_violations() -> None:
    unsure = replace(FINDING, outcome="undecidable", observed="the image does not say")
    groups = failure_groups(report(unsure, replace(unsure, image="tool"), FINDING))

    assert [(group.outcome, len(group.findings)) for group in groups] == [("violated", 1), ("undecidable", 2)]


def test_a_remedy_that_was_tried_is_better_than_one_that_was_not() -> None:
    plain = replace(FINDING, cause=("cgo",), remedies=(Remedy(words="CGO_ENABLED=0, or -tags netgo"),))
    tried = replace(
        plain,
        rule="no-cgo",
        trials=(Trial(remedy="CGO_ENABLED=0", outcome="satisfies"), Trial(remedy="-tags netgo", outcome="breaks")),
    )

    assert [remedies(group) for group in failure_groups(report(plain))] == [("CGO_ENABLED=0, or -tags netgo",)]
    assert [remedies(group) for group in failure_groups(report(plain, tried))] == [("CGO_ENABLED=0",)]
    assert [remedies(group) for group in failure_groups(report(FINDING))] == [()]
