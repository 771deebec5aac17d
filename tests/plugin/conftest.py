"""Runs of pytest inside the tests: with this machine's Go cache, which pytester's HOME would hide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoToolchain


@pytest.fixture(autouse=True)
def _go_cache(monkeypatch: pytest.MonkeyPatch, go_toolchain: GoToolchain) -> None:
    monkeypatch.setenv("GOCACHE", go_toolchain.settings["GOCACHE"])


@pytest.fixture
def app(pytester: pytest.Pytester) -> Path:
    """A Go module at the root, which prints a line."""
    pytester.path.joinpath("go.mod").write_text("module example.com/app\n\ngo 1.21\n")
    pytester.path.joinpath("main.go").write_text('package main\n\nfunc main() { println("hello") }\n')
    return pytester.path


@pytest.fixture
def counting_go(tmp_path_factory: pytest.TempPathFactory, go_toolchain: GoToolchain) -> Path:
    """A `go` that writes a line for each build into the file `builds` beside it."""
    folder = tmp_path_factory.mktemp("go")
    go = folder / "go"
    go.write_text(f'#!/bin/sh\n[ "$1" = build ] && echo build >> "{folder}/builds"\nexec "{go_toolchain.path}" "$@"\n')
    go.chmod(0o755)
    return go
