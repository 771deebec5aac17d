"""One violated rule under every switch of pytest and beside other plugins: exit status and all reports agree."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from pytest_golink.__main__ import main
from tests.conftest import NEIGHBOURS

if TYPE_CHECKING:
    from pytest_golink import GoSample

# `stripped` is violated, in tests of two tables that find one file; `no-cgo` has a waiver that nothing needs.
POLICY = """
[[binary]]
path = "app"
rules = { static = true, stripped = true, no-cgo = true }

[[binary]]
path = "ap*"
rules = { stripped = true }

[[waive]]
binary = "app"
rule = "no-cgo"
reason = "not needed"
until = 2099-12-31
"""
STATIC, STRIPPED, NO_CGO, AGAIN = (
    f"golink.toml::app::{rule}" for rule in ("static", "stripped", "no-cgo", "stripped (line 8)")
)
ALL = {STATIC, STRIPPED, NO_CGO, AGAIN}
FILES = ("out.json", "out.md", "out.html", "out.sarif", "gl-code-quality-report.json")


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdicts:
    """What a run left behind."""

    status: int
    report: dict[str, Any]
    markdown: str
    html: str
    sarif: dict[str, Any]
    issues: list[dict[str, Any]]
    junit: ET.Element
    printed: str

    @property
    def violated(self) -> set[str]:
        return {one["rule"] for one in self.report["findings"] if one["outcome"] == "violated"}

    @property
    def unanswered(self) -> set[str]:
        return {*self.report.get("unanswered", ())}

    @property
    def is_whole(self) -> bool:
        return self.report["complete"] and not self.report["selected"]


@pytest.fixture(autouse=True)
def _project(pytester: pytest.Pytester, go_sample: GoSample) -> None:
    pytester.path.joinpath("app").write_bytes(go_sample("static", cgo=False).path.read_bytes())
    pytester.path.joinpath("golink.toml").write_text(POLICY)


def run(pytester: pytest.Pytester, *arguments: str) -> Verdicts:
    files = [f"--golink-report-file={file}" for file in FILES]
    result = pytester.runpytest_subprocess(*files, "--junitxml=out.xml", *arguments)
    json_text, markdown, html, sarif, issues = ((pytester.path / file).read_text() for file in FILES)
    return Verdicts(
        status=int(result.ret),
        report=json.loads(json_text),
        markdown=markdown,
        html=html,
        sarif=json.loads(sarif),
        issues=json.loads(issues),
        junit=ET.parse(pytester.path / "out.xml").getroot(),  # noqa: S314 - pytest wrote it
        printed=result.stdout.str(),
    )


def check_agreement(found: Verdicts) -> None:
    """Hold the exit status and all formats against the JSON report."""
    [sarif] = found.sarif["runs"]
    violations = [one for one in found.report["findings"] if one["outcome"] == "violated"]
    assert (found.status == 0) == (not violations and not found.report["errors"])
    assert {one["ruleId"] for one in sarif["results"]} == found.violated
    assert {one["check_name"] for one in found.issues} - {"golink/unanswered"} == {
        f"golink/{rule}" for rule in found.violated
    }
    assert {rule for rule in found.violated if f"<code>{rule}</code>" not in found.markdown} == set()
    assert ("❌" in found.markdown) == bool(violations)
    assert ('<section class="verdict bad"' in found.html) == bool(violations)
    assert len({one.get("name") for one in found.junit.iter("testcase") if one.find("failure") is not None}) >= len(
        found.violated
    )
    # A part is never called the whole, and what was collected and not answered is counted everywhere.
    assert sarif["invocations"][0]["executionSuccessful"] is found.is_whole
    assert '<section class="verdict good"' not in found.html or (found.is_whole and not violations)
    assert "every rule holds" not in found.markdown or (found.is_whole and not violations)
    if missing := len(found.unanswered):
        words = f"{missing} rule{' of the policy has' if missing == 1 else 's of the policy have'} no answer"
        notes = [one["message"]["text"] for one in sarif["invocations"][0]["toolExecutionNotifications"]]
        assert f"{words}." in notes
        assert words in found.markdown
        assert words in found.html
        assert [one for one in found.issues if one["description"].startswith(words)]
        assert not found.is_whole
    answered = {one["test"] for one in found.report["findings"]}
    assert found.is_whole == (answered == ALL)
    assert answered | found.unanswered <= ALL


@pytest.fixture
def _neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them are loaded, as in a project that has them; each of these tests fails where one is not installed."""
    assert {*NEIGHBOURS} <= {one.name for one in entry_points(group="pytest11")}
    monkeypatch.delenv("PYTEST_ADDOPTS")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--runxfail", "-q"],
        ["--nf", "-p", "no:terminal"],
        ["-p", "no:cacheprovider", "--golink-report", "--tb=no"],
        ["-n2", "--dist=load"],
        ["-n2", "--dist=loadscope"],
        ["-n2", "--dist=loadfile"],
        ["-n2", "--dist=worksteal"],
        ["-n2", "--dist=each"],
    ],
    ids=" ".join,
)
def test_a_violation_is_red_everywhere(pytester: pytest.Pytester, arguments: list[str]) -> None:
    found = run(pytester, *arguments)

    check_agreement(found)
    assert (found.status, found.violated, found.is_whole) == (1, {"stripped"}, True)


