"""--golink-report-file and golink_report_file: written at the end of every run that is asked to, or the run fails."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample

TESTS = """
from pytest_golink import assert_dynamic, assert_static

def test_static():
    assert_static("app")

def test_dynamic():
    assert_dynamic("app")
"""
BUILDING = """
import pytest
from pytest_golink import assert_static

@pytest.mark.parametrize("cgo", [False, True])
def test_it(go_build, cgo):
    assert_static(go_build(cgo=cgo, trimpath=True))

def test_that_breaks_its_image(go_build):
    binary = go_build(cgo=False, trimpath=True, ldflags="-w")
    assert not binary.facts.dwarf
    binary.path.write_bytes(b"no image")

def test_that_reads_what_it_broke(go_build):
    binary = go_build(cgo=False, trimpath=True, ldflags="-s")
    binary.path.write_bytes(b"no image")
    assert_static(str(binary.path))

def test_that_does_not_build(go_build):
    go_build("./nothing")
"""


@pytest.fixture(autouse=True)
def _image(pytester: pytest.Pytester, go_sample: GoSample, request: pytest.FixtureRequest) -> None:
    if "app" not in request.fixturenames:
        shutil.copy(go_sample("static", target="linux/amd64", cgo=False).path, pytester.path / "app")
        pytester.makepyfile(test_it=TESTS)


def report(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_every_format_is_written_though_a_test_fails(pytester: pytest.Pytester) -> None:
    names = ["out.json", "out.html", "out.md", "out.sarif", "gl-code-quality-report.json"]

    result = pytester.runpytest(*(f"--golink-report-file={name}" for name in names))

    result.assert_outcomes(passed=1, failed=1)
    # Those are for CI.
    result.stdout.no_fnmatch_line("::error*")
    assert report(pytester.path / "out.json")["totals"]["outcomes"] == {"passed": 1, "violated": 1}
    assert report(pytester.path / "out.json")["complete"] is True
    assert report(pytester.path / "out.json")["images"][0]["facts"]["path"] == "app"
    assert report(pytester.path / "out.json")["images"][0]["sizes"][0]["package"] == "runtime"
    assert "❌" in (pytester.path / "out.md").read_text(encoding="utf-8")
    assert report(pytester.path / "out.sarif")["runs"][0]["results"][0]["ruleId"] == "dynamic"
    assert report(pytester.path / "gl-code-quality-report.json")[0]["check_name"] == "golink/dynamic"
    assert (pytester.path / "out.html").read_text(encoding="utf-8").startswith("<!")


def test_the_ini_file_names_files_too_relative_to_itself(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ngolink_report_file =\n    out.json\n    md:summary\n")
    (pytester.path / "below").mkdir()

    pytester.runpytest("--rootdir=.", "-k", "static").assert_outcomes(passed=1, deselected=1)

    assert report(pytester.path / "out.json")["totals"]["findings"] == 1
    assert (pytester.path / "summary").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [("out.xml", "*out.xml: its suffix names no format; *"), ("missing/out.json", "*there is no folder */missing")],
)
def test_a_file_that_cannot_be_is_a_usage_error_before_any_test(
    pytester: pytest.Pytester, text: str, said: str
) -> None:
    result = pytester.runpytest(f"--golink-report-file={text}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])


@pytest.mark.parametrize("chosen", ["static", "dynamic", "nothing"])
def test_a_report_that_cannot_be_written_fails_the_run(pytester: pytest.Pytester, chosen: str) -> None:
    result = pytester.runpytest("-k", chosen, "--golink-report-file=json:/dev/full")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["golink: the report /dev/full is not written: No space left on device"])


def test_without_a_terminal_reporter_it_is_said_all_the_same(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("-k", "static", "-p", "no:terminal", "--golink-report-file=json:/dev/full")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stderr.fnmatch_lines(["golink: the report /dev/full is not written: No space left on device"])


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(
    ("body", "arguments", "status"),
    [
        ("raise KeyboardInterrupt", [], pytest.ExitCode.INTERRUPTED),
        ("raise AssertionError", ["-x"], pytest.ExitCode.TESTS_FAILED),
    ],
)
def test_a_run_that_ends_early_says_so_in_its_report(
    pytester: pytest.Pytester, body: str, arguments: list[str], status: pytest.ExitCode
) -> None:
    pytester.makepyfile(test_it=TESTS.replace('assert_dynamic("app")', body))

    assert pytester.runpytest("--golink-report-file=out.json", *arguments, no_reraise_ctrlc=True).ret == status

    assert report(pytester.path / "out.json")["complete"] is False
    assert report(pytester.path / "out.json")["totals"]["findings"] == 1


def test_collecting_writes_nothing(pytester: pytest.Pytester) -> None:
    pytester.runpytest("--collect-only", "--golink-report-file=out.json")

    assert not (pytester.path / "out.json").exists()


def test_a_run_in_one_process_and_one_in_two_give_the_same_bytes(
    pytester: pytest.Pytester, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(test_it=BUILDING)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1763900000")
    files = ["json", "html", "md", "sarif"]

    for number in ("0", "2"):
        arguments = [f"--golink-report-file={kind}:{kind}-{number}" for kind in files]
        pytester.runpytest_subprocess("-n", number, *arguments).assert_outcomes(passed=3, failed=2)

    for kind in files:
        assert (app / f"{kind}-0").read_bytes() == (app / f"{kind}-2").read_bytes()
    first = report(app / "json-0")
    assert [(error["kind"], error["image"]) for error in first["errors"]] == [
        ("BuildError", ""),
        ("UnreadableBinaryError", app.name),
    ]
    assert first["made"] == "2025-11-23T12:13:20Z"
    builds = [image["build"] for image in first["images"]]
    assert {tuple(build["command"][:3]) for build in builds} == {("go", "build", "-o")}
    assert [[*build["toolchain"]] for build in builds] == [["go"], ["go"], ["go", "cc"]]
    assert [bool(image["sizes"]) for image in first["images"]] == [False, True, True]
    assert str(app) not in (app / "json-0").read_text()


def test_github_sees_what_fails_beside_the_code(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / "summary"))
    (pytester.path / "summary").write_text("before\n")
    pytester.makeini("[pytest]\ngolink_report_file = md:$GITHUB_STEP_SUMMARY\n")

    result = pytester.runpytest()

    result.stdout.fnmatch_lines(["::error file=test_it.py,line=1,title=app (linux/amd64) violates dynamic::observed *"])
    assert (pytester.path / "summary").read_text(encoding="utf-8").startswith("before\n## golink: ❌")


def test_where_golink_was_not_used_there_are_no_annotations(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    pytester.makepyfile(test_it="def test_it():\n    pass\n")
    pytester.runpytest().stdout.no_fnmatch_line("*golink: *")


@pytest.mark.usefixtures("app")
def test_a_report_has_the_variables_and_flags_that_decided_a_build(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOFLAGS", "-trimpath")
    monkeypatch.setenv("GOPROXY", "https://user:password@example.com")
    pytester.makepyfile(
        "from pytest_golink import assert_static\n\n"
        "def test_it(go_build): assert_static(go_build(cgo=False, gcflags='-l', pgo='off'))"
    )

    pytester.runpytest_subprocess("--golink-report-file=out.json").assert_outcomes(passed=1)

    [image] = report(pytester.path / "out.json")["images"]
    assert image["build"]["environment"]["GOFLAGS"] == "-trimpath"
    assert image["build"]["environment"]["CGO_ENABLED"] == "0"
    assert "GOPROXY" not in image["build"]["environment"]
    assert {"-gcflags=-l", "-pgo=off"} <= set(image["build"]["command"])
