"""Where in a file of the user something is written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """A line of the policy file, counted from 1; in text "golink.toml:14"."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"
