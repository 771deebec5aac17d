"""`python -m pytest_golink FILE…`: the fact sheet of files, for people and as JSON."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from contextlib import nullcontext
from importlib import import_module
from importlib.metadata import version
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.commands.parser import Parser
from pytest_golink.errors import ReaderDisagreement, UnreadableBinaryError
from pytest_golink.text.escape import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_golink.facts import BinaryFacts

# Words that are commands where a file name could stand: a file of that name is read as ./init.
_COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "init": "pytest_golink.commands.init",
        "merge": "pytest_golink.commands.merge",
        "diff": "pytest_golink.commands.diff",
        "platform": "pytest_golink.commands.platform",
    }
)
# What a shell gives a command that SIGPIPE ended.
_BROKEN_PIPE_STATUS = 141
_UNREADABLE_STATUS = 2
_WIDEST = 120
_EPILOG = """\
commands, each with a --help of its own:
  init      write a first golink.toml, from the Go module or from what was built
  merge     join the JSON reports of several runs
  diff      show what changed in linkage between two JSON reports
  platform  describe a Linux system for runs-on, from its files

Exit status: 0; 2 where a file cannot be read (the others are printed all the same).
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the fact sheets, or run a command; give the exit status: 0, or 2 where a file could not be read."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in _COMMANDS:
        try:
            status: int = import_module(_COMMANDS[words[0]]).main(words[1:])
            sys.stdout.flush()
        except BrokenPipeError:
            return _broken_pipe()
        return status
    parser = Parser(
        prog="python -m pytest_golink",
        description="Show how binaries are linked, without running them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="a binary: ELF, Mach-O, PE, XCOFF, …")
    parser.add_argument("--json", action="store_true", help="print a list, one object a file or slice")
    parser.add_argument("--platforms", action="store_true", help="print where each file starts: debian12, alpine, …")
    parser.add_argument("--crosscheck", action="store_true", help="read with pyelftools or macholib too, and compare")
    parser.add_argument("--version", action="version", version=f"pytest-golink {version('pytest-golink')}")
    options = parser.parse_args(words)
    from pytest_golink.reader.crosscheck import crosschecking

    try:
        with crosschecking() if options.crosscheck else nullcontext():
            status = _print(options.files, as_json=options.json, platforms=options.platforms)
        sys.stdout.flush()
    except BrokenPipeError:
        return _broken_pipe()
    return status


def _broken_pipe() -> int:
    # The reader of the pipe has seen enough. Python would complain again when it flushes stdout at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _BROKEN_PIPE_STATUS


def _print(files: Sequence[str], *, as_json: bool, platforms: bool) -> int:
    read = [_read(file) for file in files]
    status = _UNREADABLE_STATUS if None in read else 0
    sheets = [facts for slices in read for facts in slices or ()]
    if as_json:
        print(json_text(_objects(sheets, platforms=platforms), indent=2))
        return status
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for number, facts in enumerate(sheets):
        text = "\n" if number else ""
        if platforms:
            from pytest_golink.report.platform_matrix import platform_matrix

            text += platform_matrix(facts, width=width)
        else:
            from pytest_golink.report.fact_sheet import fact_sheet

            text += fact_sheet(facts, width=width, colour=colour)
        # A terminal of another encoding shows "?" for "…", and goes on.
        encoding = sys.stdout.encoding or "utf-8"
        print(text.encode(encoding, "replace").decode(encoding))
    return status


def _objects(sheets: Sequence[BinaryFacts], *, platforms: bool) -> Sequence[object]:
    if platforms:
        from pytest_golink.report.platform_matrix import matrix_json

        return [matrix_json(facts) for facts in sheets]
    from pytest_golink.report.facts_json import facts_json

    return [facts_json(facts) for facts in sheets]


def _read(file: str) -> tuple[BinaryFacts, ...] | None:
    from pytest_golink.reader import read_binaries  # not before the arguments are known to be right

    try:
        return read_binaries(file)
    except (UnreadableBinaryError, ReaderDisagreement) as error:
        print(f"golink: {error}", file=sys.stderr)
        return None


if __name__ == "__main__":
    sys.exit(main())
