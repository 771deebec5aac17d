"""--golink-binary and golink_binary: tests of go_binary on images that are there already."""

from __future__ import annotations

import shutil
import tarfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoBuild

TESTS = """
import pytest
from pytest_golink import assert_no_link_warnings, assert_static

def test_static(go_binary):
    assert_static(go_binary)
    assert (go_binary.options, go_binary.command, go_binary.warnings) == (None, (), ())
    assert go_binary.path.is_file()

@pytest.mark.golink(cgo=False)
def test_marked(go_binary):
    assert go_binary.options.cgo is False

def test_target(go_binary):
    assert go_binary.target == str(go_binary.facts.target)
"""


@pytest.fixture
def dist(pytester: pytest.Pytester, app: Path, go_build: GoBuild) -> Path:
    """An image, and a packed one."""
    folder = pytester.mkdir("dist")
    shutil.copy(go_build(cwd=app, cgo=False).path, folder / "app")
    with tarfile.open(folder / "app.tar.gz", "w:gz") as archive:
        archive.add(folder / "app", "app-1.0/bin/app")
    return folder


@pytest.mark.usefixtures("dist")
def test_a_test_without_a_marker_runs_once_for_each_image_and_needs_no_toolchain(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=TESTS)

    result = pytester.runpytest_subprocess(
        "-n2", "-rA", "--golink-go=/nowhere/go", "--golink-binary=dist/ap[p]", "--golink-binary=dist/*.tar.gz!**/app"
    )

    result.assert_outcomes(passed=4, errors=1)
    result.stdout.fnmatch_lines_random(
        [
            "PASSED test_it.py::test_static[[]dist/app]",
            "PASSED test_it.py::test_static[[]dist/app.tar.gz!app-1.0/bin/app]",
            "PASSED test_it.py::test_target[[]dist/app]",
            "ERROR test_it.py::test_marked - *",
        ]
    )


@pytest.mark.usefixtures("dist")
def test_what_only_a_build_tells_is_undecidable(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ngolink_binary = dist/app")
    pytester.makepyfile(
        "from pytest_golink import assert_no_link_warnings\ndef test_it(go_binary): assert_no_link_warnings(go_binary)"
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*golink: dist/app (linux/amd64) does not say whether no-link-warnings holds"])


@pytest.mark.usefixtures("dist")
def test_no_match_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=TESTS)

    result = pytester.runpytest_inprocess("--golink-binary=dist/agent")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.lines[0].startswith("ERROR: --golink-binary: dist/agent: no file matches")


def test_a_file_that_is_no_image_is_an_error_of_the_test_alone(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("text").write_text("no image")
    pytester.makepyfile("def test_it(go_binary): ...\ndef test_other(): ...")

    result = pytester.runpytest_inprocess("--golink-binary=text")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*/text: not an executable, library, object or archive *"])


@pytest.mark.parametrize("form", ["{dist}/app", "{dist}/ap[p]", "{dist}/*.tar.gz!**/app", "../{name}/dist/app"])
def test_a_path_of_the_command_line_may_lead_anywhere(pytester: pytest.Pytester, dist: Path, form: str) -> None:
    # goreleaser's hooks get an absolute path.
    pytester.makepyfile(test_it=TESTS)
    pytester.mkdir("elsewhere")
    named = form.format(dist=dist, name=pytester.path.name)

    result = pytester.runpytest_inprocess("-rA", f"--golink-binary={named}", "-k", "static")

    result.assert_outcomes(passed=1, deselected=2)
    member = "app.tar.gz!app-1.0/bin/app" if "!" in form else "app"
    folder = f"../{pytester.path.name}/dist" if form.startswith("..") else "dist"
    result.stdout.fnmatch_lines([f"PASSED test_it.py::test_static[[]{folder}/{member}]"])


def test_an_absolute_path_outside_of_the_folder_is_the_name_of_its_image(
    pytester: pytest.Pytester, dist: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pytester.makepyfile(test_it=TESTS)
    outside = tmp_path_factory.mktemp("outside")
    (dist / "app").rename(outside / "app")
    (dist / "app").symlink_to(outside / "app")

    for named, name in ((str(outside / "app"), (outside / "app").as_posix()), ("dist/app", "dist/app")):
        result = pytester.runpytest_inprocess("-rA", f"--golink-binary={named}", "-k", "static")
        result.assert_outcomes(passed=1, deselected=2)
        result.stdout.fnmatch_lines([f"PASSED test_it.py::test_static[[]{name}]"])


def test_an_absolute_path_without_a_file_names_what_is_there(pytester: pytest.Pytester, dist: Path) -> None:
    pytester.makepyfile(test_it=TESTS)

    result = pytester.runpytest_inprocess(f"--golink-binary={dist}/agent")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.lines[0].startswith(f"ERROR: --golink-binary: {dist}/agent: no file matches")
    assert "app" in result.stderr.lines[0]


@pytest.mark.parametrize("named", ["{dist}/app", "../{name}/dist/app"])
def test_a_path_of_the_ini_file_stays_inside_the_root_folder(pytester: pytest.Pytester, dist: Path, named: str) -> None:
    pytester.makeini(f"[pytest]\ngolink_binary = {named.format(dist=dist, name=pytester.path.name)}")
    pytester.makepyfile(test_it=TESTS)

    result = pytester.runpytest_inprocess()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "leads out of the folder" in result.stderr.str()
