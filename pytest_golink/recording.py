"""Where findings go: whoever listens gets each one that an assertion makes. Cheap to import: pytest always listens."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_golink.findings import Finding
    from pytest_golink.rules.subject import Subject

    Sink = Callable[[tuple[Subject, ...], Finding], None]

# Of the process, not of a context: a test may ask from threads of its own.
_sinks: list[Sink] = []


@contextmanager
def recording(sink: Sink) -> Iterator[None]:
    """Give every finding that is made inside to `sink`, those that passed too."""
    _sinks.append(sink)
    try:
        yield
    finally:
        _sinks.pop()


def record(finding: Finding, *subjects: Subject) -> None:
    """Give a finding, and the images that it is about, to the innermost listener, if there is one."""
    if _sinks:
        _sinks[-1](subjects, finding)
