"""`python -m pytest_golink diff`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink.__main__ import main
from pytest_golink.report.json_report import json_report
from pytest_golink.report.model import BuildRecord, Report, ReportedError
from tests.report.attacks import hostile
from tests.report.report_factory import MADE, RELEASE, finding_of, shipped
from tests.rules.facts_factory import DYNAMIC, STATIC, needed

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink.findings import Outcome
    from pytest_golink.report.model import ReportedFinding, ReportedImage


def outcome(found: ReportedFinding, new: Outcome) -> ReportedFinding:
    return replace(found, finding=replace(found.finding, outcome=new))


def built(name: str, flags: str) -> ReportedImage:
    record = BuildRecord(
        command=("go", "build", "-o", f"built/{flags}/{name}", flags, "."),
        environment=(("CGO_ENABLED", "0"), ("GOOS", "linux"), ("LC_ALL", "C")),
    )
    made = shipped(name, STATIC, build=record)
    return replace(made, facts={**made.facts, "path": f"built/{flags}/{name}"})


STATIC_RULE = finding_of("static", "app", STATIC)
STRIPPED = finding_of("stripped", "app", STATIC)
OLD = Report(
    images=(shipped("app", STATIC), shipped("gone", STATIC), shipped("same", DYNAMIC)),
    findings=(STATIC_RULE, STRIPPED, finding_of("pie", "app", STATIC), finding_of("nx", "gone", STATIC)),
)
NEW = Report(
    images=(
        shipped("app", replace(DYNAMIC, needed=needed("libc.so.6"), size=9_000_000)),
        shipped("same", replace(DYNAMIC, size=1_510_000)),
        shipped("new", STATIC),
    ),
    findings=(
        outcome(STATIC_RULE, "violated"),
        outcome(STRIPPED, "passed"),
        outcome(finding_of("pie", "app", STATIC), "waived"),
        finding_of("dynamic", "new", STATIC),
        finding_of("static", "new", STATIC),
    ),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def diff(folder: Path, old: Report, new: Report, *arguments: str) -> int:
    (folder / "old.json").write_text(json_report(old, made=MADE))
    (folder / "new.json").write_text(json_report(new, made="2027-01-01T00:00:00Z"))
    return main(["diff", "old.json", "new.json", *arguments])


def test_two_reports_of_the_same_are_no_difference(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(folder, RELEASE, RELEASE) == 0
    assert capsys.readouterr().out == "no difference in linkage\n"
    assert diff(folder, replace(hostile(), errors=()), replace(hostile(), errors=()), "--md") == 0
    assert capsys.readouterr().out == "## golink: no difference in linkage\n"


def test_what_changed_is_said_image_by_image_and_rule_by_rule(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(folder, OLD, NEW) == 1

    text = capsys.readouterr().out
    head, there, app, rules = text.split("\n\n")
    # How many facts are worse is the lock's judgement.
    assert head.startswith("1 image added; 1 image removed; 1 image changed; facts: ")
    assert head.endswith("; rules: 2 newly violated, 1 mended, 1 changed")
    assert there == "added    new (linux/amd64)\nremoved  gone (linux/amd64)"
    assert app.split("\n")[0] == "app (linux/amd64)"
    assert "  worse    needed libc.so.6: – → DT_NEEDED  (needs one more library)" in app
    assert rules == (
        "violated  app (linux/amd64) static: passed → violated\n"
        "mended    app (linux/amd64) stripped: violated → passed\n"
        "changed   app (linux/amd64) pie: violated → waived\n"
        "violated  new (linux/amd64) dynamic: not asked → violated\n"
    )


def test_the_same_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(folder, OLD, NEW, "--json") == 1

    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["same"]) == (1, False)
    assert found["added"] == [{"image": "new", "target": "linux/amd64", "flags": None}]
    assert found["removed"] == [{"image": "gone", "target": "linux/amd64", "flags": None}]
    (changed,) = found["changed"]
    assert changed["image"] == "app"
    assert {
        "fact": "needed",
        "name": "libc.so.6",
        "old": None,
        "new": "DT_NEEDED",
        "way": "worse",
        "reason": "needs one more library",
    } in changed["differences"]
    assert found["rules"][0] == {
        "image": "app",
        "target": "linux/amd64",
        "rule": "static",
        "parameters": {},
        "old": "passed",
        "new": "violated",
        "turn": "violated",
    }


def test_the_same_as_markdown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(folder, OLD, NEW, "--md") == 1

    text = capsys.readouterr().out
    assert text.startswith("## golink: 1 image added; ")
    assert (
        "| <code>app \\(linux/amd64\\)</code> | worse | <code>needed libc.so.6</code> | <code>–</code> | "
        "<code>DT\\_NEEDED</code> | <code>needs one more library</code> |\n" in text
    )
    assert "| mended | <code>app \\(linux/amd64\\) stripped</code> | violated | passed |\n" in text
    assert text.endswith("Added: <code>new \\(linux/amd64\\)</code>\n\nRemoved: <code>gone \\(linux/amd64\\)</code>\n")


def test_rules_alone_may_differ(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = Report(findings=(STATIC_RULE,)), Report(findings=(outcome(STATIC_RULE, "undecidable"),))

    assert diff(folder, old, new) == 1
    assert capsys.readouterr().out == (
        "rules: 1 newly violated\n\nviolated  app (linux/amd64) static: passed → undecidable\n"
    )
    assert diff(folder, new, old, "--md") == 1
    assert capsys.readouterr().out.startswith("## golink: rules: 1 mended\n\n|  | rule | before | after |\n")


def test_how_much_a_size_may_differ_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = (
        Report(images=(shipped("app", STATIC),)),
        Report(images=(shipped("app", replace(STATIC, size=1_560_000)),)),
    )

    assert diff(folder, old, new) == 0
    assert diff(folder, old, new, "--size-tolerance=1%") == 1
    assert "  worse    size: 1.50 MB → 1.56 MB  (grew by 4%)" in capsys.readouterr().out
    assert diff(folder, old, new, "--size-tolerance=1%", "--md") == 1
    assert "| worse | <code>size</code> |" in capsys.readouterr().out
    assert diff(folder, old, new, "--size-tolerance=much") == 4
    assert "size-tolerance: 'much' is not a share" in capsys.readouterr().err


def test_builds_of_one_package_are_told_apart_by_their_flags(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = Report(images=(built("app", "-s"), built("app", "-race")))
    changed = replace(built("app", "-race"), facts={**built("app", "-race").facts, "linkage": "static-pie"})

    assert diff(folder, old, Report(images=(changed, built("app", "-s"), built("app", "-v")))) == 1
    out = capsys.readouterr().out
    assert "added    app (linux/amd64) CGO_ENABLED=0 -v ." in out
    assert "\napp (linux/amd64) CGO_ENABLED=0 -race .\n" in out
    assert "-s" not in out


def test_a_file_that_is_no_report_is_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "old.json").write_text("{}")

    assert main(["diff", "old.json", "missing.json"]) == 2
    assert capsys.readouterr().err.startswith("golink: old.json: not a JSON report of golink (schema 1)\n")


def test_hostile_names_print_as_they_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["--md"], ["--json"]):
        assert diff(folder, Report(), hostile(), *arguments) == 1
        out = capsys.readouterr().out
        assert not set(out) & {"\x1b", "\x07", "\x9b", "\u202e", "\udcff"}
        assert len(out) < 200_000 or arguments == ["--json"]


def test_an_image_that_has_an_error_is_not_gone_but_unknown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = ReportedError(
        kind="BuildError", text="does not build\nwhy", image="gone", target="linux/amd64", tests=("t",)
    )
    new = replace(OLD, images=OLD.images[:1] + OLD.images[2:], findings=OLD.findings[:3], errors=(error,))

    assert diff(folder, OLD, new) == 1
    assert capsys.readouterr().out == (
        "1 error; 1 image unknown\n\n"
        "error    gone[linux/amd64]: BuildError: does not build …\n\n"
        "unknown  gone (linux/amd64)\n"
    )
    assert diff(folder, OLD, replace(new, errors=(error, replace(error, image="tool"))), "--md") == 1
    out = capsys.readouterr().out
    assert "| <code>gone\\[linux/amd64\\] and 1 more</code> | <code>BuildError: does not build …</code> |" in out
    assert out.endswith("Unknown: <code>gone \\(linux/amd64\\)</code>\n")
    assert diff(folder, OLD, new, "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["same"], found["removed"], found["errors"][0]["kind"]) == (False, [], "BuildError")


@pytest.mark.parametrize(
    ("part", "note"),
    [
        ({"selected": True}, "the run left tests out on request: golink did not look at what is missing here"),
        ({"complete": False}, "the run did not come to all of its tests: what is missing here is not mended"),
    ],
)
def test_what_a_report_of_a_part_does_not_hold_is_neither_gone_nor_mended(
    folder: Path, capsys: pytest.CaptureFixture[str], part: dict[str, bool], note: str
) -> None:
    violated = replace(OLD, findings=(outcome(STATIC_RULE, "violated"),))
    new = replace(violated, images=OLD.images[:2], findings=(), **part)  # type: ignore[arg-type]

    assert diff(folder, violated, new) == 1
    assert capsys.readouterr().out == (f"1 image unknown\nthe new report: {note}\n\nunknown  same (linux/amd64)\n")
    assert diff(folder, violated, replace(violated, **part), "--md") == 1  # type: ignore[arg-type]
    assert capsys.readouterr().out.startswith("## golink: no difference in what both reports hold\n\n⚠️ The new report")
