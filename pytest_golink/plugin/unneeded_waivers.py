"""At the end of a run, the waivers that are no longer needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from pytest_golink.collect.waivers import UnneededWaivers


class Waivers:
    """Collects, on the process that reports, what the items of a policy report of their waivers."""

    def __init__(self) -> None:
        # Made for the first item that has one: a run without a policy loads nothing.
        self._unneeded: UnneededWaivers | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add what a test reports: the report on its teardown, the last, has all of it."""
        if report.when != "teardown" or not any(name == "golink.waiver" for name, _ in report.user_properties):
            return
        if self._unneeded is None:
            from pytest_golink.collect.waivers import UnneededWaivers

            self._unneeded = UnneededWaivers()
        self._unneeded.add(report.nodeid, report.user_properties)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List the waivers that are not needed."""
        if self._unneeded is not None and (lines := self._unneeded.lines()):
            terminalreporter.section("golink: waivers that nothing needs", yellow=True)
            for line in lines:
                terminalreporter.write_line(line)
