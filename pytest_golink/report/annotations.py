"""
What fails, as CI services show it beside the lines of a change: GitHub's workflow commands, GitLab's Code Quality.

Source: GitHub, "Workflow commands for GitHub Actions"; GitLab, "Code Quality", Code Quality report format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.findings import FAILING
from pytest_golink.report.error_text import error_label, unanswered_in_words
from pytest_golink.report.places import distinct, distinct_errors, place_of, place_of_error, place_of_unanswered
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.text.escape import escape, json_text

if TYPE_CHECKING:
    from pytest_golink.findings import Finding
    from pytest_golink.report.model import Report, ReportedError

# GitHub shows that many errors of a step at most.
_MOST = 10
_LONGEST = 500
_MOST_LINES = 20


def github_annotations(report: Report, *, folder: str = "") -> list[str]:
    """
    Return GitHub's workflow commands for errors and what fails, a line each and at most ten: the last counts the rest.

    Args:
        report: The report.
        folder: What pytest's root folder is called from the root of the repository; "" where they are the same.
    """
    found = [
        (place_of_error(error, folder=folder), _error_title(error), _error_description(error))
        for error in report.errors
    ]
    found += [
        (place_of(reported, folder=folder), _title(reported.finding), _description(reported.finding))
        for reported, _ in distinct(report, FAILING)
    ]
    shown = found if len(found) <= _MOST else found[: _MOST - 1]
    lines = []
    for (file, line), title, text in shown:
        properties = f"file={_property(escape(file, longest=_LONGEST))},line={line},title={_property(title)}"
        lines.append(f"::error {properties}::{_data(text)}")
    if len(found) > len(shown):
        lines.append(
            f"::error title=golink::{len(found) - len(shown)} more errors, and findings that count against an image"
        )
    if report.unanswered:
        lines.append(f"::warning title=golink::{_data(unanswered_in_words(report))}")
    return lines


def codequality_report(report: Report, *, folder: str = "") -> str:
    """Return what has no answer, fails or is waived as GitLab's Code Quality report: JSON, a list of issues."""
    issues: list[dict[str, object]] = []
    for error, fingerprint in distinct_errors(report):
        file, line = place_of_error(error, folder=folder)
        issues.append(
            {
                "description": f"{_error_title(error)}: {_error_description(error)}".replace("\n", "; "),
                "check_name": "golink/error",
                "fingerprint": fingerprint,
                "severity": "critical",
                "location": {"path": escape(file, longest=_LONGEST), "lines": {"begin": line}},
            }
        )
    if report.unanswered:
        # GitLab shows no notes of a report, only its issues.
        issues.append(_unanswered_issue(report, folder))
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
    return json_text(issues, indent=1) + "\n"


def _unanswered_issue(report: Report, folder: str) -> dict[str, object]:
    file, line, fingerprint = place_of_unanswered(report, folder=folder)
    shown = "; ".join(escape(test, longest=_LONGEST) for test in report.unanswered[:_MOST_LINES])
    return {
        "description": f"{unanswered_in_words(report)}: {shown}",
        "check_name": "golink/unanswered",
        "fingerprint": fingerprint,
        "severity": "major",
        "location": {"path": escape(file, longest=_LONGEST), "lines": {"begin": line}},
    }


def _title(finding: Finding) -> str:
    image = escape(finding.image) + (f" ({escape(finding.target)})" if finding.target else "")
    word = "does not say whether it keeps" if finding.outcome == "undecidable" else "violates"
    return f"{image} {word} {escape(finding.rule)}"


def _error_title(error: ReportedError) -> str:
    image = escape(str(error_label(error)), longest=_LONGEST) if error.image else "golink"
    return f"{image} has no answer ({escape(error.kind)})"


def _error_description(error: ReportedError) -> str:
    return "\n".join(escape(line, longest=_LONGEST) for line in error.text.split("\n")[:_MOST_LINES])


def _description(finding: Finding) -> str:
    lines = [f"observed {finding.observed}; expected {finding.expected}"]
    if finding.outcome == "waived":
        lines.append(f"waived: {finding.waiver}")
    lines += [f"remedy: {remedy}" for remedy in remedy_lines(finding)]
    return "\n".join(escape(line, longest=_LONGEST) for line in lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
