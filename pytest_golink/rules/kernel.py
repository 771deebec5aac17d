"""The rule about the oldest Linux that an image starts on."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

import re
from typing import Annotated

from pytest_golink.forms import Form
from pytest_golink.loader.kernel import kernel_floors, whole
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked

KernelVersion = Annotated[
    str,
    Form(
        text='a version of Linux, such as "4.19"',
        accepts=lambda value: isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+){1,2}", value) is not None,
    ),
]


@rule(
    "kernel-at-most",
    group="platform",
    page="the oldest Linux that it starts on is at or under it: Go's own minimum by port and release, a static glibc's",
    no_remedies="An older Go, or another C library, is no option of a build.",
)
def kernel_at_most(subject: Subject, *, version: KernelVersion) -> Verdict:
    """Oldest Linux on which the image starts at or under this version."""
    facts = subject.facts
    expected = f"Linux {version} or older is enough"
    unlinked = undecidable_if_unlinked(facts, expected)
    if unlinked:
        return unlinked
    if facts.target is not None and facts.target.goos != "linux":
        return Verdict(outcome="not-applicable", expected=expected, observed=f"it is for {facts.target}, not for Linux")
    floors = kernel_floors(facts)
    evidence = tuple(f"{floor.reason}: Linux {floor.version}" for floor in floors)
    if not floors:
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="the image does not say which Linux it needs",
            evidence=(f"{facts.format} {facts.kind}",),
        )
    highest = floors[0]
    held = whole(highest.version) <= whole(version)
    return Verdict(
        outcome="passed" if held else "violated",
        expected=expected,
        observed=f"needs Linux {highest.version}",
        evidence=evidence,
        remedy=() if held else highest.remedy,
    )
