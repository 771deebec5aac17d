"""What a failure shows of the way to golink's error: the user's lines, and none of golink's."""

from __future__ import annotations

from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from pytest_golink.errors import GolinkError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    import pytest
    from _pytest._code.code import TerminalRepr

_GOLINK = "pytest_golink"
_NOT_THE_USERS = {"_pytest", "pluggy", _GOLINK}


def without_traceback(excinfo: pytest.ExceptionInfo[BaseException]) -> TerminalRepr | None:
    """Return only the text of golink's error, None where its traceback goes through a line that is the user's."""
    if not isinstance(excinfo.value, GolinkError):
        return None
    modules = {_package(entry.tb_frame) for entry in _entries(excinfo.value.__traceback__)}
    return excinfo.getrepr(style="value") if modules <= _NOT_THE_USERS else None


@contextmanager
def only_users_lines(excinfo: pytest.ExceptionInfo[BaseException]) -> Iterator[None]:
    """Hide from the report that is made inside golink's own lines, and the error inside golink behind its error."""
    error = excinfo.value
    if not isinstance(error, GolinkError):
        yield
        return
    # Not Traceback.filter: pytest cuts its own frames off the raw traceback, which has all of them.
    kept: TracebackType | None = None
    for entry in reversed([*_entries(error.__traceback__)]):
        if _package(entry.tb_frame) != _GOLINK:
            kept = TracebackType(kept, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    # pytest's own frames stay in any case.
    assert kept is not None  # noqa: S101
    excinfo.traceback = type(excinfo.traceback)(kept)
    cause, hides_context = error.__cause__, error.__suppress_context__
    # Its text is in golink's message.
    error.__cause__ = None
    try:
        yield
    finally:
        error.__cause__, error.__suppress_context__ = cause, hides_context


def _entries(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
