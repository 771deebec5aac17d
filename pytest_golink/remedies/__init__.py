"""
Remedies as values: what may mend a violation, as a change of the build where one does it.

A rule declares the function that yields its remedies; `concluded` calls it once the cause is known. Texts, and trials
that build each change, are made from the values.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from pytest_golink.case import Case
from pytest_golink.findings import BuildChange, Loss, Remedy
from pytest_golink.remedies.cgo_off import words_without_cgo
from pytest_golink.remedies.options import changed
from pytest_golink.remedies.spelling import as_flags

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Finding

    Remedies: TypeAlias = Callable[[Case], Iterator[Remedy]]

__all__ = ["BuildChange", "Case", "Remedy", "changes", "concluded", "without_impossible"]


def concluded(case: Case, cause: Iterable[str], declared: Remedies | None) -> Finding:
    """
    Return a violation with its cause, and with its remedies, which are found from it.

    Args:
        case: The violation.
        cause: What is known of its cause, the most important line first.
        declared: Yields the remedies of its rule, None where it has none.
    """
    finding = replace(case.finding, cause=tuple(dict.fromkeys(cause)))
    case = replace(case, finding=finding)
    found = () if declared is None else (_with_flags(remedy, case) for remedy in declared(case))
    return replace(finding, remedies=tuple(dict.fromkeys((*finding.remedies, *found))))


def without_impossible(finding: Finding, facts: BinaryFacts) -> Finding:
    """Return the finding of a program that does not compile without cgo, without the remedies that turn cgo off."""
    words = words_without_cgo(facts)
    impossible = [
        remedy for remedy in finding.remedies if _takes_c_away(remedy) or remedy.words in (words, f"or {words}")
    ]
    kept = tuple(remedy for remedy in finding.remedies if remedy not in impossible)
    if any(remedy.words for remedy in finding.remedies[:1] if remedy in impossible) or not kept:
        # The others would begin with "or".
        kept = (Remedy(words="none with cgo off: the program does not compile without it"), *kept)
    return replace(finding, remedies=kept)


def _takes_c_away(remedy: Remedy) -> bool:
    return remedy.change is not None and remedy.change.options.get("cgo") is False and remedy.loss is Loss.UNKNOWN


def _with_flags(remedy: Remedy, case: Case) -> Remedy:
    if remedy.change is None or not case.built:
        return remedy
    return replace(remedy, flags=as_flags(case.options, changed(case.options, remedy.change)))


def changes(remedies: Iterable[Remedy]) -> tuple[Remedy, ...]:
    """Return the remedies that change the build: those that take less from the program first, then the smaller ones."""
    return tuple(sorted((one for one in remedies if one.change is not None), key=lambda one: one.rank))
