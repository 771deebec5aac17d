"""The known name that is nearest to a wrong one."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def brace_hint(pattern: str) -> str:
    """Return a hint for a pattern with a pair of braces, which shells expand and golink does not; else ""."""
    _before, brace, rest = pattern.partition("{")
    if not brace or "}" not in rest:
        return ""
    return "; braces are not special in a pattern: write each of its forms as a pattern of its own"


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return '; did you mean "…"?' where one of the known names is near, else ""."""
    by_key = {entry.lower(): entry for entry in known}
    near = difflib.get_close_matches(name.lower().replace("_", "-"), by_key, n=1)
    return f'; did you mean "{by_key[near[0]]}"?' if near else ""
