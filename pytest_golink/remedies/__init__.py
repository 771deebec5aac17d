"""
Remedies as values: what may mend a violation, as a change of the build where one does it.

A rule names the function that yields its remedies. Texts, and trials that build each change, are made from the values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.remedies.model import BuildChange, Case, Remedy
from pytest_golink.remedies.spelling import as_flags

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.builder.options import BuildOptions

__all__ = ["BuildChange", "Case", "Remedy", "changes", "remedy_flags", "remedy_words"]

# More flags than this are shown by trials.
_SHOWN = 2


def changes(remedies: Iterable[Remedy]) -> tuple[Remedy, ...]:
    """Return the remedies that change the build, the smaller changes first."""
    return tuple(sorted((one for one in remedies if one.change is not None), key=lambda one: one.weight))


def remedy_words(remedies: Iterable[Remedy]) -> tuple[str, ...]:
    """Return the lines of the remedies that have words of their own."""
    return tuple(remedy.words for remedy in remedies if remedy.words)


def remedy_flags(remedies: Iterable[Remedy], options: BuildOptions) -> tuple[str, ...]:
    """Return the flags of the smallest changes, a line each, for violations whose remedies have no words."""
    flags = [as_flags(options, one.change.applied(options)) for one in changes(remedies) if one.change is not None]
    return tuple(f"{'or ' if number else ''}{change}" for number, change in enumerate(flags[:_SHOWN]))
