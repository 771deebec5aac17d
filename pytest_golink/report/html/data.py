"""What the page's scripts draw from: the report as plain data, what is said often said once."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any, TypedDict

from pytest_golink.report.error_text import count, error_groups, errors_in_words
from pytest_golink.report.grouping import failure_groups
from pytest_golink.report.html.sheet import links, sheet
from pytest_golink.report.labels import image_labels, key_of_error, key_of_finding, key_of_image, labels_apart
from pytest_golink.report.parameters import parameter_texts
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.rules import RULES
from pytest_golink.text.escape import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_golink.findings import Finding
    from pytest_golink.report.labels import ImageKey, ImageLabel
    from pytest_golink.report.model import Report, ReportedError, ReportedImage

# A line of evidence lists several names.
_LONGEST_LINE = 1000
_MOST_TESTS = 50
# Stands in the place of an outcome, and heads a column as a rule does.
ERROR = "error"
_ERROR_SUMMARY = "The image could not be found, built or read, or a rule could not check it."


class PageData(TypedDict):
    """
    The data island.

    `findings` are (image, rule, body, tests), all but the last by number; bodies, facts and links are what several
    images share, and stand in `pool`. `groups` are findings by number, `unanswered` the images of each group of errors.
    `images` without facts are those that only findings and errors name. An error about an image is a finding of the
    outcome "error", in its own column.
    """

    verdict: str
    rules: list[dict[str, str]]
    images: list[dict[str, Any]]
    findings: list[tuple[int, int, int, list[int]]]
    pool: list[Any]
    tests: list[str]
    groups: list[list[int]]
    unanswered: list[list[int]]


class _Pool:
    """Values by number, equal ones once."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[str, int] = {}

    def number(self, value: object) -> int:
        key = json.dumps(value, separators=(",", ":"))
        if key not in self._numbers:
            self._numbers[key] = len(self.values)
            self.values.append(value)
        return self._numbers[key]


def page_data(report: Report) -> PageData:
    """Return the data of a report; every string in it is safe to show."""
    pool = _Pool()
    images, numbers = _images(report, pool)
    errors = [error for error in report.errors if error.image]
    rules = [*([ERROR] if errors else ()), *sorted({each.finding.rule for each in report.findings}, key=_rule_order)]
    tests: dict[str, int] = {}
    # One finding for all tests that recorded it.
    recorded: dict[Finding, list[int]] = {}
    for reported in report.findings:
        recorded.setdefault(reported.finding, []).append(tests.setdefault(reported.test, len(tests)))
    findings = [
        (numbers[key_of_finding(each)], rules.index(each.rule), pool.number(_body(each)), by[:_MOST_TESTS])
        for each, by in recorded.items()
    ]
    for error in errors:
        by = [tests.setdefault(test, len(tests)) for test in error.tests[:_MOST_TESTS]]
        findings.append((numbers[key_of_error(error)], 0, pool.number(_error(error)), by))
    order = {finding: index for index, finding in enumerate(recorded)}
    summaries = {ERROR: _ERROR_SUMMARY, **{name: rule.summary for name, rule in RULES.items()}}
    return {
        "verdict": verdict(report),
        "rules": [{"name": escape(name), "summary": summaries.get(name, "")} for name in rules],
        "images": images,
        "findings": findings,
        "pool": pool.values,
        "tests": [escape(test) for test in tests],
        "groups": [[order[each.finding] for each in group.findings] for group in failure_groups(report)],
        "unanswered": [
            [*dict.fromkeys(numbers[key_of_error(error)] for error in group.errors if error.image)]
            for group in error_groups(report.errors)
        ],
    }


def _images(report: Report, pool: _Pool) -> tuple[list[dict[str, Any]], dict[ImageKey, int]]:
    """Return the images, those that only findings and errors name last, and the number of each."""
    labels = image_labels(report.images)
    images = [_image(image, label, pool) for image, label in zip(report.images, labels, strict=True)]
    numbers: dict[ImageKey, int] = {}
    for index, image in enumerate(report.images):
        numbers.setdefault(key_of_image(image), index)
    for key, label in labels_apart(report).items():
        numbers[key] = len(images)
        images.append(_named(label))
    return images, numbers


def verdict(report: Report) -> str:
    """Return in a few words how the run ended: what has no answer first."""
    answers = _answers(report)
    errors = errors_in_words(report)
    return f"{errors}; {answers[0].lower()}{answers[1:]}" if errors else answers


