"""What a run recorded: the value that every report format is a pure function of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_golink.findings import Finding
    from pytest_golink.report.facts_json import FactsJson


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildRecord:
    """
    How an image was built here: the command line, the environment variables that were set for it, and what it printed.

    `toolchain` names each tool with its version: "go", and "cc" where cgo is on. It holds no time and no duration: the
    same inputs give the same report.
    """

    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    output: str = ""
    toolchain: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportedImage:
    """
    One image of a report, under the name that its findings call it by.

    `facts` is the public JSON object of its fact sheet, `build` None for an image that was not built here, `tests` the
    sorted node ids of the tests that recorded it. `sizes` are the largest packages with the bytes of their code,
    largest first; empty where no report shows them.
    """

    name: str
    facts: FactsJson
    build: BuildRecord | None
    tests: tuple[str, ...]
    sizes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportedFinding:
    """A finding, and the node id of the test that recorded it."""

    test: str
    finding: Finding


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportedError:
    """
    Why something has no answer: an image that was not found, built or read, or a rule could not check it.

    `kind` is the class of the exception ("BuildError"), `text` its whole message, bounded. `image`, `target` and `path`
    name the image as its findings would; "", None and "" where it is not known which one it is, and `path` "" for an
    image that was never there to be read. `place` is the line that it is about ("golink.toml:14"), "" where there is
    none. `tests` are the sorted node ids of all tests that ended in it; none for a run that could not start.
    """

    kind: str
    text: str
    image: str = ""
    target: str | None = None
    path: str = ""
    place: str = ""
    tests: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """
    All that a run recorded: what every report format is a pure function of.

    The order does not depend on the order of arrival: images by name, target and facts; findings by image, by the
    order of rules.md, by test; errors by image and place. `complete` is False where the run did not come to all that
    it collected, or could not collect; `selected` is True where it left tests out on request. `left_out` counts the
    files that `exclude` and `only` of the policies hide. `unanswered` are the sorted node ids of the rules of policies
    that the run collected, and that have neither a finding nor an error: not run, skipped, or taken out of the run.
    """

    images: tuple[ReportedImage, ...] = ()
    findings: tuple[ReportedFinding, ...] = ()
    errors: tuple[ReportedError, ...] = ()
    complete: bool = True
    selected: bool = False
    left_out: int = 0
    unanswered: tuple[str, ...] = ()
