"""While builds run on a terminal, its last line says what is built and how many are left; then it is gone."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from contextlib import suppress
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from _pytest._io import TerminalWriter

from pytest_golink.plugin.progress import LogLines, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TESTS = """
import pytest

@pytest.mark.golink("cmd", cgo=False)
def test_one(go_binary): ...

@pytest.mark.golink("cmd", cgo=False, ldflags="-s")
def test_two(go_binary): ...

@pytest.mark.golink("cmd", cgo=False)
def test_one_again(go_binary): ...

def test_other(): ...
"""
# What golink writes: saved cursor, erased rest of the line, text, restored cursor.
SHOWN = re.compile(r"\x1b7\x1b\[K ([^\x1b]*)\x1b8")


def on_a_terminal(folder: Path, *arguments: str, **environment: str) -> str:
    """Run pytest on a pseudo-terminal of 80 columns, and give all that it wrote there."""
    controller, terminal = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=folder,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80", **environment},
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    written = b""
    while True:
        try:
            piece = os.read(controller, 65536)
        except OSError:
            # Linux says EIO, not end of file, once nobody has the other side open.
            break
        if not piece:
            break
        written += piece
    os.close(controller)
    assert process.wait() == 0
    return written.decode()


class TestTerminal:
    @pytest.fixture(autouse=True)
    def _program(self, app: Path) -> None:
        (app / "cmd").mkdir()
        (app / "main.go").rename(app / "cmd" / "main.go")

    @pytest.mark.parametrize("options", [[], ["-v"], ["-q"], ["-s"]])
    def test_it_shows_each_build_and_how_many_are_left(self, pytester: pytest.Pytester, options: list[str]) -> None:
        pytester.makepyfile(test_it=TESTS)

        written = on_a_terminal(pytester.path, *options)

        assert SHOWN.findall(written) == [
            "golink: building cmd linux/amd64, 2 left",
            "golink: building cmd linux/amd64, 1 left",
        ]
        # Erased before pytest writes on.
        assert written.count("\x1b8\x1b[K") == 2

    def test_it_shows_what_the_workers_of_xdist_build(self, pytester: pytest.Pytester, counting_go: Path) -> None:
        pytester.makepyfile(test_it=TESTS)
        # Slow enough to be seen by the controller, which looks five times a second.
        counting_go.write_text(counting_go.read_text().replace("exec", "[ $1 = build ] && sleep 1\nexec"))

        written = on_a_terminal(pytester.path, "-n2", f"--golink-go={counting_go}")

        shown = SHOWN.findall(written)
        assert any("2 left" in text for text in shown)
        assert all("linux/amd64" in text for text in shown)
        assert written.rindex("4 passed") > written.rindex("\x1b[K")

    def test_a_dumb_terminal_shows_nothing(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(test_it=TESTS)

        assert "\x1b" not in on_a_terminal(pytester.path, "--color=no", TERM="dumb")

    def test_a_terminal_that_runs_no_builds_shows_nothing(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(test_it="def test_it(): ...")

        assert "\x1b" not in on_a_terminal(pytester.path, "--color=no")

    def test_no_terminal_shows_nothing(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(test_it=TESTS)

        result = pytester.runpytest_subprocess("-n2")

        result.assert_outcomes(passed=4)
        assert "\x1b" not in result.stdout.str()
        assert "building" not in result.stdout.str()


class TestLog:
    """A log is a pipe or a file: few lines, and none where pytest writes by itself."""

    @pytest.fixture
    def log(self) -> Iterator[tuple[LogLines, Callable[[float], None], Callable[[], str]]]:
        now = [0.0]
        reader, descriptor = os.pipe()
        lines = LogLines(descriptor, TerminalWriter(StringIO()), lambda: now[0])

        def wait(seconds: float) -> None:
            now[0] += seconds

        def written() -> str:
            os.set_blocking(reader, False)
            with suppress(BlockingIOError):
                return os.read(reader, 1000).decode()
            return ""

        yield lines, wait, written
        lines.close()
        os.close(reader)

    def test_a_line_is_written_after_ten_silent_seconds_and_the_same_one_once_a_minute(
        self, log: tuple[LogLines, Callable[[float], None], Callable[[], str]]
    ) -> None:
        lines, wait, written = log
        lines.show(" golink: building app, 2 left")
        assert written() == ""
        wait(10)
        lines.show(" golink: building app, 2 left")
        assert written() == "golink: building app, 2 left\n"
        wait(59)
        lines.show(" golink: building app, 2 left")
        assert written() == ""
        lines.show(" golink: building other, 1 left")
        assert written() == "golink: building other, 1 left\n"
        wait(9)
        lines.erase()
        wait(9)
        lines.show(" golink: building last, 1 left")
        lines.show("")
        assert written() == ""

    @pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["one process", "xdist"])
    def test_a_long_build_is_named_in_a_log(
        self, pytester: pytest.Pytester, app: Path, workers: tuple[str, ...]
    ) -> None:
        (app / "cmd").mkdir()
        (app / "main.go").rename(app / "cmd" / "main.go")
        pytester.makepyfile(test_it=TESTS)
        # As if each build took long.
        pytester.makeconftest("from pytest_golink.plugin import progress\n\nprogress._SILENT_S = 0.0\n")

        result = pytester.runpytest_subprocess(*workers)

        result.assert_outcomes(passed=4)
        result.stdout.fnmatch_lines(["golink: building cmd linux/amd64, 2 left"])


class TestTally:
    def test_a_text_is_cut_to_the_room_there_is(self) -> None:
        tally = Tally()
        tally.want(["a", "b", "c"])
        assert tally.text(80) == ""

        tally.change("a", "cmd/very-long-name linux/amd64", starts=True)

        assert tally.text(80) == " golink: building cmd/very-long-name linux/amd64, 3 left"
        assert tally.text(50) == " golink: cmd/very-long-name linux/amd64, 3 left"
        assert tally.text(40) == " cmd/very-long-name linux/amd64, 3 left"
        assert tally.text(30) == " cmd/very-long-name l…, 3 left"
        assert tally.text(17) == " golink: 3 left"
        assert tally.text(15) == ""

    def test_several_builds_at_once_are_one_text(self) -> None:
        tally = Tally()
        tally.change("a", "app linux/amd64", starts=True)
        tally.change("b", "app linux/arm64", starts=True)

        assert tally.text(80) == " golink: building app linux/arm64 and 1 more, 2 left"

        tally.change("b", "app linux/arm64", starts=False)

        assert tally.text(80) == " golink: building app linux/amd64, 1 left"

    def test_a_build_that_could_not_start_is_not_left(self) -> None:
        tally = Tally()
        tally.want(["a", "b"])
        tally.change("a", "a", starts=False)
        tally.change("b", "b", starts=True)

        assert tally.text(80) == " golink: building b, 1 left"


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_ctrl_c_ends_the_build_as_well(pytester: pytest.Pytester, app: Path, counting_go: Path, workers: str) -> None:
    pytester.makepyfile(test_it="def test_it(go_build): go_build()")
    started, alive = app / "started", app / "alive"
    os.mkfifo(started)
    os.mkfifo(alive)
    # Every process of the build holds the second pipe open: its end is their end.
    held = os.open(alive, os.O_RDONLY | os.O_NONBLOCK)
    counting_go.write_text(
        counting_go.read_text().replace(
            "exec", f'[ "$1" = build ] && {{ exec 3> "{alive}"; echo > "{started}"; sleep 600; }}\nexec', 1
        )
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", workers, f"--golink-go={counting_go}"],
        stdout=subprocess.PIPE,
        text=True,
        # As a terminal does it: one group for pytest and its workers.
        start_new_session=True,
    )
    started.read_text()

    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in output
    assert select.select([held], [], [], 60)[0], "a process of the build is still running"
    assert os.read(held, 1) == b""
    os.close(held)
