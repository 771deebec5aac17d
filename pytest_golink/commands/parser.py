"""The parser of each command's arguments."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from pytest_golink.text.escape import escape_message

if TYPE_CHECKING:
    from typing import NoReturn

    from _typeshed import SupportsWrite


class Parser(argparse.ArgumentParser):
    """A parser whose errors escape the argument that they name: it may be a file name from a shell's glob."""

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        # The name is argparse's. A terminal whose encoding has no "…" shows "?" instead.
        encoding = getattr(file or sys.stderr, "encoding", None) or "utf-8"
        super()._print_message(message.encode(encoding, "replace").decode(encoding), file)

    def error(self, message: str) -> NoReturn:
        """Print the usage and the message, and end with status 2."""
        super().error(escape_message(message))
