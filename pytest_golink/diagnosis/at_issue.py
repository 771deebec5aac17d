"""What of an image a violation is about, where its rule knows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class AtIssue:
    """The libraries that a violation is about, and whether it is about `only` these."""

    libraries: tuple[str, ...]
    only: bool = False
