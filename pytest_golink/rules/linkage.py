"""Rules about linkage: what the loader must find before the program starts."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from pytest_golink.case import from_image
from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.diagnosis.linkage import why_not_dynamic, why_not_self_contained
from pytest_golink.diagnosis.origin import dynamic_causes
from pytest_golink.facts import BinaryFacts
from pytest_golink.platforms.system_libraries import (
    is_system_interpreter,
    names_outside_system,
    outside_system,
    system_words,
)
from pytest_golink.remedies.linkage import leave_foreign_libraries, make_dynamic, make_static_or_refuse
from pytest_golink.rules.evidence import interpreter_line, interpreter_word, linkage_lines, needed_lines, needed_word
from pytest_golink.rules.proposal import STARTS_ANYWHERE, Proposal
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked
from pytest_golink.text.words import counted, listed

_UNSAID = "the image does not say how it is linked"


@rule(
    "static",
    group="linkage",
    page=(
        "linkage is static or static-pie. On a platform where that cannot be (macOS, OpenBSD, …) it is "
        "violated, and the message names `self-contained`"
    ),
    concerns={Concern.CGO_LINKED, Concern.LINKAGE, Concern.IMPORTERS, Concern.LIBRARIES},
    causes=from_image(dynamic_causes),
    remedies=make_static_or_refuse,
    propose=Proposal(
        why="Starts on any Linux, in an empty container and on Alpine too: no interpreter, no shared library.",
        needs="cgo = false (CGO_ENABLED=0), or C code that is linked statically",
        ladder=STARTS_ANYWHERE,
    ),
)
def static(subject: Subject) -> Verdict:
    """Linkage is static or static-pie."""
    facts = subject.facts
    word = interpreter_word(facts)
    expected = f"no {word}, no {needed_word(facts)}" if facts.format == "elf" else f"static: no {needed_word(facts)}"
    unanswered = undecidable_if_unlinked(facts, expected) or _undecidable_if_unknown(facts, expected)
    if unanswered:
        return unanswered
    if facts.linkage != "dynamic":
        return Verdict(outcome="passed", expected=expected, observed=str(facts.linkage), evidence=linkage_lines(facts))
    return Verdict(
        outcome="violated",
        expected=expected,
        observed="dynamic",
        evidence=linkage_lines(facts),
    )


@rule(
    "dynamic",
    group="linkage",
    page="linkage is dynamic",
    concerns={Concern.CGO_MISSING},
    causes=why_not_dynamic,
    remedies=make_dynamic,
)
def dynamic(subject: Subject) -> Verdict:
    """Linkage is dynamic."""
    facts = subject.facts
    expected = f"{interpreter_word(facts)} or {needed_word(facts)}" if facts.format == "elf" else "dynamic"
    unanswered = undecidable_if_unlinked(facts, expected) or _undecidable_if_unknown(facts, expected)
    if unanswered:
        return unanswered
    if facts.linkage == "dynamic":
        return Verdict(outcome="passed", expected=expected, observed="dynamic", evidence=linkage_lines(facts))
    return Verdict(
        outcome="violated",
        expected=expected,
        observed=str(facts.linkage),
        evidence=linkage_lines(facts),
    )


@rule(
    "self-contained",
    group="linkage",
    page="nothing is needed beyond what every installation of the operating system has",
    concerns={
        Concern.CGO_LINKED,
        Concern.LINKAGE,
        Concern.IMPORTERS,
        Concern.IMPORTERS_ANYWHERE,
        Concern.LIBRARIES,
    },
    causes=why_not_self_contained,
    remedies=leave_foreign_libraries,
    propose=Proposal(
        why="Needs nothing but what every installation of its operating system has.",
        needs="cgo = false (CGO_ENABLED=0)",
        ladder=STARTS_ANYWHERE,
        rung=1,
    ),
)
def self_contained(subject: Subject) -> Verdict:
    """Nothing is needed beyond what every installation of its operating system has."""
    facts = subject.facts
    words = system_words(facts.target) if facts.target else None
    expected = f"nothing but {words}" if words else "static or static-pie"
    unanswered = undecidable_if_unlinked(facts, expected) or _undecidable_if_unknown(facts, expected)
    if unanswered:
        return unanswered
    if facts.linkage != "dynamic":
        return Verdict(outcome="passed", expected=expected, observed=str(facts.linkage), evidence=linkage_lines(facts))
    if facts.target is None:
        return Verdict(
            outcome="undecidable",
            expected="nothing but what its operating system has",
            observed="dynamic, and the image does not name its operating system",
            evidence=linkage_lines(facts),
        )
    if not words:
        return Verdict(
            outcome="violated",
            expected=expected,
            observed="dynamic",
            evidence=linkage_lines(facts),
        )
    outside = outside_system(facts.target, facts.needed)
    foreign_loader = not is_system_interpreter(facts.target, facts.interpreter)
    if not outside and not foreign_loader:
        return Verdict(
            outcome="passed",
            expected=expected,
            observed=f"needs {counted(len(facts.needed), 'library')} of the system",
            evidence=linkage_lines(facts),
        )
    return Verdict(
        outcome="violated",
        expected=expected,
        observed=f"needs {listed(names_outside_system(facts))}",
        evidence=((interpreter_line(facts),) if foreign_loader else ()) + needed_lines(facts, outside),
    )


def _undecidable_if_unknown(facts: BinaryFacts, expected: str) -> Verdict | None:
    if facts.linkage is not None:
        return None
    return Verdict(outcome="undecidable", expected=expected, observed=_UNSAID)
