"""--golink-go and golink_go: which `go` builds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

TEST = """
def test_path(go_toolchain):
    print("go:", go_toolchain.path, go_toolchain.found_by)
"""


def test_the_option_names_it(pytester: pytest.Pytester, counting_go: Path) -> None:
    pytester.makepyfile(TEST)

    result = pytester.runpytest_subprocess("-rP", f"--golink-go={counting_go}")

    result.stdout.fnmatch_lines([f"go: {counting_go} --golink-go"])


def test_the_ini_key_names_it_relative_to_the_root(pytester: pytest.Pytester, counting_go: Path) -> None:
    pytester.makepyfile(TEST)
    pytester.makeini("[pytest]\ngolink_go = tools/go")
    pytester.mkdir("tools").joinpath("go").symlink_to(counting_go)
    pytester.mkdir("elsewhere")

    result = pytester.runpytest_subprocess("-rP")

    result.stdout.fnmatch_lines([f"go: {pytester.path}/tools/go ini key golink_go"])


def test_the_option_comes_before_the_ini_key(pytester: pytest.Pytester, counting_go: Path) -> None:
    pytester.makepyfile(TEST)
    pytester.makeini("[pytest]\ngolink_go = nowhere")

    result = pytester.runpytest_subprocess("-rP", "--golink-go", str(counting_go))

    result.stdout.fnmatch_lines([f"go: {counting_go} --golink-go"])


def test_a_bare_name_is_a_command_on_path(
    pytester: pytest.Pytester, counting_go: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(TEST)
    counting_go.with_name("go1.99").symlink_to(counting_go)
    monkeypatch.setenv("PATH", str(counting_go.parent), prepend=":")

    result = pytester.runpytest_subprocess("-rP", "-o", "golink_go=go1.99")

    result.stdout.fnmatch_lines([f"go: {counting_go.parent}/go1.99 ini key golink_go"])


@pytest.mark.usefixtures("app")
def test_a_wrong_path_is_an_error_of_each_test_and_says_so_shortly(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="def test_a(go_binary): ...\ndef test_b(go_build): ...\ndef test_c(): ...")

    result = pytester.runpytest_subprocess("--golink-go=nowhere/go", "-q", "--tb=long")

    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at setup of test_a*",
            f"--golink-go: there is no {pytester.path}/nowhere/go",
            "*ERROR at setup of test_b*",
            f"--golink-go: there is no {pytester.path}/nowhere/go",
            "ERROR test_it.py::test_a - pytest_golink.errors.ToolchainError: *",
        ]
    )
    result.stdout.no_fnmatch_line("*fixtures.py*")
