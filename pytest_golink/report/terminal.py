"""The table at the end of a run (`--golink-report`): violations first, then every image with its rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.findings import FAILING
from pytest_golink.report.escape import escape
from pytest_golink.report.text import columns, pad, size, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_golink.findings import Finding, Outcome, Report, ReportedImage
    from pytest_golink.report.facts_json import FactsJson

    Segment = tuple[str, dict[str, bool]]
    Line = tuple[Segment, ...]
    # The rules asked of an image, by outcome; and the cells up to "size" before them.
    _Rules = list[tuple[Outcome, list[str]]]
    _Row = tuple[list[str], _Rules]

# What fails stands first.
_OUTCOMES: tuple[Outcome, ...] = ("violated", "undecidable", "waived", "passed", "not-applicable")
_MARKUP: dict[Outcome, dict[str, bool]] = {
    "violated": {"red": True, "bold": True},
    "undecidable": {"yellow": True, "bold": True},
    "waived": {"yellow": True},
    "passed": {"green": True},
    "not-applicable": {"light": True},
}
_HEADS = ("image", "target", "linkage", "libc", "link", "resolver", "cgo packages", "stripped", "size", "rules")
_CGO, _SIZE, _RULES = _HEADS.index("cgo packages"), _HEADS.index("size"), _HEADS.index("rules")
_GAP = 2
# Under these widths a column of lists is a column of single words; the cards read better then.
_NARROW_CGO = 16
_NARROW_RULES = 32
_WIDEST_NAME = 40
_ABSENT = "–"
_NO_BREAK = "\u00a0"
_PLAIN: dict[str, bool] = {}
_FAINT = {"light": True}
_BOLD = {"bold": True}


def report_lines(report: Report, width: int) -> list[Line]:
    """
    Give the table as lines of (text, markup), markup as pytest's terminal writer takes it.

    A wide terminal gets one row an image, a narrow one a few lines an image. Nothing was recorded: no lines.
    """
    if not report.images and not report.findings:
        return []
    lines = _failing(report, width)
    if lines and report.images:
        lines.append(())
    if report.images:
        rows = [_row(image, report) for image in report.images]
        widths = _widths(rows, width)
        lines += _table(rows, widths) if widths else _cards(rows, width)
        lines.append(())
    elif lines:
        lines.append(())
    lines.append(_totals(report))
    return lines


def _failing(report: Report, width: int) -> list[Line]:
    tests: dict[Finding, list[str]] = {}
    for reported in report.findings:
        if reported.finding.fails:
            tests.setdefault(reported.finding, []).append(reported.test)
    lines: list[Line] = []
    indent = max(len(outcome) for outcome in FAILING) + _GAP
    for outcome in _OUTCOMES:
        for finding, nodeids in tests.items():
            if finding.outcome != outcome:
                continue
            asked = "".join(f" {name}={value}" for name, value in finding.parameters)
            head = " ".join(filter(None, (escape(finding.image), escape(finding.target or ""), finding.rule)))
            lines.append(((pad(outcome, indent), _MARKUP[outcome]), (head, _BOLD), (escape(asked), _PLAIN)))
            said = f"observed {finding.observed}; expected {finding.expected}"
            lines += [((" " * indent + line, _PLAIN),) for line in wrap(escape(said), width - indent)]
            more = f" and {len(nodeids) - 1} more" if len(nodeids) > 1 else ""
            lines.append(((" " * indent + escape(nodeids[0]) + more, _FAINT),))
    return lines


def _row(image: ReportedImage, report: Report) -> _Row:
    facts = image.facts
    rules: dict[Outcome, list[str]] = {}
    for reported in report.findings:
        finding = reported.finding
        if (finding.image, finding.target, finding.path) == (image.name, facts["target"], facts["path"]):
            names = rules.setdefault(finding.outcome, [])
            if finding.rule not in names:
                names.append(finding.rule)
    cells = [
        escape(image.name, longest=_WIDEST_NAME),
        escape(facts["target"] or _ABSENT, longest=_WIDEST_NAME),
        _linkage(facts),
        libc_words(facts),
        facts["link_mode"] or _ABSENT,
        ", ".join(facts["resolver"] or ()) or _ABSENT,
        _cgo_packages(facts),
        _yes_no(facts["stripped"]),
        size(facts["size"]),
    ]
    return cells, [(outcome, rules[outcome]) for outcome in _OUTCOMES if outcome in rules]


def _linkage(facts: FactsJson) -> str:
    # An archive or an object has no linkage; saying what it is says why.
    return facts["linkage"] or facts["kind"]


def libc_words(facts: FactsJson) -> str:
    """Name the libc in a word or two: "glibc 2.34", "musl embedded", "none"."""
    libc = facts["libc"]
    if libc["presence"] == "none":
        return "none"
    if libc["presence"] == "embedded":
        return f"{libc['kind']} embedded"
    return f"{libc['kind']} {libc['floor']}" if libc["floor"] else libc["kind"]


def _cgo_packages(facts: FactsJson) -> str:
    cgo = facts["cgo"]
    if cgo["used"] is None:
        return _ABSENT
    names = ", ".join(escape(package, longest=_WIDEST_NAME) for package in cgo["packages"])
    return names or ("yes" if cgo["used"] else "none")


def _yes_no(value: bool | None) -> str:
    return _ABSENT if value is None else "yes" if value else "no"


def _widths(rows: Sequence[_Row], width: int) -> list[int]:
    # Column widths of a table that fits, [] where none does.
    widths = [
        max(columns(head), *(columns(cells[index]) for cells, _ in rows)) for index, head in enumerate(_HEADS[:_RULES])
    ]
    # The two columns that may wrap are as narrow as their longest word, and no narrower than reads well.
    wide_cgo, narrow_cgo = widths[_CGO], _longest_word([cells[_CGO] for cells, _ in rows])
    asked = [(_outcome_width(rules), ", ".join(names)) for _, rules in rows for _, names in rules]
    wide_rules = max([columns(_HEADS[_RULES])] + [beside + columns(names) for beside, names in asked])
    narrow_rules = max([columns(_HEADS[_RULES])] + [beside + _longest_word([names]) for beside, names in asked])
    narrow_cgo, narrow_rules = (
        max(narrow_cgo, min(wide_cgo, _NARROW_CGO)),
        max(narrow_rules, min(wide_rules, _NARROW_RULES)),
    )
    left = width - (sum(widths) - wide_cgo) - _GAP * (len(_HEADS) - 1)
    if narrow_cgo + narrow_rules > left:
        return []
    rules = min(wide_rules, left - narrow_cgo)
    widths[_CGO] = min(wide_cgo, left - rules)
    return [*widths, rules]


def _longest_word(texts: Iterable[str]) -> int:
    return max(columns(word) for text in texts for word in text.split(" "))


def _table(rows: Sequence[_Row], widths: Sequence[int]) -> list[Line]:
    heads = (
        pad(head, width, right=index == _SIZE) for index, (head, width) in enumerate(zip(_HEADS, widths, strict=True))
    )
    lines: list[Line] = [(((" " * _GAP).join(heads).rstrip(), _FAINT),)]
    for cells, rules in rows:
        cgo = wrap(cells[_CGO], widths[_CGO])
        asked = _rule_lines(rules, widths[_RULES])
        for number in range(max(len(cgo), len(asked), 1)):
            shown = [cell if number == 0 else "" for cell in cells]
            shown[_CGO] = cgo[number] if number < len(cgo) else ""
            padded = [pad(cell, widths[index], right=index == _SIZE) for index, cell in enumerate(shown)]
            segments: Line = asked[number] if number < len(asked) else ()
            row = (" " * _GAP).join(padded)
            lines.append(((row + " " * _GAP, _PLAIN), *segments) if segments else ((row.rstrip(), _PLAIN),))
    return lines


def _rule_lines(rules: _Rules, width: int) -> list[Line]:
    # "passed    static, stripped": the outcome in its colour, the names in a column beside it.
    beside = _outcome_width(rules)
    lines: list[Line] = []
    for outcome, names in rules:
        first, *more = wrap(", ".join(names), width - beside)
        lines.append(((pad(outcome, beside), _MARKUP[outcome]), (first, _PLAIN)))
        lines += [((" " * beside + line, _PLAIN),) for line in more]
    return lines


def _outcome_width(rules: _Rules) -> int:
    return max((len(outcome) for outcome, _ in rules), default=0) + _GAP


def _cards(rows: Sequence[_Row], width: int) -> list[Line]:
    lines: list[Line] = []
    for cells, rules in rows:
        image, target, linkage, libc, link_mode, resolver, cgo, stripped, amount = cells
        said = (
            linkage,
            f"libc {libc}",
            f"link mode {link_mode}",
            f"resolver {resolver}",
            f"cgo {cgo}",
            f"stripped {stripped}",
            amount,
        )
        lines.append(((image, _BOLD), ("  " + target, _PLAIN)))
        # One fact stays on one line where it fits: its blanks are no place to break.
        facts = [f"{fact} ·" for fact in said[:-1]] + [said[-1]]
        flow = wrap(
            " ".join(fact.replace(" ", _NO_BREAK) if columns(fact) <= width - 2 else fact for fact in facts), width - 2
        )
        lines += [(("  " + line.replace(_NO_BREAK, " "), _PLAIN),) for line in flow]
        lines += [(("  ", _PLAIN), *line) for line in _rule_lines(rules, width - 2)]
    return lines


def _totals(report: Report) -> Line:
    counts = {
        outcome: sum(reported.finding.outcome == outcome for reported in report.findings) for outcome in _OUTCOMES
    }
    images, findings = len(report.images), len(report.findings)
    line: list[Segment] = [(f"{_count(images, 'image')}, {_count(findings, 'finding')}", _BOLD)]
    separator = ": "
    for outcome, count in counts.items():
        if count:
            line += [(separator, _PLAIN), (f"{count} {outcome}", _MARKUP[outcome])]
            separator = ", "
    return tuple(line)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
