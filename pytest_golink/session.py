"""
The one switch of this process: who receives findings, whether images are read twice, whether remedies are tried.

One stack of settings for the whole process, not a context variable: a test may ask from its own threads, and what they
ask must be recorded and checked as well. `recording`, `crosschecking` and `trying_remedies` change it for a while;
outside of them nothing is recorded, read twice or tried. Cheap to import: pytest always does.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_golink.findings import Finding, Trial

    # Called with the images that a finding is about, and the finding. The images are Subjects, of a layer above this
    # one: `recording` gives them their type.
    Sink = Callable[[tuple[Any, ...], Finding], None]
    # By the image's path and the text of its policy.
    Trials = dict[tuple[str, str], tuple[Trial, ...]]


@dataclass(kw_only=True, slots=True)
class TrialBudget:
    """
    What trials of remedies may still cost in this process.

    Attributes:
        seconds: How long they may still take; None: only the number of builds is bounded.
        tell: Called with a line about each build before it starts.
    """

    seconds: float | None = None
    tell: Callable[[str], None] = lambda _line: None


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """
    What is switched on.

    Attributes:
        sink: Receives each finding that an assertion or an item of a policy makes; None: not set here.
        crosscheck: Whether a second reader checks each image that is read.
        trials: The remedies that were tried so far; None: not set here (`--golink-try-remedies` sets it).
        budget: What trials may still cost; None: not set here.
    """

    sink: Sink | None = None
    crosscheck: bool = False
    trials: Trials | None = None
    budget: TrialBudget | None = None


_stack: list[Session] = []


def current() -> Session:
    """Return what holds at the moment: of each setting the innermost one that is set."""
    sink: Sink | None = None
    crosscheck = False
    trials: Trials | None = None
    budget: TrialBudget | None = None
    for session in tuple(_stack):
        sink = session.sink or sink
        crosscheck |= session.crosscheck
        trials = session.trials if session.trials is not None else trials
        budget = session.budget or budget
    return Session(sink=sink, crosscheck=crosscheck, trials=trials, budget=budget)


@contextmanager
def within(session: Session) -> Iterator[None]:
    """Let the settings of `session` hold inside, beside those that hold already."""
    _stack.append(session)
    try:
        yield
    finally:
        # By identity: one thread may leave after another that entered later.
        del _stack[next(at for at, entered in enumerate(_stack) if entered is session)]
