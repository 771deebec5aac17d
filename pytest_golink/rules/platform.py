"""Rules about the platform that an image is for."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from typing import Annotated

from pytest_golink.facts import Subject
from pytest_golink.rules.evidence import matching
from pytest_golink.rules.parameters import SOME, TargetName
from pytest_golink.rules.verdict import Verdict, listed


def target(subject: Subject, *, targets: Annotated[tuple[TargetName, ...], SOME]) -> Verdict:
    """GOOS/GOARCH is one of these."""
    facts = subject.facts
    expected = listed(targets) if len(targets) == 1 else f"one of {listed(targets)}"
    if facts.target is None:
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="neither the headers nor the build info name a target",
            evidence=(f"{facts.format} {facts.kind}",),
        )
    seen = str(facts.target)
    held = bool(matching(facts, [seen], targets))
    plain = [name for name in targets if not set(name) & set("*?[")]
    return Verdict(
        outcome="passed" if held else "violated",
        expected=expected,
        observed=seen,
        evidence=(f"{facts.format} {facts.kind} for {seen}",),
        remedy=("GOOS={} GOARCH={}".format(*plain[0].split("/")),) if not held and len(plain) == 1 else (),
    )
