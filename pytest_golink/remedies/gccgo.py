"""Remedies for images of gccgo, which takes the flags of its own linker in -gccgoflags, and none of -ldflags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.traits import setting

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts


def is_gccgo(facts: BinaryFacts) -> bool:
    """Return whether the build info says that gccgo made the image."""
    return setting(facts, "-compiler") == "gccgo"


def gccgo_words(*flags: str) -> str:
    """Return how gccgo gets these flags. Source: `go help build`, -gccgoflags; gccgo's manual, "Invoking gccgo"."""
    value = " ".join(flags)
    return f"-compiler gccgo -gccgoflags={value}" if len(flags) == 1 else f"-compiler gccgo -gccgoflags='{value}'"
