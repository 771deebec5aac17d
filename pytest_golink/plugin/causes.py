"""Print each cause of an image once: the first failure has it in full, and the others name that failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.report.finding_text import finding_text, printed_lines
from pytest_golink.report.printed import Printed, title_of

if TYPE_CHECKING:
    import pytest

    from pytest_golink.errors import PolicyViolation


class Causes:
    """The causes that the failures of this process have printed; xdist's workers each print theirs."""

    def __init__(self) -> None:
        self._printed = Printed()

    def shorten(self, violation: PolicyViolation) -> None:
        """Leave out of a violation's text, before pytest makes a report of it, what was printed before."""
        finding = violation.finding
        if printed := self._printed.of(finding):
            whole = finding_text(finding)
            short = finding_text(finding, printed=printed)
            violation.args = tuple(
                text.replace(whole, short) if isinstance(text, str) else text for text in violation.args
            )

    def remember(self, violation: PolicyViolation, item: pytest.Item) -> None:
        """Remember what the report of a failed test shows."""
        finding = violation.finding
        own = hasattr(item, "golink_builds")
        # The heading of a policy's item is its image and its rule.
        title = item.reportinfo()[2] if own else title_of(finding)
        self._printed.remember(finding, title, printed_lines(finding))
