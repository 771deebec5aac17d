"""A drift as text: the lines of the entry that differ, as a diff, each with why it counts."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from pytest_golink.findings import Finding, Remedy
from pytest_golink.lock.text import UPDATE, fact_line
from pytest_golink.text.words import listed
from pytest_golink.text.wrap import columns, pad, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_golink.facts import BinaryFacts
    from pytest_golink.lock.drift import Difference, Drift

# The name of a drift in reports. It is no rule of the registry: a policy cannot have it.
RULE = "lock"
_WIDTH = 80
_GAP = 3
# What most reasons need.
_BESIDE = 36
# A program that brings cgo in differs in twenty lines; an image may have thousands.
_MOST = 80


def drift_text(drift: Drift, *, place: str, nodeid: str, width: int = _WIDTH) -> str:
    """
    Return the text of a failure.

    Args:
        drift: What differs.
        place: The lock file, with the entry's line where there is one ("golink.lock:14").
        nodeid: Selects the item, and so accepts only this one.
        width: Columns to keep to, but for lines of the lock that are longer by themselves.
    """
    if drift.entry is None:
        head = f"golink: {drift.image} is not in {place}: its linkage has not been accepted yet"
    else:
        head = f"golink: {drift.image} is not what {place} says"
    worst = [difference for difference in drift.differences if difference.fails]
    lines = [*wrap(head, width), *diff_lines(worst, width=width)]
    if drift.entry is not None and drift.better:
        lines += ["", "better than locked, which by itself would not fail:", *diff_lines(drift.better, width=width)]
    return "\n".join([*lines, "", *accept_lines(nodeid)])


def removed_text(image: str, *, place: str, policy: str, width: int = _WIDTH) -> str:
    """Return the text of a failure where the lock has an image that the policy does not have."""
    text = (
        f"golink: {image} is in {place}, but {policy} has no such image: "
        "its binary or target was removed or renamed, or golink did not find it"
    )
    return "\n".join([*wrap(text, width), "", f"remove it from the lock, in a run of all images: {UPDATE}"])


def drift_finding(drift: Drift, facts: BinaryFacts, *, name: str, place: str, nodeid: str) -> Finding:
    """Return the drift as a finding for reports, passed where nothing fails; its evidence is the diff."""
    failing = [difference for difference in drift.differences if difference.fails]
    reasons = [difference.reason for difference in failing]
    if drift.entry is None:
        observed = "not in the lock"
    elif failing:
        observed = listed([*dict.fromkeys(reasons)], most=4)
    else:
        observed = "better than locked" if drift.better else "as locked"
    shown = drift.differences if drift.entry is not None else ()
    return Finding(
        rule=RULE,
        outcome="violated" if drift.fails else "passed",
        image=name,
        target=str(facts.target) if facts.target else None,
        path=facts.path,
        expected="what the lock says",
        observed=observed,
        evidence=tuple(diff_lines(shown, width=0)),
        remedies=(Remedy(words=f"accept it: {accept_command(nodeid)}"),) if drift.fails else (),
        place=place,
    )


def diff_lines(differences: Sequence[Difference], *, width: int) -> list[str]:
    """Return the lines of a diff; a reason follows its line where there is room, else below it."""
    pairs = [_signed(difference) for difference in differences]
    # In one column, but for lines that are longer than that leaves room for reasons.
    at = min(max((columns(signed[-1]) for signed, _ in pairs), default=0) + _GAP, width - _BESIDE)
    lines: list[str] = []
    for signed, reason in pairs:
        *before, last = signed
        lines += before
        if not reason:
            lines.append(last)
        elif columns(last) + _GAP <= at and at + columns(reason) + 2 <= width:
            lines.append(f"{pad(last, at)}# {reason}")
        elif width == 0 or columns(last) + _GAP + columns(reason) + 2 <= width:
            lines.append(f"{last}{' ' * _GAP}# {reason}")
        else:
            lines += [last, *(f"    # {line}" for line in wrap(reason, width - 6))]
    if len(lines) > _MOST:
        lines = [*lines[:_MOST], f"… {len(lines) - _MOST} more lines"]
    return lines


def accept_lines(nodeid: str) -> list[str]:
    """Return the lines that name the commands which accept it."""
    return [f"accept it: {accept_command(nodeid)}", f"   or all: {UPDATE}"]


def accept_command(nodeid: str) -> str:
    """Return the command that writes one image's entry, and leaves the others as they are."""
    return f"{UPDATE} {shlex.quote(nodeid)}"


def _signed(difference: Difference) -> tuple[list[str], str]:
    lines = []
    if difference.old is not None:
        lines.append(f"- {fact_line(difference.key, difference.old)}")
    if difference.new is not None:
        lines.append(f"+ {fact_line(difference.key, difference.new)}")
    return lines, difference.reason
