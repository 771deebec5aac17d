"""What tells the images of a report apart: name, target, and the flags where two builds would look alike."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_golink.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_golink.findings import Finding
    from pytest_golink.report.model import BuildRecord, Report, ReportedError, ReportedImage

    # Image name, target, path: what a finding and its image have in common.
    ImageKey = tuple[str, str | None, str]

ALL_OF_THEM = "all of its images"
_OVER_BINARY = frozenset(name for name, rule in RULES.items() if rule.scope == "binary")
# `go build -o PATH` comes before the flags, the package after them.
_BEFORE_FLAGS, _AFTER_FLAGS = 4, 1


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageLabel:
    """
    How an image is called, as it was recorded: nothing is escaped.

    `target` is "" where it is not known. `flags` stand only where another image has the same name and target; they are
    what differs in the two builds, or else the path.
    """

    name: str
    target: str
    flags: str = ""

    def __str__(self) -> str:
        return f"{self.name}{f'[{self.target}]' if self.target else ''}{f' {self.flags}' if self.flags else ''}"


def key_of_image(image: ReportedImage) -> ImageKey:
    """Return what the findings on this image call it by."""
    return image.name, image.facts["target"], image.facts["path"]


def key_of_error(error: ReportedError) -> ImageKey:
    """Return what the image of this error is called by."""
    return error.image, error.target, error.path


def key_of_finding(finding: Finding) -> ImageKey:
    """Return what the image of this finding is called by."""
    return finding.image, finding.target, finding.path


def labels_apart(report: Report) -> dict[ImageKey, ImageLabel]:
    """
    Return labels to what findings and errors are about, and no image of the report is.

    That is all images of a binary together (same-linkage), an image that only a lock has, or one that was never there.
    """
    known = set(map(key_of_image, report.images))
    names = {(image.name, image.facts["target"]) for image in report.images}
    labels: dict[ImageKey, ImageLabel] = {}
    keys = [key_of_finding(reported.finding) for reported in report.findings]
    keys += [key_of_error(error) for error in report.errors if error.image]
    together = {key_of_finding(each.finding) for each in report.findings if each.finding.rule in _OVER_BINARY}
    for key in keys:
        if key not in known and key not in labels:
            name, target, path = key
            beside = ALL_OF_THEM if key in together else path if (name, target) in names else ""
            labels[key] = ImageLabel(name=name, target=target or "", flags=beside)
            names.add((name, target))
    return labels


def image_labels(images: Sequence[ReportedImage]) -> tuple[ImageLabel, ...]:
    """Return a label an image, in the order of the images; no two labels are equal."""
    alike: dict[tuple[str, str | None], list[int]] = {}
    for index, image in enumerate(images):
        alike.setdefault((image.name, image.facts["target"]), []).append(index)
    labels = [ImageLabel(name=image.name, target=image.facts["target"] or "") for image in images]
    for indices in alike.values():
        if len(indices) > 1:
            for index, flags in zip(indices, _differences([images[index] for index in indices]), strict=True):
                labels[index] = replace(labels[index], flags=flags)
    return tuple(labels)


def _differences(images: Sequence[ReportedImage]) -> list[str]:
    builds = [image.build for image in images if image.build is not None]
    texts = [""] * len(images)
    if len(builds) == len(images):
        common = frozenset.intersection(*(frozenset(build.environment) for build in builds))
        texts = [_options(build, common) for build in builds]
    if len(set(texts)) < len(texts):
        texts = [image.facts["path"] for image in images]
    if len(set(texts)) < len(texts):
        # The same file as it was before and after something rebuilt it.
        texts = [f"{text} #{number}".strip() for number, text in enumerate(texts, 1)]
    return texts


def _options(build: BuildRecord, common: frozenset[tuple[str, str]]) -> str:
    variables = [f"{name}={value}" for name, value in build.environment if (name, value) not in common]
    flags = build.command[_BEFORE_FLAGS:-_AFTER_FLAGS]
    return " ".join([*variables, *map(shlex.quote, flags)]) or "default flags"