@pytest.mark.usefixtures("_neighbours")
@pytest.mark.parametrize(
    "arguments",
    [
        ["--reruns=2"],
        ["-n2", "--dist=loadgroup", "--reruns=1"],
        ["-p", "no:randomly", "--num-shards=1"],
        ["--randomly-seed=3"],
        ["-n2", "--randomly-seed=4", "--splits=1", "--group=1"],
    ],
    ids=" ".join,
)
def test_a_violation_is_red_beside_other_plugins(pytester: pytest.Pytester, arguments: list[str]) -> None:
    found = run(pytester, *arguments)

    check_agreement(found)
    assert (found.status, found.violated, found.is_whole) == (1, {"stripped"}, True)


@pytest.mark.parametrize(
    ("arguments", "unanswered"),
    [
        (["-x"], {AGAIN}),
        (["--sw", "-n1"], {AGAIN}),
        (["-k", "stripped", "-v"], {STATIC, NO_CGO}),
        (["-m", "golink", "--deselect", STATIC], {STATIC}),
    ],
    ids=["-x", "--sw", "-k", "--deselect"],
)
def test_a_red_part_counts_what_it_has_no_answer_to(
    pytester: pytest.Pytester, arguments: list[str], unanswered: set[str]
) -> None:
    found = run(pytester, *arguments)

    check_agreement(found)
    assert (found.violated, found.unanswered, found.is_whole) == ({"stripped"}, unanswered, False)


@pytest.mark.parametrize(
    "arguments", [["--setup-only"], ["--setup-plan", "-n1"], ["-k", "static"], [STATIC]], ids=" ".join
)
def test_a_green_part_is_not_called_the_whole(pytester: pytest.Pytester, arguments: list[str]) -> None:
    found = run(pytester, *arguments)

    check_agreement(found)
    assert (found.status, found.is_whole) == (0, False)
    # Of a test that is named, pytest collects no neighbour.
    expected = set() if arguments == [STATIC] else ALL - {STATIC} if "static" in arguments else ALL
    assert found.unanswered == expected


def test_only_failures_are_run_again_and_the_rest_is_not_called_mended(pytester: pytest.Pytester) -> None:
    run(pytester)
    found = run(pytester, "--lf")

    check_agreement(found)
    assert (found.violated, len(found.report["findings"]), found.is_whole) == ({"stripped"}, 2, False)


def test_what_is_only_collected_leaves_no_report(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--collect-only", "-q", "--golink-report-file=out.json")

    assert result.ret == pytest.ExitCode.OK
    assert not pytester.path.joinpath("out.json").exists()
    assert {*result.outlines} >= ALL


@pytest.mark.usefixtures("_neighbours")
@pytest.mark.parametrize(
    "shards",
    [
        [["--num-shards=2", "--shard-id=0"], ["--num-shards=2", "--shard-id=1"]],
        [["--splits=2", "--group=1", "-p", "no:randomly"], ["--splits=2", "--group=2", "-p", "no:randomly"]],
    ],
    ids=["shard", "split"],
)
def test_the_shards_of_a_run_are_parts_and_together_the_whole(
    pytester: pytest.Pytester, shards: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    names = []
    for number, arguments in enumerate(shards):
        found = run(pytester, *arguments)
        check_agreement(found)
        assert found.unanswered
        names.append(str(pytester.path.joinpath("out.json").rename(pytester.path / f"{number}.json")))
    capsys.readouterr()

    assert main(["merge", "--whole", *names]) == 0
    merged = json.loads(capsys.readouterr().out)
    assert (merged["selected"], merged["complete"], merged.get("unanswered")) == (False, True, None)
    assert {one["test"] for one in merged["findings"]} == ALL
    # One that is missing is missed.
    assert main(["merge", "--whole", names[0]]) == 0
    assert json.loads(capsys.readouterr().out)["selected"] is True
