"""--golink-try-remedies: what is tried, with which policy, and where it is shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

NET = """
package main

import "net"

func main() {
	_, _, err := net.ParseCIDR("192.0.2.1/24")
	println(err)
}
"""
# No flag makes a program of 1 KB, nor need it: what is waived is no part of the policy that a remedy keeps.
POLICY = """
[[binary]]
name = "app"
package = "."
cgo = true
rules = { static = true, no-cgo = true, stripped = true, max-size = "1 KB" }

[[waive]]
binary = "app"
rule = ["stripped", "max-size"]
reason = "it is no release"
until = 2099-12-31
"""
TRIED = [
    "  tried     -tags=netgo: ✓ keeps every rule",
    "            price: Go's own resolver *",
    '            golink.toml: tags = [[]"netgo"]',
    '            goreleaser: tags: [[]"netgo"]',
    "            shell: CGO_ENABLED=1 go build -tags=netgo *",
    "            CGO_ENABLED=0: ✓ keeps every rule",
    "            price: Go's own resolver *",
    "            golink.toml: cgo = false",
    '            goreleaser: env: [[]"CGO_ENABLED=0"]',
    "            shell: CGO_ENABLED=0 go build *",
]
TESTS = """
from pytest_golink import assert_static

def test_app(go_build):
    assert_static(go_build(cgo=True))
"""


@pytest.fixture
def net(app: Path) -> Path:
    app.joinpath("main.go").write_text(NET)
    return app


def builds(go: Path) -> int:
    return len((go.parent / "builds").read_text().splitlines())


def test_a_failing_item_shows_what_keeps_the_policy_but_for_what_is_waived_and_each_image_is_tried_once(
    pytester: pytest.Pytester, net: Path, counting_go: Path
) -> None:
    net.joinpath("golink.toml").write_text(POLICY)

    result = pytester.runpytest_inprocess(
        "--golink-try-remedies", f"--golink-go={counting_go}", "--golink-report-file=out.json"
    )

    result.assert_outcomes(failed=2, xfailed=2)
    result.stdout.fnmatch_lines(
        [
            "golink: app (linux/*) violates static*",
            *TRIED,
            "*_ app no-cgo _*",
            "  tried     see app static",
        ]
    )
    # The image itself, and the two that keep the policy.
    assert builds(counting_go) == 3
    report = json.loads((net / "out.json").read_text())
    # What was tried is no image of the run.
    assert len(report["images"]) == 1
    trials = {one["rule"]: [trial["remedy"] for trial in one["trials"]] for one in report["findings"]}
    assert trials["static"] == trials["no-cgo"] == ["-tags=netgo", "CGO_ENABLED=0"]


def test_an_assertion_of_a_python_test_shows_them_too_where_the_ini_file_asks(
    pytester: pytest.Pytester, net: Path
) -> None:
    pytester.makepyfile(test_it=TESTS)

    quiet = pytester.runpytest_inprocess()
    pytester.makeini("[pytest]\ngolink_try_remedies = true\n")
    result = pytester.runpytest_inprocess()

    assert net.is_dir()
    quiet.assert_outcomes(failed=1)
    quiet.stdout.no_fnmatch_line("* tried *")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*{line.strip()}" for line in TRIED])


def test_the_option_takes_seconds_and_leaves_paths_to_pytest(
    pytester: pytest.Pytester, net: Path, counting_go: Path
) -> None:
    net.joinpath("golink.toml").write_text(POLICY)
    go = f"--golink-go={counting_go}"

    over = pytester.runpytest_inprocess("--golink-try-remedies=0", go)
    over.assert_outcomes(failed=2, xfailed=2)
    over.stdout.no_fnmatch_line("* tried *")
    assert builds(counting_go) == 1

    # The word behind the option is a path, as it is without the option.
    result = pytester.runpytest_inprocess(go, "--golink-try-remedies", "golink.toml")
    result.assert_outcomes(failed=2, xfailed=2)
    result.stdout.fnmatch_lines(["golink: * (linux/*): trying -tags=netgo", "golink: * trying CGO_ENABLED=0"])

    pytester.makeini("[pytest]\ngolink_try_remedies_seconds = 0\n")
    pytester.runpytest_inprocess(go, "--golink-try-remedies").stdout.no_fnmatch_line("* tried *")


@pytest.mark.parametrize(
    "arguments", [["--golink-try-remedies=soon"], ["--golink-try-remedies", "-o", "golink_try_remedies_seconds=-1"]]
)
def test_a_time_that_is_none_is_a_usage_error(pytester: pytest.Pytester, arguments: list[str]) -> None:
    result = pytester.runpytest_inprocess(*arguments)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*: expected a number of seconds, not *"])
