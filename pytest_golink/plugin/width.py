"""How wide the text of a failure is: as wide as the terminal that shows it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_KEY = "golink_columns"
# Longer lines are hard to read; shorter ones have no room beside a label.
_WIDEST, _NARROWEST = 120, 40


def columns(config: pytest.Config) -> int:
    """
    Return the columns of the terminal, or of COLUMNS, from 40 to 120; 120 where the output goes to a file or a log.

    pytest must not capture stdout meanwhile.
    """
    if (given := getattr(config, "workerinput", None)) is not None:
        return int(given[_KEY])
    return max(_NARROWEST, min(shutil.get_terminal_size(fallback=(_WIDEST, 24)).columns, _WIDEST))


def for_worker(width: int) -> dict[str, int]:
    """Return what an xdist worker must know of the terminal."""
    return {_KEY: width}
