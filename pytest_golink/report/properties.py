"""
The one road out of a test: findings, images and errors as user properties, and back into a report.

pytest carries user properties from a test to its reports, from an xdist worker to the controller, and into the JUnit
XML. They are strings there, so all kinds are JSON.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from pytest_golink.findings import Finding, ImportStep, PlatformAnswer, Remedy, Trial
from pytest_golink.report.facts_json import facts_json
from pytest_golink.report.model import BuildRecord, Report, ReportedError, ReportedFinding, ReportedImage
from pytest_golink.report.parameters import parameter_texts
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.rules import RULES
from pytest_golink.text.escape import json_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_golink.rules.subject import Subject

_SELDOM = frozenset({"caution", "place", "waiver", "chains", "trials", "platforms"})

IMAGE = "golink.image"
FINDING = "golink.finding"
ERROR = "golink.error"
SECONDS = "golink.seconds"
LEFT_OUT = "golink.left-out"


def image_property(
    subject: Subject, build: BuildRecord | None, sizes: Iterable[tuple[str, int]] = ()
) -> tuple[str, str]:
    """Return an image, how it was built, and the sizes of its packages, as a user property."""
    record = None
    if build is not None:
        record = {**asdict(build), "environment": dict(build.environment), "toolchain": dict(build.toolchain)}
    entry: dict[str, object] = {"name": subject.name, "facts": facts_json(subject.facts), "build": record}
    if largest := [*sizes]:
        entry["sizes"] = largest
    return IMAGE, _dump(entry)


def finding_property(finding: Finding) -> tuple[str, str]:
    """Return a finding as a user property; what it seldom has stands there only where it has it."""
    entry = asdict(replace(finding, remedies=(), details=None))
    del entry["remedies"], entry["details"]
    entry |= {"remedy": remedy_lines(finding), "parameters": dict(parameter_texts(finding))}
    return FINDING, _dump({name: value for name, value in entry.items() if value or name not in _SELDOM})


def error_property(error: ReportedError) -> tuple[str, str]:
    """Return an error as a user property; its tests are those that have the property."""
    entry = asdict(error)
    del entry["tests"]
    return ERROR, _dump(entry)


def left_out_property(place: str, files: int) -> tuple[str, str]:
    """Return how many files the [[binary]] at a place leaves out, as a user property."""
    return LEFT_OUT, _dump({"place": place, "files": files})


def seconds_property(name: str, target: str, seconds: float) -> tuple[str, str]:
    """Return how long a build took as its own user property: a report holds no durations."""
    return SECONDS, _dump({"name": name, "target": target, "seconds": round(seconds, 3)})


class Collector:
    """Gathers the user properties of a run's tests into one report, whatever order they arrive in."""

    def __init__(self) -> None:
        # JSON text → the tests that recorded it: the same image in ten tests is one image.
        self._images: dict[str, set[str]] = {}
        self._findings: set[tuple[str, str]] = set()
        self._errors: dict[str, set[str]] = {}
        self._seconds: set[str] = set()
        # By the place of the [[binary]].
        self._left_out: dict[str, int] = {}

    def add(self, nodeid: str, user_properties: Iterable[tuple[str, object]]) -> None:
        """Add a test's user properties; those of other plugins are not read."""
        for name, value in user_properties:
            if name == IMAGE and isinstance(value, str):
                self._images.setdefault(value, set()).add(nodeid)
            elif name == FINDING and isinstance(value, str):
                self._findings.add((nodeid, value))
            elif name == ERROR and isinstance(value, str):
                self._errors.setdefault(value, set()).add(nodeid)
            elif name == SECONDS and isinstance(value, str):
                self._seconds.add(value)
            elif name == LEFT_OUT and isinstance(value, str):
                entry = json.loads(value)
                self._left_out[entry["place"]] = entry["files"]

    def durations(self) -> tuple[tuple[str, float], ...]:
        """Return the builds of this run as ("name target", seconds), the slowest first."""
        builds = [json.loads(text) for text in self._seconds]
        named = [(f"{build['name']} {build['target']}", build["seconds"]) for build in builds]
        return tuple(sorted(named, key=lambda build: (-build[1], build[0])))

    def report(self) -> Report:
        """Return what was gathered so far."""
        images = [_image(text, tests) for text, tests in sorted(self._images.items())]
        findings = [
            ReportedFinding(test=nodeid, finding=finding_of(json.loads(text)))
            for nodeid, text in sorted(self._findings)
        ]
        # The sorts are stable: what is equal in all that they look at keeps the order of its text.
        errors = [ReportedError(**json.loads(text), tests=tuple(sorted(tests))) for text, tests in self._errors.items()]
        return ordered(images, findings, errors, left_out=sum(self._left_out.values()))


