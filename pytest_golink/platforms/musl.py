"""The symbols that musl has: what a program that was linked against another libc may find there."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def musl_symbols() -> frozenset[str]:
    """Give the names that musl 1.2.3 exports; musl takes none away, and adds few."""
    text = files("pytest_golink.platforms.tables").joinpath("musl.symbols").read_text(encoding="ascii")
    return frozenset(line for line in text.splitlines() if not line.startswith("#"))
