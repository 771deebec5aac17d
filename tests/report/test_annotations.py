"""GitHub's annotations and GitLab's Code Quality report."""

from __future__ import annotations

import json
from dataclasses import replace

from pytest_golink.findings import Remedy
from pytest_golink.report.annotations import codequality_report, github_annotations
from pytest_golink.report.model import Report, ReportedError
from tests.report.report_factory import FAILED, RELEASE, finding_of
from tests.rules.facts_factory import DYNAMIC


def test_what_fails_is_an_error_at_the_policy_s_line() -> None:
    assert github_annotations(RELEASE, folder="go") == [
        "::error file=go/tests/test_release.py,line=1,title=agent (linux/amd64) violates dynamic::observed static; "
        "expected PT_INTERP or DT_NEEDED%0Aremedy: CGO_ENABLED=1 with a C compiler, and a package that uses cgo",
        "::error file=go/golink.toml,line=15,title=agent (windows/amd64) does not say whether it keeps "
        "no-link-warnings::observed the image was not built in this run, and does not keep the linker's messages; "
        "expected no linker warning%0Aremedy: build it with go_build, or let CI keep the linker's output",
        "::error file=go/golink.toml,line=14,title=app (linux/amd64) violates static::observed dynamic; "
        "expected no PT_INTERP, no DT_NEEDED%0Aremedy: CGO_ENABLED=0, or -tags netgo",
    ]
    assert github_annotations(Report()) == []


def test_a_name_cannot_end_a_property_or_begin_a_command() -> None:
    found = finding_of(
        "static",
        "a,b:c%\n::error::x",
        DYNAMIC,
        place="x,line=9:y:3",
        observed="100%\r\n::stop::x",
        remedies=(),
        expected="-",
    )

    assert github_annotations(Report(findings=(found,))) == [
        "::error file=x%2Cline=9%3Ay,line=3,title=a%2Cb%3Ac%25\\n%3A%3Aerror%3A%3Ax (linux/amd64) violates static"
        "::observed 100%25\\r\\n::stop::x; expected -"
    ]


def test_there_are_ten_annotations_at_most_and_the_last_counts_the_rest() -> None:
    def annotations(count: int) -> list[str]:
        found = [finding_of("static", f"app{number}", DYNAMIC) for number in range(count)]
        return github_annotations(Report(findings=tuple(found)))

    assert len(annotations(10)) == 10
    assert annotations(10)[9].startswith("::error file=")
    assert len(annotations(12)) == 10
    assert annotations(12)[9] == "::error title=golink::3 more errors, and findings that count against an image"


def test_gitlab_gets_a_list_of_issues() -> None:
    found = finding_of("static", "app", DYNAMIC, place="golink.toml:14", remedies=(Remedy(words="CGO_ENABLED=0"),))
    waived = replace(found, finding=replace(found.finding, outcome="waived", waiver="until March", rule="stripped"))
    issues = json.loads(codequality_report(Report(findings=(found, waived))))

    assert issues[0] == {
        "description": "app (linux/amd64) violates static: observed dynamic; expected no PT_INTERP, no DT_NEEDED; "
        "remedy: CGO_ENABLED=0",
        "check_name": "golink/static",
        "fingerprint": issues[0]["fingerprint"],
        "severity": "major",
        "location": {"path": "golink.toml", "lines": {"begin": 14}},
    }
    assert issues[1]["severity"] == "info"
    assert "waived: until March" in issues[1]["description"]
    assert len({issue["fingerprint"] for issue in issues}) == 2
    assert codequality_report(Report()) == "[]\n"


def test_what_has_no_answer_stands_first() -> None:
    lines = github_annotations(FAILED)
    issues = json.loads(codequality_report(FAILED))

    assert lines[:4] == [
        "::error file=golink.toml,line=2,title=golink has no answer (UsageError)"
        '::unknown rule "statik"; did you mean "static"?',
        "::error file=tests/test_release.py,line=1,title=golink has no answer (ParameterError)::size: expected a size",
        "::error file=golink.toml,line=19,title=agent[linux/amd64] has no answer (SandboxError)"
        "::user namespaces are off",
        "::error file=golink.toml,line=30,title=tool[linux/amd64] has no answer (BuildError)"
        "::cmd/tool does not build (exit status 1)%0A  # example.com/tool%0A  ./main.go:3:15: undefined: x",
    ]
    assert [(one["check_name"], one["severity"]) for one in issues[:6]] == [
        *[("golink/error", "critical")] * 5,
        ("golink/dynamic", "major"),
    ]
    assert issues[0]["location"] == {"path": "golink.toml", "lines": {"begin": 2}}
    assert len({one["fingerprint"] for one in issues}) == len(issues)


def test_rules_without_an_answer_are_counted() -> None:
    report = Report(unanswered=("policy/golink.toml::app::nx", "policy/golink.toml::app::pie"), selected=True)

    assert github_annotations(report) == ["::warning title=golink::2 rules of the policy have no answer"]
    [issue] = json.loads(codequality_report(report, folder="go"))
    assert issue == {
        "description": "2 rules of the policy have no answer: "
        "policy/golink.toml::app::nx; policy/golink.toml::app::pie",
        "check_name": "golink/unanswered",
        "fingerprint": issue["fingerprint"],
        "severity": "major",
        "location": {"path": "go/policy/golink.toml", "lines": {"begin": 1}},
    }


def test_an_error_of_which_nothing_else_is_known_is_about_the_policy() -> None:
    error = ReportedError(kind="UsageError", text="no such option")

    assert github_annotations(Report(errors=(error,)), folder="go") == [
        "::error file=go/golink.toml,line=1,title=golink has no answer (UsageError)::no such option"
    ]
