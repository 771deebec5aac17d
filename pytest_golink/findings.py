"""What a rule found on an image: the outcome, its cause, and what may mend it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

TrialOutcome = Literal["satisfies", "unproven", "breaks", "does-not-build", "does-not-start"]
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
class BuildChange:
    """
    A change of a build, which joins what the build has.

    Attributes:
        options: The build options that it sets, whatever the build has: cgo, linkmode, buildmode, cc, …
        added: By option, the tags and flags that join those of the build; a variable's name, in capitals, adds to it.
        dropped: By option, the tags and flags that leave it.
        environment: The variables that it sets, whatever their value is.
    """

    options: Mapping[str, object] = field(default_factory=dict, hash=False)
    added: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    dropped: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    environment: tuple[tuple[str, str], ...] = ()


class Loss(IntEnum):
    """What a change takes from the program: those that take less are tried first."""

    NOTHING = 0
    """All C and all behaviour stay."""
    EXCHANGED = 1
    """An implementation is exchanged for another one, at a price that is known."""
    UNKNOWN = 2
    """C of a package goes: what the package does without it only a run of the program shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Remedy:
    """
    One way to mend a violation.

    Attributes:
        change: The change of the build, None where no build option does it.
        words: The line of a failure text; "" for a change that only its flags describe.
        flags: The change as a command line has it ("CGO_ENABLED=0"); "" where there is none, and for an image that was
            not built in this run, whose options are unknown.
        prices: What the program, or its build, loses by it.
        weight: How much it changes.
        loss: What the program loses. Trials begin with the smallest loss, and of these with the smallest weight.
    """

    change: BuildChange | None = None
    words: str = ""
    flags: str = ""
    prices: tuple[str, ...] = ()
    weight: int = 0
    loss: Loss = Loss.NOTHING

    @property
    def rank(self) -> tuple[int, int]:
        """Return the place of the remedy among others: less is tried first."""
        return self.loss, self.weight


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """
    A remedy that was built and held against the whole policy.

    `detail` says which other rule breaks, how the build or the start failed, or what no rule has proven; `price` is
    what the program loses by it. `toml`, `goreleaser` and `shell` are the lines that make the change, for golink.toml,
    for a `builds:` entry and for a shell.
    """

    remedy: str
    outcome: TrialOutcome
    detail: str = ""
    price: str = ""
    toml: str = ""
    goreleaser: str = ""
    shell: str = ""


# Trials show more flags than these.
_MOST_FLAGS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """
    The outcome of one rule on one image.

    `image` and `target` name the image, `path` is its file as the caller named it; `parameters` are those of
    the rule, as (name, value) pairs in the rule's own order with hyphenated names: a str, bool or int, a list as a
    tuple, a table as a tuple of "key=value"; those of a finding that is read from a report are texts. `expected` and
    `observed` are one line each; `evidence` is what the image shows, a line each, in the format's own words
    ("PT_INTERP /lib64/ld-linux-x86-64.so.2"); `cause` is lines of prose, empty where none is known; `remedies` are what
    may mend it. A passed finding carries its evidence too. `caution` is what the rule's answer does not cover.
    `module` is the path of the image's main module, for texts that write "./NAME" for its packages; "" where that would
    not tell them from others. `details` is what the check found, as the causes and remedies of its rule need it; no
    report has it.

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
    remedies: tuple[Remedy, ...] = ()
    parameters: tuple[tuple[str, object], ...] = ()
    path: str = ""
    caution: tuple[str, ...] = ()
    place: str = ""
    waiver: str = ""
    chains: tuple[tuple[ImportStep, ...], ...] = ()
    trials: tuple[Trial, ...] = ()
    platforms: tuple[PlatformAnswer, ...] = ()
    module: str = field(default="", compare=False)
    details: object = field(default=None, repr=False, compare=False)

    @property
    def remedy(self) -> tuple[str, ...]:
        """The words of the remedies, a line each; where none has words, the flags of the smallest changes."""
        words = tuple(dict.fromkeys(remedy.words for remedy in self.remedies if remedy.words))
        if words:
            return words
        flags = dict.fromkeys(remedy.flags for remedy in sorted(self.remedies, key=lambda one: one.rank))
        shown = [line for line in flags if line][:_MOST_FLAGS]
        return tuple(f"{'or ' if number else ''}{line}" for number, line in enumerate(shown))

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
