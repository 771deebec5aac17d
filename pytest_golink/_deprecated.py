"""
What golink will remove, all in one place.

A constant here is a `Deprecation`; the code that still supports the old way passes it to `warn_deprecated`. It stays
for two minor releases.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.warnings import GolinkDeprecationWarning

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True, kw_only=True, slots=True)
class Deprecation:
    """
    Something that a user may still write, and should not.

    Attributes:
        old: What it is, as users know it: "the ini key golink_x".
        new: What to write instead, with a verb: "use golink_y".
        removed_in: The version that no longer has it.
    """

    old: str
    new: str
    removed_in: str

    @property
    def warning(self) -> GolinkDeprecationWarning:
        """The warning, as users see it."""
        return GolinkDeprecationWarning(f"{self.old} will be removed in pytest-golink {self.removed_in}: {self.new}")


def warn_deprecated(deprecation: Deprecation, *, config: pytest.Config | None = None, stacklevel: int = 1) -> None:
    """
    Warn of a deprecated thing.

    Args:
        deprecation: The thing.
        config: pytest's configuration, where it is read from the command line or the ini file: pytest does not show
            warnings of that time by itself.
        stacklevel: The calls between the user's line and this one; 1 is the line that calls this function.
    """
    if config is None:
        warnings.warn(deprecation.warning, stacklevel=stacklevel + 1)
    else:
        config.issue_config_time_warning(deprecation.warning, stacklevel=stacklevel + 1)
