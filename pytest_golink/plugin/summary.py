"""The end of a run, on the process that reports: the table, the report's files, CI annotations."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.fixtures import RUN
from pytest_golink.location import placed

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from pytest_golink.report.files import ReportFile
    from pytest_golink.report.model import Report, ReportedError
    from pytest_golink.report.properties import Collector
    from pytest_golink.settings import Settings


# As collect/items.py has it: importing that takes what an idle run does not need.
_POLICY_ITEM = "golink-policy-item"


class _Selection:
    """Notices, in the process that collects, that tests are left out."""

    def __init__(self) -> None:
        self.left_out = False
        # The rules of policies that were collected, by their node ids.
        self.asked: set[str] = set()
        self._item_ids: set[str] = set()

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Remember a test."""
        self._item_ids.add(item.nodeid)
        if _POLICY_ITEM in item.keywords:
            self.asked.add(item.nodeid)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Remember that tests were left out; pytest-split reports none, too."""
        self.left_out |= bool(items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Notice the tests that a plugin or a conftest.py took out of the list, and did not report."""
        self.left_out |= bool(self._item_ids - {item.nodeid for item in session.items})
        self.left_out |= bool(session.config.stash[RUN].passed_over)
        self._item_ids.clear()


class Summary(_Selection):
    """
    Gathers what the tests recorded, from this process or from xdist's workers, and shows it at the end.

    Args:
        table: Whether to write the table.
        files: The report's files.
        annotations: Whether to write GitHub's annotations.
    """

    def __init__(self, *, table: bool, files: tuple[ReportFile, ...], annotations: bool) -> None:
        super().__init__()
        self._table = table
        self._files = files
        self._annotations = annotations
        # (node id, user properties) of each test: the report is made when all are there.
        self._recorded: list[tuple[str, list[tuple[str, object]]]] = []
        # What went wrong outside of tests: a policy, the collection.
        self._errors: set[ReportedError] = set()
        self._answered: set[str] = set()
        self._complete = True
        self._failures: list[str] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Add the mistakes for which the run does not start."""
        try:
            return (yield)
        except pytest.UsageError as error:
            self._mistakes(map(placed, error.args))
            raise

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Add what pytest could not collect."""
        if report.failed:
            from pytest_golink.plugin.reported_errors import outside_error

            self._errors.add(outside_error("CollectError", report.longreprtext, report.nodeid))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Read what an xdist worker learned from its collection; one that crashed sends nothing."""
        output = getattr(node, "workeroutput", {})
        self.left_out |= output.get("golink_left_out", False)
        self.asked.update(output.get("golink_asked", ()))
        self._mistakes(output.get("golink_mistakes", ()))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add what a test recorded: the report on its teardown, the last, has all of it."""
        if report.skipped and _POLICY_ITEM in report.keywords and not hasattr(report, "wasxfail"):
            # By a hook, or by a marker that a hook added: the rule has no answer.
            self.left_out = True
        elif report.when == "call" or report.failed:
            self._answered.add(report.nodeid)
        if report.when == "teardown":
            self._recorded.append((report.nodeid, report.user_properties))
        elif report.when not in ("setup", "call"):
            from pytest_golink.plugin.reported_errors import outside_error

            # xdist's word on a test whose worker died in it.
            self._errors.add(outside_error("Crash", report.longreprtext, report.nodeid))

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Add the error that ended the run."""
        from pytest_golink.plugin.reported_errors import outside_error

        self._errors.add(outside_error(excinfo.type.__name__, str(excinfo.value), ""))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the files, of a run that was interrupted, stopped or not even started too."""
        not_whole = (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR)
        ran = len({nodeid for nodeid, _ in self._recorded})
        self._complete = not (
            session.exitstatus in not_whole
            or session.shouldstop
            or session.shouldfail
            or self._errors
            or ran < session.testscollected
        )
        # Where a run came to all of its tests, what has no answer was taken from it: --setup-only, another plugin.
        self.left_out |= _selects(session.config) or (self._complete and not self.asked <= self._answered)
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
        if self._annotations and self._concerned():
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
        from pytest_golink.report.properties import ordered

        report = collector.report()
        errors = [*report.errors, *self._errors]
        return ordered(
            report.images,
            report.findings,
            errors,
            complete=self._complete,
            selected=self.left_out,
            left_out=report.left_out,
            unanswered=self.asked - self._answered,
        )

    def _concerned(self) -> bool:
        # A run that did not use golink has other errors.
        return any(error.place for error in self._errors) or any(
            name.startswith("golink.") for _, pairs in self._recorded for name, _ in pairs
        )

    def _mistakes(self, mistakes: Iterable[Sequence[str]]) -> None:
        from pytest_golink.plugin.reported_errors import usage_errors

        self._errors.update(usage_errors(mistakes))


class WorkerReporter(_Selection):
    """Sends xdist's controller, from a worker, what only the collection knows."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__()
        self._output: dict[str, object] = config.workeroutput  # type: ignore[attr-defined]
        self._run = config.stash[RUN]

    def pytest_sessionfinish(self) -> None:
        """Send whether tests were left out, and what the policies ask."""
        self._output["golink_left_out"] = self.left_out
        self._output["golink_asked"] = sorted(self.asked)
        self._output["golink_passed_over"] = self._run.passed_over


def _selects(config: pytest.Config) -> bool:
    # --lf passes over whole files, and a node id over the others of its file, without a word.
    return bool(config.getoption("lf", default=False)) or any("::" in argument for argument in config.args)


def summarize(config: pytest.Config, settings: Settings) -> None:
    """
    Register the summary of the run, where an option or the environment wants one.

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
