"""The known name that is nearest to a wrong one."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return '; did you mean "…"?' where one of the known names is near, else ""."""
    by_key = {entry.lower(): entry for entry in known}
    near = difflib.get_close_matches(name.lower().replace("_", "-"), by_key, n=1)
    return f'; did you mean "{by_key[near[0]]}"?' if near else ""
