"""The remedies of a finding as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_golink.findings import Finding

# Trials show more flags than these.
_MOST_FLAGS = 2


def remedy_lines(finding: Finding) -> tuple[str, ...]:
    """Return the words of the remedies, a line each; where none has words, the flags of the smallest changes."""
    words = tuple(dict.fromkeys(remedy.words for remedy in finding.remedies if remedy.words))
    if words:
        return words
    flags = dict.fromkeys(remedy.flags for remedy in sorted(finding.remedies, key=lambda one: one.weight))
    shown = [line for line in flags if line][:_MOST_FLAGS]
    return tuple(f"{'or ' if number else ''}{line}" for number, line in enumerate(shown))
