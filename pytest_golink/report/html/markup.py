"""The part of the page that is markup before any script runs: the verdict, what to do first, the violations."""

from __future__ import annotations

import html
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import quote_plus, urlencode

from pytest_golink.findings import FAILING
from pytest_golink.report.error_text import count, error_groups, notes
from pytest_golink.report.grouping import failure_groups, headline, remedies
from pytest_golink.report.parameters import parameter_texts
from pytest_golink.report.printed import Printed
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.text.escape import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_golink.findings import Finding, Outcome
    from pytest_golink.report.error_text import ErrorGroup
    from pytest_golink.report.grouping import FailureGroup
    from pytest_golink.report.html.data import PageData
    from pytest_golink.report.model import Report

MARKS: dict[Outcome, str] = {
    "violated": "✕",
    "undecidable": "?",
    "waived": "~",
    "passed": "✓",
    "not-applicable": "–",
}
ERROR_MARK = "!"
_LONGEST_LINE = 1000
# More images than that are a number; the matrix has them all.
_MOST_IMAGES = 6
# The matrix is not far down the page.
_FIRST_GROUPS = 6
_MOST_GROUPS = 60


def escaped(text: str) -> str:
    """Return text as HTML that shows it, in an element and in a quoted attribute."""
    return html.escape(escape(text, longest=_LONGEST_LINE), quote=True)


def summary(report: Report, data: PageData) -> str:
    """Return the markup of the overview; the scripts add the filter and the matrices to it."""
    groups = failure_groups(report)
    parts = ['<div id="overview">', _verdict(report, data), '<div id="filter"></div>', _errors(report, data)]
    if groups:
        shown = [_group(number, group, data) for number, group in enumerate(groups[:_MOST_GROUPS])]
        parts.append(
            '<section aria-labelledby="first"><h2 id="first">What to do first</h2>\n'
            f"{_listed(shown[:_FIRST_GROUPS])}{_folded(shown[_FIRST_GROUPS:], len(groups) - _FIRST_GROUPS)}</section>"
        )
    parts += ['<div id="matrices"></div>', "</div>", '<div id="image" hidden></div>', '<div id="print"></div>']
    parts.append(f"<noscript>{_all(report)}</noscript>")
    return "\n".join(parts)


def _errors(report: Report, data: PageData) -> str:
    groups = error_groups(report.errors)
    if not groups:
        return ""
    shown = [
        _error(group, images, data) for group, images in zip(groups[:_MOST_GROUPS], data["unanswered"], strict=False)
    ]
    return (
        '<section aria-labelledby="errors"><h2 id="errors">What has no answer</h2>\n'
        f"{_listed(shown[:_FIRST_GROUPS])}{_folded(shown[_FIRST_GROUPS:], len(groups) - _FIRST_GROUPS)}</section>"
    )


def _error(group: ErrorGroup, numbers: Sequence[int], data: PageData) -> str:
    names = [_link(data, image) for image in numbers[:_MOST_IMAGES]]
    if len(numbers) > _MOST_IMAGES:
        names.append(f'<a href="#outcome=error">and {len(numbers) - _MOST_IMAGES} more</a>')
    more = "\n".join(escape(line, longest=_LONGEST_LINE) for line in group.more)
    text = f'<pre tabindex="0" aria-label="the whole error">{html.escape(more)}</pre>' if more else ""
    places = [*map(escaped, group.places[:_MOST_IMAGES])]
    if len(group.places) > _MOST_IMAGES:
        places.append(f"and {len(group.places) - _MOST_IMAGES} more")
    lines = "".join(f"<dd>{line}</dd>" for line in places)
    images = f'<dt>images</dt><dd class="names">{" ".join(names)}</dd>' if names else ""
    without = f": {count(len(group.tests), 'test')} without an answer" if group.tests else ""
    return (
        f'<li class="group error">'
        f'<h3><span class="mark" aria-hidden="true">{ERROR_MARK}</span> {escaped(group.headline)}</h3>'
        f'<p class="counted">{escaped(group.kind)}{without}</p>{text}'
        f"<dl>{images}{f'<dt>at</dt>{lines}' if lines else ''}</dl></li>"
    )


def _listed(groups: list[str]) -> str:
    return '<ol class="groups">\n' + "\n".join(groups) + "\n</ol>"


def _folded(groups: list[str], left: int) -> str:
    if not groups:
        return ""
    beyond = f"<p>… and {left - len(groups)} more: see the matrix</p>" if left > len(groups) else ""
    return f"<details><summary>{left} more</summary>{_listed(groups)}{beyond}</details>"


