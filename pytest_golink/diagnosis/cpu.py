"""Why an image needs a newer CPU than a rule allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.golang.cpu_levels import BUILD_SETTING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.case import Case
    from pytest_golink.facts import CpuLevel


@dataclass(frozen=True, kw_only=True, slots=True)
class OverLimit:
    """The levels of an image that are above the limit of a rule for its architecture."""

    levels: tuple[CpuLevel, ...]
    limit: str


def why_newer_cpu(case: Case) -> Iterator[str]:
    """Yield what needs each level that is above the limit."""
    for over in case.details(OverLimit).levels:
        if over.via == BUILD_SETTING:
            yield f"it was built with {over.setting}={over.level}: on a CPU below that it does not start, or crashes"
        else:
            yield "C code that is linked in was compiled for that level"
