"""Where a finding belongs in a source tree: what SARIF, annotations and code quality reports point at."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from pytest_golink.report.parameters import parameter_texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.findings import Finding
    from pytest_golink.report.model import Report, ReportedError, ReportedFinding

# What a run that did not start is about, where nothing else is known.
_POLICY = "golink.toml"
# "golink.toml:14"
_PLACE = re.compile(r"(?P<file>.+):(?P<line>[1-9][0-9]{0,6})")


def place_of(reported: ReportedFinding, *, folder: str) -> tuple[str, int]:
    """
    Return the file and line of the finding: the policy's line, else the test's file.

    Args:
        reported: The finding.
        folder: What pytest's root folder is called from the root of the repository; "" where they are the same.
    """
    finding = reported.finding
    # A test that nothing is known of (a report made by hand) leaves the image.
    return _placed(finding.place, reported.test, finding.path or finding.image, folder)


def place_of_error(error: ReportedError, *, folder: str) -> tuple[str, int]:
    """Return the file and line of an error: a line of the policy, else the file of a test that ended in it."""
    return _placed(error.place, error.tests[0] if error.tests else "", error.image or _POLICY, folder)


def place_of_unanswered(report: Report, *, folder: str) -> tuple[str, int, str]:
    """Return the file and line of the policy that has rules without an answer, and a fingerprint."""
    file, line = _placed("", report.unanswered[0], _POLICY, folder)
    return file, line, _fingerprint((file, "golink-unanswered"), {})


def _placed(place: str, test: str, other: str, folder: str) -> tuple[str, int]:
    start = f"{folder}/" if folder else ""
    if match := _PLACE.fullmatch(place):
        return start + match["file"].replace("\\", "/"), int(match["line"])
    return start + (test.partition("::")[0] or other), 1


def distinct(report: Report, outcomes: Iterable[str]) -> list[tuple[ReportedFinding, str]]:
    """
    Return the findings of these outcomes, once each, with fingerprints that stay the same from run to run.

    Several tests that check an image with the same rule made one finding. A fingerprint knows the image, the rule and
    its parameters, but neither lines nor what was observed: a violation whose text changes stays the same violation.
    """
    wanted = set(outcomes)
    seen: set[Finding] = set()
    counts: dict[str, int] = {}
    found = []
    for reported in report.findings:
        finding = reported.finding
        if finding.outcome not in wanted or finding in seen:
            continue
        seen.add(finding)
        given = [f"{name}={value}" for name, value in parameter_texts(finding)]
        # One package built in two ways: the second of its kind has a number.
        found.append((reported, _fingerprint((finding.image, finding.target or "", finding.rule, *given), counts)))
    return found


def distinct_errors(report: Report) -> list[tuple[ReportedError, str]]:
    """Return the errors with fingerprints, which know the image and the kind of error, and no word of its text."""
    counts: dict[str, int] = {}
    return [
        (error, _fingerprint((error.image, error.target or "", "golink-error", error.kind), counts))
        for error in report.errors
    ]


def _fingerprint(parts: Iterable[str], counts: dict[str, int]) -> str:
    identity = "\0".join(parts)
    counts[identity] = number = counts.get(identity, 0) + 1
    return hashlib.sha256(f"{identity}\0{number}".encode(errors="surrogatepass")).hexdigest()