def _verdict(report: Report, data: PageData) -> str:
    counts = Counter(finding.outcome for finding in {reported.finding for reported in report.findings})
    failing = sum(counts[outcome] for outcome in FAILING)
    whole = report.complete and not report.selected
    tone = "bad" if failing or report.errors else "good" if counts and whole else "none"
    early = "".join(f'<p class="early">{note[0].upper()}{note[1:]}.</p>' for note in notes(report))
    totals = _total("error", ERROR_MARK, len(report.errors), count(len(report.errors), "error").partition(" ")[2])
    totals += "".join(_total(outcome, mark, counts[outcome], outcome) for outcome, mark in MARKS.items())
    return (
        f'<section class="verdict {tone}" aria-labelledby="verdict">'
        f'<h1 id="verdict">{escaped(data["verdict"])}</h1>{early}'
        f"{_list('totals', totals)}</section>"
    )


def _total(outcome: str, mark: str, number: int, word: str) -> str:
    if not number:
        return ""
    return f'<li class="{outcome}"><span class="mark" aria-hidden="true">{mark}</span> <b>{number}</b> {word}</li>'


def _group(number: int, group: FailureGroup, data: PageData) -> str:
    images = list(dict.fromkeys(data["findings"][index][0] for index in data["groups"][number]))
    names = [_link(data, image) for image in images[:_MOST_IMAGES]]
    if len(images) > _MOST_IMAGES:
        names.append(f'<a href="#{html.escape(_filter(group))}">and {len(images) - _MOST_IMAGES} more</a>')
    rules = "".join(f"<li><code>{escaped(rule)}</code></li>" for rule in group.rules)
    remedy = _list("plain", "".join(f"<li>{escaped(line)}</li>" for line in remedies(group)))
    counted = f"{count(len(group.findings), 'finding')} on {count(len(images), 'image')}"
    return (
        f'<li class="group {group.outcome}" data-group="{number}">'
        f'<h3><span class="mark" aria-hidden="true">{MARKS[group.outcome]}</span> {escaped(headline(group))}</h3>'
        f'<p class="counted">{group.outcome}: {counted}</p>'
        f'<dl><dt>rules</dt><dd><ul class="chips">{rules}</ul></dd>'
        f'<dt>images</dt><dd class="names">{" ".join(names)}</dd>'
        f"{f'<dt>remedy</dt><dd>{remedy}</dd>' if remedy else ''}</dl></li>"
    )


def _filter(group: FailureGroup) -> str:
    # The page's search looks at causes too.
    if group.cause:
        return urlencode({"q": escape(group.cause, longest=_LONGEST_LINE)})
    return urlencode({"outcome": group.outcome, "rule": escape(group.rules[0])})


def _list(name: str, items: str) -> str:
    return f'<ul class="{name}">{items}</ul>' if items else ""


def _link(data: PageData, number: int) -> str:
    image = data["images"][number]
    # What is in the data is escaped already.
    shown = " ".join(filter(None, (image["name"], image["target"], image["flags"])))
    return f'<a href="#image={html.escape(quote_plus(image["key"]))}">{html.escape(shown)}</a>'


def _all(report: Report) -> str:
    failing: dict[Finding, None] = dict.fromkeys(
        reported.finding for reported in report.findings if reported.finding.outcome in (*FAILING, "waived")
    )
    printed = Printed()
    items = "\n".join(_finding(finding, printed) for finding in failing)
    found = f"<h2>Violations</h2>\n{items}" if failing else ""
    return f"<p>The matrices and the pages of the images need JavaScript.</p>{found}"


def _finding(finding: Finding, printed: Printed) -> str:
    given = "".join(f" {name}={value}" for name, value in parameter_texts(finding))
    heading = " ".join(filter(None, (finding.image, finding.target)))
    rows: tuple[tuple[str, Iterable[str]], ...] = (
        ("expected", (finding.expected,)),
        ("observed", (finding.observed,)),
        ("evidence", finding.evidence),
        ("cause", printed.once(finding)),
        ("remedy", remedy_lines(finding)),
        ("caution", finding.caution),
        ("waived", filter(None, (finding.waiver,))),
        ("written at", filter(None, (finding.place,))),
    )
    details = "".join(f"<dt>{label}</dt>{lines}" for label, texts in rows if (lines := _lines(texts)))
    return (
        f'<section class="finding {finding.outcome}"><h3>{MARKS[finding.outcome]} {escaped(heading)}: '
        f"{escaped(finding.rule + given)} {finding.outcome}</h3><dl>{details}</dl></section>"
    )


def _lines(texts: Iterable[str]) -> str:
    return "".join(f"<dd>{escaped(text)}</dd>" for text in texts)
