"""The reports of CI shards and matrix jobs → one report."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, TypeVar

from pytest_golink.errors import ReportError
from pytest_golink.report.parameters import parameter_texts
from pytest_golink.report.properties import ordered
from pytest_golink.text.escape import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_golink.report.model import Report, ReportedError, ReportedFinding, ReportedImage


_Value = TypeVar("_Value")
_Identity = tuple["str | None", ...]
# A message shows that many differences, and that much of each value.
_MOST = 10
_LONGEST = 80


def merge(reports: Sequence[tuple[str, Report]]) -> Report:
    """
    Join reports, each with the name of its file: what several of them have stands once, with the tests of all.

    Raises:
        ReportError: Two of them say different things of one image or finding; the message shows what.
    """
    images: dict[_Identity, tuple[str, ReportedImage]] = {}
    findings: dict[_Identity, tuple[str, ReportedFinding]] = {}
    errors: dict[ReportedError, set[str]] = {}
    for name, report in reports:
        for identity, image in _numbered(report.images, _image_identity):
            known = images.get(identity)
            images[identity] = (name, image) if known is None else (known[0], _joined(*known, name, image))
        for error in report.errors:
            # One that several shards met is one.
            errors.setdefault(replace(error, tests=()), set()).update(error.tests)
        for identity, reported in _numbered(report.findings, _finding_identity):
            other = findings.setdefault(identity, (name, reported))
            if other[1] != reported:
                _contradict(
                    f"{reported.finding.rule} on {reported.finding.image}",
                    (other[0], asdict(other[1].finding)),
                    (name, asdict(reported.finding)),
                )
    answered = {reported.test for _, reported in findings.values()}.union(*errors.values())
    return ordered(
        # In the order of their identities, so that the order of the files does not matter.
        [images[key][1] for key in sorted(images, key=str)],
        [findings[key][1] for key in sorted(findings, key=str)],
        [replace(error, tests=tuple(sorted(tests))) for error, tests in errors.items()],
        complete=all(report.complete for _, report in reports),
        # Nobody knows whether what one left out is in another.
        selected=any(report.selected for _, report in reports),
        # Shards of one run count the same files.
        left_out=max((report.left_out for _, report in reports), default=0),
        # What one left out may be in another.
        unanswered={test for _, report in reports for test in report.unanswered} - answered,
    )


def _numbered(values: Iterable[_Value], identity: Callable[[_Value], _Identity]) -> Iterator[tuple[_Identity, _Value]]:
    # One run may well see two images at one path, one after the other: only two reports can contradict each other.
    counts = Counter[_Identity]()
    for value in values:
        key = identity(value)
        yield (*key, str(counts[key])), value
        counts[key] += 1


def _image_identity(image: ReportedImage) -> _Identity:
    facts = image.facts
    return image.name, facts["target"], facts["path"], facts.get("slice")


def _finding_identity(reported: ReportedFinding) -> _Identity:
    finding = reported.finding
    given = "\0".join(f"{name}={value}" for name, value in parameter_texts(finding))
    return reported.test, finding.image, finding.target, finding.path, finding.rule, given, finding.place


def _joined(known_name: str, known: ReportedImage, name: str, image: ReportedImage) -> ReportedImage:
    _contradict(
        f"image {known.name}" + (f" ({known.facts['target']})" if known.facts["target"] else ""),
        (known_name, _said(known)),
        (name, _said(image)),
    )
    build = known.build
    if build is not None and image.build is not None:
        # The one that found the image up to date printed nothing, another had modules to download first.
        build = replace(build, output=max(build.output, image.build.output, key=lambda output: (len(output), output)))
    return replace(
        known,
        build=build,
        tests=tuple(sorted({*known.tests, *image.tests})),
        sizes=max(known.sizes, image.sizes),
    )


def _said(image: ReportedImage) -> dict[str, object]:
    build = image.build
    how = None
    if build is not None:
        how = {"command": build.command, "environment": dict(build.environment), "toolchain": dict(build.toolchain)}
    return {"facts": image.facts, "build": how}


def _contradict(what: str, one: tuple[str, dict[str, object]], other: tuple[str, dict[str, object]]) -> None:
    found = [*_differences(one[1], other[1], "")]
    if not found:
        return
    lines = [f"{escape(what)}: two reports say different things of it"]
    for where, first, second in found[:_MOST]:
        lines += [f"  {escape(where)}", f"    {one[0]}: {_shown(first)}", f"    {other[0]}: {_shown(second)}"]
    if len(found) > _MOST:
        lines.append(f"  … {len(found) - _MOST} more")
    raise ReportError(*lines)


def _differences(one: object, other: object, where: str) -> Iterator[tuple[str, object, object]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            yield from _differences(one.get(key), other.get(key), f"{where}.{key}" if where else str(key))
    elif one != other:
        yield where, one, other


def _shown(value: object) -> str:
    return escape(str(value), longest=_LONGEST)
