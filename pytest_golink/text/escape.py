r"""
Names from an image, made safe to print.

An image is input from a stranger: a library may be called "\x1b[2J", or hold a right-to-left override that makes a
terminal show other text than a reader of the log would search for.
"""

from __future__ import annotations

import re
import unicodedata

# A path of Linux has at most 4096 bytes, but nobody reads more than the head and the tail of one.
_LONGEST = 200
_LONGEST_MESSAGE = 1000

# Characters that a terminal acts on, or that move or hide others: Cc control, Cf format (bidi overrides and isolates,
# zero width, soft hyphen, tags), Cs surrogates, Co private use, Cn unassigned, Zl and Zp the line and paragraph
# separators.
# Source: Unicode Standard Annex 44, General_Category; Annex 9, Directional Formatting Characters.
_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# CI services read commands from the log: GitHub "::name" where a line begins, blanks aside, GitHub and Azure "##[" and
# "##vso[" anywhere. A line may be wrapped at any blank.
# Source: actions/runner, src/Runner.Common/ActionCommand.cs; Azure Pipelines, "Logging commands".
_COMMAND = re.compile(r"(?<!\S):(?=:)|#(?=#(?:vso)?\[)")
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\"}


def escape(text: str, *, longest: int = _LONGEST) -> str:
    r"""
    Give text of an image in a form that prints as one line and acts on no terminal.

    What is not printable stands as a backslash escape ("\x1b", "\u202e"), a backslash as two, so that no two names
    look the same; so does the first character of what a CI service would take for a command in its log. A text of more
    than `longest` characters loses its middle and says how many went.
    """
    if len(text) > longest:
        head, tail = text[: longest * 2 // 3], text[-longest // 4 :]
        cut = len(text) - len(head) - len(tail)
        return f"{_escape(head)}…(+{cut})…{_escape(tail)}"
    return _escape(text)


def escape_message(text: str, *, longest: int = _LONGEST_MESSAGE) -> str:
    """
    Return a message that quotes names, as one line that acts on no terminal.

    Like `escape`, but a backslash stays: the message may hold a regular expression, or a name that is escaped already.
    A message of more than `longest` characters loses its end.
    """
    if len(text) > longest:
        text = f"{text[:longest]}…"
    return "\\".join(map(_escape, text.split("\\")))


def _escape(text: str) -> str:
    if not (text.isascii() and text.isprintable() and "\\" not in text):
        text = "".join(_SHORT.get(character) or _escape_one(character) for character in text)
    return _COMMAND.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def _escape_one(character: str) -> str:
    if unicodedata.category(character) not in _ESCAPED:
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
