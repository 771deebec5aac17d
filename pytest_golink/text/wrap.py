"""Lines of text for a terminal: how wide, wrapped where, in which columns."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def columns(text: str) -> int:
    """
    Count the terminal columns of a text that holds no control characters.

    Source: Unicode Standard Annex 11, East Asian Width: W and F take two columns; combining marks take none.
    """
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Fill a text up to that many columns; `right` puts it at the right edge."""
    blanks = " " * (width - columns(text))
    return blanks + text if right else text + blanks


def wrap(text: str, width: int) -> list[str]:
    """
    Break a text at its blanks into lines of at most `width` columns.

    A word or a quoted argument that is longer than a line has its own line, whole: the reader may copy it.
    """
    lines: list[str] = []
    line = ""
    for match in _WORD.finditer(text):
        gap, word = match[1], match[2]
        if line and columns(line) + len(gap) + columns(word) > width:
            lines.append(line)
            line = word
        else:
            # A name may hold several blanks in a row, which stay.
            line += gap + word
    return [*lines, line]


# The quote that opens an argument follows a blank, "=" or nothing, unlike that of "Go's". A flag stays with it.
_WORD = re.compile(r"""( *)((?:-\w+ (?=['"]))?(?:(?<![^ =])'[^']*'|(?<![^ =])"[^"]*"|[^ ])+)""")


def hanging(label: str, texts: Iterable[str], *, indent: int, label_width: int, width: int) -> list[str]:
    """Return labelled lines: the label once, every text from the same column on, wrapped to `width`."""
    start = " " * (indent + label_width)
    lines = [line for text in texts for line in wrap(text, width - len(start))]
    first = " " * indent + pad(label, label_width)
    return [(first if number == 0 else start) + line for number, line in enumerate(lines)]
