"""What all commands print in one way: errors, and texts for any terminal."""

from __future__ import annotations

import sys

from pytest_golink.text.escape import escape_message


def print_error(error: Exception) -> None:
    """Print an error on stderr, so that no name in it acts on a terminal."""
    text = f"golink: {str(error) or type(error).__name__}"
    print("\n".join(escape_message(line) for line in text.split("\n")), file=sys.stderr)


def print_text(text: str) -> None:
    """Print a text; a terminal of another encoding shows "?" for "…", and goes on."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding))
