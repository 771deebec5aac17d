"""The errors in which tests and runs ended, as reports show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import GolinkError, PolicyViolation
from pytest_golink.report.model import ReportedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_golink.gobinary import GoBinary

_ANSWERS = (PolicyViolation, pytest.skip.Exception, pytest.xfail.Exception)


def reported_errors(
    item: pytest.Item, error: BaseException, binaries: Mapping[str, GoBinary]
) -> tuple[ReportedError, ...]:
    """
    Return what a failed test leaves without an answer; nothing where the failure has nothing to do with golink.

    Args:
        item: The test, or the item of a policy.
        error: The error that the test ended in.
        binaries: The images that the test got, by path.
    """
    from pytest_golink.report.error_text import reported

    if (own := getattr(item, "reported_errors", None)) is not None:
        return () if isinstance(error, _ANSWERS) else tuple(own(error))
    if not isinstance(error, GolinkError):
        return ()
    path = str(getattr(error, "path", ""))
    binary = binaries.get(path)
    if binary is None:
        return (reported(error, image=path),)
    return (reported(error, image=binary.name, target=binary.target),)


def outside_error(kind: str, text: str, nodeid: str) -> ReportedError:
    """Return an error that no test raised itself; `nodeid` is the node that it is about, "" for the run."""
    from pytest_golink.report.error_text import bounded

    return ReportedError(kind=kind, text=bounded(text), tests=(nodeid,) if nodeid else ())


def usage_errors(mistakes: Iterable[Sequence[str]]) -> tuple[ReportedError, ...]:
    """Return the mistakes that kept a run from starting, from pairs of place and text."""
    from pytest_golink.report.error_text import bounded

    return tuple(ReportedError(kind="UsageError", text=bounded(text), place=place) for place, text in mistakes)
