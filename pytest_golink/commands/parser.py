"""The parser of each command's arguments."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pytest_golink.text.escape import escape_message

if TYPE_CHECKING:
    from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """A parser whose errors escape the argument that they name: it may be a file name from a shell's glob."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the message, and end with status 2."""
        super().error(escape_message(message))
