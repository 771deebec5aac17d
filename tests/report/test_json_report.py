"""The JSON report, its schema, and reading it back."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_golink.errors import ReportError
from pytest_golink.report.json_reading import read_report, read_report_file
from pytest_golink.report.json_report import json_report
from pytest_golink.report.model import Report
from pytest_golink.report.schema import complaints, report_schema
from tests.report.attacks import hostile
from tests.report.report_factory import MADE, RELEASE

PUBLISHED = Path(__file__).parents[2] / "docs" / "report.schema.json"


def plain(report: Report = RELEASE) -> Any:
    return json.loads(json_report(report, made=MADE))


def test_the_published_schema_is_that_of_the_code() -> None:
    """`make schema` writes it."""
    command = [sys.executable, "-m", "pytest_golink.report.schema"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert printed == PUBLISHED.read_text(encoding="utf-8")
    assert json.loads(printed) == report_schema()


PART = replace(RELEASE, selected=True, left_out=2, unanswered=("golink.toml::app::nx", "golink.toml::app::pie"))


@pytest.mark.parametrize("report", [Report(), RELEASE, replace(RELEASE, complete=False), PART, hostile()], ids=range(5))
def test_a_report_is_valid_against_the_published_schema(report: Report) -> None:
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(plain(report))
    assert complaints(plain(report)) == []


def test_no_object_of_the_schema_takes_unknown_keys() -> None:
    def objects(node: object) -> list[dict[str, Any]]:
        if isinstance(node, list):
            return [found for one in node for found in objects(one)]
        if not isinstance(node, dict):
            return []
        return ([node] if node.get("type") == "object" else []) + objects([*node.values()])

    found = objects(report_schema())
    assert len(found) > 20
    # A map of names has no known keys.
    assert all(one["additionalProperties"] is False if "properties" in one else True for one in found)


def test_what_was_written_is_read_back() -> None:
    for report in (Report(), RELEASE, replace(RELEASE, complete=False), PART, hostile()):
        assert read_report(json_report(report, made=MADE), name="x.json") == report


def test_a_report_says_what_made_it_when_and_how_many_of_each_outcome_there_are() -> None:
    report = plain()

    assert [*report] == [
        "schema",
        "tool",
        "made",
        "complete",
        "selected",
        "totals",
        "errors",
        "images",
        "findings",
    ]
    assert report["schema"] == 1
    assert report["tool"]["name"] == "pytest-golink"
    assert report["made"] == MADE
    assert report["totals"] == {
        "errors": 0,
        "images": 4,
        "findings": 5,
        "outcomes": {"passed": 1, "undecidable": 1, "violated": 2, "waived": 1},
    }
    app = next(image for image in report["images"] if image["name"] == "app")
    assert app["build"] == {
        "command": ["go", "build", "-o", "built/0/app", "./cmd/app"],
        "environment": {"CGO_ENABLED": "1"},
        "toolchain": {"go": "go1.27.3", "cc": "gcc 12.2.0"},
        "output": "# warning\n",
    }
    assert app["sizes"] == [{"package": "runtime", "bytes": 1000}, {"package": "net", "bytes": 500}]
    dynamic = next(finding for finding in report["findings"] if finding["rule"] == "dynamic")
    assert dynamic["chains"] == [
        [{"package": "example.com/app", "place": "main.go:3"}, {"package": "net", "place": None}]
    ]
    assert dynamic["trials"][0]["outcome"] == "satisfies"
    assert dynamic["platforms"] == [{"platform": "alpine", "starts": None, "reason": "the image does not tell"}]


def test_only_the_time_differs_between_two_reports_of_one_run() -> None:
    one, other = json_report(RELEASE, made=MADE), json_report(RELEASE, made="2027-01-01T00:00:00Z")

    assert one.replace(MADE, "2027-01-01T00:00:00Z") == other


def damaged(**changes: object) -> str:
    return json.dumps({**plain(), **changes})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "x.json: not a JSON report of golink: Expecting value"),
        ("[" * 100_000, "x.json: not a JSON report of golink"),
        ("[]", "report: expected an object, not []"),
        ('{"schema": 1, "path": "app"}', "tool: is missing"),
        (damaged(schema=2), "schema: expected 1, not 2"),
        (damaged(schema=True), "schema: expected 1, not True"),
        (damaged(made=3), "made: expected string, not 3"),
        (damaged(complete=1), "complete: expected boolean, not 1"),
        (damaged(images={}), "images: expected a list, not {}"),
        (damaged(images=[3]), "images[0]: expected an object, not 3"),
        (damaged(totals={"images": True, "findings": 0, "outcomes": {}}), "totals.images: expected integer, not True"),
        (damaged(totals={"images": 0, "findings": 0, "outcomes": {"x": "y"}}), "totals.outcomes.x: expected integer"),
        (damaged(future=1), "future: unknown; was it written by a newer pytest-golink?"),
    ],
)
def test_what_is_no_report_is_refused_and_the_message_says_what_of_it(text: str, said: str) -> None:
    with pytest.raises(ReportError) as caught:
        read_report(text, name="x.json")

    assert said in str(caught.value)
    assert str(caught.value).startswith("x.json: not a JSON report of golink")


def test_a_report_of_many_faults_gets_a_few_complaints() -> None:
    assert len(complaints({**plain(), "images": [3] * 1000})) == 5


def test_a_file_that_is_missing_or_no_text_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ReportError, match=r"binary\.json: not a JSON report of golink"):
        read_report_file(str(tmp_path / "binary.json"))
    with pytest.raises(ReportError, match=r"missing\.json: No such file or directory"):
        read_report_file(str(tmp_path / "missing.json"))
    (tmp_path / "good.json").write_text(json_report(RELEASE, made=MADE))
    assert read_report_file(str(tmp_path / "good.json")) == RELEASE


def test_a_report_from_before_a_fact_came_is_read() -> None:
    report = plain()
    for image in report["images"]:
        facts = image["facts"]
        for key in ("soname", "exports", "signature", "elf", "pe"):
            facts.pop(key)
        facts["cgo"].pop("witnesses")
        facts["hardening"].pop("textrel")
        facts["content"].pop("damage")
        for key in ("environment", "hardened_runtime") if facts["macho"] else ():
            facts["macho"].pop(key)

    assert complaints(report) == []
