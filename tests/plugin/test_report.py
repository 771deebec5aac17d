"""--golink-report and golink_report: what tests built and asked reaches the end of the run, and the JUnit XML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from pytest_golink import GoBuild

pytestmark = pytest.mark.usefixtures("app")

TESTS = """
import shutil

import pytest
from pytest_golink import assert_static, assert_dynamic

def test_static(go_build):
    assert_static(go_build(cgo=False))
    assert_static(go_build(cgo=False))

@pytest.mark.golink(cgo=False, target="linux/arm64")
def test_violated(go_binary):
    assert_dynamic(go_binary)

def test_built_only(go_build):
    go_build(cgo=False, ldflags="-s -w")

def test_unreadable(go_build):
    go_build(cgo=False, ldflags="-w").path.write_bytes(b"no image")

def test_path(go_build, tmp_path):
    shutil.copy(go_build(cgo=False).path, tmp_path / "copied")
    assert_static(tmp_path / "copied")

def test_nothing():
    pass
"""


def properties(path: str) -> dict[str, list[tuple[str, dict[str, object]]]]:
    cases = {
        case.attrib["name"]: [(one.attrib["name"], one.attrib["value"]) for one in case.iter("property")]
        for case in ET.parse(path).iter("testcase")  # noqa: S314 - written by pytest
    }

    def read(name: str, value: str) -> tuple[str, dict[str, object]]:
        if name != "golink.image-of":
            return name, json.loads(value)
        # The facts of an image stand in the case of its first test.
        images = [text for key, text in cases[value.rpartition("::")[2]] if key == "golink.image"]
        return "golink.image", json.loads(images[-1])

    return {test: [read(*pair) for pair in pairs] for test, pairs in cases.items()}


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_images_and_findings_are_properties_of_their_tests(pytester: pytest.Pytester, workers: str) -> None:
    pytester.makepyfile(test_it=TESTS)

    pytester.runpytest_subprocess(workers, "--junitxml=out.xml").assert_outcomes(passed=5, failed=1)

    found = properties(str(pytester.path / "out.xml"))
    app = pytester.path.name
    assert {test: [name for name, _ in pairs] for test, pairs in found.items()} == {
        "test_static": ["golink.image", "golink.finding", "golink.finding"],
        "test_violated": ["golink.image", "golink.finding"],
        "test_built_only": ["golink.image"],
        "test_unreadable": [],
        "test_path": ["golink.image", "golink.finding", "golink.image"],
        "test_nothing": [],
    }
    (_, image), (_, finding) = found["test_violated"]
    assert image["name"] == app
    build = image["build"]
    assert isinstance(build, dict)
    assert build["environment"]["GOARCH"] == "arm64"
    assert finding["rule"] == "dynamic"
    assert finding["outcome"] == "violated"
    (_, copied), _, (_, original) = found["test_path"]
    assert copied["build"] is None
    assert original["build"] is not None


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
@pytest.mark.parametrize("how", [["--golink-report"], ["-o", "golink_report=true"]])
def test_the_table_stands_at_the_end_of_the_run(pytester: pytest.Pytester, workers: str, how: list[str]) -> None:
    pytester.makepyfile(test_it=TESTS)

    result = pytester.runpytest_subprocess(workers, *how)

    result.stdout.fnmatch_lines(
        [
            "*= golink =*",
            f"violated *dynamic*{pytester.path.name}*linux/arm64*",
            "4 images, 3 findings: 1 violated, 2 passed",
        ]
    )


def test_there_is_no_table_unless_asked_for(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=TESTS)

    result = pytester.runpytest_subprocess("-k", "static or nothing")

    result.assert_outcomes(passed=2, deselected=4)
    assert not [line for line in result.outlines if "linux/amd64" in line]


def test_helpers_that_are_imported_inside_a_test_are_heard_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        def test_inside(go_build):
            from pytest_golink import assert_static

            assert_static(go_build(cgo=False))
        """
    )

    pytester.runpytest_subprocess("--junitxml=out.xml").assert_outcomes(passed=1)

    [pairs] = properties(str(pytester.path / "out.xml")).values()
    assert [name for name, _ in pairs] == ["golink.image", "golink.finding"]


def test_a_finding_of_a_helper_that_a_test_imports_itself_is_recorded_from_any_thread(
    pytester: pytest.Pytester, go_build: GoBuild
) -> None:
    image = go_build(cwd=pytester.path, cgo=False).path
    pytester.makepyfile(
        f"""
        from concurrent.futures import ThreadPoolExecutor

        def test_it():
            from pytest_golink import assert_static

            with ThreadPoolExecutor() as pool:
                pool.submit(assert_static, {str(image)!r}).result()
        """
    )

    pytester.runpytest_subprocess("--junitxml=out.xml").assert_outcomes(passed=1)

    assert [name for name, _ in properties(str(pytester.path / "out.xml"))["test_it"]] == [
        "golink.image",
        "golink.finding",
    ]