# `go build -o PATH` comes before the flags; the path's folder is named after a hash, which says nothing to a reader.
_COMMAND_BEFORE_FLAGS = 4


def ordered(
    images: Iterable[ReportedImage],
    findings: Iterable[ReportedFinding],
    errors: Iterable[ReportedError] = (),
    *,
    complete: bool = True,
    selected: bool = False,
    left_out: int = 0,
    unanswered: Iterable[str] = (),
) -> Report:
    """Make a report of images, findings and errors in the order that a report has, whatever order they come in."""
    return Report(
        images=tuple(sorted(images, key=_image_order)),
        findings=tuple(sorted(findings, key=_finding_order)),
        errors=tuple(sorted(errors, key=_error_order)),
        complete=complete,
        selected=selected,
        left_out=left_out,
        unanswered=tuple(sorted(unanswered)),
    )


def _image_order(image: ReportedImage) -> tuple[object, ...]:
    facts, build = image.facts, image.build
    flags = (build.command[_COMMAND_BEFORE_FLAGS:], build.environment) if build else ((), ())
    return image.name, facts["target"] or "", flags, facts["path"], facts.get("slice", "")


def _dump(value: object) -> str:
    # Only ASCII: a surrogate or a control character of a name must pass through XML and execnet.
    return json_text(value)


def _image(text: str, tests: set[str]) -> ReportedImage:
    entry = json.loads(text)
    build = entry["build"]
    return ReportedImage(
        name=entry["name"],
        facts=entry["facts"],
        build=None if build is None else build_of(build),
        tests=tuple(sorted(tests)),
        sizes=tuple((package, size) for package, size in entry.get("sizes", ())),
    )


def build_of(entry: Mapping[str, Any]) -> BuildRecord:
    """Return the build that a JSON object holds, here and in a report."""
    return BuildRecord(
        command=tuple(entry["command"]),
        environment=tuple(entry["environment"].items()),
        output=entry["output"],
        toolchain=tuple(entry["toolchain"].items()),
    )


def finding_of(entry: dict[str, Any]) -> Finding:
    """Return the finding that a JSON object holds, here and in a report."""
    for name in ("evidence", "cause", "caution"):
        entry[name] = tuple(entry.get(name, ()))
    entry["remedies"] = tuple(Remedy(words=line) for line in entry.pop("remedy", ()))
    entry["chains"] = tuple(tuple(ImportStep(**step) for step in chain) for chain in entry.get("chains", ()))
    entry["trials"] = tuple(Trial(**trial) for trial in entry.get("trials", ()))
    entry["platforms"] = tuple(PlatformAnswer(**answer) for answer in entry.get("platforms", ()))
    entry["parameters"] = tuple(entry["parameters"].items())
    return Finding(**entry)


def _error_order(error: ReportedError) -> tuple[object, ...]:
    file, _, line = error.place.rpartition(":")
    # What is about no image, such as a mistake in a policy, stands first, in the order of the lines.
    place = (file, int(line)) if line.isdecimal() else (error.place, 0)
    return error.image, error.target or "", error.path, *place, error.kind, error.text, error.tests


_RULE_ORDER = {name: position for position, name in enumerate(RULES)}


def _finding_order(reported: ReportedFinding) -> tuple[object, ...]:
    finding = reported.finding
    # A rule that this version does not know stands last.
    position = _RULE_ORDER.get(finding.rule, len(_RULE_ORDER))
    given = parameter_texts(finding), finding.place
    return finding.image, finding.target or "", finding.path, position, finding.rule, reported.test, given
