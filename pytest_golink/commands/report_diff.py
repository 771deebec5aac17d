"""Compare two reports: what changed in linkage, by the standard of golink.lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_golink.findings import FAILING
from pytest_golink.lock import Difference, compare, lock_entry
from pytest_golink.report.error_text import notes
from pytest_golink.report.parameters import parameter_texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.findings import Finding, Outcome
    from pytest_golink.lock import Tolerance
    from pytest_golink.report.model import BuildRecord, Report, ReportedError, ReportedImage

Transition = Literal["violated", "mended", "changed"]
_Identity = tuple[str, str | None, str | None]
# Settings for the target, and settings that every build has.
_SHOWN_ELSEWHERE = frozenset({"GOOS", "GOARCH", "LC_ALL", "LANG", "LANGUAGE"})
# If a rule was evaluated several times on an image, its worst outcome counts.
_WORST: tuple[Outcome, ...] = ("violated", "undecidable", "waived", "passed", "not-applicable")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageName:
    """An image's name in a comparison; `flags` distinguish images of one package and target, "" for a single one."""

    image: str
    target: str | None
    flags: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.image, f"({self.target})" if self.target else "", self.flags)))


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageChange:
    """The differences in one image's facts between the old report and the new one."""

    name: ImageName
    differences: tuple[Difference, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleChange:
    """
    A rule whose outcome on an image changed; an outcome is None where the rule was not evaluated.

    `transition` is "violated" for an outcome that counts against the image only now, "mended" for one that did before
    and holds now; a waiver mends nothing.
    """

    image: str
    target: str | None
    rule: str
    parameters: tuple[tuple[str, str], ...]
    old: Outcome | None
    new: Outcome | None
    transition: Transition


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportDiff:
    """
    The differences between two reports.

    `errors` are the new report's, `unknown` are images of the old report that the new one lacks because of an error, or
    because the new report is not complete; `notes` say why, one sentence each.
    """

    errors: tuple[ReportedError, ...]
    added: tuple[ImageName, ...]
    removed: tuple[ImageName, ...]
    unknown: tuple[ImageName, ...]
    changed: tuple[ImageChange, ...]
    rules: tuple[RuleChange, ...]
    notes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether both reports are complete and equal."""
        found = self.added or self.removed or self.changed or self.rules
        return not (found or self.errors or self.unknown or self.notes)


def report_diff(old: Report, new: Report, tolerance: Tolerance) -> ReportDiff:
    """
    Compare two reports, image by image and rule by rule.

    Name, target and slice distinguish images, and for images of one package the build too. Sizes within the tolerance
    count as the same; commits, Go versions and modules do not count: only the facts that golink.lock records do.
    """
    before, after = _by_identity(old.images), _by_identity(new.images)
    added: list[ImageName] = []
    removed: list[ImageName] = []
    changed: list[ImageChange] = []
    for identity in dict.fromkeys([*before, *after]):
        olds, news = _aligned(before.get(identity, []), after.get(identity, []))
        several = max(len(olds), len(news)) > 1
        added += [_name(other, several=several) for other in news[len(olds) :]]
        removed += [_name(one, several=several) for one in olds[len(news) :]]
        for one, other in zip(olds, news, strict=False):
            name = _name(other, several=several)
            drift = compare(lock_entry(str(name), one.facts), lock_entry(str(name), other.facts), tolerance)
            if drift.differences:
                changed.append(ImageChange(name=name, differences=drift.differences))
    # A missing image was removed only if the report is complete.
    unknown = [
        one
        for one in removed
        if not _whole(new)
        or any(error.image == one.image and error.target in (one.target, None) for error in new.errors)
    ]
    return ReportDiff(
        errors=new.errors,
        added=tuple(added),
        removed=tuple(one for one in removed if one not in unknown),
        unknown=tuple(unknown),
        changed=tuple(changed),
        rules=_rules(old, new),
        notes=tuple(
            f"the {word} report: {note}" for word, report in (("old", old), ("new", new)) for note in notes(report)
        ),
    )


def _whole(report: Report) -> bool:
    return report.complete and not report.selected and not any(not error.image for error in report.errors)


def _by_identity(images: Iterable[ReportedImage]) -> dict[_Identity, list[ReportedImage]]:
    found: dict[_Identity, list[ReportedImage]] = {}
    for image in images:
        found.setdefault((image.name, image.facts["target"], image.facts.get("slice")), []).append(image)
    return found


def _aligned(olds: list[ReportedImage], news: list[ReportedImage]) -> tuple[list[ReportedImage], list[ReportedImage]]:
    # Match builds of one package by their path, which depends on their flags; match the rest in order.
    paths = {image.facts["path"] for image in olds} & {image.facts["path"] for image in news}
    old, new = (
        sorted(images, key=lambda image: (image.facts["path"] not in paths, image.facts["path"]))
        for images in (olds, news)
    )
    return old, new


def _name(image: ReportedImage, *, several: bool) -> ImageName:
    slice_ = image.facts.get("slice")
    flags = _built(image.build) if image.build else image.facts["path"]
    # The target distinguishes the slice, if it has one.
    distinction = (slice_ if slice_ and not image.facts["target"] else "") or (flags if several else "")
    return ImageName(image=image.name, target=image.facts["target"], flags=distinction)


def _built(build: BuildRecord) -> str:
    settings = [f"{name}={value}" for name, value in build.environment if name not in _SHOWN_ELSEWHERE]
    # `go build -o PATH` comes before the flags.
    return " ".join((*settings, *build.command[4:]))


def _rules(old: Report, new: Report) -> tuple[RuleChange, ...]:
    before, after = _outcomes(old), _outcomes(new)
    changes = []
    for key in dict.fromkeys([*after, *before]):
        one, other = before.get(key), after.get(key)
        # A rule that holds, and that the policy gained or dropped, changed nothing about the image.
        if one == other or {one, other} <= {None, "passed", "not-applicable"}:
            continue
        # The new run did not reach this rule: its outcome is unknown.
        if other is None and (new.errors or not _whole(new)):
            continue
        image, target, rule, parameters = key
        transition: Transition = "changed"
        if other in FAILING and one not in FAILING:
            transition = "violated"
        elif one in FAILING and other in ("passed", "not-applicable"):
            transition = "mended"
        changes.append(
            RuleChange(
                image=image,
                target=target,
                rule=rule,
                parameters=parameters,
                old=one,
                new=other,
                transition=transition,
            )
        )
    return tuple(changes)


def _outcomes(report: Report) -> dict[tuple[str, str | None, str, tuple[tuple[str, str], ...]], Outcome]:
    found: dict[tuple[str, str | None, str, tuple[tuple[str, str], ...]], Outcome] = {}
    for reported in report.findings:
        finding: Finding = reported.finding
        key = (finding.image, finding.target, finding.rule, parameter_texts(finding))
        found[key] = min(found.get(key, finding.outcome), finding.outcome, key=_WORST.index)
    return found
