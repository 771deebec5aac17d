"""
Go's string literals, as strconv.Quote writes them.

Source: The Go Programming Language Specification, "String literals"; Go's src/strconv/quote.go.
"""

from __future__ import annotations

import re

_INTERPRETED = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_RAW = re.compile(r"`[^`]*`")
_ESCAPE = re.compile(
    rb"\\(?:(?P<simple>[abfnrtv\\\"])|x(?P<hex>[0-9a-fA-F]{2})|(?P<octal>[0-3][0-7]{2})"
    rb"|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})|(?P<bad>.?))",
    re.DOTALL,
)
_SIMPLE = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
    b"\\": b"\\",
    b'"': b'"',
}


class QuotingError(ValueError):
    """A text is not a Go string literal."""


def quoted_prefix(text: str) -> str:
    """Return the string literal that a text begins with, quotes included."""
    match = _INTERPRETED.match(text) or _RAW.match(text)
    if match is None:
        raise QuotingError("a quoted string has no end")
    return match[0]


def unquote(literal: str) -> str:
    r"""
    Return the value of a string literal that is the whole text.

    A literal can hold bytes that are not UTF-8 (a path in Latin-1): the value has them as "\xe9".
    """
    if quoted_prefix(literal) != literal:
        raise QuotingError("text after the end of a quoted string")
    if literal[0] == "`":
        # Go drops carriage returns from raw strings.
        return literal[1:-1].replace("\r", "")
    return _ESCAPE.sub(_unescaped, literal[1:-1].encode()).decode("utf-8", errors="backslashreplace")


def _unescaped(match: re.Match[bytes]) -> bytes:
    if simple := match["simple"]:
        return _SIMPLE[simple]
    if code := match["hex"]:
        return bytes([int(code, 16)])
    if code := match["octal"]:
        return bytes([int(code, 8)])
    if code := match["short"] or match["long"]:
        point = int(code, 16)
        if point <= 0x10FFFF and not 0xD800 <= point < 0xE000:
            return chr(point).encode()
    raise QuotingError(f"{match[0].decode(errors='replace')!r} is no escape of a Go string")
