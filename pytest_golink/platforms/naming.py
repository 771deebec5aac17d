"""Platforms in words: the releases of a family together."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_golink.platforms.model import Platform

# Two releases are named; more that follow each other are a range.
_SHORTEST_RANGE = 3


def in_words(platforms: Sequence[Platform]) -> str:
    """Name platforms, those of a family that stand together once: "scratch, debian 10–13, rhel 7 9"."""
    groups = (list(group) for _, group in groupby(platforms, key=lambda platform: platform.family))
    return ", ".join(_family(group) for group in groups)


def _family(group: list[Platform]) -> str:
    from pytest_golink.platforms import PLATFORMS

    if len(group) == 1:
        return group[0].name
    family = group[0].family
    order = [platform.release for platform in PLATFORMS.values() if platform.family == family]
    runs: list[list[str]] = []
    for release in (platform.release for platform in group):
        follows = runs and release in order and order.index(release) - 1 == order.index(runs[-1][-1])
        if follows:
            runs[-1].append(release)
        else:
            runs.append([release])
    words = [f"{run[0]}–{run[-1]}" if len(run) >= _SHORTEST_RANGE else " ".join(run) for run in runs]
    return f"{family} {' '.join(words)}"
