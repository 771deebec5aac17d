"""
What fails, as CI services show it beside the lines of a change: GitHub's workflow commands, GitLab's Code Quality.

Source: GitHub, "Workflow commands for GitHub Actions"; GitLab, "Code Quality", Code Quality report format.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_golink.findings import FAILING
from pytest_golink.report.escape import escape
from pytest_golink.report.places import distinct, place_of

if TYPE_CHECKING:
    from pytest_golink.findings import Finding, Report

# GitHub shows that many errors of a step at most.
_MOST = 10
_LONGEST = 500


def github_annotations(report: Report, *, folder: str = "") -> list[str]:
    """
    Give GitHub's workflow commands for what fails, a line each and at most ten: the last one counts the rest.

    Args:
        report: The report.
        folder: What pytest's root folder is called from the root of the repository; "" where they are the same.
    """
    found = [reported for reported, _ in distinct(report, FAILING)]
    shown = found if len(found) <= _MOST else found[: _MOST - 1]
    lines = []
    for reported in shown:
        file, line = place_of(reported, folder=folder)
        properties = (
            f"file={_property(escape(file, longest=_LONGEST))},line={line},title={_property(_title(reported.finding))}"
        )
        lines.append(f"::error {properties}::{_data(_description(reported.finding))}")
    if len(found) > len(shown):
        lines.append(f"::error title=golink::{len(found) - len(shown)} more findings that count against an image")
    return lines


def codequality_report(report: Report, *, folder: str = "") -> str:
    """Give what fails or is waived as GitLab's Code Quality report: JSON, a list of issues."""
    issues = []
    for reported, fingerprint in distinct(report, (*sorted(FAILING), "waived")):
        file, line = place_of(reported, folder=folder)
        finding = reported.finding
        issues.append(
            {
                "description": f"{_title(finding)}: {_description(finding)}".replace("\n", "; "),
                "check_name": f"golink/{escape(finding.rule)}",
                "fingerprint": fingerprint,
                "severity": "info" if finding.outcome == "waived" else "major",
                "location": {"path": escape(file, longest=_LONGEST), "lines": {"begin": line}},
            }
        )
    return json.dumps(issues, indent=1) + "\n"


def _title(finding: Finding) -> str:
    image = escape(finding.image) + (f" ({escape(finding.target)})" if finding.target else "")
    word = "does not say whether it keeps" if finding.outcome == "undecidable" else "violates"
    return f"{image} {word} {escape(finding.rule)}"


def _description(finding: Finding) -> str:
    lines = [f"observed {finding.observed}; expected {finding.expected}"]
    if finding.outcome == "waived":
        lines.append(f"waived: {finding.waiver}")
    lines += [f"remedy: {remedy}" for remedy in finding.remedy]
    return "\n".join(escape(line, longest=_LONGEST) for line in lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
