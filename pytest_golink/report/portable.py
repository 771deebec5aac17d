"""A report without the folders of the machine that made it: shards of one run can be joined, and runs compared."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_golink.report.properties import ordered

if TYPE_CHECKING:
    from pytest_golink.report.model import BuildRecord, Report, ReportedImage

# `go build -o PATH` comes before the flags.
_BEFORE_FLAGS = 4
# An image that was built here lies in a folder whose name is a hash of the machine's own paths.
_KEPT = "built"
_DIGEST_LENGTH = 12


def portable(report: Report, *, root: str) -> Report:
    """
    Return a report whose paths do not depend on where the project lies.

    A path below `root` becomes relative to it. The image of a build gets the path "built/<digest>/<name>", where the
    digest is that of its package and flags; its `go` and what it printed lose their folders too.
    """
    # By name too: one build may have two names.
    moved: dict[tuple[str, str], str] = {}
    images = []
    for image in report.images:
        changed = _image(image, root)
        moved[image.name, image.facts["path"]] = changed.facts["path"]
        images.append(changed)
    findings = []
    for reported in report.findings:
        finding = reported.finding
        path = moved.get((finding.image, finding.path)) or _relative(finding.path, root)
        place = _relative(finding.place, root)
        findings.append(replace(reported, finding=replace(finding, path=path, place=place)))
    errors = [
        replace(
            error,
            text=_relative(error.text, root),
            image=_relative(error.image, root),
            path=moved.get((error.image, error.path)) or _relative(error.path, root),
            place=_relative(error.place, root),
        )
        for error in report.errors
    ]
    return ordered(
        images,
        findings,
        errors,
        complete=report.complete,
        selected=report.selected,
        left_out=report.left_out,
        unanswered=report.unanswered,
    )


def _image(image: ReportedImage, root: str) -> ReportedImage:
    path = image.facts["path"]
    if image.build is None:
        return replace(image, facts={**image.facts, "path": _relative(path, root)})
    build, shown = _build(image.build, image, root)
    return replace(image, facts={**image.facts, "path": shown}, build=build)


def _build(build: BuildRecord, image: ReportedImage, root: str) -> tuple[BuildRecord, str]:
    flags = tuple(_relative(word, root) for word in build.command[_BEFORE_FLAGS:])
    environment = tuple((name, _relative(value, root)) for name, value in build.environment)
    identity = "\0".join((image.name, image.facts["target"] or "", *flags, *(f"{n}={v}" for n, v in environment)))
    digest = hashlib.sha256(identity.encode(errors="surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
    shown = f"{_KEPT}/{digest}/{_base(image.facts['path'])}"
    go, *words = build.command[:_BEFORE_FLAGS] or ("go",)
    # The folder that was built in has another name for each build.
    built = words[-1] if words else ""
    output = build.output.replace(built, shown) if built else build.output
    record = replace(
        build,
        command=(_base(go).removesuffix(".exe"), *(shown if word == built else word for word in words), *flags),
        environment=environment,
        output=_relative(output, root),
    )
    return record, shown


def _base(path: str) -> str:
    return re.split(r"[/\\]", path)[-1]


def _relative(text: str, root: str) -> str:
    # Where a path begins: not inside another one.
    return re.sub(rf"(?<![\w./\\-]){re.escape(root)}[/\\]", "", text) if root in text else text
