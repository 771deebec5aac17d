"""What every `assert_` helper does: it checks an image with a rule, records the finding, and raises a violation."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pytest_golink.errors import ParameterError, PolicyViolation
from pytest_golink.facts import BinaryFacts
from pytest_golink.recording import record
from pytest_golink.report.finding_text import finding_text
from pytest_golink.rules import check, evaluate_together
from pytest_golink.rules.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_golink.builder import BuiltImage
    from pytest_golink.findings import Finding

    Binary = BuiltImage | BinaryFacts | str | os.PathLike[str]
    Names = str | Iterable[str]


def check_image(binary: Binary, rule: str, parameters: Mapping[str, object] | None = None) -> None:
    """
    Check one image with a rule; parameters that are None are not given.

    Raises:
        PolicyViolation: The image violates the rule, or does not say.
        UnreadableBinaryError: The file cannot be read.
        ParameterError: A parameter has the wrong form, or this is no binary.
    """
    __tracebackhide__ = True
    subject = subject_of(binary)
    given = {name: value for name, value in (parameters or {}).items() if value is not None}
    finding = check(rule, subject, given)
    if finding.fails:
        from pytest_golink.source import explained

        finding = explained(finding, subject.facts, _built(binary), [(rule, given)])
    _conclude(finding, subject)


def check_images(binaries: Iterable[Binary], rule: str) -> None:
    """
    Check the images of one program with a rule that compares them.

    Raises:
        PolicyViolation: They violate the rule, or one does not say.
        UnreadableBinaryError: A file cannot be read.
        ParameterError: One is no binary.
    """
    __tracebackhide__ = True
    subjects = tuple(subject_of(binary) for binary in binaries)
    _conclude(evaluate_together(rule, subjects, {}), *subjects)


def _conclude(finding: Finding, *subjects: Subject) -> None:
    __tracebackhide__ = True
    record(finding, *subjects)
    if finding.fails:
        raise PolicyViolation(finding_text(finding), finding)


def subject_of(binary: Binary) -> Subject:
    """
    Return what a rule looks at: the image, the name that reports call it by, and its linker's warnings if it was built.

    Raises:
        UnreadableBinaryError: The file cannot be read.
        ParameterError: This is no binary, or a fat Mach-O of several slices.
    """
    if isinstance(binary, BinaryFacts):
        return Subject(name=_name(binary.path), facts=binary)
    if isinstance(binary, (str, os.PathLike)):
        from pytest_golink.reader import read_binary  # imports lief when it must, and no sooner

        return Subject(name=_name(os.fspath(binary)), facts=read_binary(binary))
    # A built image is known by its attributes: a run that builds nothing need not import its module.
    name, facts, warnings = (getattr(binary, field, None) for field in ("name", "facts", "warnings"))
    if isinstance(name, str) and isinstance(facts, BinaryFacts) and isinstance(warnings, tuple):
        # The linker's output of a prebuilt image is unknown, and nothing allows golink to run it.
        built = bool(getattr(binary, "command", ()))
        return Subject(
            name=name,
            facts=facts,
            link_warnings=warnings if built else None,
            may_run=built,
            rebuild=binary.rebuild if getattr(binary, "origin", None) else None,
        )
    raise ParameterError(f"expected a GoBinary, BinaryFacts or a path, not {type(binary).__name__}: {binary!r}")


def _built(binary: Binary) -> BuiltImage | None:
    return None if isinstance(binary, (str, os.PathLike, BinaryFacts)) else binary


def _name(path: str) -> str:
    # As the caller wrote it; an absolute path under the working directory is shorter without it.
    relative = os.path.relpath(path) if os.path.isabs(path) else path  # noqa: PTH117 - a str is all that is needed
    return path if relative.startswith("..") else relative
