"""The end of a run with a lock, on the process that reports: what got better, and the new lock."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.errors import LockError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.lock import Lock, LockEntry, Update

# As collect/lock_items.py writes it: importing that takes what an idle run does not need.
_LOCK = "golink.lock"
_WIDTH = 80
# A run that says one of these did not get to its end, or never began.
_ENDED = frozenset({pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED})


class Locking:
    """
    Gathers what the items of locks tell.

    Args:
        update: Whether to write the locks.
    """

    def __init__(self, *, update: bool) -> None:
        self._update = update
        # Node id → what its last report told: that of the teardown, which has all of it.
        self._told: dict[str, list[dict[str, Any]]] = {}
        self._lines: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what an item told."""
        if report.when == "teardown":
            told = [json.loads(str(value)) for name, value in report.user_properties if name == _LOCK]
            if told:
                self._told[report.nodeid] = told

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the locks, unless the run was interrupted."""
        if not self._update:
            self._lines = self._better()
            return
        if session.config.option.collectonly:
            return
        if session.exitstatus not in _ENDED:
            self._lines = ["golink: no lock was written: the run did not get to its end"] if self._told else []
        else:
            self._lines = self._written(session)
        if session.config.pluginmanager.get_plugin("terminalreporter") is None:
            # With -p no:terminal there is no other place to say it.
            sys.stderr.writelines(f"{line}\n" for line in self._lines)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was written, or what got better."""
        if self._lines:
            terminalreporter.ensure_newline()
            terminalreporter.section("golink.lock")
        for line in self._lines:
            colour = {"+": "green", "-": "red"}.get(line[:1])
            terminalreporter.write_line(line, **{colour: True} if colour else {})

    def _better(self) -> list[str]:
        lines: list[str] = []
        for told in sorted(self._told.values(), key=lambda told: (told[-1]["lock"], told[-1]["image"])):
            lines += [f"{told[-1]['image']} is better than {told[-1]['lock']} says:", *told[-1]["better"]]
        return [*lines, "That is no failure; pytest --golink-update-lock writes it down."] if lines else []

    def _written(self, session: pytest.Session) -> list[str]:
        by_path: dict[str, list[dict[str, Any]]] = {}
        for told in self._told.values():
            by_path.setdefault(told[-1]["path"], []).append(told[-1])
        lines: list[str] = []
        for path, entries in sorted(by_path.items()):
            written, problem = _try_to_write(Path(path), entries)
            lines += written
            if problem:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return lines


def _try_to_write(path: Path, told: list[dict[str, Any]]) -> tuple[list[str], bool]:
    try:
        return write_update(path, told), False
    except LockError as error:
        return [f"golink: not written: {line}" for line in str(error).splitlines()], True


def write_update(path: Path, told: list[dict[str, Any]]) -> list[str]:
    """
    Write a lock after a run, if it changes, and say what is new in it.

    Args:
        path: The lock.
        told: What each item of it told last.

    Raises:
        LockError: It cannot be written; or what is there cannot be read, and not all of it would be written anew.
    """
    from pytest_golink.lock import Lock, Seen, lock_text, parse_tolerance, read_lock, updated, write_lock

    name = told[0]["lock"]
    seen = [Seen(image=entry["image"], entry=_entry(entry)) for entry in told]
    images = frozenset(told[0]["images"])
    whole = told[0]["complete"] and {each.image for each in seen if each.entry is not None} >= images
    problem: LockError | None = None
    old: Lock = Lock()
    if path.exists():
        try:
            old = read_lock(path, name=name)
        except LockError as error:
            # Every entry is there to be written anew; else some would be lost.
            if not whole:
                raise
            problem = error
    update = updated(old, seen, images, parse_tolerance(told[0]["tolerance"]), complete=bool(told[0]["complete"]))
    if update.changes or problem is not None or not path.exists():
        if not update.lock.entries:
            return [f"{name}: not written: no image could be built or read"]
        write_lock(path, lock_text(update.lock.entries))
        head = f"{name} is written{' anew' if problem is not None else ''}: {_counts(update)}"
    else:
        head = f"{name}: nothing changed"
    return [head, *_said(update, name)]


def _entry(told: dict[str, Any]) -> LockEntry | None:
    from pytest_golink.lock import LockEntry

    if told["facts"] is None:
        return None
    return LockEntry(image=told["image"], facts=tuple(((field, name), value) for field, name, value in told["facts"]))


def _counts(update: Update) -> str:
    counts = (
        (len(update.added), "added"),
        (len(update.drifts), "changed"),
        (len(update.removed), "removed"),
    )
    return ", ".join(f"{count} {what}" for count, what in counts if count) or "no image changed"


def _said(update: Update, name: str) -> list[str]:
    from pytest_golink.lock import diff_lines

    lines = [*_named("added", update.added), *_named("removed", update.removed)]
    for drift in update.drifts:
        lines += [f"  changed  {drift.image}", *diff_lines(drift.differences, width=_WIDTH)]
    lines += _named("not written, since it could not be built or read", update.failed)
    if update.stale:
        lines += _named(f"not in the policy, and kept: {name} loses it when all images were read", update.stale)
    return lines


def _named(what: str, images: Iterable[str]) -> list[str]:
    return [f"  {what}  {image}" for image in images]
