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


MISUSE = """
import sys

from pytest_golink import assert_glibc_at_most, assert_runs_on, assert_static, read_binary

def check(path):
    assert_static(path)

def test_missing(): check("nowhere")
def test_type(): assert_static(12)
def test_parameter(): assert_glibc_at_most(sys.executable, "abc")
def test_read(): read_binary("test_it.py")
def test_option(go_build): go_build(".", linkmode="none")
"""


def test_a_helper_that_is_misused_shows_the_lines_of_the_user_only(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=MISUSE)

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(failed=5)
    result.stdout.fnmatch_lines(
        [
            "test_it.py:*:*",
            ">       assert_static(path)",
            "E       pytest_golink.errors.UnreadableBinaryError: nowhere: No such file or directory",
            "test_it.py:*: UnreadableBinaryError",
            "E   * expected a GoBinary, BinaryFacts or a path, not int: 12",
            "E   * 'abc' is not a version*",
            "E   * not an executable*",
            "E   * expected one of internal, external, not 'none'",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_golink/*")
    result.stdout.no_fnmatch_line("*FileNotFoundError*")


def test_the_whole_traceback_is_shown_where_it_is_asked_for(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=MISUSE)

    result = pytester.runpytest_inprocess("--full-trace", "-k", "test_missing")

    result.stdout.fnmatch_lines(["*FileNotFoundError*", "*pytest_golink/reader/*"])
