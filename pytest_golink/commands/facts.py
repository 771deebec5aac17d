"""`golink FILE…`: show the fact sheet of files, for people or as JSON."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.commands import named_files, status
from pytest_golink.commands.output import colours, print_error, print_text, width_of_stdout
from pytest_golink.errors import GolinkError
from pytest_golink.session import Session, within
from pytest_golink.text.escape import json_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pytest_golink.facts import BinaryFacts

_EXAMPLES = """\
examples:
  golink dist/app
  golink facts 'dist/*.tar.gz!**/app' --json
  golink platforms app

Exit status: 0; 2 where a file cannot be read (the others are printed all the same); 4 the command line is wrong.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = "Show how binaries are linked, without running them."
    parser.epilog = _EXAMPLES
    parser.add_argument("files", metavar="FILE", nargs="+", help=named_files.HELP)
    parser.add_argument("--json", action="store_true", help="print a list, one object a file or slice")
    parser.add_argument("--platforms", action="store_true", help="print where each file starts: debian12, alpine, …")
    parser.add_argument("--crosscheck", action="store_true", help="read with pyelftools or macholib too, and compare")


def run(options: argparse.Namespace) -> int:
    """Print the sheets; return 0, or 2 where a file could not be read."""
    return show(options.files, json=options.json, platforms=options.platforms, crosscheck=options.crosscheck)


def show(words: Sequence[str], *, json: bool, platforms: bool, crosscheck: bool = False) -> int:
    """
    Read files, and print their sheets, or on which platforms they start.

    Returns:
        The exit status: 2 where a file could not be read.
    """
    result = status.HOLDS
    shown: list[object] = []
    with (
        tempfile.TemporaryDirectory(prefix="golink-", ignore_cleanup_errors=True) as folder,
        within(Session(crosscheck=crosscheck)),
    ):
        for name, facts in named_files.read_named(words, extract_to=Path(folder)):
            if isinstance(facts, GolinkError):
                print_error(facts)
                result = status.UNREADABLE
                continue
            # As the caller wrote it; a member of an archive has its name in there, not that of the copy.
            path = facts.path if facts.slice else name
            make = _platforms if platforms else _sheet
            shown.append(make(facts, path, json=json))
    if json:
        print(json_text(shown, indent=2))
    elif shown:
        print_text("\n\n".join(map(str, shown)))
    return result


def _sheet(facts: BinaryFacts, path: str, *, json: bool) -> object:
    named = replace(facts, path=path)
    if json:
        from pytest_golink.report.facts_json import facts_json

        return facts_json(named)
    from pytest_golink.report.fact_sheet import fact_sheet

    return fact_sheet(named, width=width_of_stdout(), colour=colours())


def _platforms(facts: BinaryFacts, path: str, *, json: bool) -> object:
    from pytest_golink.report.platform_matrix import matrix_json, platform_matrix

    return matrix_json(facts, path=path) if json else platform_matrix(facts, path=path, width=width_of_stdout())
