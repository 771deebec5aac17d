"""What imports what, as a real `go list` tells it, or does not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import BuildError
from pytest_golink.findings import ImportStep
from pytest_golink.source.graph import Graph
from pytest_golink.toolchain.packages import Package, list_packages

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoToolchain

MAIN = 'package main\n\nimport "example.com/app/names"\n\nfunc main() { println(names.One) }\n'


def listed(go: Path, folder: Path, *, version: str = "go1.27.3") -> tuple[Package, ...]:
    environment = {**os.environ, "CGO_ENABLED": "0"}
    return list_packages(go, ".", (), version=version, cwd=folder, environment=environment)


@pytest.fixture
def module(tmp_path: Path) -> Path:
    (tmp_path / "go.mod").write_text("module example.com/app\n\ngo 1.21\n")
    (tmp_path / "main.go").write_text(MAIN)
    (tmp_path / "names").mkdir()
    (tmp_path / "names/names.go").write_text("package names\n\nconst One = 1\n")
    return tmp_path


def test_a_file_that_is_gone_since_leaves_its_import_without_a_place(go_toolchain: GoToolchain, module: Path) -> None:
    graph = Graph(listed(go_toolchain.path, module, version=go_toolchain.version), module)
    names = graph.packages["example.com/app/names"]
    last = ImportStep(package="example.com/app/names")

    assert graph.chain(names) == (ImportStep(package="example.com/app", place="main.go:3"), last)
    (module / "main.go").unlink()
    assert graph.chain(names) == (ImportStep(package="example.com/app"), last)


def test_source_that_is_no_program_any_more_has_no_chain(go_toolchain: GoToolchain, module: Path) -> None:
    (module / "main.go").write_text(MAIN.replace("package main", "package app"))
    graph = Graph(listed(go_toolchain.path, module, version=go_toolchain.version), module)

    assert graph.chain(graph.packages["example.com/app/names"]) == ()


def test_a_go_that_is_gone_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"^`go list` did not answer: .*No such file or directory") as caught:
        listed(tmp_path / "go", tmp_path)

    assert caught.value.command[1] == "list"
    assert caught.value.command[3:5] == ("-e", "-deps")


@pytest.mark.parametrize(
    "printed", ["go: a wrapper greets you", '{"Dir": "/src"}', "[]", '{"ImportPath": "a", "Module": 1}']
)
def test_an_answer_that_is_not_go_list_s_is_no_list(tmp_path: Path, printed: str) -> None:
    go = tmp_path / "go"
    go.write_text(f"#!/bin/sh\necho '{printed}'\n")
    go.chmod(0o755)

    with pytest.raises(BuildError, match=r"^`go list` cannot be read"):
        listed(go, tmp_path)
