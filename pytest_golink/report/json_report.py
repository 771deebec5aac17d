"""The JSON report, schema 1: keys are only ever added. docs/report.schema.json is its JSON Schema."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal, TypedDict

from pytest_golink.report.parameters import parameter_texts
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.text.escape import json_text

if TYPE_CHECKING:
    from pytest_golink.findings import Finding, Outcome, TrialOutcome
    from pytest_golink.report.facts_json import FactsJson
    from pytest_golink.report.model import BuildRecord, Report, ReportedError, ReportedImage


class ToolJson(TypedDict):
    """What made the report."""

    name: Literal["pytest-golink"]
    version: str


class TotalsJson(TypedDict):
    """How many errors, images and findings there are, and findings by outcome."""

    errors: int
    images: int
    findings: int
    outcomes: dict[str, int]


class BuildJson(TypedDict):
    """How an image was built: the command, what was set for it, the tools with their versions, what it printed."""

    command: list[str]
    environment: dict[str, str]
    toolchain: dict[str, str]
    output: str


class SizeJson(TypedDict):
    """A package of an image, and the bytes of its code."""

    package: str
    bytes: int


class ImageJson(TypedDict):
    """An image; `build` is null for one that was not built here, `tests` are the tests that recorded it."""

    name: str
    facts: FactsJson
    build: BuildJson | None
    sizes: list[SizeJson]
    tests: list[str]


class StepJson(TypedDict):
    """A package of an import chain, and where it imports the next one."""

    package: str
    place: str | None


class TrialJson(TypedDict):
    """A remedy that was tried."""

    remedy: str
    outcome: TrialOutcome
    detail: str
    price: str
    toml: str
    goreleaser: str
    shell: str


class PlatformJson(TypedDict):
    """Whether the image starts on a platform, null where the image does not tell."""

    platform: str
    starts: bool | None
    reason: str


class FindingJson(TypedDict):
    """The outcome of one rule on one image; `image`, `target` and `path` are the image's, `test` recorded it."""

    rule: str
    outcome: Outcome
    image: str
    target: str | None
    path: str
    test: str
    place: str
    parameters: dict[str, str]
    expected: str
    observed: str
    evidence: list[str]
    cause: list[str]
    remedy: list[str]
    caution: list[str]
    waiver: str
    chains: list[list[StepJson]]
    trials: list[TrialJson]
    platforms: list[PlatformJson]


class ErrorJson(TypedDict):
    """
    Why something has no answer.

    `kind` is the class of the exception; `image` and `path` are "" where they are not known, `tests` ended in it.
    """

    kind: str
    text: str
    image: str
    target: str | None
    path: str
    place: str
    tests: list[str]


class NotCheckedJson(TypedDict, total=False):
    """What a report only has where files were left out, or rules have no answer."""

    left_out: int
    unanswered: list[str]


class ReportJson(NotCheckedJson):
    """
    The report; only `made` differs from run to run.

    `complete` is false for a run that did not come to all that it collected, or could not collect; `selected` is true
    for one that left tests out on request. What is missing in such a report is not mended. `left_out` counts the files
    that `exclude` and `only` of the policies hide, `unanswered` names the tests of the rules of policies that were
    collected and have no answer; neither is there where it would be empty.
    """

    schema: Literal[1]
    tool: ToolJson
    made: str
    complete: bool
    selected: bool
    totals: TotalsJson
    errors: list[ErrorJson]
    images: list[ImageJson]
    findings: list[FindingJson]


def json_report(report: Report, *, made: str) -> str:
    """Return the report as JSON text; `made` is the time, as RFC 3339 writes it. Only ASCII: it acts on no terminal."""
    return json_text(report_object(report, made=made), indent=1) + "\n"


def report_object(report: Report, *, made: str) -> ReportJson:
    """Return the report as plain data."""
    outcomes = Counter[str](reported.finding.outcome for reported in report.findings)
    return {
        "schema": 1,
        "tool": {"name": "pytest-golink", "version": version("pytest-golink")},
        "made": made,
        "complete": report.complete,
        "selected": report.selected,
        **_not_checked(report),
        "totals": {
            "errors": len(report.errors),
            "images": len(report.images),
            "findings": len(report.findings),
            "outcomes": dict(sorted(outcomes.items())),
        },
        "errors": [_error(error) for error in report.errors],
        "images": [_image(image) for image in report.images],
        "findings": [_finding(reported.finding, reported.test) for reported in report.findings],
    }


def _not_checked(report: Report) -> NotCheckedJson:
    found: NotCheckedJson = {}
    if report.left_out:
        found["left_out"] = report.left_out
    if report.unanswered:
        found["unanswered"] = list(report.unanswered)
    return found


def _error(error: ReportedError) -> ErrorJson:
    return {
        "kind": error.kind,
        "text": error.text,
        "image": error.image,
        "target": error.target,
        "path": error.path,
        "place": error.place,
        "tests": list(error.tests),
    }


def _image(image: ReportedImage) -> ImageJson:
    return {
        "name": image.name,
        "facts": image.facts,
        "build": None if image.build is None else _build(image.build),
        "sizes": [{"package": package, "bytes": size} for package, size in image.sizes],
        "tests": list(image.tests),
    }


def _build(build: BuildRecord) -> BuildJson:
    return {
        "command": list(build.command),
        "environment": dict(build.environment),
        "toolchain": dict(build.toolchain),
        "output": build.output,
    }


def _finding(finding: Finding, test: str) -> FindingJson:
    return {
        "rule": finding.rule,
        "outcome": finding.outcome,
        "image": finding.image,
        "target": finding.target,
        "path": finding.path,
        "test": test,
        "place": finding.place,
        "parameters": dict(parameter_texts(finding)),
        "expected": finding.expected,
        "observed": finding.observed,
        "evidence": list(finding.evidence),
        "cause": list(finding.cause),
        "remedy": list(remedy_lines(finding)),
        "caution": list(finding.caution),
        "waiver": finding.waiver,
        "chains": [[{"package": step.package, "place": step.place} for step in chain] for chain in finding.chains],
        "trials": [
            {
                "remedy": trial.remedy,
                "outcome": trial.outcome,
                "detail": trial.detail,
                "price": trial.price,
                "toml": trial.toml,
                "goreleaser": trial.goreleaser,
                "shell": trial.shell,
            }
            for trial in finding.trials
        ],
        "platforms": [
            {"platform": answer.platform, "starts": answer.starts, "reason": answer.reason}
            for answer in finding.platforms
        ],
    }
