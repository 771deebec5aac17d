"""`python -m pytest_golink diff OLD NEW [--json | --md]`: what changed in linkage between two releases."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pytest_golink.commands.parser import Parser
from pytest_golink.errors import GolinkError

if TYPE_CHECKING:
    from collections.abc import Sequence

_DIFFERENT_STATUS = 1
_ERROR_STATUS = 2


def main(arguments: Sequence[str]) -> int:
    """Compare two JSON reports; give the exit status: 0 for no difference, 1 for some, 2 for an error."""
    parser = Parser(
        prog="python -m pytest_golink diff",
        description="Show what changed in linkage between two runs: images, facts, outcomes of rules.",
        epilog="Exit status: 0 where nothing changed, 1 where something did, 2 where a file is no report.",
    )
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
    options = parser.parse_args(arguments)
    from pytest_golink.commands.diff_text import diff_json, diff_markdown, diff_text
    from pytest_golink.commands.report_diff import report_diff
    from pytest_golink.lock import parse_tolerance
    from pytest_golink.report.json_reading import read_report_file

    try:
        tolerance = parse_tolerance(options.size_tolerance)
        diff = report_diff(read_report_file(options.old), read_report_file(options.new), tolerance)
    except GolinkError as error:
        print(f"golink: {error}", file=sys.stderr)
        return _ERROR_STATUS
    text = diff_json(diff) if options.json else diff_markdown(diff) if options.md else diff_text(diff)
    encoding = sys.stdout.encoding or "utf-8"
    # A terminal of another encoding shows "?" for "→", and goes on.
    print(text.encode(encoding, "replace").decode(encoding))
    return 0 if diff.same else _DIFFERENT_STATUS
