"""What fails, what is waived and what a rule's answer does not cover: one cause of many findings stands there once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.report.error_text import error_groups
from pytest_golink.report.grouping import best_trials, failure_groups, headline, remedies
from pytest_golink.report.labels import ImageLabel, image_labels, key_of_finding, key_of_image
from pytest_golink.report.markup import BOLD, FAINT, MARKUP, PLAIN
from pytest_golink.report.parameters import parameter_texts
from pytest_golink.report.remedy_text import TRIED, remedy_lines
from pytest_golink.text.escape import escape
from pytest_golink.text.wrap import hanging, pad, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_golink.findings import Finding
    from pytest_golink.report.grouping import FailureGroup, GroupedFinding
    from pytest_golink.report.labels import ImageKey
    from pytest_golink.report.markup import Line
    from pytest_golink.report.model import Report

# "undecidable" and a gap; the labels under it.
_INDENT = 13
_LABELS = 11
# A line of evidence or prose lists several names.
_LONGEST_LINE = 1000
_MOST_IMAGES = 12
_MOST_GROUPS = 50
_MOST_REASONS = 8
_MOST_LINES = 6
_STARTS = {True: "starts", False: "does not start", None: "not known"}


class Failures:
    """
    Writes the findings of a report that a reader has to do something about.

    Args:
        report: The report.
        width: Columns of the terminal.
        verbose: Say everything: each finding of a group, all images, evidence.
    """

    def __init__(self, report: Report, width: int, *, verbose: bool) -> None:
        self._report = report
        self._width = width
        self._verbose = verbose
        self._labels: dict[ImageKey, ImageLabel] = dict(
            zip(map(key_of_image, report.images), image_labels(report.images), strict=True)
        )

    def errors(self) -> list[Line]:
        """Return what has no answer; pytest has shown the whole text of each test that ended so."""
        lines: list[Line] = []
        groups = error_groups(self._report.errors)
        shown = groups if self._verbose else groups[:_MOST_GROUPS]
        for group in shown:
            names = [escape(name) for name in group.images[: None if self._verbose else _MOST_IMAGES]]
            more = f" and {len(group.images) - len(names)} more" if len(names) < len(group.images) else ""
            images = f"{', '.join(names)}{more}"
            title = escape(group.headline, longest=_LONGEST_LINE)
            lines += self._head("error", title, f"  ({escape(group.kind)})")
            lines += self._labelled([("images" if len(group.images) > 1 else "image", [images] if images else [])])
            rest = [escape(line.strip(), longest=_LONGEST_LINE) for line in group.more if line.strip()]
            kept = rest if self._verbose or len(rest) <= _MOST_LINES else [*rest[: _MOST_LINES - 1], _more_lines(rest)]
            for line in kept:
                lines += self._indented(line, PLAIN)
            at = [*dict.fromkeys((*group.places, *group.tests))] if self._verbose else group.places
            lines += self._counted("at", at)
        if len(groups) > len(shown):
            lines.append(((f"… and {len(groups) - len(shown)} more: -v shows them", FAINT),))
        return lines

    def failing(self) -> list[Line]:
        """Return the groups of failing findings, violations first."""
        groups = failure_groups(self._report)
        shown = groups if self._verbose else groups[:_MOST_GROUPS]
        lines = [line for group in shown for line in self._group(group)]
        if len(groups) > len(shown):
            lines.append(((f"… and {len(groups) - len(shown)} more: -v shows them", FAINT),))
        return lines

    def waived(self) -> list[Line]:
        """Return the waived findings, by reason and rule."""
        by_reason: dict[tuple[str, str], list[Finding]] = {}
        for finding in self._distinct():
            if finding.outcome == "waived":
                by_reason.setdefault((finding.waiver, finding.rule), []).append(finding)
        lines: list[Line] = []
        for (reason, rule), findings in by_reason.items():
            lines += self._head("waived", escape(rule), self._images(findings))
            lines += self._labelled([("reason", [reason] if reason else [])])
        return lines

    def cautions(self) -> list[Line]:
        """Return what the answers of passed rules do not cover."""
        by_text: dict[tuple[str, str], list[Finding]] = {}
        for finding in self._distinct():
            if finding.outcome == "passed":
                for text in finding.caution:
                    by_text.setdefault((finding.rule, text), []).append(finding)
        lines: list[Line] = []
        for (rule, text), findings in by_text.items():
            lines += self._head("passed", escape(rule), self._images(findings))
            lines += self._labelled([("but", [text])])
        return lines

    def _distinct(self) -> Iterable[Finding]:
        return dict.fromkeys(reported.finding for reported in self._report.findings)

    def _group(self, group: FailureGroup) -> list[Line]:
        if len(group.findings) == 1:
            return self._single(group.findings[0])
        findings = [each.finding for each in group.findings]
        images = len({key_of_finding(finding) for finding in findings})
        counted = f" ({len(findings)} findings, {images} image{'' if images == 1 else 's'})"
        by_images = _by_images(findings)
        title = escape(headline(group), longest=_LONGEST_LINE) if group.cause else by_images[0][0]
        lines = self._head(group.outcome, title, counted)
        if self._verbose:
            for each in group.findings:
                lines += self._indented(f"{_request(each.finding)}  {self._images([each.finding])}", BOLD)
                lines += self._details(each)
            return lines
        if not group.cause:
            # One rule, which expects the same of all.
            lines += self._indented(self._images(findings), PLAIN)
            seen = [*dict.fromkeys(finding.observed for finding in findings)]
            more = f" (and {len(seen) - 1} more)" if len(seen) > 1 else ""
            lines += self._labelled([("observed", [f"{seen[0]}{more}; expected {findings[0].expected}"])])
        for rules, of in by_images if group.cause else ():
            lines += self._indented(rules, BOLD) + self._indented(self._images(of), PLAIN, by=2)
        return lines + self._labelled([("remedy", self._remedies(group))]) + self._from(group.findings)

    def _remedies(self, group: FailureGroup) -> list[str]:
        # Of what was tried the best that holds, once for all images that it is the best for.
        best = best_trials(group)
        if not best:
            return [*remedies(group)]
        if len(best) == 1:
            return [*best]
        return [f"{remedy}  ({self._images(findings)})" for remedy, findings in best.items()]

    def _single(self, grouped: GroupedFinding) -> list[Line]:
        finding = grouped.finding
        return self._head(finding.outcome, _request(finding), "  " + self._images([finding])) + self._details(grouped)

    def _details(self, grouped: GroupedFinding) -> list[Line]:
        finding = grouped.finding
        chains = [" → ".join(step.package for step in chain) for chain in finding.chains]
        tried = [
            f"{trial.remedy}: {TRIED[trial.outcome]}{f': {trial.detail}' if trial.detail else ''}"
            for trial in finding.trials
            if self._verbose or trial.outcome in ("satisfies", "unproven")
        ]
        lines = self._labelled(
            [
                ("observed", [f"{finding.observed}; expected {finding.expected}"]),
                ("evidence", finding.evidence if self._verbose else ()),
                ("platforms", self._platforms(finding)),
                ("cause", (*finding.cause, *(chains if self._verbose else chains[:1]))),
                ("remedy", remedy_lines(finding) if self._verbose or not tried else ()),
                ("tried", tried),
                ("caution", finding.caution),
            ]
        )
        return lines + self._from([grouped])

    def _platforms(self, finding: Finding) -> list[str]:
        # Platforms with one reason share a line.
        alike: dict[tuple[bool | None, str], list[str]] = {}
        for answer in finding.platforms:
            if self._verbose or not answer.starts:
                alike.setdefault((answer.starts, answer.reason), []).append(answer.platform)
        lines = [f"{', '.join(names)}: {_STARTS[starts]}: {reason}" for (starts, reason), names in alike.items()]
        if self._verbose or len(lines) <= _MOST_REASONS:
            return lines
        return [*lines[:_MOST_REASONS], f"… and {len(lines) - _MOST_REASONS} more reasons: -v shows them"]

    def _from(self, findings: Sequence[GroupedFinding]) -> list[Line]:
        # The policy's line says more than the item that was made of it.
        places = dict.fromkeys(
            place
            for each in findings
            for place in ([each.finding.place] if each.finding.place and not self._verbose else each.tests)
        )
        return self._counted("checked by", tuple(places))

    def _counted(self, label: str, places: Sequence[str]) -> list[Line]:
        if not places:
            return []
        first, *others = places
        more = f" and {len(others)} more" if others else ""
        shown = ", ".join(places) if self._verbose else first + more
        return [((text, FAINT),) for ((text, _),) in self._labelled([(label, [shown])])]

    def _images(self, findings: Sequence[Finding]) -> str:
        # "server linux/amd64, linux/arm64; tool linux/386"
        most = len(findings) if self._verbose else _MOST_IMAGES
        by_name: dict[str, list[str]] = {}
        for finding in findings[:most]:
            label = self._labels.get(key_of_finding(finding)) or ImageLabel(
                name=finding.image, target=finding.target or ""
            )
            beside = " ".join(escape(text) for text in (label.target, label.flags) if text)
            by_name.setdefault(escape(label.name), []).append(beside)
        names = "; ".join(f"{name} {', '.join(targets)}".rstrip() for name, targets in by_name.items())
        return names + (f" and {len(findings) - most} more" if len(findings) > most else "")

    def _head(self, outcome: str, title: str, beside: str) -> list[Line]:
        if not beside.startswith(" "):
            beside = "  " + beside
        left = title
        lines: list[Line] = []
        for number, line in enumerate(wrap(title + beside, self._width - _INDENT)):
            label = (pad(outcome, _INDENT), MARKUP[outcome]) if number == 0 else (" " * _INDENT, PLAIN)
            # The title may end inside a line.
            split = len(line) if left.startswith(line) else len(left)
            left = left[split:].lstrip()
            lines.append(tuple(part for part in (label, (line[:split], BOLD), (line[split:], PLAIN)) if part[0]))
        return lines

    def _indented(self, text: str, markup: Mapping[str, bool], *, by: int = 0) -> list[Line]:
        start = " " * (_INDENT + by)
        return [((start + line, markup),) for line in wrap(text, self._width - len(start))]

    def _labelled(self, rows: Sequence[tuple[str, Iterable[str]]]) -> list[Line]:
        lines: list[Line] = []
        for label, texts in rows:
            escaped = [escape(text, longest=_LONGEST_LINE) for text in texts]
            lines += [
                ((line, PLAIN),)
                for line in hanging(label, escaped, indent=_INDENT, label_width=_LABELS, width=self._width)
            ]
        return lines


def _more_lines(lines: Sequence[str]) -> str:
    return f"… {len(lines) - _MOST_LINES + 1} more lines: -v shows them"


def _by_images(findings: Sequence[Finding]) -> list[tuple[str, list[Finding]]]:
    # Rules that checked the same images share a line.
    by_request: dict[str, dict[ImageKey, Finding]] = {}
    for finding in findings:
        by_request.setdefault(_request(finding), {}).setdefault(key_of_finding(finding), finding)
    alike: dict[tuple[ImageKey, ...], list[str]] = {}
    for rule, of in by_request.items():
        alike.setdefault(tuple(of), []).append(rule)
    return [(", ".join(rules), [*by_request[rules[0]].values()]) for rules in alike.values()]


def _request(finding: Finding) -> str:
    parameters = (f" {escape(name)}={escape(value)}" for name, value in parameter_texts(finding))
    return escape(finding.rule) + "".join(parameters)
