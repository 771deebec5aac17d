"""The commands of `golink`: each a module of commands/ that is imported when it is called."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from importlib.metadata import version
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.commands.output import print_error
from pytest_golink.commands.parser import Parser
from pytest_golink.errors import GolinkError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# By the word on the command line: what it does. `golink FILE…` is `golink facts FILE…`; a file that is called like a
# command is read as ./init, or by `golink facts init`.
_COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "facts": "print the fact sheet of files; the word may be left out",
        "init": "write a first golink.toml, from the Go module or from what was built",
        "merge": "join the JSON reports of several runs",
        "diff": "show what changed in linkage between two JSON reports",
        "platform": "describe a Linux system for runs-on, from its files",
        "platforms": "list the platforms that golink knows",
        "rules": "list the rules",
        "explain": "explain a rule and its parameters",
    }
)
_DEFAULT = "facts"
_TOP_LEVEL_OPTIONS = ("-h", "--help", "--version")
_ERROR_STATUS = 2
# The exit status of a command that SIGPIPE ended, in a shell.
_BROKEN_PIPE_STATUS = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit status: 2 for an error."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] not in (*_COMMANDS, *_TOP_LEVEL_OPTIONS):
        words.insert(0, _DEFAULT)
    options = _parser(words[0]).parse_args(words)
    try:
        status = _run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        return _broken_pipe()
    return status


def _run(options: argparse.Namespace) -> int:
    try:
        status: int = import_module(f"pytest_golink.commands.{options.command}").run(options)
    except BrokenPipeError:
        # The reader of the pipe has seen enough: no error of ours.
        raise
    except (GolinkError, OSError) as error:
        print_error(error)
        return _ERROR_STATUS
    return status


def _parser(command: str) -> argparse.ArgumentParser:
    """Return the parser, with the arguments of one command only: the others are not imported."""
    parser = Parser(
        prog="golink",
        usage="golink FILE [FILE ...]\n       golink COMMAND ...",
        description="Show how binaries are linked, without running them.",
        epilog="`golink COMMAND --help` explains a command.",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=20),
    )
    text = f"pytest-golink {version('pytest-golink')}"
    parser.add_argument("--version", action="version", version=text)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", prog="golink")
    for name, summary in _COMMANDS.items():
        words = commands.add_parser(name, help=summary)
        if name == _DEFAULT:
            # After a file too: `golink FILE --version`.
            words.add_argument("--version", action="version", version=text, help=argparse.SUPPRESS)
        if name == command:
            import_module(f"pytest_golink.commands.{name}").add_arguments(words)
    return parser


def _broken_pipe() -> int:
    # Python would complain again when it flushes stdout at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _BROKEN_PIPE_STATUS


if __name__ == "__main__":
    sys.exit(main())
