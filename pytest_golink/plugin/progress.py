"""
What is being built, and how many builds are left, at the end of the terminal's current line.

A build may take a minute, and pytest's own output stands still meanwhile. The text is written behind the cursor, which
goes back to where it was, and is erased before pytest writes on. A log, which is no terminal, gets a line of its own
where nothing else was written for a while.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_golink.settings import build_options, is_marked
from pytest_golink.text.escape import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from _pytest._io import TerminalWriter

    from pytest_golink.builder import BuildOptions
    from pytest_golink.fixtures import Run

_POLL_S = 0.2
# A log of short builds stays as it is; a reader of a long one sees what it waits for, and that it goes on.
_SILENT_S = 10.0
_SAME_AGAIN_S = 60.0
_LOG_COLUMNS = 120
# DECSC and DECRC keep the cursor's place, EL erases to the end of the line. Source: ECMA-48; VT510 manual.
_SAVE, _RESTORE, _ERASE = "\x1b7", "\x1b8", "\x1b[K"
# With less room there is no text.
_NARROWEST = 16
# A shorter part of a package's name would not distinguish it.
_SHORTEST = 8
_PLUGIN = "golink-progress"


class Tally:
    """Which builds a run wants, which are running, and which are done, in all of its processes."""

    def __init__(self) -> None:
        self._wanted: set[str] = set()
        self._done: set[str] = set()
        # In the order in which they started.
        self._running: dict[str, str] = {}

    def want(self, builds: Iterable[str]) -> None:
        """Add builds to come."""
        self._wanted.update(builds)

    def change(self, build: str, label: str, *, starts: bool) -> None:
        """Update a build that starts, or that has ended."""
        if starts:
            self._running[build] = label
        else:
            self._running.pop(build, None)
            self._done.add(build)

    @property
    def left(self) -> int:
        """How many builds are running or to come."""
        return len((self._wanted | self._running.keys()) - self._done)

    def text(self, width: int) -> str:
        """Return it in at most so many columns; "" where nothing runs, or there is no room."""
        if not self._running or width < _NARROWEST:
            return ""
        label = next(reversed(self._running.values()))
        others = len(self._running) - 1
        left = f"{self.left} left"
        end = f"{f' and {others} more' if others else ''}, {left}"
        for start in (" golink: building ", " golink: ", " "):
            room = width - len(start) - len(end)
            if room >= len(label):
                return start + label + end
        return f" {label[: room - 1]}…{end}" if room > _SHORTEST else f" golink: {left}"[:width]


class Line:
    """The end of the terminal's current line."""

    def __init__(self, descriptor: int, writer: TerminalWriter) -> None:
        self._descriptor = descriptor
        self._writer = writer
        self._shown = ""

    def room(self) -> int:
        """How many columns are free; the last one stays so, since a cursor behind it is in no column."""
        width = self._writer.fullwidth
        return width - self._writer.width_of_current_line % width - 1

    def show(self, text: str) -> None:
        """Write a text, all at once, so that nothing comes between; "" erases it."""
        if not text:
            self.erase()
        elif text != self._shown:
            _write(self._descriptor, f"{_SAVE}{_ERASE}{text}{_RESTORE}")
            self._shown = text

    def erase(self) -> None:
        """Erase it, before pytest writes on."""
        if self._shown:
            _write(self._descriptor, _ERASE)
            self._shown = ""

    def close(self) -> None:
        """Erase it, and close the terminal."""
        self.erase()
        os.close(self._descriptor)


class LogLines:
    """Lines of a log, few of them: the first one after ten silent seconds, the same text once a minute."""

    def __init__(self, descriptor: int, writer: TerminalWriter, clock: Callable[[], float] = time.monotonic) -> None:
        self._descriptor = descriptor
        self._writer = writer
        self._clock = clock
        self._silent_since = clock()
        self._shown = ""

    def room(self) -> int:
        """How many columns a line has."""
        return _LOG_COLUMNS

    def show(self, text: str) -> None:
        """Write a line, if it is time for one; "" is none."""
        silent = self._clock() - self._silent_since
        if text and silent >= (_SAME_AGAIN_S if text == self._shown else _SILENT_S):
            # pytest has flushed the letters of its current line.
            start = "\n" if self._writer.width_of_current_line else ""
            _write(self._descriptor, f"{start}{text.strip()}\n")
            self._shown, self._silent_since = text, self._clock()

    def erase(self) -> None:
        """Note that pytest writes on."""
        self._silent_since = self._clock()

    def close(self) -> None:
        """Close the log."""
        os.close(self._descriptor)


def _write(descriptor: int, text: str) -> None:
    # A terminal that is gone (SIGHUP) is no reason to fail a build.
    with suppress(OSError):
        os.write(descriptor, text.encode(errors="replace"))


