"""The command `golink`, and `python -m pytest_golink`."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_golink import read_binary
from pytest_golink.__main__ import _COMMANDS, main
from pytest_golink.platforms import PLATFORMS
from pytest_golink.report.facts_json import facts_json
from pytest_golink.rules import RULES

if TYPE_CHECKING:
    from pytest_golink.fixtures import GoSample
    from pytest_golink.gobinary import GoBinary

_RUN_TIMEOUT_S = 60


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest_golink", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=_RUN_TIMEOUT_S,
        env={**os.environ, "COLUMNS": "80", **environment},
        cwd=Path(__file__).parent.parent,
    )


@pytest.fixture(scope="module")
def static(go_sample: GoSample) -> GoBinary:
    return go_sample("static", target="linux/amd64", cgo=False)


def test_a_file_s_fact_sheet_is_printed(static: GoBinary) -> None:
    result = run(static.path)

    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.split("\n")
    assert lines[0].startswith(f"{static.path}  ELF executable, linux/amd64, ")
    assert lines[2:6] == [
        "linkage",
        "  linkage              static",
        "  PT_INTERP            none",
        "  needs                no library",
    ]
    assert "  used                 no" in lines
    assert "\x1b" not in result.stdout


def test_json_is_a_list_of_the_facts_in_the_order_of_the_files(static: GoBinary, go_sample: GoSample) -> None:
    windows = go_sample("static", target="windows/amd64", cgo=False)
    result = run("--json", windows.path, static.path)

    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout) == [
        facts_json(read_binary(str(windows.path))),
        facts_json(read_binary(str(static.path))),
    ]


def test_an_unreadable_file_goes_to_stderr_and_the_others_are_printed_all_the_same(
    static: GoBinary, tmp_path: Path
) -> None:
    hostile = tmp_path / "a\x1b[2Jb"
    hostile.write_bytes(b"#!/bin/sh\n")
    result = run("--json", hostile, static.path, tmp_path / "missing")

    assert result.returncode == 2
    assert [entry["path"] for entry in json.loads(result.stdout)] == [str(static.path)]
    first, second = result.stderr.splitlines()
    assert first.startswith(f"golink: {tmp_path}/a\\x1b[2Jb: ")
    assert second.startswith(f"golink: {tmp_path}/missing: ")


def test_several_sheets_are_a_blank_line_apart(
    static: GoBinary, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    assert main([str(static.path), str(static.path)]) == 0
    once, twice = capsys.readouterr().out.rstrip("\n").split(f"\n\n{static.path}  ")
    assert once == f"{static.path}  {twice}"


def test_a_terminal_gets_colour_unless_it_says_no(static: GoBinary) -> None:
    def on_a_terminal(**environment: str) -> bytes:
        controller, terminal = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest_golink", str(static.path)],
            stdout=terminal,
            env={**{name: value for name, value in os.environ.items() if name != "NO_COLOR"}, **environment},
        )
        os.close(terminal)
        shown = b""
        # A pseudo-terminal whose other end is closed gives EIO.
        try:
            while part := os.read(controller, 65536):
                shown += part
        except OSError:
            pass
        os.close(controller)
        assert process.wait(_RUN_TIMEOUT_S) == 0
        return shown

    assert b"\x1b[2mlinkage\x1b[0m" in on_a_terminal()
    assert b"\x1b" not in on_a_terminal(NO_COLOR="1")


def test_a_terminal_of_another_encoding_gets_a_question_mark(static: GoBinary, tmp_path: Path) -> None:
    copy = tmp_path / "größe"
    copy.write_bytes(static.path.read_bytes())
    result = run(copy, PYTHONIOENCODING="ascii")

    assert result.returncode == 0
    assert result.stdout.startswith(f"{tmp_path}/gr??e  ELF")


@pytest.mark.parametrize("unbuffered", ["1", ""])
@pytest.mark.parametrize(
    "arguments", [["--json", "root/app"], ["platform", "root"], ["init", "--dist=root", "--output=-"]]
)
def test_a_closed_pipe_is_quiet(static: GoBinary, arguments: list[str], unbuffered: str, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    shutil.copy(static.path, tmp_path / "root/app")
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest_golink", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    _, complaint = process.communicate(timeout=_RUN_TIMEOUT_S)

    assert (process.returncode, complaint) == (141, "")


def test_version_and_help() -> None:
    for words in (("--version",), ("nosuch", "--version"), ("--json", "--version"), ("facts", "--version")):
        assert run(*words).stdout == f"pytest-golink {version('pytest-golink')}\n"
    helped = run("--help")
    assert helped.returncode == 0
    assert helped.stdout.startswith("usage: golink FILE [FILE ...]\n       golink COMMAND ...\n")
    assert [command for command in _COMMANDS if f"\n    {command}" not in helped.stdout] == []
    assert max(map(len, helped.stdout.splitlines())) <= 80


@pytest.mark.parametrize("command", _COMMANDS)
def test_each_command_has_a_help_of_80_columns(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    helped = capsys.readouterr().out
    assert ended.value.code == 0
    assert helped.startswith(f"usage: golink {command} ")
    assert max(map(len, helped.splitlines())) <= 80


@pytest.mark.parametrize("words", [["./init"], ["facts", "init"]])
def test_a_file_that_is_called_like_a_command_can_be_read(
    static: GoBinary,
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copy(static.path, tmp_path / "init")
    monkeypatch.chdir(tmp_path)

    assert main(words) == 0
    assert capsys.readouterr().out.startswith(f"{words[-1]}  ELF executable, linux/amd64, ")


@pytest.mark.parametrize("name", ["golink", "pytest-golink"])
def test_it_is_installed_under_both_names(name: str) -> None:
    (script,) = entry_points(group="console_scripts", name=name)

    assert script.load() is main


def test_rules_are_listed_and_explained(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")

    assert main(["rules"]) == 0
    listed = capsys.readouterr().out
    assert listed.startswith("linkage\n  static\n    ")
    assert [name for name in RULES if f"\n  {name}\n" not in listed] == []
    assert max(map(len, listed.splitlines())) <= 60

    assert main(["explain", "static"]) == 0
    assert capsys.readouterr().out == (
        f"static (linkage, on one image)\n\n{RULES['static'].summary}\n\n"
        "golink.toml  static = true\nshell        golink check FILE --rule static\nPython       assert_static(…)\n\n"
        "to mend it   a violation shows what makes the same program\n"
        "             static, or that no program of its platform is.\n"
    )
    assert main(["explain", "same-linkage"]) == 0
    explained = capsys.readouterr().out
    assert ", on all images of a binary together)\n" in explained
    assert main(["explain", "runs-on"]) == 0
    explained = capsys.readouterr().out
    assert "\nparameters\n  platforms: a list of at least one: a platform" in explained
    assert "golink.toml  runs-on = …\n" in explained
    assert main(["explain", "statik"]) == 4
    assert capsys.readouterr().err == 'golink: unknown rule "statik"; did you mean "static"?\n'


def test_platforms_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["platforms"]) == 0

    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == [*PLATFORMS]


def test_no_file_is_an_error() -> None:
    result = run()

    assert result.returncode == 4
    assert "the following arguments are required: FILE" in result.stderr


def test_crosscheck_reads_with_another_reader_too(
    static: GoBinary, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(static.path), "--crosscheck"]) == 0

    monkeypatch.setattr("pytest_golink.reader.witnesses.pyelftools.theirs", lambda _data: {"PT_INTERP": "/lib/ld.so"})
    capsys.readouterr()

    assert main([str(static.path)]) == 0
    assert capsys.readouterr().err == ""
    assert main([str(static.path), "--crosscheck"]) == 2
    error = capsys.readouterr().err
    assert "two readers disagree" in error
    assert "'/lib/ld.so'" in error
