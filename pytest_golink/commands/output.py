"""Print errors and texts, the same way in all commands."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from pytest_golink.text.escape import escape_message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_golink.report.markup import Line

# Longer lines are hard to read.
_WIDEST = 120
# SGR parameters. Source: ECMA-48, 8.3.117.
_STYLES = {"bold": "1", "light": "2", "red": "31", "green": "32", "yellow": "33"}


def print_error(error: Exception) -> None:
    """Print an error on stderr, its names escaped so that they do not act on a terminal."""
    text = f"golink: {str(error) or type(error).__name__}"
    print("\n".join(escape_message(line) for line in text.split("\n")), file=sys.stderr)


def print_text(text: str) -> None:
    """Print a text; a terminal whose encoding has no "…" shows "?" instead."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding))


def print_lines(lines: Iterable[Line]) -> None:
    """Print the lines of a report, in colour on a terminal."""
    colour = colours()
    for line in lines:
        print_text("".join(_styled(text, markup) if colour else text for text, markup in line))


def _styled(text: str, markup: Mapping[str, bool]) -> str:
    codes = ";".join(_STYLES[name] for name, on in markup.items() if on)
    return f"\033[{codes}m{text}\033[0m" if codes else text


def colours() -> bool:
    """Whether stdout is a terminal that shows colours, and the user has not switched them off."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width_of_stdout() -> int:
    """Return the columns of the terminal, or of COLUMNS; 100 where the output goes to a file or a log."""
    return min(shutil.get_terminal_size(fallback=(100, 24)).columns, _WIDEST)
