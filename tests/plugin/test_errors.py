"""How an error of a build reads in the terminal: the text, and the user's own line where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _broken(app: Path) -> None:
    (app / "main.go").write_text("package main\n\nfunc main() {\n\tundefined()\n}\n")


def test_go_binary_shows_the_compilers_message_and_nothing_of_golink(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="def test_app(go_binary): ...")

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at setup of test_app*",
            "* (linux/amd64) does not build (exit status 1)",
            "  # example.com/app",
            "  ./main.go:4:2: undefined: undefined",
            "  command: * build -o *",
            "*short test summary info*",
        ],
        consecutive=True,
    )


def test_go_build_shows_the_line_that_asked_for_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="def test_app(go_build):\n    go_build()")

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [">       go_build()", "E       pytest_golink.errors.BuildError: *", "E * ./main.go:4:2: undefined: undefined"]
    )
    result.stdout.no_fnmatch_line("*builder.py*")


def test_a_fixture_of_the_users_is_shown(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import pytest

        @pytest.fixture
        def agent(go_build):
            return go_build("agent")

        def test_agent(agent): ...
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ['>       return go_build("agent")', "E  *BuildError: agent (linux/amd64) does not build*"]
    )


def test_another_error_of_setup_is_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import pytest

        @pytest.fixture
        def broken():
            raise ValueError("mine")

        def test_it(broken): ...
        """
    )

    pytester.runpytest_inprocess().stdout.fnmatch_lines(
        ['>       raise ValueError("mine")', "E       ValueError: mine"]
    )


@pytest.mark.parametrize("fixture", ["go_build", "go_sample"])
def test_a_wrong_option_of_a_call_is_an_error_that_says_what_is_right(pytester: pytest.Pytester, fixture: str) -> None:
    pytester.makepyfile(test_it=f"def test_app({fixture}): {fixture}('.', linkmod='internal')")

    result = pytester.runpytest_inprocess()

    result.stdout.fnmatch_lines(['E  *ParameterError: unknown build option "linkmod"; did you mean "linkmode"?'])


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("assert_static('gone')", "UnreadableBinaryError: gone: No such file or directory"),
        ("assert_static(3)", "ParameterError: expected a GoBinary, BinaryFacts or a path, not int: 3"),
        (
            "assert_glibc_at_most('/bin/true', '2.x')",
            "ParameterError: glibc-at-most: version: '2.x' is not a version *",
        ),
        ("assert_runs_on('/bin/true', 'alpin')", 'ParameterError: unknown platform "alpin"; did you mean "alpine"?'),
        ("read_binary('gone')", "UnreadableBinaryError: gone: No such file or directory"),
        ("read_binary(__file__)", "UnreadableBinaryError: *"),
        ("go_build(linkmod='internal')", 'ParameterError: unknown build option "linkmod"; *'),
        ("go_build('./nope')", "BuildError: package ./nope: there is no folder *"),
    ],
)
def test_a_helper_that_is_used_wrong_shows_the_user_s_line_and_no_line_of_golink(
    pytester: pytest.Pytester, call: str, error: str
) -> None:
    pytester.makepyfile(test_it=f"from pytest_golink import *\ndef test_it(go_build):\n    {call}\n")

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([">*" + call.replace("[", "[[]") + "*", f"E  *pytest_golink.errors.{error}"])
    result.stdout.no_fnmatch_line("*pytest_golink/*")
    pytester.runpytest_inprocess("--full-trace").stdout.fnmatch_lines(["*pytest_golink/*"])
