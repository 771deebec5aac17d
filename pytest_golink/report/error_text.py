"""Errors of a report in words: what has no answer, and how many there are."""

from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.errors import BuildError
from pytest_golink.report.labels import ImageLabel
from pytest_golink.report.model import ReportedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.report.model import Report

EARLY = "the run did not come to all of its tests: what is missing here is not mended"
SELECTED = "the run left tests out on request: golink did not look at what is missing here"


# A linker may print as much as it likes; only its head and its tail are worth reading.
_LONGEST = 8000


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorGroup:
    """
    Errors that say the same of several images.

    `tests` are the node ids of all of them, `places` the lines of the policy, and the tests that belong to no line.
    """

    kind: str
    text: str
    errors: tuple[ReportedError, ...]
    tests: tuple[str, ...]
    places: tuple[str, ...]

    @property
    def headline(self) -> str:
        """The first line of the text."""
        return self.text.split("\n", 1)[0]

    @property
    def more(self) -> tuple[str, ...]:
        """The other lines, without the indentation that all of them have."""
        return tuple(textwrap.dedent(self.text.partition("\n")[2]).splitlines())

    @property
    def images(self) -> tuple[str, ...]:
        """What the images are called, where that is known."""
        return tuple(dict.fromkeys(str(error_label(error)) for error in self.errors if error.image))


def reported(
    error: BaseException, *, image: str = "", target: str | None = None, path: str = "", place: str = ""
) -> ReportedError:
    """Return an exception as reports have it; the folder that a build was made in says nothing to their readers."""
    text = str(error) or repr(error)
    if isinstance(error, BuildError) and "-o" in error.command[:-1]:
        built = error.command[error.command.index("-o") + 1]
        shown = f"built/{os.path.basename(built)}"  # noqa: PTH119 - a str is all that is needed
        text = text.replace(built, shown).replace(error.command[0], "go")
    return ReportedError(
        kind=type(error).__name__, text=bounded(text), image=image, target=target, path=path, place=place
    )


def error_groups(errors: Iterable[ReportedError]) -> tuple[ErrorGroup, ...]:
    """Return errors in their order, those of one text together: one missing toolchain is one error of many images."""
    alike: dict[tuple[str, str], list[ReportedError]] = {}
    for error in errors:
        alike.setdefault((error.kind, error.text), []).append(error)
    return tuple(
        ErrorGroup(
            kind=kind,
            text=text,
            errors=tuple(those),
            tests=tuple(dict.fromkeys(test for error in those for test in error.tests)),
            places=tuple(
                dict.fromkeys(place for error in those for place in ([error.place] if error.place else error.tests))
            ),
        )
        for (kind, text), those in alike.items()
    )


def error_label(error: ReportedError) -> ImageLabel:
    """Return what the image of an error is called."""
    return ImageLabel(name=error.image, target=error.target or "")


def errors_in_words(report: Report) -> str:
    """Count the errors: "2 images could not be found, built or read, 1 more error"; "" where there is none."""
    # An image that was read, and that a rule could not check, is another matter.
    images = {(error.image, error.target) for error in report.errors if error.image and not error.path}
    others = sum(not (error.image and not error.path) for error in report.errors)
    words = [f"{count(len(images), 'image')} could not be found, built or read"] if images else []
    if others:
        words.append(f"{others} {'more ' if images else ''}error{'' if others == 1 else 's'}")
    return ", ".join(words)


def unanswered_in_words(report: Report) -> str:
    """Count the rules of policies that were collected, and have neither a finding nor an error."""
    rules = len(report.unanswered)
    return f"{count(rules, 'rule')} of the policy {'has' if rules == 1 else 'have'} no answer"


def notes(report: Report) -> tuple[str, ...]:
    """Say, a sentence each, why a report is not one of everything."""
    left_out = f"{count(report.left_out, 'file')} left out by exclude and only of the policy"
    return (
        *((EARLY,) if not report.complete else ()),
        *((SELECTED,) if report.selected else ()),
        *((unanswered_in_words(report),) if report.unanswered else ()),
        *((left_out,) if report.left_out else ()),
    )


def bounded(text: str) -> str:
    """Return a text, without its middle where it is too long to read."""
    if len(text) <= _LONGEST:
        return text
    head, tail = text[: _LONGEST * 2 // 3], text[-_LONGEST // 4 :]
    return f"{head}\n… {len(text) - len(head) - len(tail)} characters left out\n{tail}"


def count(number: int, noun: str) -> str:
    """Write a number of things."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
