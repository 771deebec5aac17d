"""Rules about what a file carries besides code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.remedies.flags import keep_symbols, strip
from pytest_golink.rules.proposal import Proposal
from pytest_golink.rules.rule import rule
from pytest_golink.rules.verdict import Verdict

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.rules.subject import Subject


@rule(
    "stripped",
    group="content",
    page="no symbol table, no DWARF",
    remedies=strip,
    propose=Proposal(
        why="No symbol table and no DWARF: a third smaller. Stack traces do not need them.",
        needs='ldflags = "-s -w"',
    ),
)
def stripped(subject: Subject) -> Verdict:
    """There is no symbol table and no DWARF."""
    facts = subject.facts
    expected = "no symbol table, no DWARF"
    unanswered = _unanswerable_if_unknown(facts, expected)
    if unanswered:
        return unanswered
    if facts.stripped:
        return Verdict(outcome="passed", expected=expected, observed="stripped", evidence=_lines(facts))
    if facts.go is None:
        remedy = "strip it"
    elif facts.symtab:
        remedy = '-ldflags "-s -w"'
    else:
        remedy = '-ldflags "-w"'
    return Verdict(
        outcome="violated", expected=expected, observed=_seen(facts), evidence=_lines(facts), remedy=(remedy,)
    )


@rule(
    "not-stripped",
    group="content",
    page="both there",
    remedies=keep_symbols,
)
def not_stripped(subject: Subject) -> Verdict:
    """There are both a symbol table and DWARF."""
    facts = subject.facts
    expected = "a symbol table and DWARF"
    unanswered = _unanswerable_if_unknown(facts, expected)
    if unanswered:
        return unanswered
    # What the format cannot have is not asked for.
    held = facts.symtab is not False and facts.dwarf is not False
    return Verdict(
        outcome="passed" if held else "violated",
        expected=expected,
        observed=_seen(facts),
        evidence=_lines(facts),
        remedy=() if held else ("build without -s and -w in -ldflags, and do not strip the file afterwards",),
    )


@rule(
    "no-dwarf",
    group="content",
    page="no DWARF",
    remedies=strip,
)
def no_dwarf(subject: Subject) -> Verdict:
    """There is no DWARF."""
    facts = subject.facts
    expected = "no DWARF"
    if facts.dwarf is None:
        return _unanswerable_if_unknown(facts, expected) or Verdict(
            outcome="not-applicable", expected=expected, observed=f"{facts.format} images have no DWARF"
        )
    return Verdict(
        outcome="violated" if facts.dwarf else "passed",
        expected=expected,
        observed="DWARF" if facts.dwarf else "none",
        evidence=_lines(facts),
        remedy=('-ldflags "-w"' if facts.go else "strip --strip-debug",) if facts.dwarf else (),
    )


def _unanswerable_if_unknown(facts: BinaryFacts, expected: str) -> Verdict | None:
    if facts.stripped is not None:
        return None
    if facts.kind in ("object", "archive"):
        # Its program may be stripped or not: an archive in place of one must not pass.
        return Verdict(outcome="undecidable", expected=expected, observed=f"an {facts.kind}, which is not linked yet")
    return Verdict(outcome="not-applicable", expected=expected, observed=f"{facts.format} images have neither")


def _lines(facts: BinaryFacts) -> tuple[str, ...]:
    lines = []
    if facts.symtab is not None:
        lines.append("symbol table" if facts.symtab else "no symbol table")
    if facts.dwarf is not None:
        lines.append("DWARF" if facts.dwarf else "no DWARF")
    return tuple(lines)


def _seen(facts: BinaryFacts) -> str:
    seen = [word for word, there in (("a symbol table", facts.symtab), ("DWARF", facts.dwarf)) if there]
    return " and ".join(seen) or "neither"
