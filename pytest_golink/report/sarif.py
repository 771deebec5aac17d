"""
The report as SARIF 2.1.0, for dashboards of code scanning.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0, errata 01; GitHub, "SARIF support for
code scanning".
"""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pytest_golink.home import page_of_rule
from pytest_golink.report.error_text import error_label, notes
from pytest_golink.report.places import distinct, distinct_errors, place_of, place_of_error
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.rules import RULES
from pytest_golink.text.escape import escape, json_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.findings import Finding
    from pytest_golink.report.model import Report, ReportedError, ReportedFinding

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_TOOL = "pytest-golink"
# What a path is relative to: the root of the repository, by the name that GitHub's documentation uses.
_ROOT = "%SRCROOT%"
_SHOWN = ("violated", "undecidable", "waived")
# GitHub shows that many results of a run at most, the most severe first.
_MOST = 5000
_LONGEST = 2000


def sarif_report(report: Report, *, made: str, folder: str = "") -> str:
    """
    Return what has no answer, and what was violated, undecidable or waived, as SARIF.

    A run with errors, and one that left something out, was not successful: code scanning would take every alert that is
    missing in its results for a mended one.

    Args:
        report: The report.
        made: When it was made, as RFC 3339 writes it.
        folder: What pytest's root folder is called from the root of the repository; "" where they are the same.
    """
    rules = [*([_ERROR_RULE] if report.errors else ()), *_rules(reported.finding for reported in report.findings)]
    positions = {rule["id"]: position for position, rule in enumerate(rules)}
    # The order of severity, and in it the report's.
    found = sorted(distinct(report, _SHOWN), key=lambda one: _SHOWN.index(one[0].finding.outcome))
    results = [_error_result(error, fingerprint, folder) for error, fingerprint in distinct_errors(report)]
    results += [
        _result(reported, fingerprint, positions[reported.finding.rule], folder) for reported, fingerprint in found
    ]
    # GitHub refuses the results of an unsuccessful run, and leaves its alerts as they are.
    # Source: github/codeql-action, pull request 1393.
    successful = report.complete and not report.selected and not report.errors
    run: dict[str, Any] = {
        "tool": {"driver": {"name": _TOOL, "semanticVersion": version(_TOOL), "rules": rules}},
        "invocations": [{"executionSuccessful": successful, "endTimeUtc": made}],
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "results": results[:_MOST],
    }
    notifications = [_notification("error", _message_text(_error_lines(error))) for error in report.errors[:_MOST]]
    notifications += [_notification("error", f"{note[0].upper()}{note[1:]}.") for note in notes(report)]
    if len(results) > _MOST:
        notifications.append(_notification("warning", f"{len(results) - _MOST} more results were left out."))
    if notifications:
        run["invocations"][0]["toolExecutionNotifications"] = notifications
    return json_text({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


# The id is reserved: no rule is called so.
_ERROR_RULE: dict[str, Any] = {
    "id": "golink-error",
    "name": "GolinkNoAnswer",
    "shortDescription": {"text": "An image could not be found, built or read, or a rule could not check it."},
    "fullDescription": {
        "text": "An image could not be found, built or read, or a rule could not check it. "
        "What is not known of it is neither kept nor violated; it counts as a failure."
    },
    "help": {"text": "The message says what was tried, what was expected, and what to do."},
    "defaultConfiguration": {"level": "error"},
    "properties": {"tags": ["golink"], "precision": "very-high"},
}


def _error_result(error: ReportedError, fingerprint: str, folder: str) -> dict[str, Any]:
    file, line = place_of_error(error, folder=folder)
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": _artifact(file), "region": {"startLine": line}}
    }
    if error.image:
        location["logicalLocations"] = [{"name": _line(str(error_label(error))), "kind": "module"}]
    return {
        "ruleId": _ERROR_RULE["id"],
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": _message_text(_error_lines(error))},
        "locations": [location],
        "partialFingerprints": {"golinkFinding/v1": fingerprint},
        "properties": {"outcome": "error", "kind": escape(error.kind), "tests": [_line(test) for test in error.tests]},
    }


def _error_lines(error: ReportedError) -> list[str]:
    about = f"{_line(str(error_label(error)))}: " if error.image else ""
    return [f"{about}{escape(error.kind)}", *map(_line, error.text.split("\n"))]


def _notification(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": text}}


def _rules(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    checked = {finding.rule for finding in findings}
    order = [name for name in RULES if name in checked]
    return [_rule(name) for name in [*order, *sorted(checked - {*order})]]


def _rule(name: str) -> dict[str, Any]:
    rule = RULES.get(name)
    summary = rule.summary if rule is not None else f"The rule {name}."
    group = rule.group if rule is not None else "golink"
    parameters = rule.parameters if rule is not None else ()
    lines = [f"- `{one.name}`: {one.accepted}{'' if one.required else ' (optional)'}" for one in parameters]
    helper = f"assert_{name.replace('-', '_')}"
    text = f"{summary} In golink.toml the rule is called {name}, in a Python test {helper}."
    markdown = f"{summary}\n\nIn golink.toml the rule is called `{name}`, in a Python test `{helper}`."
    if lines:
        text += f" Parameters: {'; '.join(line[2:].replace('`', '') for line in lines)}."
        markdown += "\n\nParameters:\n\n" + "\n".join(lines)
    page = page_of_rule(name) if rule is not None else None
    return {
        "id": name,
        # For people, in Pascal case; it must not be the id in another case.
        "name": "Golink" + "".join(word.capitalize() for word in name.split("-")),
        "shortDescription": {"text": summary},
        "fullDescription": {"text": text},
        "help": {"text": text, "markdown": markdown},
        **({"helpUri": page} if page else {}),
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["golink", group], "precision": "very-high"},
    }


def _result(reported: ReportedFinding, fingerprint: str, position: int, folder: str) -> dict[str, Any]:
    finding = reported.finding
    file, line = place_of(reported, folder=folder)
    waived = finding.outcome == "waived"
    image = finding.image + (f" ({finding.target})" if finding.target else "")
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": position,
        # GitHub shows suppressed results as well: a note there, not an error.
        "level": "note" if waived else "error",
        "message": {"text": _message(finding)},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": _artifact(file), "region": {"startLine": line}},
                "logicalLocations": [{"name": escape(image), "kind": "module"}],
            }
        ],
        "partialFingerprints": {"golinkFinding/v1": fingerprint},
        "properties": {"outcome": finding.outcome, "image": escape(finding.image), "test": escape(reported.test)},
    }
    if finding.target:
        result["properties"]["target"] = escape(finding.target)
    if waived:
        # Without a status a suppression is accepted.
        result["suppressions"] = [{"kind": "external", "justification": escape(finding.waiver, longest=_LONGEST)}]
    return result


def _message(finding: Finding) -> str:
    image = escape(finding.image) + (f" ({escape(finding.target)})" if finding.target else "")
    verb = "does not say whether it keeps" if finding.outcome == "undecidable" else "violates"
    lines = [f"{image} {verb} {finding.rule}: {_line(finding.observed)}; expected {_line(finding.expected)}."]
    for label, texts in (("Evidence", finding.evidence), ("Cause", finding.cause), ("Remedy", remedy_lines(finding))):
        lines += [f"{label}: {_line(text)}" for text in texts]
    return _message_text(lines)


def _message_text(lines: Iterable[str]) -> str:
    # Placeholders and links have a meaning in a message (sections 3.11.5 and 3.11.6).
    text = "\n".join(lines).replace("{", "{{").replace("}", "}}")
    return re.sub(r"\[(?=[^\]]*\]\()", r"\\[", text)


def _line(text: str) -> str:
    return escape(text, longest=_LONGEST)


def _artifact(file: str) -> dict[str, str]:
    uri = quote(file.encode(errors="surrogatepass"), safe="/")
    return {"uri": f"file://{uri}"} if file.startswith("/") else {"uri": uri, "uriBaseId": _ROOT}
