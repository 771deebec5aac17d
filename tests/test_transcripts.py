"""Each session that a document shows is run, in a module with a release in dist/, and prints what the document has."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.documents import PAGES, ROOT, Block, Command, blocks, commands, is_printed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.mark import ParameterSet

    from pytest_golink import GoBuild

# As wide as the site shows a line.
_COLUMNS = "90"
_TIMEOUT_S = 300
_PROGRAM = """\
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	addresses, err := net.LookupHost(os.Args[1])
	fmt.Println(addresses, err)
}
"""
_GORELEASER = """\
version: 2
builds:
  - id: app
    main: ./cmd/app
    goos: [linux]
    goarch: [amd64, arm64]
    ldflags: ["-s -w"]
"""
_CHECK = ROOT / "pytest_golink" / "commands" / "check.py"
# Installations, which the packages' tests do.
_NOT_RUN = ("pip ", "pipx ", "uvx ", "uv ", "docker ", "podman ", "git ")


def _pages() -> Iterator[ParameterSet]:
    for page in PAGES:
        sessions = [block.text for block in blocks(page) if block.language == "console"]
        if sessions:
            unknown = not _CHECK.exists() and "golink check " in "".join(sessions)
            marks = [pytest.mark.xfail(reason="this golink has no command check", strict=True)] if unknown else []
            yield pytest.param(page, marks=marks)


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory, go_build: GoBuild) -> Path:
    """A module as goreleaser leaves it: its amd64 build found a C compiler."""
    folder = tmp_path_factory.mktemp("release")
    program = folder / "cmd" / "app" / "main.go"
    program.parent.mkdir(parents=True)
    program.write_text(_PROGRAM)
    (folder / "go.mod").write_text("module example.com/app\n\ngo 1.21\n")
    (folder / ".goreleaser.yaml").write_text(_GORELEASER)
    listed = []
    for arch, variant, cgo in (("amd64", "v1", True), ("arm64", "v8.0", False)):
        path = Path("dist", f"app_linux_{arch}_{variant}", "app")
        built = go_build("./cmd/app", cwd=folder, target=f"linux/{arch}", cgo=cgo, ldflags="-s -w")
        (folder / path).parent.mkdir(parents=True)
        shutil.copy(built.path, folder / path)
        listed.append(
            {
                "name": "app",
                "path": path.as_posix(),
                "goos": "linux",
                "goarch": arch,
                f"go{arch}": variant,
                "target": f"linux_{arch}_{variant}",
                "internal_type": 4,
                "type": "Binary",
                "extra": {"Binary": "app", "Builder": "go", "Ext": "", "ID": "app"},
            }
        )
    (folder / "dist" / "artifacts.json").write_text(json.dumps(listed))
    return folder


def run(command: str, folder: Path) -> tuple[int, str]:
    environment = {
        **os.environ,
        "COLUMNS": _COLUMNS,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        # A document's reader has not the plugins of this environment; sessions need no cache.
        "PYTEST_ADDOPTS": f"{os.environ['PYTEST_ADDOPTS']} -p no:xdist -p no:hypothesispytest -p no:cacheprovider",
    }
    ended = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    return ended.returncode, ended.stdout


def prepare(block: Block, folder: Path, following: str) -> None:
    """Write what a document has the reader write: a whole golink.toml, or a test that a later command names."""
    if block.language == "toml" and "[[binary]]" in block.text:
        (folder / "golink.toml").write_text(block.text)
    if block.language == "python" and (named := re.search(r"\btest_\w+\.py\b", following)):
        (folder / named[0]).write_text(block.text)


def check(command: Command, folder: Path, where: str) -> None:
    if command.line.startswith("golink init"):
        # A reader starts without one.
        (folder / "golink.toml").unlink(missing_ok=True)
    status, printed = run(command.line, folder)

    assert is_printed(command.output, printed), f"{where}: $ {command.line}\n{printed}"
    allowed = {command.status} if command.status is not None else {0, 1} if " violates " in command.output else {0}
    assert status in allowed, f"{where}: $ {command.line}\n{printed}"


@pytest.mark.parametrize("page", [*_pages()])
def test_a_session_prints_what_the_document_shows(page: str, release: Path, tmp_path: Path) -> None:
    folder = tmp_path / "app"
    shutil.copytree(release, folder)
    there = blocks(page)

    for at, block in enumerate(there):
        sessions = "".join(later.text for later in there[at:] if later.language == "console")
        prepare(block, folder, sessions)
        for command in commands(block.text) if block.language == "console" else ():
            if not command.line.startswith(_NOT_RUN):
                check(command, folder, str(block))


def test_a_session_is_read_with_its_comments_and_exit_status() -> None:
    (first, second) = commands("$ golink app    # a comment\none\ntwo\n$ false\n[1]\n")

    assert first == Command(line="golink app", output="one\ntwo\n", status=None)
    assert second == Command(line="false", output="", status=1)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\nb\n", "a\nb\n\n", True),
        ("a …\nb\n", "a 1\n 2\nb\n", True),
        ("a\n…\n", "a\nb\nc\n", True),
        ("a\n", "a\nb\n", False),
        ("a [1]\n", "a 1\n", False),
    ],
)
def test_what_a_document_leaves_out_may_be_anything_and_nothing_else_may(shown: str, printed: str, same: bool) -> None:
    assert is_printed(shown, printed) is same
