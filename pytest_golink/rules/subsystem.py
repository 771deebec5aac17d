"""The rule about the subsystem that Windows starts an image in."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from typing import Literal

from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked

SubsystemKind = Literal["console", "gui"]


@rule(
    "subsystem",
    group="platform",
    page="PE: Windows starts the image as a console program, or as one with windows only (`gui`)",
    no_remedies="-H is a flag of Go's linker that golink does not set: -ldflags -H=windowsgui makes a gui program.",
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
    remedy = "-ldflags -H=windowsgui" if kind == "gui" else "build without -ldflags -H=windowsgui"
    return Verdict(
        outcome="passed" if seen == kind else "violated",
        expected=expected,
        observed=seen,
        evidence=(f"Subsystem {seen}",),
        remedy=(remedy,) if seen != kind and seen in ("console", "gui") and facts.go is not None else (),
    )