def _answers(report: Report) -> str:
    distinct = {reported.finding for reported in report.findings}
    checked = {key_of_finding(finding) for finding in distinct}
    # A finding on all images of a program is on no single one.
    images = set(map(key_of_image, report.images)) or checked
    if not images:
        return "Nothing was checked"
    if not distinct:
        return f"No rule checked {count(len(images), 'image')}"
    failing = [finding for finding in distinct if finding.fails]
    if not failing:
        none = "No other check fails" if report.errors else "No check fails"
        return f"{none}: {count(len(distinct), 'check')} on {count(len(images), 'image')}"
    broken = len(images & {key_of_finding(finding) for finding in failing})
    said = f"{count(len(failing), 'check')} of {len(distinct)} {'fails' if len(failing) == 1 else 'fail'}"
    return f"{said}, on {broken} of {count(len(images), 'image')}" if broken else said


def code(text: str) -> str:
    """
    Return lines that are there to be copied: as they are, unless a character in them cannot be seen.

    `escape` writes a backslash as two, which would no longer be the same TOML or command.
    """
    return "\n".join(
        line
        if escape(plain := line.replace("\\", "/"), longest=len(line) + 1) == plain
        else escape(line, longest=_LONGEST_LINE)
        for line in text.split("\n")
    )


def _rule_order(name: str) -> tuple[int, str]:
    # A rule that this version does not know stands last.
    return (list(RULES).index(name) if name in RULES else len(RULES), name)


def _named(label: ImageLabel) -> dict[str, Any]:
    return {
        "key": escape(str(label), longest=_LONGEST_LINE),
        "name": escape(label.name),
        "target": escape(label.target),
        "flags": escape(label.flags, longest=_LONGEST_LINE),
    }


def _image(image: ReportedImage, label: ImageLabel, pool: _Pool) -> dict[str, Any]:
    entry = _named(label)
    entry["facts"] = pool.number(sheet(image.facts))
    entry["links"] = pool.number(links(image.facts))
    entry["path"] = escape(image.facts["path"], longest=_LONGEST_LINE)
    if image.sizes:
        entry["sizes"] = [[escape(package), size] for package, size in image.sizes]
    if image.build is not None:
        entry["command"] = [code(word.replace("\n", " ")) for word in image.build.command]
        entry["environment"] = pool.number([[escape(name), escape(value)] for name, value in image.build.environment])
        entry["toolchain"] = [[escape(tool), escape(version)] for tool, version in image.build.toolchain]
        entry["output"] = code(image.build.output)
    return entry


def _error(error: ReportedError) -> dict[str, Any]:
    first, _, more = error.text.partition("\n")
    body: dict[str, Any] = {
        "outcome": ERROR,
        "kind": escape(error.kind),
        "observed": escape(first, longest=_LONGEST_LINE),
        "text": code(textwrap.dedent(more)),
        "place": escape(error.place),
    }
    return {name: value for name, value in body.items() if value}


def _body(finding: Finding) -> dict[str, Any]:
    lines = {
        "evidence": finding.evidence,
        "cause": finding.cause,
        "remedy": remedy_lines(finding),
        "caution": finding.caution,
    }
    body: dict[str, Any] = {
        "outcome": finding.outcome,
        "expected": escape(finding.expected, longest=_LONGEST_LINE),
        "observed": escape(finding.observed, longest=_LONGEST_LINE),
        **{name: _lines(texts) for name, texts in lines.items()},
        "parameters": [[escape(name), escape(value)] for name, value in parameter_texts(finding)],
        "place": escape(finding.place),
        "waiver": escape(finding.waiver, longest=_LONGEST_LINE),
        "chains": [[[escape(step.package), escape(step.place or "")] for step in chain] for chain in finding.chains],
        "trials": [
            {
                "remedy": escape(trial.remedy, longest=_LONGEST_LINE),
                "outcome": trial.outcome,
                "detail": escape(trial.detail, longest=_LONGEST_LINE),
                "price": escape(trial.price, longest=_LONGEST_LINE),
                "toml": code(trial.toml),
                "goreleaser": code(trial.goreleaser),
                "shell": code(trial.shell),
            }
            for trial in finding.trials
        ],
        "platforms": [
            [escape(answer.platform), answer.starts, escape(answer.reason, longest=_LONGEST_LINE)]
            for answer in finding.platforms
        ],
    }
    return {name: value for name, value in body.items() if value}


def _lines(texts: Sequence[str]) -> list[str]:
    return [escape(text, longest=_LONGEST_LINE) for text in texts]
