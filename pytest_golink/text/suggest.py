"""The known name that is nearest to a wrong one."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


# Of letters that two names have in common. Those that do not begin alike must have more: "musllinux" and "manylinux",
# two kinds of system, have 0.67.
_NEAR = 0.6
_NEAR_BUT_FOR_THE_START = 0.8
_START = 2


def brace_hint(pattern: str) -> str:
    """Return a hint for a pattern with a pair of braces, which shells expand and golink does not; else ""."""
    _before, brace, rest = pattern.partition("{")
    if not brace or "}" not in rest:
        return ""
    return "; braces are not special in a pattern: write each of its forms as a pattern of its own"


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return '; did you mean "…"?' where one of the known names is near, else ""."""
    by_key = {entry.lower(): entry for entry in known}
    wanted = name.lower().replace("_", "-")
    for key in difflib.get_close_matches(wanted, by_key, n=3, cutoff=_NEAR):
        alike = difflib.SequenceMatcher(None, key, wanted).ratio()
        if key[:_START] == wanted[:_START] or alike >= _NEAR_BUT_FOR_THE_START:
            return f'; did you mean "{by_key[key]}"?'
    return ""
