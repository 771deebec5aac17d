"""A change of a build, and the options of that build."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_golink.builder.options import BuildOptions
    from pytest_golink.findings import BuildChange


def changed(options: BuildOptions, change: BuildChange) -> BuildOptions:
    """Return the options of a build with a change made."""
    environment = {**dict(options.env), **dict(change.environment)}
    if "cgo" in change.options:
        # An option and a variable must not contradict each other.
        environment.pop("CGO_ENABLED", None)
    if "cc" in change.options:
        environment.pop("CC", None)
    return replace(options, **change.options, env=tuple(sorted(environment.items())))  # type: ignore[arg-type]


def has(options: BuildOptions, change: BuildChange) -> bool:
    """Whether a build has the options that a change sets."""
    return all(getattr(options, name) == value for name, value in change.options.items())
