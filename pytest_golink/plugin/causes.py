"""Print each cause of an image once: the first failure has it in full, and the others name that failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.report.finding_text import finding_text, printed_lines
from pytest_golink.report.printed import Printed, title_of

if TYPE_CHECKING:
    import pytest

    from pytest_golink.errors import PolicyViolation


# pytest's margin of the text of an exception.
_MARGIN = 4


class Causes:
    """
    The causes that the failures of this process have printed; xdist's workers each print theirs.

    Args:
        width: The columns of the terminal that shows them.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._printed = Printed()

    def shorten(self, violation: PolicyViolation, item: pytest.Item) -> None:
        """Fit a violation's text to the terminal, before pytest makes a report, without what was printed before."""
        finding = violation.finding
        whole = finding_text(finding)
        own = _is_own(item)
        width = self._width if own else self._width - _MARGIN
        short = finding_text(finding, width=width, printed=self._printed.of(finding, test=item.nodeid), titled=own)
        violation.args = tuple(text.replace(whole, short) if isinstance(text, str) else text for text in violation.args)

    def remember(self, violation: PolicyViolation, item: pytest.Item) -> None:
        """Remember what the report of a failed test shows."""
        finding = violation.finding
        # The heading of a policy's item is its image and its rule.
        title = item.reportinfo()[2] if _is_own(item) else title_of(finding)
        self._printed.remember(finding, title, printed_lines(finding), test=item.nodeid)


def _is_own(item: pytest.Item) -> bool:
    return hasattr(item, "golink_builds")
