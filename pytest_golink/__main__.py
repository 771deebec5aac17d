"""The commands of `golink`: each a module of commands/ that is imported when it is called."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from importlib.metadata import version
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.commands import status
from pytest_golink.commands.output import print_error
from pytest_golink.commands.parser import Help, Parser
from pytest_golink.errors import GolinkError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# By the word on the command line: what it does. `golink FILE…` is `golink facts FILE…`; a file that is called like a
# command is read as ./init, or by `golink facts init`.
_COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "facts": "print the fact sheet of files; the word may be left out",
        "check": "check files with rules, without a golink.toml",
        "platforms": "show on which platforms files start; without a file, list the platforms",
        "rules": "list the rules",
        "explain": "explain a rule and its parameters",
        "init": "write a first golink.toml, from the Go module or from what was built",
        "merge": "join the JSON reports of several runs",
        "diff": "show what changed in linkage between two JSON reports",
        "platform": "describe a Linux system for runs-on, from its files",
        "completion": "print the completion of a shell: bash, zsh or tcsh",
    }
)
_DEFAULT = "facts"
# It needs the arguments of all commands.
_COMPLETION = "completion"
_TOP_LEVEL_OPTIONS = ("-h", "--help", "--version")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit status: see commands/status.py."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] not in (*_COMMANDS, *_TOP_LEVEL_OPTIONS):
        words.insert(0, _DEFAULT)
    options = parser_of(words[0]).parse_args(words)
    try:
        result = _run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        return _broken_pipe()
    except KeyboardInterrupt:
        return status.INTERRUPTED
    return result


def _run(options: argparse.Namespace) -> int:
    try:
        result: int = import_module(f"pytest_golink.commands.{options.command}").run(options)
    except BrokenPipeError:
        # The reader of the pipe has seen enough: no error of ours.
        raise
    except ParameterError as error:
        # A rule, a platform or a value that the command line names wrongly.
        print_error(error)
        return status.USAGE
    except (GolinkError, OSError) as error:
        print_error(error)
        return status.UNREADABLE
    return result


def parser_of(*commands: str) -> argparse.ArgumentParser:
    """Return the parser, with the arguments of these commands only: the others are not imported."""
    parser = Parser(
        prog="golink",
        usage="golink FILE [FILE ...]\n       golink COMMAND ...",
        description="Show how binaries are linked, without running them.",
        epilog="`golink COMMAND --help` explains a command, with examples.",
        formatter_class=Help,
    )
    text = f"pytest-golink {version('pytest-golink')}"
    parser.add_argument("--version", action="version", version=text)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", prog="golink")
    for name, summary in _COMMANDS.items():
        words = subparsers.add_parser(name, help=summary, formatter_class=Help)
        if name == _DEFAULT:
            # After a file too: `golink FILE --version`.
            words.add_argument("--version", action="version", version=text, help=argparse.SUPPRESS)
        if name == _COMPLETION:
            words.set_defaults(whole_parser=lambda: parser_of(*_COMMANDS))
        if name in commands:
            import_module(f"pytest_golink.commands.{name}").add_arguments(words)
    return parser


def _broken_pipe() -> int:
    # Python would complain again when it flushes stdout at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status.BROKEN_PIPE


if __name__ == "__main__":
    sys.exit(main())
