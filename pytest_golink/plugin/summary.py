"""The end of a run, on the process that reports: the table, the report's files, CI annotations."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_golink.findings import Report
    from pytest_golink.report.files import ReportFile
    from pytest_golink.report.properties import Collector
    from pytest_golink.settings import Settings


class Summary:
    """
    Gathers what the tests recorded, from this process or from xdist's workers, and says it at the end.

    Args:
        table: Whether to write the table.
        files: The report's files.
        annotations: Whether to write GitHub's annotations.
    """

    def __init__(self, *, table: bool, files: tuple[ReportFile, ...], annotations: bool) -> None:
        self._table = table
        self._files = files
        self._annotations = annotations
        # (node id, user properties) of each test: the report is made when all are there.
        self._recorded: list[tuple[str, list[tuple[str, object]]]] = []
        self._complete = True
        self._failures: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a test recorded: the report on its teardown, the last, has all of it."""
        if report.when == "teardown":
            self._recorded.append((report.nodeid, report.user_properties))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the files, of a run that was interrupted or stopped too."""
        ended_early = session.exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)
        self._complete = not (ended_early or session.shouldstop or session.shouldfail)
        if self._files and not session.config.option.collectonly:
            from pytest_golink.plugin.report_files import write_report_files

            self._failures = write_report_files(self._files, self._report(self._collected()), session)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the table, if there is anything in it, what went wrong with the files, and annotations."""
        collector = self._collected()
        if self._table:
            self._write_table(terminalreporter, collector)
        for failure in self._failures:
            terminalreporter.write_line(failure, red=True, bold=True)
        if self._annotations and any(name.startswith("golink.") for _, pairs in self._recorded for name, _ in pairs):
            from pytest_golink.report.annotations import github_annotations
            from pytest_golink.report.files import folder_in_repository
            from pytest_golink.report.portable import portable

            root = terminalreporter.config.rootpath
            shown = portable(self._report(collector), root=str(root))
            # The runner reads a command where a line begins.
            terminalreporter.ensure_newline()
            for line in github_annotations(shown, folder=folder_in_repository(root)):
                terminalreporter.write_line(line)

    def _write_table(self, terminalreporter: pytest.TerminalReporter, collector: Collector) -> None:
        from pytest_golink.report.terminal import report_lines

        # The writer pytest itself uses knows how wide the terminal is, and whether it has colours.
        width = terminalreporter.config.get_terminal_writer().fullwidth
        lines = report_lines(
            self._report(collector),
            width,
            durations=collector.durations(),
            verbosity=terminalreporter.config.get_verbosity(),
        )
        if lines:
            terminalreporter.section("golink")
        for line in lines:
            for text, markup in line:
                terminalreporter.write(text, **markup)
            terminalreporter.line("")

    def _collected(self) -> Collector:
        from pytest_golink.report.properties import Collector

        collector = Collector()
        for nodeid, properties in self._recorded:
            collector.add(nodeid, properties)
        return collector

    def _report(self, collector: Collector) -> Report:
        from dataclasses import replace

        return replace(collector.report(), complete=self._complete)


def summarize(config: pytest.Config, settings: Settings) -> None:
    """
    Get ready to sum the run up, where that is asked for.

    Raises:
        pytest.UsageError: A file of the report has no known format, or cannot be written.
    """
    # GitHub's runner, and those that read the same commands (Forgejo, Gitea).
    annotations = os.environ.get("GITHUB_ACTIONS") == "true"
    files: tuple[ReportFile, ...] = ()
    if settings.report_files:
        from pytest_golink.plugin.report_files import report_files

        files = report_files(settings)
    if settings.report or files or annotations:
        summary = Summary(table=settings.report, files=files, annotations=annotations)
        config.pluginmanager.register(summary, "golink-summary")
