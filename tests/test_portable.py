"""What differs between Linux, macOS and Windows in golink's own code: processes, consoles, line ends, paths."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from pytest_golink.__main__ import main
from pytest_golink.archives import find_images
from pytest_golink.errors import NoMatchError, PolicyError
from pytest_golink.lock.text import parse_lock, read_lock
from pytest_golink.policy import read_policy
from pytest_golink.toolchain.process import _end_tree

if TYPE_CHECKING:
    from pathlib import Path

_WAITING = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'input()']).wait()"
# What taskkill does on Windows, for a process that leads a group.
_TASKKILL = """\
#!{python}
import os, signal, sys
assert sys.argv[1:4] == ["/T", "/F", "/PID"], sys.argv
os.killpg(int(sys.argv[4]), signal.SIGKILL)
"""


def started(folder: Path) -> subprocess.Popen[str]:
    """A program with a child, which has the same pipe."""
    return subprocess.Popen(
        [sys.executable, "-c", _WAITING],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_program_on_windows_is_ended_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.name != "nt":
        taskkill = tmp_path / "taskkill"
        taskkill.write_text(_TASKKILL.format(python=sys.executable))
        taskkill.chmod(stat.S_IRWXU)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    process = started(tmp_path)
    began = time.monotonic()

    _end_tree(process)

    # A child that lived would hold the pipe, and the wait for its end would not come back.
    assert process.returncode is not None
    assert time.monotonic() - began < 60


def test_without_taskkill_the_program_itself_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True)
    monkeypatch.setenv("PATH", str(tmp_path))

    _end_tree(process)

    assert process.returncode not in (None, 0)


@pytest.mark.parametrize("encoding", ["ascii", "cp437", "cp1252", "cp932"])
@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["facts", "--help"],
        ["init", "--help"],
        ["merge", "--help"],
        ["platform", "--help"],
        ["rules"],
        ["platforms"],
        ["explain", "runs-on"],
        ["explain", "no-→-rule"],
        ["nowhere-→-\N{RIGHT-TO-LEFT OVERRIDE}"],
        [sys.executable],
        ["--platforms", sys.executable],
    ],
    ids=" ".join,
)
def test_a_command_prints_on_a_console_of_any_encoding(
    words: list[str], encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As Python makes them: only stderr takes every text.
    printed = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    complained = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace")
    monkeypatch.setattr(sys, "stdout", printed)
    monkeypatch.setattr(sys, "stderr", complained)

    try:
        status = main(words)
    except SystemExit as ended:
        status = int(ended.code or 0)

    assert status in (0, 2, 4)
    assert printed.tell() or complained.tell()


_LOCK = 'lock = 1\n\n[image."app[linux/amd64]"]\nlinkage = "static"\ncgo = false\n'


def test_a_lock_that_git_checked_out_with_the_line_ends_of_windows_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "golink.lock"
    path.write_bytes(_LOCK.replace("\n", "\r\n").encode())

    assert read_lock(path, name="golink.lock") == parse_lock(_LOCK, name="golink.lock")


def test_a_policy_with_the_line_ends_of_windows_has_its_mistakes_at_the_same_lines(tmp_path: Path) -> None:
    found = []
    for ends in ("\n", "\r\n"):
        path = tmp_path / "golink.toml"
        path.write_bytes('[[binary]]\npackage = "./app"\n\nrules.statik = true\n'.replace("\n", ends).encode())
        with pytest.raises(PolicyError) as raised:
            read_policy(path)
        found.append(str(raised.value))

    assert found[0] == found[1]
    assert found[0].startswith("golink.toml:4: ")


@pytest.mark.parametrize(
    "path",
    [
        "C:/dist/app",
        "C:\\dist\\app",
        "c:app",
        "\\\\server\\share\\app",
        "//server/share/app",
        "..\\app",
        "a\\..\\..\\b",
    ],
)
def test_a_path_of_windows_leads_out_of_the_folder_on_every_system(path: str, tmp_path: Path) -> None:
    with pytest.raises(NoMatchError, match="leads out of the folder"):
        find_images([path], tmp_path)
