r"""
Names from an image, made safe to print: in a line, in a message, in JSON.

An image is input from a stranger: a library's name may be "\x1b[2J", or hold a right-to-left override that makes a
terminal show other text than a reader of the log would search for.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# A path on Linux has at most 4096 bytes, but a reader needs only its head and its tail.
_LONGEST = 200
# The limit of a message line: longer than any path, or any command line that a reader can use.
_LONGEST_LINE = 16_000
_TAB = "    "

# Characters that a terminal acts on, or that move or hide others: Cc control, Cf format (bidi overrides and isolates,
# zero width, soft hyphen, tags), Cs surrogates, Co private use, Cn unassigned, Zl and Zp the line and paragraph
# separators.
# Source: Unicode Standard Annex 44, General_Category; Annex 9, Directional Formatting Characters.
_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# CI services read commands from the log: GitHub "::name" where a line begins, blanks aside, GitHub and Azure "##[" and
# "##vso[" anywhere. A line may be wrapped at any blank.
# Source: actions/runner, src/Runner.Common/ActionCommand.cs; Azure Pipelines, "Logging commands".
_COMMAND = re.compile(r"(?<!\S):(?=:)|#(?=#(?:vso)?\[)")
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def escape(text: str, *, longest: int = _LONGEST) -> str:
    r"""
    Return text from an image in a form that prints as one line and acts on no terminal.

    Characters that are not printable become backslash escapes ("\x1b", "\u202e"), and a backslash becomes two, so that
    no two names look the same. The first character of text that a CI service would read as a command becomes an escape
    too. A text of more than `longest` characters loses its middle, and says how many characters are left out.
    """
    return _within(text, longest, _escape)


def escape_message(line: str, *, longest: int = _LONGEST_LINE) -> str:
    r"""
    Return a line that quotes names in a form that acts on no terminal; a second call changes nothing.

    Unlike `escape`, it keeps a backslash, as in C:\Users: the line may hold a regular expression, or a name that is
    already escaped. A tab becomes blanks.
    """
    return _within(line.replace("\t", _TAB), longest, _escape_line)


def json_text(value: object, *, indent: int | None = None) -> str:
    """
    Return JSON that any reader reads as the same value, and that acts on no terminal and in no CI log.

    Without an indent it is one line, without blanks.
    """
    # JSON has "#" only in strings, and no line of it begins with ":".
    text = json.dumps(value, indent=indent, separators=(",", ":") if indent is None else None)
    return text.replace("##", "#\\u0023")


def _within(text: str, longest: int, escaped: Callable[[str], str]) -> str:
    if len(text) <= longest:
        return escaped(text)
    head, tail = text[: longest * 2 // 3], text[-longest // 4 :]
    cut = len(text) - len(head) - len(tail)
    return f"{escaped(head)}…(+{cut})…{escaped(tail)}"


def _escape(text: str) -> str:
    return _escape_line(text.replace("\\", "\\\\"))


def _escape_line(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        text = "".join(_SHORT.get(character) or _escape_one(character) for character in text)
    return _COMMAND.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def acts(character: str) -> bool:
    """Whether a terminal acts on a character, or does not show it."""
    return unicodedata.category(character) in _ESCAPED


def _escape_one(character: str) -> str:
    if not acts(character):
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
