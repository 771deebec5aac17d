"""Versions as the symbols and releases of systems have them."""

from __future__ import annotations

import re

# The prefix and the number of a symbol version: "GLIBC_2.34".
SYMBOL_VERSION = re.compile(r"([A-Za-z]+)_([0-9]+(?:\.[0-9]+)*)")


def numbers(version: str) -> tuple[int, ...]:
    """Give a dotted version as numbers to compare: "2.9" is older than "2.17"."""
    return tuple(int(part) for part in version.split("."))
