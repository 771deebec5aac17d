"""A run in a Go module without a policy names `golink init`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample

WORD = "golink: there is a go.mod, and no golink.toml: `golink init` writes one, whose rules hold today"


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("arguments", [[], ["-q"], ["-n1"], ["--collect-only"]])
def test_a_module_without_tests_and_policy_names_init(pytester: pytest.Pytester, arguments: list[str]) -> None:
    result = pytester.runpytest_subprocess(*arguments)

    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert WORD in result.outlines


def test_other_runs_do_not(pytester: pytest.Pytester, app: Path) -> None:
    app.joinpath("test_it.py").write_text("def test_it(): ...")
    assert WORD not in pytester.runpytest_inprocess().outlines
    assert WORD not in pytester.runpytest_inprocess("test_it.py::test_it", "-k", "nothing").outlines
    app.joinpath("test_it.py").unlink()
    app.joinpath("golink.toml").write_text('[[binary]]\npackage = "."\nrules = { static = true }\n')
    assert WORD not in pytester.runpytest_inprocess("-k", "nothing").outlines
    app.joinpath("golink.toml").unlink()
    app.joinpath("go.mod").unlink()
    assert WORD not in pytester.runpytest_inprocess().outlines


HINT = "golink: --golink-try-remedies shows which remedies keep every rule"
VIOLATED = "rules = { stripped = true, nx = true }\n"


@pytest.mark.parametrize("arguments", [[], ["-n1"]])
def test_remedies_that_were_not_tried_are_one_line_at_the_end(
    pytester: pytest.Pytester, app: Path, arguments: list[str]
) -> None:
    app.joinpath("golink.toml").write_text(f'[[binary]]\npackage = "."\n{VIOLATED}')

    assert pytester.runpytest_subprocess(*arguments).outlines.count(HINT) == 1
    assert HINT not in pytester.runpytest_subprocess("--golink-try-remedies", *arguments).outlines


def test_no_remedy_of_a_file_can_be_tried(pytester: pytest.Pytester, app: Path, go_sample: GoSample) -> None:
    app.joinpath("app").write_bytes(go_sample("static", cgo=False).path.read_bytes())
    app.joinpath("golink.toml").write_text(f'[[binary]]\npath = "app"\n{VIOLATED}')

    result = pytester.runpytest_inprocess()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert HINT not in result.outlines
