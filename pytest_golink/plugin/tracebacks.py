"""What a report shows of an error of golink's: its text, and the lines of the user that led to it."""

from __future__ import annotations

from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from pytest_golink.errors import GolinkError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pytest
    from _pytest._code.code import TerminalRepr

_NOT_THE_USERS = {"_pytest", "pluggy", "pytest_golink"}


def without_traceback(excinfo: pytest.ExceptionInfo[BaseException]) -> TerminalRepr | None:
    """Return only the text of golink's error, None where its traceback goes through a line that is the user's."""
    if not isinstance(excinfo.value, GolinkError):
        return None
    modules = {_package(entry.frame.f_globals) for entry in excinfo.traceback}
    return excinfo.getrepr(style="value") if modules <= _NOT_THE_USERS else None


@contextmanager
def users_lines(excinfo: pytest.ExceptionInfo[BaseException], config: pytest.Config) -> Iterator[None]:
    """Inside, end the traceback of golink's error where the user called golink; not under --full-trace."""
    error, whole = excinfo.value, excinfo.traceback
    steps = [*_steps(excinfo.tb)]
    end = next((number for number in range(len(steps), 0, -1) if not _is_ours(steps[number - 1])), 0)
    if not isinstance(error, GolinkError) or config.getoption("fulltrace", default=False) or end in (0, len(steps)):
        yield
        return
    users = None
    for step in reversed(steps[:end]):
        users = TracebackType(users, step.tb_frame, step.tb_lasti, step.tb_lineno)
    assert users is not None  # noqa: S101 - `end` is not 0
    # What golink met itself is in the error's text.
    cause, suppressed = error.__cause__, error.__suppress_context__
    excinfo.traceback = type(whole)(users)
    error.__cause__, error.__suppress_context__ = None, True
    try:
        yield
    finally:
        excinfo.traceback = whole
        error.__cause__, error.__suppress_context__ = cause, suppressed


def _steps(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _is_ours(step: TracebackType) -> bool:
    return _package(step.tb_frame.f_globals) == "pytest_golink"


def _package(names: Mapping[str, object]) -> str:
    return str(names.get("__name__", "")).partition(".")[0]
