"""What has no answer stands in the report, and a report says what it does not hold."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.collect import items
from pytest_golink.errors import SandboxError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample

POLICY = """\
[policy.release]
static = true
stripped = true

[[binary]]
path = ["damaged", "nothing*"]
policy = "release"

[[binary]]
path = "whole"
policy = "release"
"""
TESTS = """
import pytest
from pytest_golink import assert_static, read_binary
from pytest_golink.errors import ToolchainError

def test_damaged():
    assert_static("damaged")

@pytest.fixture
def broken():
    yield
    raise ToolchainError("gone")

def test_teardown(broken):
    pass

@pytest.mark.xfail
def test_expected():
    read_binary("damaged")

def test_of_its_own():
    raise ValueError("no word of golink")
"""
DAMAGED = "damaged: elf: "


@pytest.fixture(autouse=True)
def _images(pytester: pytest.Pytester, go_sample: GoSample) -> None:
    whole = go_sample("static", target="linux/amd64", cgo=False).path
    shutil.copy(whole, pytester.path / "whole")
    (pytester.path / "damaged").write_bytes(whole.read_bytes()[:100])


def report(path: Path) -> Any:
    return json.loads((path / "out.json").read_text(encoding="utf-8"))


def run(pytester: pytest.Pytester, *arguments: str) -> Any:
    pytester.runpytest("--golink-report-file=out.json", *arguments)
    return report(pytester.path)


def test_errors_of_policies_and_tests_are_recorded_and_those_of_others_are_not(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("golink.toml").write_text(POLICY)
    pytester.makepyfile(test_it=TESTS)

    found = run(pytester)

    assert [
        (error["kind"], error["image"], error["place"], error["tests"], error["text"].partition("at")[0])
        for error in found["errors"]
    ] == [
        ("ToolchainError", "", "", ["test_it.py::test_teardown"], "gone"),
        ("UnreadableBinaryError", "damaged", "", ["test_it.py::test_damaged"], DAMAGED),
        (
            "UnreadableBinaryError",
            "damaged",
            "golink.toml:5",
            ["golink.toml::damaged::static", "golink.toml::damaged::stripped"],
            DAMAGED,
        ),
        ("NoMatchError", "nothing*", "golink.toml:5", ["golink.toml::damaged, nothing*::path"], "nothing*: no file m"),
    ]
    assert found["totals"] == {"errors": 4, "images": 1, "findings": 2, "outcomes": {"passed": 1, "violated": 1}}
    assert (found["complete"], found["selected"]) == (True, False)


def test_an_item_that_ends_in_anything_but_an_answer_has_none(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.path.joinpath("golink.toml").write_text(POLICY.replace('["damaged", "nothing*"]', '"nothing*"'))

    def fails(rule: str, *_others: object) -> None:
        raise SandboxError("no namespaces") if rule == "static" else KeyError("of golink's own making")

    monkeypatch.setattr(items, "check", fails)
    monkeypatch.setattr(items.GolinkPath, "setup", lambda self: fails(self.name))

    assert [
        (error["kind"], error["image"], error["target"], error["path"], error["place"], error["text"])
        for error in run(pytester)["errors"]
    ] == [
        ("KeyError", "", None, "", "golink.toml:5", '"of golink\'s own making"'),
        ("SandboxError", "whole", "linux/amd64", "whole", "golink.toml:2", "no namespaces"),
        ("KeyError", "whole", "linux/amd64", "whole", "golink.toml:3", '"of golink\'s own making"'),
    ]


def test_a_wrong_policy_leaves_a_report_of_its_mistakes_at_their_lines(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("golink.toml").write_text(POLICY.replace("static =", "statik =").replace("path", "paht", 1))

    result = pytester.runpytest("--golink-report", "--golink-report-file=out.json")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(['*error * unknown rule "statik"; did you mean "static"?*', "*errors"])
    found = report(pytester.path)
    assert found["complete"] is False
    assert found["errors"][0] == {
        "kind": "UsageError",
        "text": 'unknown rule "statik"; did you mean "static"?',
        "image": "",
        "target": None,
        "path": "",
        "place": "golink.toml:2",
        "tests": [],
    }
    assert len(found["errors"]) > 1


def test_github_sees_mistakes_of_a_policy_and_no_errors_of_a_run_without_golink(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    pytester.runpytest("no_such_file.py").stdout.no_fnmatch_line("::error*")
    pytester.path.joinpath("golink.toml").write_text(POLICY.replace("static =", "statik ="))
    pytester.runpytest().stdout.fnmatch_lines(["::error file=golink.toml,line=2,*"])


@pytest.mark.parametrize(
    ("arguments", "selected"),
    [
        (["-k", "other"], True),
        (["test_it.py::test_other"], True),
        (["--lf"], True),
        (["test_it.py"], False),
    ],
)
def test_a_report_of_a_part_says_so(pytester: pytest.Pytester, arguments: list[str], selected: bool) -> None:
    pytester.makepyfile(test_it="def test_it():\n    pass\n\ndef test_other():\n    pass\n")

    found = run(pytester, *arguments)

    assert (found["selected"], found["complete"]) == (selected, True)


TRIMMED = """
def pytest_collection_modifyitems(items):
    del items[1:]
