"""Where a finding belongs in a source tree: what SARIF, annotations and code quality reports point at."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.findings import Finding, Report, ReportedFinding

# "golink.toml:14"
_PLACE = re.compile(r"(?P<file>.+):(?P<line>[1-9][0-9]{0,6})")


def place_of(reported: ReportedFinding, *, folder: str) -> tuple[str, int]:
    """
    Give the file and line that asked for the finding: the policy's line, else the test's file.

    Args:
        reported: The finding.
        folder: What pytest's root folder is called from the root of the repository; "" where they are the same.
    """
    start = f"{folder}/" if folder else ""
    if match := _PLACE.fullmatch(reported.finding.place):
        return start + match["file"].replace("\\", "/"), int(match["line"])
    # A test that nothing is known of (a report made by hand) leaves the image.
    return start + (reported.test.partition("::")[0] or reported.finding.path or reported.finding.image), 1


def distinct(report: Report, outcomes: Iterable[str]) -> list[tuple[ReportedFinding, str]]:
    """
    Give the findings of these outcomes, once each, with fingerprints that stay the same from run to run.

    Several tests that ask the same of an image made one finding. A fingerprint knows the image, the rule and what was
    asked, but neither lines nor what was observed: a violation whose text changes stays the same violation.
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
        asked = [f"{name}={value}" for name, value in finding.parameters]
        identity = "\0".join((finding.image, finding.target or "", finding.rule, *asked))
        # One package built in two ways: the second of its kind is told by its number.
        counts[identity] = number = counts.get(identity, 0) + 1
        text = f"{identity}\0{number}".encode(errors="surrogatepass")
        found.append((reported, hashlib.sha256(text).hexdigest()))
    return found
