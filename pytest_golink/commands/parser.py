"""The parser of each command's arguments."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from pytest_golink.commands import status
from pytest_golink.text.escape import escape_message

if TYPE_CHECKING:
    from typing import NoReturn

    from _typeshed import SupportsWrite


_EXAMPLES = "examples:"


class Help(argparse.HelpFormatter):
    """Wraps the texts, but leaves examples of command lines as they are."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=20)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if not text.startswith(_EXAMPLES):
            return super()._fill_text(text, width, indent)
        lines = (
            line if line.startswith(" ") else super(Help, self)._fill_text(line, width, indent)
            for line in text.splitlines()
        )
        return "\n".join(lines)


class Parser(argparse.ArgumentParser):
    """A parser whose errors escape the argument that they name: it may be a file name from a shell's glob."""

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        # The name is argparse's. A terminal whose encoding has no "…" shows "?" instead.
        encoding = getattr(file or sys.stderr, "encoding", None) or "utf-8"
        super()._print_message(message.encode(encoding, "replace").decode(encoding), file)

    def error(self, message: str) -> NoReturn:
        """Print the usage and the message, and end with the status of a wrong command line."""
        self.print_usage(sys.stderr)
        self.exit(status.USAGE, f"{self.prog}: error: {escape_message(message)}\n")