"""
SKIPPED = """
import pytest

def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.skip(reason="slow"))
"""


@pytest.mark.parametrize("conftest", [TRIMMED, SKIPPED])
@pytest.mark.parametrize("workers", [[], ["-n1"]])
def test_a_policy_s_item_that_is_taken_away_or_skipped_makes_a_part_of_a_report(
    pytester: pytest.Pytester, conftest: str, workers: list[str]
) -> None:
    pytester.makeconftest(conftest)
    pytester.path.joinpath("app").write_bytes(b"not a program")
    pytester.path.joinpath("golink.toml").write_text(
        '[[binary]]\npath = "app"\nrules = { static = true, stripped = true }\n'
    )

    pytester.runpytest_subprocess("--golink-report-file=out.json", *workers)
    found = report(pytester.path)

    assert (found["selected"], found["complete"]) == (True, True)


def test_a_test_function_that_skips_itself_leaves_a_report_whole(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="import pytest\n\n@pytest.mark.skip\ndef test_it():\n    pass\n")

    assert run(pytester)["selected"] is False


def test_what_is_not_collected_is_an_error_though_the_rest_is_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="import no_such_module\n", test_other="def test_it():\n    pass\n")

    found = run(pytester, "--continue-on-collection-errors")

    assert found["complete"] is False
    (error,) = found["errors"]
    assert (error["kind"], error["tests"]) == ("CollectError", ["test_it.py"])
    assert "No module named 'no_such_module'" in error["text"]


def test_an_internal_error_stands_in_the_report(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("def pytest_runtest_logstart():\n    raise OSError('the disk is gone')\n")
    pytester.makepyfile(test_it="def test_it():\n    pass\n")

    found = run(pytester)

    assert found["complete"] is False
    assert [(error["kind"], error["text"]) for error in found["errors"]] == [("OSError", "the disk is gone")]


def test_a_worker_tells_what_it_left_out_and_one_that_dies_is_missed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="import os\n\ndef test_dies():\n    os._exit(1)\n\ndef test_out():\n    pass\n")

    pytester.runpytest_subprocess("-n1", "--golink-report-file=out.json", "-k", "not out")
    found = report(pytester.path)

    assert (found["selected"], found["complete"]) == (True, False)
    (error,) = found["errors"]
    assert (error["kind"], error["tests"]) == ("Crash", ["test_it.py::test_dies"])


def test_a_mistake_that_only_workers_find_reaches_the_report(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="import pytest\n\n@pytest.mark.golink(tag='x')\ndef test_it(go_binary):\n    pass\n")

    pytester.runpytest_subprocess("-n1", "--golink-report-file=out.json")
    found = report(pytester.path)

    assert found["complete"] is False
    assert [error["kind"] for error in found["errors"]] == ["UsageError"]
    assert "test_it.py::test_it: golink marker: " in found["errors"][0]["text"]
