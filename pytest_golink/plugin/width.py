"""How wide the text of a failure is: as wide as the terminal that shows it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_KEY = "golink_columns"
# Longer lines are hard to read.
_WIDEST = 120


def columns(config: pytest.Config) -> int:
    """
    Return the columns of the terminal, or of COLUMNS, at most 120; 120 where the output goes to a file or a log.

    pytest must not capture stdout meanwhile.
    """
    if (given := getattr(config, "workerinput", None)) is not None:
        return int(given[_KEY])
    return min(shutil.get_terminal_size(fallback=(_WIDEST, 24)).columns, _WIDEST)


def for_worker(width: int) -> dict[str, int]:
    """Return what an xdist worker must know of the terminal."""
    return {_KEY: width}
