"""What a rule found on an image, and the report that collects it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pytest_golink.report.facts_json import FactsJson

TrialOutcome = Literal["satisfies", "breaks", "does-not-build", "does-not-start"]
Outcome = Literal["passed", "violated", "undecidable", "not-applicable", "waived"]

# Outcomes that count against an image: a rule that could not be decided is never a pass.
FAILING: frozenset[Outcome] = frozenset({"violated", "undecidable"})


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportStep:
    """
    One package of an import chain; `place` is where it imports the next one ("cmd/app/main.go:5").

    `place` is None for the last package of the chain, and where the source does not tell.
    """

    package: str
    place: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformAnswer:
    """Whether an image starts on a platform, None where the image does not tell, and why in one line."""

    platform: str
    starts: bool | None
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """
    A remedy that was built and held against the whole policy.

    `detail` says which other rule breaks, or how the build or the start failed; `price` is what the program loses by
    it. `toml` and `goreleaser` are the lines that make the change, for golink.toml and for a `builds:` entry.
    """

    remedy: str
    outcome: TrialOutcome
    detail: str = ""
    price: str = ""
    toml: str = ""
    goreleaser: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """
    The outcome of one rule on one image.

    `image` and `target` name the image, `path` is its file as the caller named it; `parameters` are what was asked of
    the rule, as (name, value) pairs in the rule's own order with hyphenated names. `expected` and `observed` are one
    line each; `evidence` is what the image shows, a line each, in the format's own words
    ("PT_INTERP /lib64/ld-linux-x86-64.so.2"); `cause` and `remedy` are lines of prose, empty where none is known. A
    passed finding carries its evidence too. `caution` is what the rule's answer does not cover.

    `place` is the line that asked for the rule ("golink.toml:14"), `waiver` the reason of a waived violation. `chains`
    are the import chains behind the cause, `trials` the remedies that were tried, `platforms` the answers of runs-on.
    """

    rule: str
    outcome: Outcome
    image: str
    target: str | None
    expected: str
    observed: str
    evidence: tuple[str, ...] = ()
    cause: tuple[str, ...] = ()
    remedy: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    path: str = ""
    caution: tuple[str, ...] = ()
    place: str = ""
    waiver: str = ""
    chains: tuple[tuple[ImportStep, ...], ...] = ()
    trials: tuple[Trial, ...] = ()
    platforms: tuple[PlatformAnswer, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether it counts against the image."""
        return self.outcome in FAILING


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
    largest first; empty where no report asked for them.
    """

    name: str
    facts: FactsJson
    build: BuildRecord | None
    tests: tuple[str, ...]
    sizes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportedFinding:
    """A finding, and the node id of the test that asked for it."""

    test: str
    finding: Finding


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportedError:
    """
    Why something has no answer: an image that was not found, built or read, a rule that could not be asked.

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
    it collected, or could not collect; `selected` is True where it was told to leave tests out.
    """

    images: tuple[ReportedImage, ...] = ()
    findings: tuple[ReportedFinding, ...] = ()
    errors: tuple[ReportedError, ...] = ()
    complete: bool = True
    selected: bool = False
