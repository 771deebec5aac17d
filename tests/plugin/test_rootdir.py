"""An option with a space before its value leaves pytest's root folder, its ini file and the node ids as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

TEST = """
def test_root(request):
    print("ROOT", request.config.rootpath, request.config.inipath, request.node.nodeid)

def test_level(request):
    assert request.config.getoption("verbose") == 1
    import helper
"""
INI_FILES = {
    "pytest.ini": "[pytest]\naddopts = -v\npythonpath = lib\n",
    "tox.ini": "[pytest]\naddopts = -v\npythonpath = lib\n",
    "setup.cfg": "[tool:pytest]\naddopts = -v\npythonpath = lib\n",
    "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-v"\npythonpath = ["lib"]\n',
}


def project(pytester: pytest.Pytester, ini: str) -> Path:
    folder = pytester.mkdir("project")
    folder.joinpath(ini).write_text(INI_FILES[ini])
    folder.joinpath("test_it.py").write_text(TEST)
    (folder / "lib").mkdir()
    folder.joinpath("lib", "helper.py").write_text("")
    return folder


@pytest.mark.parametrize("ini", INI_FILES)
def test_a_report_of_another_folder_that_exists_moves_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ini: str
) -> None:
    folder = project(pytester, ini)
    out = pytester.mkdir("out") / "report.json"
    out.write_text("{}")
    monkeypatch.chdir(folder)

    result = pytester.runpytest_subprocess("-s", "--golink-report-file", str(out), "-p", "no:randomly")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([f"*ROOT {folder} {folder / ini} test_it.py::test_root*"])
    result.stdout.fnmatch_lines([f"rootdir: {folder}", f"configfile: {ini}"])
    assert (folder / ".pytest_cache").is_dir()
    assert not (pytester.path / ".pytest_cache").exists()


@pytest.mark.parametrize("option", ["--golink-go", "--golink-policy", "--golink-binary"])
def test_every_option_with_a_path_moves_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    folder = project(pytester, "pytest.ini")
    other = pytester.mkdir("other")
    # An ini file of the other folder does not count.
    other.joinpath("pytest.ini").write_text("[pytest]\naddopts = --an-option-that-is-not-there\n")
    (other / "ci.toml").write_text('[[binary]]\nname = "app"\npackage = "."\nrules = { static = true }\n')
    monkeypatch.chdir(folder)

    result = pytester.runpytest_subprocess("-s", option, "../other/ci.toml", "-k", "test_root or test_level")

    assert result.parseoutcomes()["passed"] == 2
    result.stdout.fnmatch_lines([f"*ROOT {folder} {folder}/pytest.ini test_it.py::test_root*"])
