"""--golink-report-file: the files are named before the run, and written when it ends."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import ReportError
from pytest_golink.report.files import ReportFile, folder_in_repository, made_now, parse_report_files, render, write

if TYPE_CHECKING:
    from pytest_golink.report.model import Report
    from pytest_golink.settings import Settings

# Statuses of a run that ended well; a run whose report is missing must not end with one of these.
_WELL = frozenset({pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED})


def report_files(settings: Settings) -> tuple[ReportFile, ...]:
    """
    Return the files that the settings name, each of a known format, and writable.

    Raises:
        pytest.UsageError: One is not.
    """
    try:
        return parse_report_files(settings.report_files, settings.report_folder, os.environ)
    except ReportError as error:
        raise pytest.UsageError(f"--golink-report-file, golink_report_file: {error}") from None


def write_report_files(files: tuple[ReportFile, ...], report: Report, session: pytest.Session) -> list[str]:
    """Write the files; for each one that cannot be written, print a line, and fail the run."""
    from pytest_golink.report.portable import portable

    root = session.config.rootpath
    shown = portable(report, root=str(root))
    made, folder = made_now(os.environ), folder_in_repository(root)
    failures = [
        f"golink: the report {file.path} is not written: {problem}"
        for file in files
        if (problem := _problem(file, render(shown, file.format, made=made, folder=folder)))
    ]
    if failures and session.exitstatus in _WELL:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if session.config.pluginmanager.get_plugin("terminalreporter") is None:
        # With -p no:terminal there is no other place to show it.
        sys.stderr.writelines(f"{failure}\n" for failure in failures)
    return failures


def _problem(file: ReportFile, text: str) -> str:
    try:
        write(file, text)
    except OSError as error:
        return error.strerror or str(error)
    return ""
