"""The command line of each command."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pytest_golink.text.escape import escape_message

if TYPE_CHECKING:
    from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """A parser whose errors name an argument without printing it raw: it may be a file that a shell's glob found."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the message, and end with status 2."""
        super().error(escape_message(message))
