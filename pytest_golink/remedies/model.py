"""What a remedy is, and what it is found from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_golink.builder.options import BuildOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.facts import BinaryFacts, LinkWarning
    from pytest_golink.findings import Finding


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildChange:
    """A change of a build: `options` are the build options that it sets, `environment` the variables."""

    options: Mapping[str, object] = field(default_factory=dict)
    environment: tuple[tuple[str, str], ...] = ()

    def applied(self, options: BuildOptions) -> BuildOptions:
        """Return the options of a build with this change made."""
        environment = {**dict(options.env), **dict(self.environment)}
        if "cgo" in self.options:
            # An option and a variable must not contradict each other.
            environment.pop("CGO_ENABLED", None)
        if "cc" in self.options:
            environment.pop("CC", None)
        return replace(options, **self.options, env=tuple(sorted(environment.items())))  # type: ignore[arg-type]

    def is_in(self, options: BuildOptions) -> bool:
        """Whether a build has the options that this change sets."""
        return all(getattr(options, name) == value for name, value in self.options.items())


@dataclass(frozen=True, kw_only=True, slots=True)
class Remedy:
    """
    One way to mend a violation.

    Attributes:
        change: The change of the build, None where no build option does it.
        words: The line of a failure text; "" for a change that only its flags describe.
        prices: What the program, or its build, loses by it.
        weight: How much it changes: trials begin with the smallest.
    """

    change: BuildChange | None = None
    words: str = ""
    prices: tuple[str, ...] = ()
    weight: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """
    A violation, as a function of remedies looks at it.

    Attributes:
        finding: The violation, with the typed parameters of its rule.
        facts: The image that shows it.
        options: The build that made the image; its defaults for an image that was not built in this run.
        warnings: What the linker warned of when it made the image.
        built: Whether the image was built in this run, so that its options are known.
    """

    finding: Finding
    facts: BinaryFacts
    options: BuildOptions = field(default_factory=BuildOptions)
    warnings: tuple[LinkWarning, ...] = ()
    built: bool = False

    @property
    def functions(self) -> frozenset[str]:
        """The C functions that the linker warned of."""
        return frozenset(warning.function for warning in self.warnings if warning.function)
