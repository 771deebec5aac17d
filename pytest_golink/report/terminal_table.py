"""Every image of a report with its facts and rules: a row each on a wide terminal, a few lines each on a narrow one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.report.labels import (
    ALL_OF_THEM,
    image_labels,
    key_of_error,
    key_of_finding,
    key_of_image,
    labels_apart,
)
from pytest_golink.report.markup import BOLD, FAINT, MARKUP, NO_BREAK, OUTCOMES, PLAIN
from pytest_golink.text.escape import escape
from pytest_golink.text.sizes import size
from pytest_golink.text.wrap import columns, pad, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_golink.report.facts_json import FactsJson
    from pytest_golink.report.labels import ImageKey, ImageLabel
    from pytest_golink.report.markup import Line
    from pytest_golink.report.model import Report, ReportedImage

    # The rules that checked an image, by outcome; the flags and the cells up to "size" before them.
    _Rules = list[tuple[str, list[str]]]
    _Row = tuple[str, list[str], _Rules]

_HEADS = ("image", "target", "linkage", "libc", "link", "resolver", "cgo packages", "stripped", "size", "rules")
_CGO, _SIZE, _RULES = _HEADS.index("cgo packages"), _HEADS.index("size"), _HEADS.index("rules")
_GAP = 2
_ERROR = "error"
_TOGETHER = "all images"
# Under these widths a column of lists is a column of single words; the cards read better then.
_NARROW_CGO = 16
_NARROW_RULES = 32
_WIDEST_NAME = 40
_ABSENT = "–"
# Flags stand under the name, and may make its column that wide.
_WIDEST_FLAGS = 24


def image_lines(report: Report, width: int) -> list[Line]:
    """Return the images as a table if it fits, else as cards; no images are no lines."""
    rules: dict[ImageKey, dict[str, list[str]]] = {}
    for error in report.errors:
        kinds = rules.setdefault(key_of_error(error), {}).setdefault(_ERROR, [])
        if error.kind not in kinds:
            kinds.append(escape(error.kind))
    for reported in report.findings:
        finding = reported.finding
        names = rules.setdefault(key_of_finding(finding), {}).setdefault(finding.outcome, [])
        if finding.rule not in names:
            names.append(finding.rule)
    rows = [
        _row(image, label, rules.get(key_of_image(image), {}))
        for image, label in zip(report.images, image_labels(report.images), strict=True)
    ]
    rows += [_row_apart(label, rules[key]) for key, label in labels_apart(report).items()]
    if not rows:
        return []
    widths = _widths(rows, width)
    return _table(rows, widths) if widths else _cards(rows, width)


def _row(image: ReportedImage, label: ImageLabel, rules: dict[str, list[str]]) -> _Row:
    facts = image.facts
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
    return escape(label.flags), cells, _by_outcome(rules)


def _row_apart(label: ImageLabel, rules: dict[str, list[str]]) -> _Row:
    # All images of a binary together, or one that was not built or read: there are no facts.
    cells = [_ABSENT] * _RULES
    cells[0] = escape(label.name, longest=_WIDEST_NAME)
    cells[1] = escape(label.target or _ABSENT, longest=_WIDEST_NAME)
    if label.flags == ALL_OF_THEM:
        cells[1] = _TOGETHER
        return "", cells, _by_outcome(rules)
    return escape(label.flags), cells, _by_outcome(rules)


def _by_outcome(rules: dict[str, list[str]]) -> _Rules:
    return [(outcome, rules[outcome]) for outcome in (_ERROR, *OUTCOMES) if outcome in rules]


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
        max(columns(head), *(columns(cells[index]) for _, cells, _ in rows))
        for index, head in enumerate(_HEADS[:_RULES])
    ]
    flags = [flags for flags, _, _ in rows if flags]
    if flags:
        widths[0] = max(widths[0], min(max(columns(flag) for each in flags for flag in wrap(each, 1)), _WIDEST_FLAGS))
    # The two columns that may wrap are as narrow as their longest word, and no narrower than reads well.
    wide_cgo, narrow_cgo = widths[_CGO], _longest_word([cells[_CGO] for _, cells, _ in rows])
    rule_lines = [(_outcome_width(rules), ", ".join(names)) for _, _, rules in rows for _, names in rules]
    wide_rules = max([columns(_HEADS[_RULES])] + [beside + columns(names) for beside, names in rule_lines])
    narrow_rules = max([columns(_HEADS[_RULES])] + [beside + _longest_word([names]) for beside, names in rule_lines])
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
    lines: list[Line] = [(((" " * _GAP).join(heads).rstrip(), FAINT),)]
    for flags, cells, rules in rows:
        cgo = wrap(cells[_CGO], widths[_CGO])
        rule_lines = _rule_lines(rules, widths[_RULES])
        # A flag that is longer than its column ends in an ellipsis: the rest of the row keeps its place.
        named = [cells[0], *(_cut(line, widths[0]) for line in wrap(flags, widths[0]) if line)]
        for number in range(max(len(cgo), len(rule_lines), len(named))):
            shown = [cell if number == 0 else "" for cell in cells]
            shown[0] = named[number] if number < len(named) else ""
            shown[_CGO] = cgo[number] if number < len(cgo) else ""
            padded = [pad(cell, widths[index], right=index == _SIZE) for index, cell in enumerate(shown)]
            segments: Line = rule_lines[number] if number < len(rule_lines) else ()
            row = (" " * _GAP).join(padded)
            lines.append(((row + " " * _GAP, PLAIN), *segments) if segments else ((row.rstrip(), PLAIN),))
    return lines


def _rule_lines(rules: _Rules, width: int) -> list[Line]:
    # "passed    static, stripped": the outcome in its colour, the names in a column beside it.
    beside = _outcome_width(rules)
    lines: list[Line] = []
    for outcome, names in rules:
        first, *more = wrap(", ".join(names), width - beside)
        lines.append(((pad(outcome, beside), MARKUP[outcome]), (first, PLAIN)))
        lines += [((" " * beside + line, PLAIN),) for line in more]
    return lines


def _outcome_width(rules: _Rules) -> int:
    return max((len(outcome) for outcome, _ in rules), default=0) + _GAP


def _cards(rows: Sequence[_Row], width: int) -> list[Line]:
    lines: list[Line] = []
    for flags, cells, rules in rows:
        image, target, linkage, libc, link_mode, resolver, cgo, stripped, amount = cells
        more: tuple[str, ...] = (
            linkage,
            f"libc {libc}",
            f"link mode {link_mode}",
            f"resolver {resolver}",
            f"cgo {cgo}",
            f"stripped {stripped}",
            amount,
        )
        if all(cell == _ABSENT for cell in cells[2:]):
            more = ()
        lines.append(((image, BOLD), ("  " + target, PLAIN)) if target != _ABSENT or more else ((image, BOLD),))
        lines += [(("  " + line, FAINT),) for line in wrap(flags, width - 2) if line]
        # One fact stays on one line where it fits: its blanks are no place to break.
        facts = [f"{fact} ·" for fact in more[:-1]] + [*more[-1:]]
        flow = wrap(
            " ".join(fact.replace(" ", NO_BREAK) if columns(fact) <= width - 2 else fact for fact in facts), width - 2
        )
        lines += [(("  " + line.replace(NO_BREAK, " "), PLAIN),) for line in flow if line]
        lines += [(("  ", PLAIN), *line) for line in _rule_lines(rules, width - 2)]
    return lines


def _cut(text: str, width: int) -> str:
    if columns(text) <= width:
        return text
    while columns(text) >= width:
        text = text[:-1]
    return f"{text}…"