class Display:
    """Shows the builds of this process, and those that workers write to a file."""

    def __init__(self, line: Line | LogLines) -> None:
        self._line = line
        self._tally = Tally()
        # What the workers write, and how much of it was read.
        self._events: Path | None = None
        self._read = 0
        # pytest's own output and ours must not mix.
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def want(self, builds: Iterable[str]) -> None:
        """Add builds to come."""
        self._tally.want(builds)
        if isinstance(self._line, LogLines) and self._tally.left:
            self._start()

    def change(self, build: str, label: str, *, starts: bool) -> None:
        """Update a build of this process."""
        with self._lock:
            self._tally.change(build, label, starts=starts)
            self._line.show(self._tally.text(self._line.room()))

    def follow(self) -> str:
        """Follow the builds of workers: return the file for them to write to."""
        if self._events is None:
            descriptor, name = tempfile.mkstemp(prefix="golink-", suffix=".jsonl")
            os.close(descriptor)
            self._events = Path(name)
            self._start()
        return str(self._events)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._follow, daemon=True)
            self._thread.start()

    def _follow(self) -> None:
        while not self._ended.wait(_POLL_S):
            with self._lock:
                if self._events is not None:
                    self._read_on(self._events)
                self._line.show(self._tally.text(self._line.room()))

    def _read_on(self, events: Path) -> None:
        with suppress(OSError), events.open("rb") as file:
            file.seek(self._read)
            # A line that is being written is left for the next time.
            whole = file.read().rpartition(b"\n")[0]
            self._read += len(whole) + bool(whole)
            for line in whole.splitlines():
                event = json.loads(line)
                if "want" in event:
                    self._tally.want(event["want"])
                else:
                    self._tally.change(event["build"], event["label"], starts=event["starts"])

    def _paused(self) -> Generator[None, object, object]:
        with self._lock:
            self._line.erase()
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logstart(self) -> Generator[None, object, object]:
        """Make way for pytest's line."""
        return (yield from self._paused())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self) -> Generator[None, object, object]:
        """Make way for pytest's letter."""
        return (yield from self._paused())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logfinish(self) -> Generator[None, object, object]:
        """Make way for pytest's line."""
        return (yield from self._paused())

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """End the display."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._events is not None:
            self._events.unlink(missing_ok=True)
        self._line.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerProgress:
    """Sends this worker's builds to the controller, in a file that it follows."""

    events: str

    def want(self, builds: Iterable[str]) -> None:
        """Send the builds to come."""
        self._send({"want": sorted(builds)})

    def change(self, build: str, label: str, *, starts: bool) -> None:
        """Send a build that starts, or that has ended."""
        self._send({"build": build, "label": label, "starts": starts})

    def _send(self, event: dict[str, object]) -> None:
        # One write at the end of the file: those of several workers do not mix.
        with suppress(OSError), open(self.events, "ab", buffering=0) as file:  # noqa: PTH123 - a str is all there is
            file.write(json.dumps(event).encode() + b"\n")


def show_builds(session: pytest.Session, run: Run) -> None:
    """Start to show the builds of this process, on its terminal or on that of the controller, if there is one."""
    shown = _worker_progress(session.config) if hasattr(session.config, "workerinput") else _display(session.config)
    if shown is None:
        return
    shown.want(_name(options) for item in session.items for options in _builds(run, item))
    run.on_build = lambda options, label, starts: shown.change(_name(options), escape(label), starts=starts)


def follow_builds(config: pytest.Config) -> dict[str, str]:
    """Follow the builds of xdist's workers, and return what they must know; nothing where there is no terminal."""
    display = config.pluginmanager.get_plugin(_PLUGIN) or _display(config)
    return {"golink_events": display.follow()} if display is not None else {}


def _builds(run: Run, item: pytest.Item) -> tuple[BuildOptions, ...]:
    # The builds of a policy's item; that of go_binary, unless its image is there already.
    if "go_binary" not in getattr(item, "fixturenames", ()):
        return getattr(item, "golink_builds", ())
    prebuilt = run.settings.binaries and not is_marked(item)
    return () if prebuilt else (build_options(run.settings, item),)


def _name(options: BuildOptions) -> str:
    # The same in every process.
    return repr(options)


def _worker_progress(config: pytest.Config) -> WorkerProgress | None:
    # xdist's attribute.
    events = config.workerinput.get("golink_events")  # type: ignore[attr-defined]
    return WorkerProgress(events=events) if events else None


def _display(config: pytest.Config) -> Display | None:
    if config.pluginmanager.get_plugin("terminalreporter") is None:
        return None
    try:
        # Our own descriptor: pytest points the original elsewhere while it captures a test's output.
        descriptor = os.dup(sys.stdout.fileno())
    except (OSError, ValueError):
        return None
    writer = config.get_terminal_writer()
    of_terminal = sys.platform != "win32" and os.environ.get("TERM", "dumb") != "dumb" and os.isatty(descriptor)
    display = Display(Line(descriptor, writer) if of_terminal else LogLines(descriptor, writer))
    config.pluginmanager.register(display, _PLUGIN)
    return display
