"""golink.toml as pytest sees it: what is collected, selected, built, and shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """
[policy.release]
static = true
stripped = true

[[binary]]
name = "app"
package = "./plain"
targets = ["linux/amd64", "linux/arm64"]
cgo = false
policy = "release"
rules = { same-linkage = true }

[[binary]]
package = "./net"
cgo = true
policy = "release"
ldflags = "-s -w"

[[waive]]
binary = "app"
rule = "stripped"
targets = ["linux/arm64"]
reason = "crash reports need symbols"
until = 2099-12-31

[[waive]]
binary = "net"
rule = "stripped"
reason = "nobody knows"
until = 2099-12-31
"""
IDS = [
    "golink.toml::app[linux/amd64]::static",
    "golink.toml::app[linux/amd64]::stripped",
    "golink.toml::app[linux/arm64]::static",
    "golink.toml::app[linux/arm64]::stripped",
    "golink.toml::app::same-linkage",
    "golink.toml::net::static",
    "golink.toml::net::stripped",
]


@pytest.fixture
def policy(module: Path) -> Path:
    path = module / "golink.toml"
    path.write_text(POLICY)
    return path


def collected(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    run = pytester.inline_run("--collect-only", "-p", "no:cacheprovider", *arguments)
    [finish] = run.getcalls("pytest_collection_finish")
    return [item.nodeid for item in finish.session.items]


@pytest.mark.usefixtures("policy")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["golink.toml::app", "--deselect", "golink.toml::app[linux/amd64]"], IDS[2:5]),
        (["golink.toml::net::stripped", "golink.toml::app[linux/amd64]::stripped"], [IDS[6], IDS[1]]),
        (["golink.toml::app[linux/arm64]::static", "golink.toml::app[linux/arm64]::stripped"], IDS[2:4]),
        (["-k", "linux and arm64", "-m", "golink"], IDS[2:4]),
        (["plain"], []),
    ],
)
def test_its_items_are_selected_as_tests_are(
    pytester: pytest.Pytester, arguments: list[str], expected: list[str]
) -> None:
    assert collected(pytester, *arguments) == expected


def test_a_policy_of_any_name_and_place_is_collected_in_place_of_those_that_are_found(
    pytester: pytest.Pytester, policy: Path
) -> None:
    # A folder that pytest passes over.
    named = pytester.mkdir("dist") / "release.toml"
    named.write_text(POLICY.replace('package = "./', 'package = "../'))
    expected = [f"dist/release{one.removeprefix('golink')}" for one in IDS]

    assert collected(pytester, "--golink-policy=dist/release.toml", "plain") == expected
    assert collected(pytester, "--golink-policy=dist/release.toml", str(policy)) == IDS + expected
    assert collected(pytester, "--golink-policy=dist/release.toml", str(named)) == expected
    assert collected(pytester, "-o", "golink_policy=dist/release.toml") == expected
    # An ini file's goes with a whole run, not with a part that it is no part of.
    assert collected(pytester, "-o", "golink_policy=dist/release.toml", "plain") == []


def builds(go: Path) -> int:
    log = go.parent / "builds"
    return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.mark.usefixtures("policy")
def test_workers_build_each_image_once_and_the_failed_items_run_again(
    pytester: pytest.Pytester, counting_go: Path
) -> None:
    go = f"--golink-go={counting_go}"
    shown = pytester.runpytest_subprocess("--collect-only", "-q", go)
    assert [line for line in shown.outlines if line.startswith("golink.toml")] == IDS
    assert builds(counting_go) == 0

    first = pytester.runpytest_subprocess("-n4", "-ra", "--junitxml=out.xml", go)

    first.assert_outcomes(passed=4, failed=2, xfailed=1)
    assert builds(counting_go) == 3
    first.stdout.fnmatch_lines(
        [
            "*= golink: waivers that nothing needs =*",
            "golink.toml:27: stripped of net, until 2099-12-31: nothing violates it any more; remove it",
            "*= short test summary info =*",
        ]
    )
    first.stdout.fnmatch_lines_random(
        [
            "XFAIL golink.toml::app[[]linux/arm64]::stripped - crash reports need symbols (until 2099-12-31)",
            "FAILED golink.toml::app[[]linux/amd64]::stripped - a symbol table and DWARF",
            "FAILED golink.toml::net::static - dynamic; runtime/cgo is linked in, by *",
        ]
    )
    cases = list(ET.parse(pytester.path / "out.xml").iter("testcase"))  # noqa: S314 - written by pytest
    assert {
        f"{case.attrib['classname']}::{case.attrib['name']}".replace("golink.toml.", "golink.toml::") for case in cases
    } == set(IDS)
    assert {one.attrib["message"] for case in cases for one in case.iter("failure")} == {
        "a symbol table and DWARF",
        "dynamic; runtime/cgo is linked in, by a package such as net or os/user whose cgo wrappers nothing reaches",
    }

    second = pytester.runpytest_subprocess("--lf", "-v", go)

    second.assert_outcomes(failed=2, deselected=5)
    # In both runs the same, from a worker or not.
    second.stdout.fnmatch_lines_random(
        [
            "golink: policy golink.toml",
            "golink.toml::app[[]linux/amd64]::stripped FAILED *",
            "FAILED golink.toml::app[[]linux/amd64]::stripped - a symbol table and DWARF",
        ]
    )
    assert not [line for line in second.outlines if "Error" in line or "Traceback" in line]
    # Not all of its items ran.
    second.stdout.no_fnmatch_line("*waivers that nothing needs*")


def test_runxfail_takes_no_waiver(pytester: pytest.Pytester, policy: Path) -> None:
    policy.write_text(
        POLICY.replace('name = "app"', 'name = "app"\nldflags = "-s -w"').replace('ldflags = "-s -w"\n\n', "\n")
    )

    result = pytester.runpytest_inprocess("--runxfail", "-k", "net and stripped", "--golink-report-file=report.json")

    result.assert_outcomes(failed=1, deselected=6)
    (finding,) = json.loads(pytester.path.joinpath("report.json").read_text())["findings"]
    assert finding["outcome"] == "violated"
    result.stdout.fnmatch_lines(["golink: net (linux/amd64) violates stripped"])


WRONG = """
[policy.release]
statik = true

