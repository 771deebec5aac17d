"""Versions of symbols and of systems' releases."""

from __future__ import annotations

import re

# More digits than any version has; Python refuses numbers of some thousand digits.
_DOTTED = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})*")
_SYMBOL_VERSION = re.compile(r"([A-Za-z]+)_([0-9]+(?:[._][0-9]+)*)")


def symbol_version(name: str) -> tuple[str, str] | None:
    """
    Return the prefix and the number of a symbol version, None where it has another form.

    "GLIBC_2.34" is ("GLIBC", "2.34"), and OpenSSL's "OPENSSL_1_1_1" is ("OPENSSL", "1.1.1").
    """
    match = _SYMBOL_VERSION.fullmatch(name)
    return None if match is None else (match[1], match[2].replace("_", "."))


def numbers(version: str) -> tuple[int, ...]:
    """Return a dotted version as numbers to compare: "2.9" is older than "2.17"."""
    return tuple(int(part) for part in version.split("."))


def comparable(version: str) -> tuple[int, ...]:
    """Return a dotted version as numbers to compare, where "2.0" is the same as "2"."""
    parts = list(numbers(version))
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def is_dotted(text: str) -> bool:
    """Whether a text is a dotted version."""
    return _DOTTED.fullmatch(text) is not None
