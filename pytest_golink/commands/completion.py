"""`golink completion SHELL`: print what a shell needs to complete golink's command lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.commands import status

if TYPE_CHECKING:
    import argparse

_SHELLS = ("bash", "zsh", "tcsh")
_EXAMPLES = """\
examples:
  golink completion bash > ~/.local/share/bash-completion/completions/golink
  golink completion zsh > ~/.zfunc/_golink

Exit status: 0; 4 there is no such shell.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = "Print the completion of golink's commands, options and files for a shell."
    parser.epilog = _EXAMPLES
    parser.add_argument("shell", metavar="SHELL", choices=_SHELLS, help=", ".join(_SHELLS))


def run(options: argparse.Namespace) -> int:
    """Print the shell's script; return 0."""
    import shtab

    print(shtab.complete(options.whole_parser(), shell=options.shell))
    return status.HOLDS
