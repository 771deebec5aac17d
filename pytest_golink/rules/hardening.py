"""Rules about how an image is hardened: by its own headers, whatever flags the build had."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from collections.abc import Iterator, Sequence

from pytest_golink.case import from_image
from pytest_golink.diagnosis.hardening import (
    stack_warnings,
    why_executable_stack,
    why_less_relro,
    why_writable_code,
)
from pytest_golink.facts import BinaryFacts, Relro
from pytest_golink.remedies.flags import without_flags
from pytest_golink.remedies.hardening import make_pie, more_relro, no_exec_stack
from pytest_golink.remedies.static import STATIC_PIE
from pytest_golink.rules.evidence import header_lines
from pytest_golink.rules.proposal import C_LINKER, Proposal
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked

STATIC_PIE_NOW = STATIC_PIE.replace("-linkmode external", "-linkmode external -bindnow")

_LEVELS: tuple[Relro, ...] = ("none", "partial", "full")


@rule(
    "pie",
    group="hardening",
    page="the image is position independent, as a shared library always is",
    remedies=make_pie,
    propose=Proposal(
        why="The program's own code is loaded at a random address too.",
        needs='buildmode = "pie"; on Linux a pie of Go names an interpreter, and is not static any more',
    ),
)
def pie(subject: Subject) -> Verdict:
    """Addresses in the image are position independent."""
    facts = subject.facts
    expected = "position independent"
    answer = _unanswerable_if_missing(facts, expected, facts.hardening.pie)
    if answer:
        return answer
    held = bool(facts.hardening.pie)
    return Verdict(
        outcome="passed" if held else "violated",
        expected=expected,
        observed="position independent" if held else "at a fixed address",
        evidence=(_pie_line(facts),),
    )


@rule(
    "nx",
    group="hardening",
    page=("there is no executable stack. An ELF image without PT_GNU_STACK has the one that its system gives it"),
    causes=why_executable_stack,
    remedies=no_exec_stack,
    propose=Proposal(why="No executable stack.", needs=C_LINKER),
)
def nx(subject: Subject) -> Verdict:
    """There is no executable stack."""
    facts = subject.facts
    expected = "a stack that is not executable"
    answer = _unanswerable_if_missing(facts, expected, facts.hardening.nx)
    if answer:
        return answer
    if facts.hardening.nx:
        return Verdict(
            outcome="passed", expected=expected, observed="the stack is not executable", evidence=_stack_lines(facts)
        )
    return Verdict(
        outcome="violated",
        expected=expected,
        observed="an executable stack",
        evidence=(*_stack_lines(facts), *(f"linker: {text}" for text in stack_warnings(subject.link_warnings or ()))),
    )


def _propose_levels(_subjects: Sequence[Subject]) -> Iterator[Proposal]:
    yield Proposal(parameters={"level": "full"}, why="What the loader fills in is read-only afterwards.")
    yield Proposal(parameters={"level": "partial"}, why="What the loader fills in is read-only.", rung=1)


@rule(
    "relro",
    group="hardening",
    page=("none, partial, full: at least that. A static image cannot show `full`: undecidable there, a static-pie can"),
    causes=from_image(why_less_relro),
    remedies=more_relro,
    propose=_propose_levels,
)
def relro(subject: Subject, *, level: Relro) -> Verdict:
    """RELRO is at least of this level: none, partial, full."""
    facts = subject.facts
    expected = {"full": "full RELRO", "partial": "partial RELRO or more", "none": "any RELRO, or none"}[level]
    answer = _unanswerable_if_missing(facts, expected, facts.hardening.relro)
    if answer:
        return answer
    found: Relro = facts.hardening.relro or "none"
    evidence = header_lines(facts, "PT_GNU_RELRO") or ("no PT_GNU_RELRO",)
    if found != "none":
        evidence += ("BIND_NOW" if found == "full" else "no BIND_NOW",)
    if _LEVELS.index(found) >= _LEVELS.index(level):
        return Verdict(outcome="passed", expected=expected, observed=found, evidence=evidence)
    if found == "partial" and facts.linkage == "static":
        # BIND_NOW is an entry of the dynamic table, which a static image does not have; its .got.plt may lie inside
        # PT_GNU_RELRO or behind it.
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="partial, and a static image cannot show more",
            evidence=evidence,
            remedy=(
                f"a static-pie shows it: {STATIC_PIE_NOW}"
                if facts.go
                else "a static-pie shows it: -static-pie -Wl,-z,now",
            ),
        )
    return Verdict(
        outcome="violated",
        expected=expected,
        observed=found,
        evidence=evidence,
    )


@rule(
    "no-writable-code",
    group="hardening",
    page="no segment or section is both writable and executable",
    causes=why_writable_code,
    remedies=without_flags(
        "link without -N and --omagic, and do not pack the file",
        extldflags=r"(?<!\S)(-Wl,)?(-N|--omagic)(?!\S)",
    ),
    propose=Proposal(why="No memory that is both writable and executable.", needs=C_LINKER),
)
def no_writable_code(subject: Subject) -> Verdict:
    """No segment or section is both writable and executable."""
    facts = subject.facts
    word = "section" if facts.format == "pe" else "PT_LOAD" if facts.format == "elf" else "segment"
    expected = f"no {word} that is both writable and executable"
    answer = _unanswerable_if_missing(facts, expected, facts.hardening.writable_code)
    if answer:
        return answer
    both = tuple(line for line in header_lines(facts, "PT_LOAD") if line.startswith("PT_LOAD rwx"))
    if not facts.hardening.writable_code:
        return Verdict(outcome="passed", expected=expected, observed="none", evidence=header_lines(facts, "PT_LOAD"))
    return Verdict(
        outcome="violated",
        expected=expected,
        observed=f"a {word} is both",
        evidence=both or (f"a {word} is writable and executable",),
    )


def _unanswerable_if_missing(facts: BinaryFacts, expected: str, fact: object) -> Verdict | None:
    """Return the answer where there is no fact to judge: a file that is not linked, or a format without it."""
    unlinked = undecidable_if_unlinked(facts, expected)
    if unlinked or fact is not None:
        return unlinked
    return Verdict(outcome="not-applicable", expected=expected, observed=f"{facts.format} images have no such property")


def _pie_line(facts: BinaryFacts) -> str:
    held = facts.hardening.pie
    if facts.format == "elf":
        return "e_type ET_DYN" if held else "e_type ET_EXEC"
    if facts.format == "macho":
        return "MH_PIE" if held else "no MH_PIE"
    if facts.format == "pe":
        return "DYNAMIC_BASE and base relocations" if held else "no DYNAMIC_BASE, or no base relocations"
    return f"{facts.format} images are loaded at one address"


def _stack_lines(facts: BinaryFacts) -> tuple[str, ...]:
    if facts.format == "elf":
        return header_lines(facts, "PT_GNU_STACK") or ("no PT_GNU_STACK",)
    if facts.format == "pe":
        return ("NX_COMPAT",) if facts.hardening.nx else ("no NX_COMPAT",)
    return ("no MH_ALLOW_STACK_EXECUTION",) if facts.hardening.nx else ("MH_ALLOW_STACK_EXECUTION",)
