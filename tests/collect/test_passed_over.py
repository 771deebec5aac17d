"""A golink.toml that pytest does not reach is collected, or the run names it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

POLICY = '[[binary]]\nname = "app"\npackage = "."\nrules = { static = true }\n'
SECTION = "*golink: policies that this run does not check*"
TESTPATHS = {
    "pytest.ini": "[pytest]\ntestpaths = tests\n",
    "tox.ini": "[pytest]\ntestpaths = tests\n",
    "setup.cfg": "[tool:pytest]\ntestpaths = tests\n",
    "pyproject.toml": '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n',
}


def project(root: Path, *folders: str) -> None:
    (root / "tests").mkdir()
    (root / "tests" / "test_it.py").write_text("def test_it(): ...")
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "golink.toml").write_text(POLICY)


def ids(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    result = pytester.runpytest_inprocess("--collect-only", "-q", *arguments)
    return [line for line in result.outlines if "golink.toml::" in line]


@pytest.mark.parametrize("ini", TESTPATHS)
def test_testpaths_hide_no_policy(pytester: pytest.Pytester, ini: str) -> None:
    project(pytester.path, ".", "services/web", "build", "dist")
    pytester.path.joinpath(ini).write_text(TESTPATHS[ini])

    assert ids(pytester) == [
        "golink.toml::app::static",
        "build/golink.toml::app::static",
        "dist/golink.toml::app::static",
        "services/web/golink.toml::app::static",
    ]


def test_folders_that_pytest_passes_over_by_default_hide_no_policy(pytester: pytest.Pytester) -> None:
    project(pytester.path, "build", "dist/linux", "node_modules/pkg", ".git/x")

    assert ids(pytester) == ["build/golink.toml::app::static", "dist/linux/golink.toml::app::static"]
    assert ids(pytester, "build") == ["build/golink.toml::app::static"]
    # These name something else.
    assert ids(pytester, "tests") == []
    assert ids(pytester, "tests/test_it.py") == []
    assert ids(pytester, "tests/test_it.py::test_it") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--ignore=golink.toml"],
        ["--ignore-glob=*.toml"],
        ["-o", "norecursedirs=build", "--ignore=golink.toml"],
        ["--ignore=golink.toml", "-n1"],
    ],
)
def test_a_policy_that_is_left_out_by_choice_is_named(pytester: pytest.Pytester, arguments: list[str]) -> None:
    project(pytester.path, ".")

    result = pytester.runpytest_subprocess("--golink-report-file=report.json", *arguments)

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [SECTION, "golink.toml: norecursedirs, --ignore, --ignore-glob or a conftest.py leaves it out"]
    )
    assert json.loads(pytester.path.joinpath("report.json").read_text())["selected"] is True


def test_folders_that_the_ini_file_or_a_conftest_leaves_out_are_named(pytester: pytest.Pytester) -> None:
    project(pytester.path, "third_party/web", "other", "dist")
    pytester.path.joinpath("conftest.py").write_text('collect_ignore = ["other"]\n')
    pytester.path.joinpath("pytest.ini").write_text("[pytest]\nnorecursedirs = third_party\n")

    result = pytester.runpytest_inprocess("-q", "--deselect=dist/golink.toml")

    result.stdout.fnmatch_lines(
        [SECTION, "other/golink.toml: *leaves it out", "third_party/web/golink.toml: *leaves it out"]
    )
    result.stdout.no_fnmatch_line("dist/golink.toml: *")
    pytester.path.joinpath("pytest.ini").unlink()
    assert "dist/golink.toml: norecursedirs" in pytester.runpytest_inprocess("--ignore=dist", "-q").stdout.str()


def test_a_policy_that_is_named_replaces_the_others(pytester: pytest.Pytester) -> None:
    project(pytester.path, ".", "build")
    pytester.path.joinpath("ci.toml").write_text(POLICY)

    result = pytester.runpytest_inprocess("--collect-only", "-q", "--golink-policy=ci.toml")
    assert "ci.toml::app::static" in result.outlines
    result.stdout.no_fnmatch_line("*golink.toml*")


def test_a_hidden_policy_with_a_mistake_ends_the_run(pytester: pytest.Pytester) -> None:
    project(pytester.path, "build")
    pytester.path.joinpath("build", "golink.toml").write_text("[[binary]]\n")

    assert pytester.runpytest_inprocess().ret == pytest.ExitCode.USAGE_ERROR


def test_a_search_ends(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_golink.plugin.unreached._FOLDERS", 1)
    project(pytester.path, "build")

    assert ids(pytester) == []
