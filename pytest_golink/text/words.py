"""Lists in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# A failure text is for people: the fact sheet has the whole list.
_LISTED = 6


def listed(names: Sequence[str], *, most: int = _LISTED) -> str:
    """Join names with commas; a long list is cut to the first ones and the number of the others."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])}, … {len(names) - most} more"


def quoted(names: Iterable[str]) -> str:
    """Join names with commas for an expectation: "nothing" for an empty list."""
    return ", ".join(names) or "nothing"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: "1 library", "2 libraries"."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"
