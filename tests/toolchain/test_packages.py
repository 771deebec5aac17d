"""What `go list` does not answer is a BuildError with its reason, and no answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import BuildError
from pytest_golink.toolchain import packages
from pytest_golink.toolchain.packages import compile_error, first_error, list_packages

if TYPE_CHECKING:
    from pathlib import Path


def go_that(tmp_path: Path, does: str) -> Path:
    go = tmp_path / "go"
    go.write_text(f"#!/bin/sh\n{does}\n")
    go.chmod(0o755)
    return go


def test_a_compiler_that_takes_too_long_has_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_COMPILE_TIMEOUT_S", 0.1)

    with pytest.raises(BuildError, match="did not end within 0 seconds"):
        compile_error(go_that(tmp_path, "exec sleep 60"), ".", (), cwd=tmp_path, environment={"PATH": "/usr/bin:/bin"})


def test_a_compiler_that_does_not_start_has_no_answer(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="cannot be started"):
        compile_error(tmp_path / "nowhere", ".", (), cwd=tmp_path, environment={})


def test_an_error_without_words_has_its_status(tmp_path: Path) -> None:
    assert compile_error(go_that(tmp_path, "exit 3"), ".", (), cwd=tmp_path, environment={}) == "exit status 3"


@pytest.mark.parametrize("answer", ['{"Imports": 3}', '{"ImportPath": "x", "Imports": [], "Module": "none"}'])
def test_a_list_of_another_form_has_no_answer(tmp_path: Path, answer: str) -> None:
    go = go_that(tmp_path, f"echo '{answer}'")

    with pytest.raises(BuildError, match="`go list` cannot be read"):
        list_packages(go, ".", (), version="go1.27.0", cwd=tmp_path, environment={"PATH": "/usr/bin:/bin"})


def test_the_first_error_has_the_package_of_its_heading() -> None:
    assert (
        first_error("# example.com/app\n./main.go:3: undefined: x\n") == "./main.go:3: undefined: x (example.com/app)"
    )
    assert first_error("go: no modules\n") == "no modules"
    assert first_error("\n") == ""
    way = "package ./x\n\timports example.com/a\n\timports example.com/lib: build constraints exclude all Go files\n"
    assert first_error(way) == "example.com/lib: build constraints exclude all Go files"
