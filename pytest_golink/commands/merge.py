"""`golink merge FILE… [-o [FORMAT:]PATH]`: join the reports of CI shards into one."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.errors import ReportError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = "Join the JSON reports of several runs (shards, a matrix of jobs) into one."
    parser.epilog = (
        "Exit status: 0; 2 where a file is no report, where two contradict each other, or where an output cannot be "
        "written."
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="a report that --golink-report-file wrote as JSON")
    parser.add_argument(
        "-o",
        "--output",
        metavar="[FORMAT:]PATH",
        action="append",
        help="where to write the report: json, html, md, sarif or codequality, by suffix or by name; may be repeated. "
        "Without it, JSON goes to stdout",
    )
    parser.add_argument(
        "--whole",
        action="store_true",
        help="the files are all shards of one run: what one of them left out is in another",
    )


def run(options: argparse.Namespace) -> int:
    """
    Join the reports and write the result; return 0.

    Raises:
        ReportError: The reports cannot be joined, or the result cannot be written.
    """
    _merge(options.files, options.output or [], whole=options.whole)
    return 0


def _merge(names: Sequence[str], outputs: Sequence[str], *, whole: bool) -> None:
    from pytest_golink.report.files import folder_in_repository, made_now, parse_report_files, render, write
    from pytest_golink.report.json_reading import read_report_file
    from pytest_golink.report.merge import merge

    files = parse_report_files(outputs, Path.cwd(), os.environ)
    merged = merge([(name, read_report_file(name)) for name in names])
    if whole:
        merged = replace(merged, selected=bool(merged.unanswered))
    made, folder = made_now(os.environ), folder_in_repository(Path.cwd())
    if not files:
        sys.stdout.write(render(merged, "json", made=made, folder=folder))
    try:
        for file in files:
            write(file, render(merged, file.format, made=made, folder=folder))
    except OSError as error:
        raise ReportError(f"{file.path} is not written: {error.strerror or error}") from None
