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
# The statuses of a run that got to its end.
_ENDED = frozenset({pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED})


class LockWriter:
    """
    Gathers the entries that the items of locks report.

    Args:
        update: Whether to write the locks.
    """

    def __init__(self, *, update: bool) -> None:
        self._update = update
        # By node id, the entries of its last report: that of the teardown, which has all of them.
        self._reported: dict[str, list[dict[str, Any]]] = {}
        self._lines: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the entries of an item."""
        if report.when == "teardown":
            entries = [json.loads(str(value)) for name, value in report.user_properties if name == _LOCK]
            if entries:
                self._reported[report.nodeid] = entries

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the locks, unless the run was interrupted."""
        if not self._update:
            self._lines = self._better()
            return
        if session.config.option.collectonly:
            return
        if session.exitstatus not in _ENDED:
            self._lines = ["golink: no lock was written: the run ended early"] if self._reported else []
        else:
            self._lines = self._written(session)
        if session.config.pluginmanager.get_plugin("terminalreporter") is None:
            # With -p no:terminal there is no other place to show it.
            sys.stderr.writelines(f"{line}\n" for line in self._lines)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print what was written, or what got better."""
        if self._lines:
            terminalreporter.ensure_newline()
            terminalreporter.section("golink.lock")
        for line in self._lines:
            colour = {"+": "green", "-": "red"}.get(line[:1])
            terminalreporter.write_line(line, **{colour: True} if colour else {})

    def _last(self) -> list[dict[str, Any]]:
        """Return the last entry of each item: an update reports one before it reads the image, and one after."""
        return [entries[-1] for entries in self._reported.values()]

    def _better(self) -> list[str]:
        lines: list[str] = []
        entries = sorted(self._last(), key=lambda entry: (entry["lock"], entry["image"]))
        for entry in entries:
            if entry["better"]:
                lines += [f"{entry['image']} is better than {entry['lock']} says:", *entry["better"]]
        if lines:
            lines.append("That is no failure; pytest --golink-update-lock updates the entries.")
        for name in sorted({entry["lock"] for entry in entries if entry["older"]}):
            lines.append(
                f"{name} is of an older version, which has fewer facts: golink compared only those. "
                "pytest --golink-update-lock writes the others."
            )
        return lines

    def _written(self, session: pytest.Session) -> list[str]:
        by_path: dict[str, list[dict[str, Any]]] = {}
        for entry in self._last():
            by_path.setdefault(entry["path"], []).append(entry)
        lines: list[str] = []
        for path, entries in sorted(by_path.items()):
            written, problem = _try_to_write(Path(path), entries)
            lines += written
            if problem:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return lines


def _try_to_write(path: Path, entries: list[dict[str, Any]]) -> tuple[list[str], bool]:
    try:
        return write_update(path, entries), False
    except LockError as error:
        return [f"golink: not written: {line}" for line in str(error).splitlines()], True


def write_update(path: Path, entries: list[dict[str, Any]]) -> list[str]:
    """
    Write a lock after a run, if it changes, and return the lines that say what is new in it.

    Args:
        path: The lock.
        entries: The last entry of each of its items.

    Raises:
        LockError: It cannot be written; or the old one cannot be read or is of an older version, and this run does not
            write all entries anew.
    """
    from pytest_golink.lock import VERSION, Lock, Seen, lock_text, parse_tolerance, read_lock, updated, write_lock

    name = entries[0]["lock"]
    seen = [Seen(image=entry["image"], entry=_entry(entry)) for entry in entries]
    images = frozenset(entries[0]["images"])
    all_seen = entries[0]["complete"] and {each.image for each in seen if each.entry is not None} >= images
    anew = False
    old: Lock = Lock()
    if path.exists():
        try:
            old = read_lock(path, name=name)
        except LockError:
            # Only a run of all images writes it anew; any other would lose entries.
            if not all_seen:
                raise
            anew = True
    if old.version < VERSION:
        if not all_seen:
            raise LockError((None, f"{name} is of an older version: only a run of all images writes it anew"))
        anew = True
    update = updated(old, seen, images, parse_tolerance(entries[0]["tolerance"]), complete=bool(entries[0]["complete"]))
    if update.changes or anew or not path.exists():
        if not update.lock.entries:
            return [f"{name}: not written: golink could not build or read any image"]
        write_lock(path, lock_text(update.lock.entries))
        head = f"{name} is written{' anew' if anew else ''}: {_counts(update)}"
    else:
        head = f"{name}: nothing changed"
    return [head, *_changes(update, name)]


def _entry(reported: dict[str, Any]) -> LockEntry | None:
    from pytest_golink.lock import LockEntry

    if reported["facts"] is None:
        return None
    facts = tuple(((field, name), value) for field, name, value in reported["facts"])
    return LockEntry(image=reported["image"], facts=facts)


def _counts(update: Update) -> str:
    counts = (
        (len(update.added), "added"),
        (len(update.drifts), "changed"),
        (len(update.removed), "removed"),
    )
    return ", ".join(f"{count} {what}" for count, what in counts if count) or "no image changed"


def _changes(update: Update, name: str) -> list[str]:
    from pytest_golink.lock import diff_lines

    lines = [*_named("added", update.added), *_named("removed", update.removed)]
    for drift in update.drifts:
        lines += [f"  changed  {drift.image}", *diff_lines(drift.differences, width=_WIDTH)]
    lines += _named("not written, since golink could not build or read it", update.failed)
    if update.stale:
        lines += _named(
            f"not in the policy, and kept: a run that reads all images removes it from {name}", update.stale
        )
    return lines


def _named(what: str, images: Iterable[str]) -> list[str]:
    return [f"  {what}  {image}" for image in images]
