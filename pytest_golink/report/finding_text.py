"""A finding as text: what, where, expected, seen, why, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.report.escape import escape
from pytest_golink.report.text import hanging

if TYPE_CHECKING:
    from pytest_golink.findings import Finding, Outcome

_WIDTH = 120
_INDENT = 2
_LABEL_WIDTH = 10
# Evidence lines list several names: longer than one name may be, and still bounded.
_LONGEST_LINE = 1000


def _verb(outcome: Outcome, rule: str) -> str:
    return {
        "passed": f"passes {rule}",
        "violated": f"violates {rule}",
        "undecidable": f"does not say whether {rule} holds",
        "not-applicable": f"has nothing for {rule} to look at",
        "waived": f"violates {rule} (waived)",
    }[outcome]


def finding_text(finding: Finding, *, width: int = _WIDTH) -> str:
    """
    Give a finding as the text of a failure, as it reads in a terminal and in a CI log.

    Every line is escaped: names in it come from the image.
    """
    where = escape(finding.image) + (f" ({escape(finding.target)})" if finding.target else "")
    lines = [f"golink: {where} {_verb(finding.outcome, finding.rule)}"]
    for label, texts in (
        ("expected", (finding.expected,)),
        ("observed", (finding.observed,)),
        ("evidence", finding.evidence),
        ("cause", finding.cause),
        ("remedy", finding.remedy),
    ):
        escaped = [escape(text, longest=_LONGEST_LINE) for text in texts]
        lines += hanging(label, escaped, indent=_INDENT, label_width=_LABEL_WIDTH, width=width)
    return "\n".join(lines)
