"""What a rule found on an image, and the report that collects it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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

    `image` and `target` name the image, `path` is its file as the caller named it; `parameters` are those of
    the rule, as (name, value) pairs in the rule's own order with hyphenated names: a str, bool or int, a list as a
    tuple, a table as a tuple of "key=value"; those of a finding that is read from a report are texts. `expected` and
    `observed` are one line each; `evidence` is what the image shows, a line each, in the format's own words
    ("PT_INTERP /lib64/ld-linux-x86-64.so.2"); `cause` and `remedy` are lines of prose, empty where none is known. A
    passed finding carries its evidence too. `caution` is what the rule's answer does not cover.

    `place` is the line that requests the rule ("golink.toml:14"), `waiver` the reason of a waived violation. `chains`
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
    parameters: tuple[tuple[str, object], ...] = ()
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

    def text(self, parameter: str) -> str | None:
        """Return the parameter of that name where it is one string, None where it is not given."""
        value = dict(self.parameters).get(parameter)
        return value if isinstance(value, str) else None

    def names(self, parameter: str) -> tuple[str, ...]:
        """Return the strings of the list parameter of that name, () where it is not given."""
        value = dict(self.parameters).get(parameter)
        return value if isinstance(value, tuple) else ()