[[binary]]
package = "./plain"
policy = "relase"
"""


@pytest.mark.parametrize("arguments", [["golink.toml::plain::static"], ["-n1"]])
def test_a_wrong_policy_ends_the_run_before_any_test(
    pytester: pytest.Pytester, policy: Path, arguments: list[str]
) -> None:
    policy.write_text(WRONG)

    result = pytester.runpytest_inprocess(*arguments)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.lines == [
        'ERROR: golink.toml:3: unknown rule "statik"; did you mean "static"?',
        "",
        'ERROR: golink.toml:7: unknown policy "relase"; did you mean "release"?',
        "",
    ]


def test_a_wrong_policy_that_only_a_worker_s_collection_finds_does_too(pytester: pytest.Pytester, policy: Path) -> None:
    pytester.mkdir("deep").joinpath("golink.toml").write_text(WRONG)
    policy.unlink()

    result = pytester.runpytest_subprocess("-n1")

    assert result.ret != pytest.ExitCode.OK
    said = result.stdout.str() + result.stderr.str()
    assert 'deep/golink.toml:3: unknown rule "statik"; did you mean "static"?' in said
    assert 'deep/golink.toml:7: unknown policy "relase"; did you mean "release"?' in said


def test_a_policy_that_is_not_there_is_a_usage_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--golink-policy", "ci/release.toml")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.lines[0] == (
        "ERROR: --golink-policy: there is no file ci/release.toml; a policy is a TOML file such as golink.toml"
    )


def test_two_binaries_that_ask_one_rule_of_one_file_have_two_items(pytester: pytest.Pytester) -> None:
    pytester.mkdir("dist").joinpath("app").write_bytes(b"not a program")
    pytester.path.joinpath("golink.toml").write_text(
        '[[binary]]\npath = "dist/*"\nrules = { max-size = "1 GB" }\n'
        '[[binary]]\npath = "dist/app"\nrules = { max-size = "1 kB", stripped = true }\n'
    )

    result = pytester.runpytest_inprocess("--collect-only", "-q")

    assert [line for line in result.outlines if "::" in line] == [
        "golink.toml::dist/app::max-size",
        "golink.toml::dist/app::stripped",
        "golink.toml::dist/app::max-size (line 6)",
    ]


@pytest.mark.usefixtures("module")
def test_testpaths_do_not_hide_the_policy_of_the_root(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ntestpaths = tests")
    pytester.mkdir("tests").joinpath("test_it.py").write_text("def test_it(): ...")
    pytester.path.joinpath("golink.toml").write_text(POLICY)

    collected = pytester.runpytest_inprocess("--collect-only", "-q")
    of_a_folder = pytester.runpytest_inprocess("--collect-only", "-q", "tests")

    assert "golink.toml::net::stripped" in collected.outlines
    assert "tests/test_it.py::test_it" in collected.outlines
    assert not [line for line in of_a_folder.outlines if line.startswith("golink.toml")]
