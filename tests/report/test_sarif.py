"""SARIF 2.1.0."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema

from pytest_golink.report.model import Report, ReportedFinding
from pytest_golink.report.sarif import sarif_report
from tests.report.attacks import hostile
from tests.report.report_factory import FAILED, MADE, RELEASE, finding_of
from tests.rules.facts_factory import DYNAMIC


def log(report: Report = RELEASE, *, folder: str = "") -> Any:
    return json.loads(sarif_report(report, made=MADE, folder=folder))


def run(report: Report = RELEASE, *, folder: str = "") -> Any:
    return log(report, folder=folder)["runs"][0]


# OASIS' schema of SARIF 2.1.0 as npm's @microsoft/jest-sarif 1.0.0-beta.0 (MIT licence) has it in lib/schemas.
SCHEMA = json.loads(Path(__file__).with_name("sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))


def mistakes(whole: object) -> list[str]:
    return [error.json_path for error in jsonschema.Draft4Validator(SCHEMA).iter_errors(whole)]


def test_a_log_is_valid_by_the_schema_of_the_standard() -> None:
    for report in (Report(), RELEASE, hostile()):
        assert mistakes(log(report)) == []
    broken = log()
    broken["runs"][0]["results"][0]["level"] = "bad"
    del broken["runs"][0]["tool"]
    assert sorted(mistakes(broken)) == ["$.runs[0]", "$.runs[0].results[0].level"]


def test_a_log_names_its_version_its_tool_and_when_it_was_made() -> None:
    whole = log()

    assert whole["version"] == "2.1.0"
    assert whole["$schema"].endswith("/sarif-schema-2.1.0.json")
    (only,) = whole["runs"]
    assert only["tool"]["driver"]["name"] == "pytest-golink"
    assert only["invocations"] == [{"executionSuccessful": True, "endTimeUtc": MADE}]
    assert run(replace(RELEASE, complete=False))["invocations"][0]["executionSuccessful"] is False


def test_what_fails_is_an_error_and_what_is_waived_a_suppressed_note_what_passed_is_not_there() -> None:
    results = run()["results"]

    assert [(one["ruleId"], one["level"], one["properties"]["outcome"]) for one in results] == [
        ("dynamic", "error", "violated"),
        ("static", "error", "violated"),
        ("no-link-warnings", "error", "undecidable"),
        ("stripped", "note", "waived"),
    ]
    assert [one.get("suppressions") for one in results] == [
        None,
        None,
        None,
        [{"kind": "external", "justification": "crash reports need symbols"}],
    ]


def test_a_result_points_at_the_line_of_the_policy_or_at_the_test() -> None:
    def places(folder: str) -> list[tuple[str, str, int]]:
        locations = [one["locations"][0]["physicalLocation"] for one in run(folder=folder)["results"]]
        return [
            (at["artifactLocation"]["uriBaseId"], at["artifactLocation"]["uri"], at["region"]["startLine"])
            for at in locations
        ]

    assert places("") == [
        ("%SRCROOT%", "tests/test_release.py", 1),
        ("%SRCROOT%", "golink.toml", 14),
        ("%SRCROOT%", "golink.toml", 15),
        ("%SRCROOT%", "golink.toml", 16),
    ]
    assert places("go/app")[1] == ("%SRCROOT%", "go/app/golink.toml", 14)


def test_a_path_is_a_uri() -> None:
    def artifact(place: str) -> Any:
        report = Report(findings=(finding_of("static", "app", DYNAMIC, place=place),))
        return run(report)["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]

    assert artifact("größe und%/golink.toml:1") == {
        "uri": "gr%C3%B6%C3%9Fe%20und%25/golink.toml",
        "uriBaseId": "%SRCROOT%",
    }
    assert artifact("/opt/golink.toml:1") == {"uri": "file:///opt/golink.toml"}


def test_a_result_s_rule_stands_at_its_index_with_help() -> None:
    whole = run()
    rules = whole["tool"]["driver"]["rules"]

    for result in whole["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    static = rules[0]
    assert static["id"] == "static"
    assert static["name"] == "GolinkStatic"
    assert static["shortDescription"] == {"text": "Linkage is static or static-pie."}
    assert static["defaultConfiguration"] == {"level": "error"}
    assert static["properties"]["tags"] == ["golink", "linkage"]
    assert "`assert_static`" in static["help"]["markdown"]
    libc = run(Report(findings=(finding_of("needs-libc", "app", DYNAMIC),)))["tool"]["driver"]["rules"][0]
    assert '- `at-most`: a version such as "2.17" (optional)' in libc["help"]["markdown"]


def test_a_rule_of_the_future_has_its_name() -> None:
    found = finding_of("static", "app", DYNAMIC)
    (rule,) = run(Report(findings=(replace(found, finding=replace(found.finding, rule="from-the-future")),)))["tool"][
        "driver"
    ]["rules"]

    assert rule["id"] == "from-the-future"
    assert rule["shortDescription"]["text"] == "The rule from-the-future."


def fingerprints(*findings: ReportedFinding) -> list[str]:
    return [one["partialFingerprints"]["golinkFinding/v1"] for one in run(Report(findings=findings))["results"]]


def test_a_fingerprint_outlives_lines_tests_and_wording_but_no_other_rule_image_or_parameter() -> None:
    found = finding_of("static", "app", DYNAMIC, place="golink.toml:14")
    (one,) = fingerprints(found)

    moved = finding_of("static", "app", DYNAMIC, test="other", place="golink.toml:99", observed="dynamic, still")
    assert fingerprints(moved) == [one]
    assert fingerprints(finding_of("static", "other", DYNAMIC)) != [one]
    assert fingerprints(finding_of("static", "app", DYNAMIC, target="linux/arm64")) != [one]
    assert fingerprints(finding_of("static", "app", DYNAMIC, parameters=(("a", "b"),))) != [one]
    first, second = fingerprints(found, replace(found, finding=replace(found.finding, path="built/other")))
    assert (first, second != one) == (one, True)


def test_an_image_without_a_target_has_none() -> None:
    found = finding_of("static", "app", DYNAMIC, target=None)
    (result,) = run(Report(findings=(found,)))["results"]
    (other,) = run(Report(findings=(finding_of("static", "app", DYNAMIC),)))["results"]

    assert other["properties"]["target"] == "linux/amd64"

    assert "target" not in result["properties"]
    assert result["locations"][0]["logicalLocations"] == [{"name": "app", "kind": "module"}]


def test_one_finding_of_several_tests_is_one_result() -> None:
    found = finding_of("static", "app", DYNAMIC)

    assert len(run(Report(findings=(found, replace(found, test="again"))))["results"]) == 1


def test_a_message_says_what_was_seen_and_holds_no_links_or_placeholders() -> None:
    found = finding_of(
        "static", "app", DYNAMIC, observed="[x](https://evil.example/) {0} a[1]", cause=(), remedies=(), evidence=()
    )
    (result,) = run(Report(findings=(found,)))["results"]

    assert result["message"] == {
        "text": "app (linux/amd64) violates static: \\[x](https://evil.example/) {{0}} a[1]; "
        "expected no PT_INTERP, no DT_NEEDED."
    }


def test_of_very_many_results_the_first_are_there_and_the_rest_counted() -> None:
    found = finding_of("static", "app", DYNAMIC)
    many = tuple(replace(found, finding=replace(found.finding, image=f"app{number}")) for number in range(5002))
    whole = run(Report(findings=many))

    assert len(whole["results"]) == 5000
    assert whole["invocations"][0]["toolExecutionNotifications"] == [
        {"level": "warning", "message": {"text": "2 more results were left out."}}
    ]


def test_what_has_no_answer_is_a_result_and_a_notification_of_a_run_that_was_not_successful() -> None:
    whole = run(FAILED)
    results, (invocation,) = whole["results"], whole["invocations"]

    assert [one["ruleId"] for one in results[:6]] == ["golink-error"] * 5 + ["dynamic"]
    for result in results:
        assert whole["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    places = [one["locations"][0]["physicalLocation"] for one in results[:4]]
    assert [(at["artifactLocation"]["uri"], at["region"]["startLine"]) for at in places] == [
        ("golink.toml", 2),
        ("tests/test_release.py", 1),
        ("golink.toml", 19),
        ("golink.toml", 30),
    ]
    assert results[3]["message"]["text"] == (
        "tool[linux/amd64]: BuildError\n"
        "cmd/tool does not build (exit status 1)\n  # example.com/tool\n  ./main.go:3:15: undefined: x"
    )
    assert results[3]["locations"][0]["logicalLocations"] == [{"name": "tool[linux/amd64]", "kind": "module"}]
    assert "logicalLocations" not in results[0]["locations"][0]
    assert len({one["partialFingerprints"]["golinkFinding/v1"] for one in results}) == len(results)
    assert invocation["executionSuccessful"] is False
    assert [one["level"] for one in invocation["toolExecutionNotifications"]] == ["error"] * 5
    assert mistakes(log(FAILED)) == []


def test_a_run_that_left_something_out_mends_no_alert() -> None:
    (selected,) = run(replace(RELEASE, selected=True))["invocations"]
    (early,) = run(replace(RELEASE, complete=False))["invocations"]

    assert (selected["executionSuccessful"], early["executionSuccessful"]) == (False, False)
    assert selected["toolExecutionNotifications"][0]["message"]["text"].startswith("The run left tests out on request")
    assert early["toolExecutionNotifications"][0]["message"]["text"].startswith("The run did not come to all")
