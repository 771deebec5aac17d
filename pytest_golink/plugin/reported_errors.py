"""What a report says of tests, and of runs, that ended in an error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import GolinkError, PolicyViolation
from pytest_golink.report.model import ReportedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_golink.builder import GoBinary

# "golink.toml:14: unknown rule": each argument of a usage error is a mistake.
_PLACED = re.compile(r"(\S[^:\n]*:[1-9][0-9]*): (.+)", re.DOTALL)
_ANSWERS = (PolicyViolation, pytest.skip.Exception, pytest.xfail.Exception)


def reported_errors(
    item: pytest.Item, error: BaseException, binaries: Mapping[str, GoBinary]
) -> tuple[ReportedError, ...]:
    """
    Give what a failed test leaves without an answer; nothing for one that failed for reasons of its own.

    Args:
        item: The test, or the item of a policy, which has no reasons of its own.
        error: What it ended in.
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
    """Give an error that no test ended in by itself; `nodeid` is what it is about, "" for the run."""
    from pytest_golink.report.error_text import bounded

    return ReportedError(kind=kind, text=bounded(text), tests=(nodeid,) if nodeid else ())


def usage_errors(messages: Iterable[str]) -> tuple[ReportedError, ...]:
    """Give the mistakes that kept a run from starting, each at its line where it names one."""
    from pytest_golink.report.error_text import bounded

    errors = []
    for message in messages:
        placed = _PLACED.fullmatch(message)
        place, text = placed.groups() if placed else ("", message)
        errors.append(ReportedError(kind="UsageError", text=bounded(text), place=place))
    return tuple(errors)
