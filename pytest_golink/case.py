"""A violation, as its causes and its remedies look at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from pytest_golink.builder.options import BuildOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_golink.facts import BinaryFacts, LinkWarning
    from pytest_golink.findings import Finding

    # Returns why the image violates the rule, a line each.
    Causes: TypeAlias = Callable[["Case"], Iterable[str]]

_Details = TypeVar("_Details")


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """
    A violation, with what is known of its image.

    Attributes:
        finding: The violation, with the typed parameters of its rule and the details of its check.
        facts: The image that shows it; of a rule over several images, the first one.
        options: The build that made the image; its defaults for an image that was not built in this run.
        warnings: The linker's warnings of that build.
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

    def details(self, form: type[_Details]) -> _Details:
        """Return what the check found, which is of that form."""
        found = self.finding.details
        assert isinstance(found, form)  # noqa: S101 - the rule declares its check and its causes together
        return found


def from_image(find: Callable[[BinaryFacts], Iterable[str]]) -> Causes:
    """Return the causes of a rule that follow only from the facts of the image."""
    return lambda case: find(case.facts)
