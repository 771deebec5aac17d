"""What a rule looks at: an image, under the name that reports call it by, with what is known of its build."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pytest_golink.facts import BinaryFacts, LinkWarning
    from pytest_golink.platforms import Platform


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """
    What a rule looks at: one image under the name that reports call it by.

    `link_warnings` are those of the build that made the image, None for an image that was not built here. `may_run`
    says whether a rule that is about running may start it: built here, or allowed by the policy. `rebuild` copies
    the module into a folder, builds the same package there, with its own Go build cache where the second argument is
    true, and returns the new image's path; None where there is nothing to build from. `platforms` are those that
    the policy describes, by name, for runs-on.
    """

    name: str
    facts: BinaryFacts
    link_warnings: tuple[LinkWarning, ...] | None = None
    may_run: bool = False
    rebuild: Callable[[Path, bool], Path] | None = field(default=None, repr=False, compare=False)
    platforms: Mapping[str, Platform] = field(default_factory=lambda: MappingProxyType({}))
