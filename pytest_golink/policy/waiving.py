"""What a waiver says today: which day it is, and the words of one that holds."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_golink.policy.model import Waiver


def today() -> dt.date:
    """Return the day in UTC, so that a waiver ends at the same moment on every machine."""
    return dt.datetime.now(dt.timezone.utc).date()


def waiver_text(waiver: Waiver) -> str:
    """Return the reason and the last day of a waiver."""
    return f"{waiver.reason} (until {waiver.until})"
