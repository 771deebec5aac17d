"""A finding as text: what, where, expected, seen, why, what to do."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.report.printed import new_lines
from pytest_golink.report.remedy_text import TRIED, remedy_lines
from pytest_golink.report.short_names import with_short_names
from pytest_golink.text.escape import escape
from pytest_golink.text.wrap import hanging

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_golink.findings import Finding, ImportStep, Outcome, Trial

_WIDTH = 120
_INDENT = 2
_LABEL_WIDTH = 10
# Evidence lines list several names: longer than one name may be, and still bounded.
_LONGEST_LINE = 1000
# What stands below another failure of the image.
_SHORT = 300
_NOTHING: Mapping[str, str] = MappingProxyType({})


def _verb(outcome: Outcome, rule: str) -> str:
    return {
        "passed": f"passes {rule}",
        "violated": f"violates {rule}",
        "undecidable": f"does not say whether {rule} holds",
        "not-applicable": f"has nothing for {rule} to look at",
        "waived": f"violates {rule} (waived)",
    }[outcome]


def finding_text(
    finding: Finding, *, width: int = _WIDTH, printed: Mapping[str, str] = _NOTHING, titled: bool = False
) -> str:
    """
    Return a finding as the text of a failure, as it reads in a terminal and in a CI log.

    Every line is escaped: names in it come from the image.

    Args:
        finding: The finding.
        width: The columns of a line.
        printed: The lines that other failures have printed of the image, each with its failure's title: the text says
            where a cause stands in place of these lines.
        titled: Whether a heading above the text names the image and the rule.
    """
    rows = _rows(finding)
    if not printed:
        return "\n".join([_head(finding), *_labelled(rows, width)])
    rows = _new_rows(rows, printed)
    if titled and finding.outcome == "violated":
        rows["observed"] = [f"{line} ({finding.place})" if finding.place else line for line in rows["observed"]]
        return "\n".join(_labelled(rows, width))
    return "\n".join([_head(finding, finding.place), *_labelled(rows, width)])


def _new_rows(rows: Mapping[str, list[str]], printed: Mapping[str, str]) -> dict[str, list[str]]:
    """Return what other failures of the image, which stand above, do not have, in as few lines as can be."""
    observed = f"{rows['observed'][0]}; expected {rows['expected'][0]}"
    rows = {**rows, "observed": [observed], "expected": [], "policy": []}
    causes, where = new_lines(rows["cause"], printed)
    too = []
    if where:
        for label in ("evidence", "remedy"):
            new, elsewhere = new_lines(rows[label], printed)
            too += [label] if rows[label] and not new else []
            if new and elsewhere and label == "remedy":
                # The first one that is new may begin with "or".
                new[0] = f"as for {elsewhere}; {new[0]}"
            rows[label] = new
        see = f"see {where}{f', {_and(too)} too' if too else ''}"
        alone = not causes and not rows["evidence"] and not rows["remedy"]
        rows["cause"] = [] if alone else [*causes[:-1], f"{causes[-1]}; {see}"] if causes else [see]
        rows["observed"] = [f"{observed}; {see}"] if alone else [observed]
    rows["evidence"] = _in_short([line for line in rows["evidence"] if line not in observed])
    trials, tried = new_lines(rows["tried"], printed)
    rows["tried"] = [*trials, f"see {tried}"] if tried else trials
    return rows


def _in_short(lines: Sequence[str]) -> list[str]:
    """Return lines in one, as far as that is short."""
    kept = [line for number, line in enumerate(lines) if not number or len("; ".join(lines[: number + 1])) <= _SHORT]
    more = [f"… {len(lines) - len(kept)} more"] if len(kept) < len(lines) else []
    return ["; ".join([*kept, *more])] if lines else []


def printed_lines(finding: Finding) -> list[str]:
    """Return the lines of a finding's text that other failures of its image need not have."""
    rows = _rows(finding)
    return [line for label in ("evidence", "cause", "remedy", "tried") for line in rows[label]]


def _head(finding: Finding, place: str = "") -> str:
    where = escape(finding.image) + (f" ({escape(finding.target)})" if finding.target else "")
    at = f" ({escape(place)})" if place else ""
    return f"golink: {where} {_verb(finding.outcome, finding.rule)}{at}"


def _rows(finding: Finding) -> dict[str, list[str]]:
    """Return the labelled lines of a finding, in their order."""

    def short(lines: Iterable[str]) -> list[str]:
        return [with_short_names(line, finding.module) for line in lines]

    return {
        "expected": [finding.expected],
        # A reader may copy a name of it into the policy.
        "observed": [finding.observed],
        "evidence": short(finding.evidence),
        "cause": short(cause_lines(finding)),
        "remedy": short(remedy_lines(finding)),
        "tried": [line for trial in finding.trials for line in _trial(trial)],
        "caution": [*finding.caution],
        "policy": [finding.place] if finding.place else [],
    }


def cause_lines(finding: Finding) -> list[str]:
    """Return the cause of a finding, with its import chains."""
    return [*finding.cause, *(line for chain in finding.chains for line in _chain(chain))]


def _labelled(rows: Mapping[str, Sequence[str]], width: int) -> list[str]:
    lines: list[str] = []
    for label, texts in rows.items():
        escaped = [escape(text, longest=_LONGEST_LINE) for text in texts]
        lines += hanging(label, escaped, indent=_INDENT, label_width=_LABEL_WIDTH, width=width)
    return lines


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _chain(chain: tuple[ImportStep, ...]) -> list[str]:
    """Return an import chain as one line: its packages, and the places of its imports."""
    places = [step.place for step in chain if step.place]
    if len(chain) < 2:
        # The main package itself, which the cause names.
        return []
    arrows = " → ".join(step.package for step in chain)
    return [f"{arrows}, imported at {', '.join(places)}" if places else arrows]


def _trial(trial: Trial) -> list[str]:
    """Return a remedy that was tried and what came of it; of one that keeps every rule the lines to write too."""
    sign = {"satisfies": "✓", "unproven": "?"}.get(trial.outcome, "✗")
    lines = [f"{trial.remedy}: {sign} {TRIED[trial.outcome]}{f': {trial.detail}' if trial.detail else ''}"]
    lines += [f"price: {trial.price}"] if trial.price else []
    for label, text in (("golink.toml", trial.toml), ("goreleaser", trial.goreleaser), ("shell", trial.shell)):
        lines += [f"{label}: {line}" for line in text.splitlines()]
    return lines
