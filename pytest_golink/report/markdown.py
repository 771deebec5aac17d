"""The report as Markdown, for a job summary or a comment: short, what fails first, the images folded."""

from __future__ import annotations

import html
import re
from collections import Counter
from typing import TYPE_CHECKING

from pytest_golink.report.error_text import error_groups, errors_in_words, notes
from pytest_golink.report.parameters import parameter_texts
from pytest_golink.report.printed import Printed
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.report.terminal_table import libc_words
from pytest_golink.text.escape import escape
from pytest_golink.text.sizes import size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_golink.findings import Finding, Outcome
    from pytest_golink.report.error_text import ErrorGroup
    from pytest_golink.report.model import Report, ReportedImage

_OUTCOMES: tuple[Outcome, ...] = ("violated", "undecidable", "waived", "passed", "not-applicable")
# A job summary has 1 MiB, a comment 64 KiB: more rows than these are not read.
_MOST = 100
_LONGEST = 200
_MOST_NAMES = 6
_MOST_LINES = 8
# What CommonMark, its tables and mathematics on GitHub give a meaning: any of it stands as itself behind a backslash.
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#|~$!])")
# What GitHub and GitLab make a link of without any markup: an empty comment inside takes it apart.
_BARE_LINK = re.compile(r"(@|\b(?:www|https?|ftp|mailto|xmpp)(?=[.:]))", re.IGNORECASE)


def markdown_report(report: Report) -> str:
    """Return the report as Markdown, as GitHub and GitLab show it."""
    failing = _distinct(report, ("violated", "undecidable"))
    waived = _distinct(report, ("waived",))
    blocks = [f"## golink: {_verdict(report, failing)}"]
    blocks += [f"⚠️ {note[0].upper()}{note[1:]}." for note in notes(report)]
    if report.errors:
        groups = error_groups(report.errors)
        blocks.append(table(("no answer", "error", "at"), map(_error, groups[:_MOST])) + _more(groups))
    if failing:
        printed = Printed()
        rows = [
            (
                _image(finding),
                f"{cell(finding.rule)}{_request(finding)}",
                _seen(finding, printed),
                _lines(remedy_lines(finding)),
            )
            for finding in failing[:_MOST]
        ]
        blocks.append(table(("image", "rule", "observed", "remedy"), rows) + _more(failing))
    if waived:
        rows_waived = [(_image(one), cell(one.rule), cell(one.observed), cell(one.waiver)) for one in waived[:_MOST]]
        blocks += ["### Waived", table(("image", "rule", "observed", "reason"), rows_waived) + _more(waived)]
    if report.images:
        blocks.append(_images(report))
    return "\n\n".join(blocks) + "\n"


def _verdict(report: Report, failing: Sequence[Finding]) -> str:
    images, findings = len(report.images), len(report.findings)
    counts = Counter(reported.finding.outcome for reported in report.findings)
    words = ", ".join(f"{counts[outcome]} {outcome}" for outcome in _OUTCOMES if counts[outcome])
    errors = errors_in_words(report)
    of = f"{_count(images, 'image')}, {_count(findings, 'finding')}" + (f": {words}" if words else "")
    if failing:
        broken = len({(finding.image, finding.target, finding.path) for finding in failing})
        words = f"{_count(broken, 'image')} {'fails' if broken == 1 else 'fail'} ({of})"
        return f"❌ {errors}; {words}" if errors else f"❌ {words}"
    if errors:
        return f"❌ {errors} ({of})"
    if findings and (report.selected or not report.complete):
        return f"⚠️ a part of the rules was checked, and holds ({of})"
    # No finding is no verdict.
    return f"✅ every rule holds ({of})" if findings else f"no rule was checked ({of})"


def _distinct(report: Report, outcomes: Sequence[Outcome]) -> list[Finding]:
    findings = dict.fromkeys(reported.finding for reported in report.findings)
    return [finding for outcome in outcomes for finding in findings if finding.outcome == outcome]


def _error(group: ErrorGroup) -> tuple[str, str, str]:
    names = group.images or group.tests
    left = len(names) - _MOST_NAMES
    shown = [*map(cell, names[:_MOST_NAMES]), *([f"and {left} more"] if left > 0 else [])]
    lines = group.text.split("\n")
    more = [f"… {len(lines) - _MOST_LINES} more lines"] if len(lines) > _MOST_LINES else []
    text = "<br>".join([*(cell(line.strip()) for line in lines[:_MOST_LINES] if line.strip()), *more])
    return "<br>".join(shown) or "the run", f"*{cell(group.kind)}:* {text}", _lines(group.places[:_MOST_NAMES])


def _seen(finding: Finding, printed: Printed) -> str:
    marked = "" if finding.outcome == "violated" else f"*{finding.outcome}:* "
    return marked + _lines((finding.observed, *printed.once(finding)))


def _images(report: Report) -> str:
    by_image: dict[tuple[str, str | None, str], Counter[str]] = {}
    for reported in report.findings:
        one = reported.finding
        by_image.setdefault((one.image, one.target, one.path), Counter())[one.outcome] += 1
    rows = []
    for image in report.images[:_MOST]:
        facts = image.facts
        counts = by_image.get((image.name, facts["target"], facts["path"]), Counter())
        outcomes = ", ".join(f"{counts[outcome]} {outcome}" for outcome in _OUTCOMES if counts[outcome])
        rows.append(
            (
                cell(image.name),
                cell(facts["target"]) if facts["target"] else "–",
                facts["linkage"] or facts["kind"],
                cell(libc_words(facts)),
                _cgo(image),
                size(facts["size"]),
                outcomes or "–",
            )
        )
    heads = ("image", "target", "linkage", "libc", "cgo packages", "size", "rules")
    summary = f"<details><summary>{_count(len(report.images), 'image')}</summary>"
    return f"{summary}\n\n{table(heads, rows)}{_more(report.images)}\n\n</details>"


def _cgo(image: ReportedImage) -> str:
    cgo = image.facts["cgo"]
    if not cgo["used"]:
        return "–" if cgo["used"] is None else "none"
    return ", ".join(cell(package) for package in cgo["packages"]) or "yes"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; its cells are Markdown already."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _more(found: Sequence[object]) -> str:
    return f"\n\n… {len(found) - _MOST} more" if len(found) > _MOST else ""


def _image(finding: Finding) -> str:
    return cell(finding.image) + (f" {cell(finding.target)}" if finding.target else "")


def _request(finding: Finding) -> str:
    return "".join(f"<br>{cell(f'{name} = {value}')}" for name, value in parameter_texts(finding))


def _lines(texts: Iterable[str]) -> str:
    return "<br>".join(map(cell, texts)) or "–"


def cell(text: str) -> str:
    """Return a stranger's text as it stands in a table's cell, where it is text and nothing else."""
    # Not a code span: its end could stand in the name, and a pipe ends the cell even there. Inside <code> no user is
    # mentioned, and no number becomes an issue.
    shown = _SPECIAL.sub(r"\\\1", html.escape(escape(text, longest=_LONGEST), quote=False))
    return "<code>" + _BARE_LINK.sub(r"\1<!-- -->", shown) + "</code>"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
