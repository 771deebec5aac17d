"""The rule about the subsystem that Windows starts an image in."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from collections.abc import Iterator
from typing import Literal, get_args

from pytest_golink.case import Case
from pytest_golink.findings import Remedy
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked

SubsystemKind = Literal["console", "gui"]


def _change_subsystem(case: Case) -> Iterator[Remedy]:
    """Yield the flag of the linker that chooses the subsystem."""
    # Source: cmd/link's flag -H.
    if case.facts.go is None or case.finding.observed not in get_args(SubsystemKind):
        return
    gui = case.finding.text("kind") == "gui"
    yield Remedy(words="-ldflags -H=windowsgui" if gui else "build without -ldflags -H=windowsgui")


@rule(
    "subsystem",
    group="platform",
    page="PE: Windows starts the image as a console program, or as one with windows only (`gui`)",
    remedies=_change_subsystem,
)
def subsystem(subject: Subject, *, kind: SubsystemKind) -> Verdict:
    """Windows starts the image in this subsystem: console or gui."""
    facts = subject.facts
    expected = f"subsystem {kind}"
    unlinked = undecidable_if_unlinked(facts, expected)
    if unlinked:
        return unlinked
    if facts.pe is None:
        return Verdict(
            outcome="not-applicable", expected=expected, observed=f"{facts.format} images have no such field"
        )
    seen = facts.pe.subsystem
    return Verdict(
        outcome="passed" if seen == kind else "violated",
        expected=expected,
        observed=seen,
        evidence=(f"Subsystem {seen}",),
    )
