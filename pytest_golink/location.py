"""Where in a file of the user something is written, and messages about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """A line of the policy file, counted from 1; in text "golink.toml:14"."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, kw_only=True, slots=True)
class LocatedText:
    """A message with its location, None where it is about a whole file or the run; in text "golink.toml:14: …"."""

    location: Location | None
    text: str

    def __str__(self) -> str:
        return self.text if self.location is None else f"{self.location}: {self.text}"


def placed(message: object) -> tuple[str, str]:
    """Return a message as its place ("golink.toml:14", "" where there is none) and its text."""
    if isinstance(message, LocatedText):
        return "" if message.location is None else str(message.location), message.text
    return "", str(message)
