"""One violated rule under every switch of pytest: exit status, reports and JUnit agree, or the report names a part."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from pytest_golink import GoSample

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


@pytest.fixture(autouse=True)
def _project(pytester: pytest.Pytester, go_sample: GoSample) -> None:
    pytester.path.joinpath("app").write_bytes(go_sample("static", cgo=False).path.read_bytes())
    pytester.path.joinpath("golink.toml").write_text(POLICY)


def verdicts(pytester: pytest.Pytester, *arguments: str) -> tuple[int, dict[str, Any], ET.Element, str, dict[str, Any]]:
    files = [f"--golink-report-file=out.{suffix}" for suffix in ("json", "md", "sarif")]
    result = pytester.runpytest_subprocess(*files, "--junitxml=out.xml", *arguments)
    root = pytester.path
    return (
        int(result.ret),
        json.loads((root / "out.json").read_text()),
        ET.parse(root / "out.xml").getroot(),  # noqa: S314 - pytest wrote it
        (root / "out.md").read_text(),
        json.loads((root / "out.sarif").read_text()),
    )


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-x"],
        ["--runxfail", "-q"],
        ["-k", "stripped", "-v"],
        ["-m", "golink", "--ff"],
        ["--deselect", "golink.toml::app::static"],
        ["--sw", "-p", "no:terminal"],
        ["-p", "no:cacheprovider", "--golink-report"],
        ["-n2", "--dist=loadscope"],
        ["-n2", "--dist=loadfile"],
        ["-n2", "--dist=loadgroup"],
        ["-n2", "--dist=worksteal", "--maxfail=1"],
        ["-n2", "--dist=each"],
    ],
    ids=" ".join,
)
def test_a_violation_is_red_everywhere(pytester: pytest.Pytester, arguments: list[str]) -> None:
    status, report, junit, markdown, sarif = verdicts(pytester, *arguments)

    violated = [finding for finding in report["findings"] if finding["outcome"] == "violated"]
    assert status in (1, 2)
    assert {finding["rule"] for finding in violated} == {"stripped"}
    assert "stripped" in markdown
    assert {result["ruleId"] for result in sarif["runs"][0]["results"]} == {"stripped"}
    assert len(list(junit.iter("failure"))) >= len({finding["test"] for finding in violated})
    answered = {finding["test"] for finding in report["findings"]}
    whole = len(answered) == 4
    assert (report["complete"] and not report["selected"]) == whole


def test_a_green_part_is_not_called_the_whole(pytester: pytest.Pytester) -> None:
    status, report, _junit, markdown, sarif = verdicts(pytester, "golink.toml::app::static")

    assert (status, report["selected"]) == (0, True)
    assert "every rule holds" not in markdown
    assert "a part of the rules was checked, and holds" in markdown
    assert sarif["runs"][0]["invocations"][0]["executionSuccessful"] is False
