"""A finding as text: what, where, expected, seen, why, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.report.remedy_text import TRIED, remedy_lines
from pytest_golink.text.escape import escape
from pytest_golink.text.wrap import hanging

if TYPE_CHECKING:
    from pytest_golink.findings import Finding, ImportStep, Outcome, Trial

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
    Return a finding as the text of a failure, as it reads in a terminal and in a CI log.

    Every line is escaped: names in it come from the image.
    """
    where = escape(finding.image) + (f" ({escape(finding.target)})" if finding.target else "")
    lines = [f"golink: {where} {_verb(finding.outcome, finding.rule)}"]
    for label, texts in (
        ("expected", (finding.expected,)),
        ("observed", (finding.observed,)),
        ("evidence", finding.evidence),
        ("cause", (*finding.cause, *(line for chain in finding.chains for line in _chain(chain)))),
        ("remedy", remedy_lines(finding)),
        ("tried", tuple(line for trial in finding.trials for line in _trial(trial))),
        ("caution", finding.caution),
    ):
        escaped = [escape(text, longest=_LONGEST_LINE) for text in texts]
        lines += hanging(label, escaped, indent=_INDENT, label_width=_LABEL_WIDTH, width=width)
    return "\n".join(lines)


def _chain(chain: tuple[ImportStep, ...]) -> list[str]:
    """Return an import chain as an arrow line, and the places of its imports."""
    places = [step.place for step in chain if step.place]
    if len(chain) < 2:
        # The main package itself, which the cause names.
        return []
    lines = [" → ".join(step.package for step in chain)]
    return [*lines, f"imported at {', '.join(places)}"] if places else lines


def _trial(trial: Trial) -> list[str]:
    """Return a remedy that was tried and what came of it; of one that keeps every rule the lines to write too."""
    sign = {"satisfies": "✓", "unproven": "?"}.get(trial.outcome, "✗")
    lines = [f"{trial.remedy}: {sign} {TRIED[trial.outcome]}{f': {trial.detail}' if trial.detail else ''}"]
    lines += [f"price: {trial.price}"] if trial.price else []
    for label, text in (("golink.toml", trial.toml), ("goreleaser", trial.goreleaser), ("shell", trial.shell)):
        lines += [f"{label}: {line}" for line in text.splitlines()]
    return lines
