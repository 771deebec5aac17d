"""Rules about the linker's warnings, and about what they warn of, seen in the image."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

import re

from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.diagnosis.name_service import STANDARD_CALLERS, family_functions, is_of_family, why_name_service
from pytest_golink.facts import BinaryFacts, LinkWarning
from pytest_golink.remedies.name_service import avoid_name_service, leave_name_service
from pytest_golink.rules.parameters import Pattern
from pytest_golink.rules.proposal import Proposal
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked
from pytest_golink.text.words import listed
from pytest_golink.traits import own_cgo_packages

_SHOWN = 8


@rule(
    "no-getaddrinfo-warning",
    group="linkage",
    page="no linker warning of that family at build time, and no glibc name-service code in a static image",
    concerns={Concern.CGO_LINKED},
    causes=why_name_service,
    remedies=avoid_name_service,
    propose=Proposal(
        why="No name lookup of glibc in a static program: it would crash, or not resolve, on another glibc.",
        needs='tags = ["netgo", "osusergo"], or a dynamic link',
    ),
)
def no_getaddrinfo_warning(subject: Subject) -> Verdict:
    """No linker warning of that family at build time, and no glibc name-service code in a static image."""
    facts = subject.facts
    expected = "no glibc name-service code or dlopen in a static image"
    warnings = [warning for warning in subject.link_warnings or () if is_of_family(warning)]
    functions = family_functions(facts, warnings)
    if warnings or facts.static_name_service:
        return Verdict(
            outcome="violated",
            expected=expected,
            observed=listed(functions) or _count(len(warnings)),
            evidence=_warning_lines(warnings) + _seen(facts),
        )
    unanswered = undecidable_if_unlinked(facts, expected)
    if unanswered:
        return unanswered
    if facts.format != "elf":
        return Verdict(
            outcome="not-applicable", expected=expected, observed=f"{facts.format} images have no static glibc"
        )
    if facts.linkage == "dynamic" or facts.libc.presence != "embedded":
        observed = "dynamic: the libc that is loaded brings its own" if facts.linkage == "dynamic" else "no libc"
        return Verdict(outcome="passed", expected=expected, observed=observed, evidence=_looked_at(subject))
    if facts.libc.kind == "unknown" and subject.link_warnings is None:
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="a libc is linked in, and the image does not say which",
            evidence=_looked_at(subject),
            remedy=("build it here, so that the linker's own warnings are seen",),
        )
    return Verdict(
        outcome="passed",
        expected=expected,
        observed=f"{facts.libc.kind} is linked in, without such a function",
        evidence=_looked_at(subject),
    )


@rule(
    "no-link-warnings",
    group="linkage",
    page="the linker printed no warning, but for lines that match a regular expression of `allow`",
    concerns={Concern.CGO_LINKED},
    remedies=leave_name_service,
)
def no_link_warnings(subject: Subject, *, allow: tuple[Pattern, ...] = ()) -> Verdict:
    """No linker warning, but for lines that match a regular expression of the list."""
    expected = "no linker warning" + (f", but for {listed(allow)}" if allow else "")
    if subject.link_warnings is None:
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="the image was not built in this run, and does not keep the linker's messages",
            remedy=("build it with go_build, or let CI keep the linker's output",),
        )
    printed = subject.link_warnings
    others = [warning for warning in printed if not any(re.search(pattern, warning.text) for pattern in allow)]
    allowed = len(printed) - len(others)
    seen = f"{len(others)} of {_count(len(printed))}" if allowed else _count(len(printed))
    return Verdict(
        outcome="violated" if others else "passed",
        expected=expected,
        observed=seen if others else f"{allowed} allowed" if allowed else "none",
        evidence=_warning_lines(others if others else printed) or ("the linker printed nothing",),
    )


def _count(number: int) -> str:
    return f"{number} linker warning{'' if number == 1 else 's'}"


def _warning_lines(warnings: list[LinkWarning] | tuple[LinkWarning, ...]) -> tuple[str, ...]:
    # From "warning:" on; the paths of the linker's temporary files before it say nothing.
    lines: dict[str, None] = {}
    for warning in warnings:
        at = warning.text.find("warning:")
        text = warning.text[at:] if at >= 0 else warning.text
        where = ", ".join(filter(None, (warning.caller, warning.source)))
        lines[f"linker: {text}{f' (from {where})' if where else ''}"] = None
    shown = tuple(lines)[:_SHOWN]
    return shown + ((f"… {len(lines) - _SHOWN} more",) if len(lines) > _SHOWN else ())


def _seen(facts: BinaryFacts) -> tuple[str, ...]:
    if not facts.static_name_service:
        return ()
    return (f"in the image: {listed(facts.static_name_service, most=10)}, of the glibc that is linked in",)


def _looked_at(subject: Subject) -> tuple[str, ...]:
    facts = subject.facts
    if subject.link_warnings is None:
        lines = ["the linker's output of a prebuilt image is unknown"]
    else:
        lines = ["linker: no such warning"]
    if facts.libc.presence != "embedded":
        return (*lines, "no libc is linked into the image")
    lines.append(f"in the image: no name-service code of {facts.libc.kind}")
    others = [package for package in own_cgo_packages(facts) if package not in STANDARD_CALLERS]
    if facts.libc.kind == "glibc" and subject.link_warnings is None and not facts.symtab and (others or not facts.go):
        # go-facts.md: dlopen's texts are in every static glibc image, so without symbols nothing tells who calls it.
        lines.append(
            f"not visible: whether C code{f' of {listed(others)}' if others else ''} calls dlopen (no symbol table)"
        )
    return tuple(lines)
