"""The table at the end of a run, on the process that reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


class Summary:
    """Gathers what the tests recorded, from this process or from xdist's workers, and writes the table."""

    def __init__(self) -> None:
        # (node id, user properties) of each test: the report is made when all are there.
        self._recorded: list[tuple[str, list[tuple[str, object]]]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a test recorded: the report on its teardown, the last, has all of it."""
        if report.when == "teardown":
            self._recorded.append((report.nodeid, report.user_properties))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the table, if there is anything in it."""
        from pytest_golink.report.properties import Collector
        from pytest_golink.report.terminal import report_lines

        collector = Collector()
        for nodeid, properties in self._recorded:
            collector.add(nodeid, properties)
        # The writer pytest itself uses knows how wide the terminal is, and whether it has colours.
        width = terminalreporter.config.get_terminal_writer().fullwidth
        lines = report_lines(collector.report(), width)
        if lines:
            terminalreporter.section("golink")
        for line in lines:
            for text, markup in line:
                terminalreporter.write(text, **markup)
            terminalreporter.line("")
