"""Print errors and texts, the same way in all commands."""

from __future__ import annotations

import sys

from pytest_golink.text.escape import escape_message


def print_error(error: Exception) -> None:
    """Print an error on stderr, its names escaped so that they do not act on a terminal."""
    text = f"golink: {str(error) or type(error).__name__}"
    print("\n".join(escape_message(line) for line in text.split("\n")), file=sys.stderr)


def print_text(text: str) -> None:
    """Print a text; a terminal whose encoding has no "…" shows "?" instead."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding))
