"""`golink FILE…`: show the fact sheet of files, for people or as JSON."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from pytest_golink.commands.output import print_error, print_text
from pytest_golink.errors import ReaderDisagreement, UnreadableBinaryError
from pytest_golink.session import Session, within
from pytest_golink.text.escape import json_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pytest_golink.facts import BinaryFacts

_UNREADABLE_STATUS = 2
_WIDEST = 120


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = "Show how binaries are linked, without running them."
    parser.epilog = "Exit status: 0; 2 where a file cannot be read (the others are printed all the same)."
    parser.add_argument("files", metavar="FILE", nargs="+", help="a binary: ELF, Mach-O, PE, XCOFF, …")
    parser.add_argument("--json", action="store_true", help="print a list, one object a file or slice")
    parser.add_argument("--platforms", action="store_true", help="print where each file starts: debian12, alpine, …")
    parser.add_argument("--crosscheck", action="store_true", help="read with pyelftools or macholib too, and compare")


def run(options: argparse.Namespace) -> int:
    """Print the sheets; return 0, or 2 where a file could not be read."""
    with within(Session(crosscheck=options.crosscheck)):
        read = [_read(file) for file in options.files]
    sheets = [facts for slices in read for facts in slices or ()]
    if options.json:
        print(json_text(_objects(sheets, platforms=options.platforms), indent=2))
    else:
        _print_sheets(sheets, platforms=options.platforms)
    return _UNREADABLE_STATUS if None in read else 0


def _read(file: str) -> tuple[BinaryFacts, ...] | None:
    from pytest_golink.reader import read_binaries  # only after the arguments are checked

    try:
        return read_binaries(file)
    except (UnreadableBinaryError, ReaderDisagreement) as error:
        print_error(error)
        return None


def _print_sheets(sheets: Sequence[BinaryFacts], *, platforms: bool) -> None:
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for number, facts in enumerate(sheets):
        if platforms:
            from pytest_golink.report.platform_matrix import platform_matrix

            text = platform_matrix(facts, width=width)
        else:
            from pytest_golink.report.fact_sheet import fact_sheet

            text = fact_sheet(facts, width=width, colour=colour)
        print_text(f"\n{text}" if number else text)


def _objects(sheets: Sequence[BinaryFacts], *, platforms: bool) -> Sequence[object]:
    if platforms:
        from pytest_golink.report.platform_matrix import matrix_json

        return [matrix_json(facts) for facts in sheets]
    from pytest_golink.report.facts_json import facts_json

    return [facts_json(facts) for facts in sheets]
