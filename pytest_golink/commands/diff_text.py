"""Write the differences of two reports as text, Markdown or JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_golink.report.error_text import error_groups
from pytest_golink.report.markdown import cell, table
from pytest_golink.text.escape import escape, json_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_golink.commands.report_diff import ImageName, ReportDiff, RuleChange
    from pytest_golink.lock import Difference
    from pytest_golink.report.error_text import ErrorGroup

_NOTHING = "no difference in linkage"
_NOTHING_KNOWN = "no difference in what both reports hold"
_LONGEST = 500


def diff_text(diff: ReportDiff) -> str:
    """Return the differences as text, one line a change."""
    if diff.same:
        return _NOTHING
    blocks = ["\n".join(filter(None, (_counts(diff), *diff.notes)))]
    errors = [f"error    {_about(group)}: {_error(group)}" for group in error_groups(diff.errors)]
    blocks += ["\n".join(errors)] if errors else []
    there = [f"added    {escape(str(name))}" for name in diff.added]
    there += [f"removed  {escape(str(name))}" for name in diff.removed]
    there += [f"unknown  {escape(str(name))}" for name in diff.unknown]
    blocks += ["\n".join(there)] if there else []
    for change in diff.changed:
        lines = [escape(str(change.name))]
        for one in change.differences:
            line = f"  {one.change:<9}{escape(_fact(one))}: {_value(one.old)} → {_value(one.new)}"
            lines.append(f"{line}  ({escape(one.reason)})" if one.reason else line)
        blocks.append("\n".join(lines))
    rules = [
        f"{one.transition:<10}{escape(_request(one))}: {one.old or 'not asked'} → {one.new or 'not asked'}"
        for one in diff.rules
    ]
    blocks += ["\n".join(rules)] if rules else []
    return "\n\n".join(blocks)


def diff_markdown(diff: ReportDiff) -> str:
    """Return the differences as Markdown, for a release or a merge request."""
    if diff.same:
        return f"## golink: {_NOTHING}"
    blocks = [f"## golink: {_counts(diff)}", *(f"⚠️ {note[0].upper()}{note[1:]}." for note in diff.notes)]
    if diff.errors:
        errors = [(cell(_about(group)), cell(_error(group))) for group in error_groups(diff.errors)]
        blocks.append(table(("no answer", "error"), errors))
    if diff.changed:
        rows = [
            (
                cell(str(change.name)),
                one.change,
                cell(_fact(one)),
                cell(_value(one.old)),
                cell(_value(one.new)),
                _because(one),
            )
            for change in diff.changed
            for one in change.differences
        ]
        blocks.append(table(("image", "", "fact", "before", "after", "why"), rows))
    if diff.rules:
        turns = [
            (one.transition, cell(_request(one)), one.old or "not asked", one.new or "not asked") for one in diff.rules
        ]
        blocks.append(table(("", "rule", "before", "after"), turns))
    for word, names in (("Added", diff.added), ("Removed", diff.removed), ("Unknown", diff.unknown)):
        if names:
            blocks.append(f"{word}: {', '.join(cell(str(name)) for name in names)}")
    return "\n\n".join(blocks)


def diff_json(diff: ReportDiff) -> str:
    """Return the differences as JSON, schema 1; later versions only add keys."""
    return json_text(
        {
            "schema": 1,
            "same": diff.same,
            "notes": list(diff.notes),
            "errors": [
                {
                    "image": error.image,
                    "target": error.target,
                    "kind": error.kind,
                    "text": error.text,
                    "place": error.place,
                }
                for error in diff.errors
            ],
            "added": _names(diff.added),
            "removed": _names(diff.removed),
            "unknown": _names(diff.unknown),
            "changed": [
                {
                    **_names([change.name])[0],
                    "differences": [
                        {
                            "fact": one.key[0],
                            "name": one.key[1] or None,
                            "old": one.old,
                            "new": one.new,
                            "way": one.change,
                            "reason": one.reason,
                        }
                        for one in change.differences
                    ],
                }
                for change in diff.changed
            ],
            "rules": [
                {
                    "image": one.image,
                    "target": one.target,
                    "rule": one.rule,
                    "parameters": dict(one.parameters),
                    "old": one.old,
                    "new": one.new,
                    "turn": one.transition,
                }
                for one in diff.rules
            ],
        },
        indent=1,
    )


def _names(names: Sequence[ImageName]) -> list[dict[str, str | None]]:
    return [{"image": name.image, "target": name.target, "flags": name.flags or None} for name in names]


def _counts(diff: ReportDiff) -> str:
    ways = Counter[str](one.change for change in diff.changed for one in change.differences)
    turns = Counter[str](one.transition for one in diff.rules)
    counted = [
        (len(diff.added), "added"),
        (len(diff.removed), "removed"),
        (len(diff.unknown), "unknown"),
        (len(diff.changed), "changed"),
    ]
    counts = [f"{len(diff.errors)} error{'' if len(diff.errors) == 1 else 's'}"] if diff.errors else []
    counts += [f"{_images(number)} {word}" for number, word in counted if number]
    facts = [f"{ways[way]} {way}" for way in ("worse", "changed", "better") if ways[way]]
    if facts:
        counts.append(f"facts: {', '.join(facts)}")
    rules = [
        f"{turns[turn]} {word}"
        for turn, word in (("violated", "newly violated"), ("mended", "mended"), ("changed", "changed"))
        if turns[turn]
    ]
    if rules:
        counts.append(f"rules: {', '.join(rules)}")
    return "; ".join(counts) or _NOTHING_KNOWN


def _about(group: ErrorGroup) -> str:
    names = group.images or group.places or ("the run",)
    return f"{escape(names[0])}{f' and {len(names) - 1} more' if len(names) > 1 else ''}"


def _error(group: ErrorGroup) -> str:
    return escape(f"{group.kind}: {group.headline}{' …' if group.more else ''}", longest=_LONGEST)


def _images(number: int) -> str:
    return f"{number} image{'' if number == 1 else 's'}"


def _fact(difference: Difference) -> str:
    return " ".join(filter(None, difference.key))


def _request(change: RuleChange) -> str:
    parameters = "".join(f" {name}={value}" for name, value in change.parameters)
    return f"{change.image}{f' ({change.target})' if change.target else ''} {change.rule}{parameters}"


def _value(value: str | int | bool | None) -> str:
    # A lock's text is escaped already.
    if value is None:
        return "–"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _because(difference: Difference) -> str:
    return cell(difference.reason) if difference.reason else ""
