"""`golink diff OLD NEW [--json | --md]`: show what changed in linkage between two releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.commands import status
from pytest_golink.commands.output import print_text

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = "Show what changed in linkage between two runs: images, facts, outcomes of rules."
    parser.epilog = "Exit status: 0 where nothing changed, 1 where something did, 2 where a file is no report."
    parser.add_argument("old", metavar="OLD", help="a report that --golink-report-file wrote as JSON")
    parser.add_argument("new", metavar="NEW", help="another one, of a later run")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--md", action="store_true", help="print Markdown")
    parser.add_argument(
        "--size-tolerance",
        metavar="SIZE",
        default="5%",
        help='how much a size may differ and count as the same: "5%%" (the default), "200 KB"',
    )


def run(options: argparse.Namespace) -> int:
    """
    Print the differences; return 0 where there are none, else 1.

    Raises:
        GolinkError: A file is no report, or the tolerance is wrong.
    """
    from pytest_golink.commands.diff_text import diff_json, diff_markdown, diff_text
    from pytest_golink.commands.report_diff import report_diff
    from pytest_golink.lock import parse_tolerance
    from pytest_golink.report.json_reading import read_report_file

    tolerance = parse_tolerance(options.size_tolerance)
    diff = report_diff(read_report_file(options.old), read_report_file(options.new), tolerance)
    print_text(diff_json(diff) if options.json else diff_markdown(diff) if options.md else diff_text(diff))
    return 0 if diff.same else status.VIOLATED
