"""Each command's exit status, and docs/command.md."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_golink.__main__ import main, parser_of

if TYPE_CHECKING:
    from pytest_golink import GoSample

PAGE = Path(__file__).parents[2] / "docs" / "command.md"


@pytest.fixture
def folder(tmp_path: Path, go_sample: GoSample, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a working folder with an image, a text, and a report."""
    (tmp_path / "app").write_bytes(go_sample("static", cgo=False).path.read_bytes())
    (tmp_path / "text").write_text("no image")
    monkeypatch.chdir(tmp_path)
    main(["check", "app", "--rule", "static", "--report-file", "out.json"])
    return tmp_path


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("facts app", 0),
        ("app", 0),
        ("app --json", 0),
        ("facts text", 2),
        ("facts app gone", 2),
        ("facts", 4),
        ("facts app --nothing", 4),
        ("check app --rule static", 0),
        ("check app --rule dynamic", 1),
        ("check app --rule no-link-warnings", 1),
        ("check gone --rule static", 2),
        ("check app text --rule dynamic", 2),
        ("check app --rule nothing", 4),
        ("check app", 4),
        ("platforms", 0),
        ("platforms --json", 0),
        ("platforms app", 0),
        ("platforms app --json", 0),
        ("platforms text", 2),
        ("platforms --nothing", 4),
        ("rules", 0),
        ("rules --json", 0),
        ("rules nothing", 4),
        ("explain static", 0),
        ("explain static --json", 0),
        ("explain nothing", 4),
        ("init gone", 2),
        ("init --nothing", 4),
        ("merge out.json", 0),
        ("merge text", 2),
        ("merge", 4),
        ("diff out.json out.json", 0),
        ("diff out.json text", 2),
        ("diff out.json", 4),
        ("platform gone", 2),
        ("platform", 4),
        ("completion bash", 0),
        ("completion fish", 4),
    ],
)
def test_each_command_has_one_meaning_of_a_status(
    folder: Path, words: str, found: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert folder.is_dir()
    capsys.readouterr()
    try:
        status: object = main(words.split())
    except SystemExit as ended:
        status = ended.code
    out = capsys.readouterr()

    assert status == found, out
    # What went wrong is on stderr, the answer on stdout.
    assert bool(out.err) == (found in (2, 4))
    assert bool(out.out) or found in (2, 4)


def test_a_pipe_that_is_closed_and_an_interrupt_have_the_status_of_a_shell(folder: Path) -> None:
    command = [sys.executable, "-m", "pytest_golink", "platforms"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=folder) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait() == 141
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    # It waits for a writer of the pipe.
    with subprocess.Popen([*command[:-1], "merge", "pipe"], cwd=folder, stderr=subprocess.PIPE) as process:
        with pipe.open("wb"):
            process.send_signal(signal.SIGINT)
            assert process.wait() == 130
        assert process.stderr is not None
        assert process.stderr.read() == b""


@pytest.mark.parametrize("words", ["rules", "platforms app", "check app --rule dynamic", "--help", "check --help"])
def test_a_terminal_of_ascii_is_no_error(folder: Path, words: str) -> None:
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "pytest_golink", *words.split()]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)

    assert done.returncode in (0, 1)
    assert done.stderr == b""
    assert done.stdout.decode("ascii")
    assert b"\x1b" not in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_the_commands_and_their_options(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out

    assert all(word in script for word in ("check", "platforms", "--report-file" if shell != "tcsh" else "report-file"))


def test_the_page_has_each_command() -> None:
    (commands,) = (action for action in parser_of()._actions if action.dest == "command")
    assert commands.choices is not None
    text = PAGE.read_text(encoding="utf-8")
    table = text[: text.index("## Exit status")]

    assert {*re.findall(r"`golink ([a-z]+)", table)} == {*commands.choices}
