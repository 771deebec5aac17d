"""Where findings go: to the innermost listener. Cheap to import: pytest always listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.session import Session, current, within

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pytest_golink.findings import Finding
    from pytest_golink.rules.subject import Subject

    Sink = Callable[[tuple[Subject, ...], Finding], None]


def recording(sink: Sink) -> AbstractContextManager[None]:
    """Send every finding that is made inside to `sink`, also those that passed."""
    return within(Session(sink=sink))


def record(finding: Finding, *subjects: Subject) -> None:
    """Send a finding, and the images that it is about, to the innermost listener, if there is one."""
    sink = current().sink
    if sink is not None:
        sink(subjects, finding)
