"""Waivers for the violations of today."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from pytest_golink.errors import GolinkError
from pytest_golink.rules import RULES
from pytest_golink.text.toml import toml

if TYPE_CHECKING:
    from pytest_golink.policy.model import Policy
    from pytest_golink.report.model import Report

_LATEST_YEAR = 2099


def baseline_day(text: str) -> dt.date:
    """
    Return the last day of the waivers.

    Raises:
        GolinkError: It is no date, is over, or is none for a waiver.
    """
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise GolinkError(f"--baseline: {text} is no date such as 2027-03-01") from None
    today = _today()
    if day < today or day.year > _LATEST_YEAR:
        raise GolinkError(f"--baseline: {day} is no last day of a waiver: from {today} to {_LATEST_YEAR}-12-31")
    return day


def waivers(policy: Policy, report: Report, until: dt.date) -> tuple[str, ...]:
    """Return a [[waive]] table for each image that violates rules today, with all of them."""
    violated: dict[str, dict[str, None]] = {}
    for reported in report.findings:
        finding = reported.finding
        if finding.outcome == "violated":
            name = _name(policy, finding.image, finding.target, finding.rule)
            violated.setdefault(name, {})[finding.rule] = None
    reason = f"violated on {_today()}, when golink init --baseline wrote this"
    return tuple(
        f"[[waive]]\nbinary = {toml(name)}\nrule = {toml(list(rules) if len(rules) > 1 else next(iter(rules)))}\n"
        f"reason = {toml(reason)}\nuntil = {until}\n"
        for name, rules in sorted(violated.items())
    )


def _name(policy: Policy, image: str, target: str | None, rule: str) -> str:
    """Return the name by which a waiver is about one image only."""
    built = next((binary for binary in policy.binaries if binary.builds and binary.name == image), None)
    if built is None or RULES[rule].scope == "binary" or built.builds[0].target is None:
        return image
    return f"{image}[{target}]"


def _today() -> dt.date:
    # The day on which a waiver ends is UTC's too.
    return dt.datetime.now(dt.timezone.utc).date()
