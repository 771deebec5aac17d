"""What the image shows, in its format's own words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_golink.archives.globs import matches
from pytest_golink.reader.formats import FORMATS
from pytest_golink.text.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.facts import BinaryFacts, NeededLibrary

# More lines than this are a table of their own: the fact sheet.
_LIBRARIES_SHOWN = 12


def interpreter_word(facts: BinaryFacts) -> str | None:
    """Return the format's word for the entry that names the interpreter, None where the format has no such thing."""
    return FORMATS[facts.format].interpreter


def needed_word(facts: BinaryFacts) -> str:
    """Return the format's word for the entry that names a needed library."""
    return FORMATS[facts.format].needed


def interpreter_line(facts: BinaryFacts) -> str:
    """Return the line of the interpreter, or that there is none."""
    word = interpreter_word(facts)
    if facts.interpreter is None:
        return f"no {word or 'interpreter'}"
    return f"{word or 'interpreter'} {facts.interpreter}"


def needed_lines(facts: BinaryFacts, libraries: tuple[NeededLibrary, ...]) -> tuple[str, ...]:
    """Return needed libraries, a line each, with what the image wants of them."""
    lines = [_needed_line(facts, library) for library in libraries[:_LIBRARIES_SHOWN]]
    if len(libraries) > _LIBRARIES_SHOWN:
        lines.append(f"… {len(libraries) - _LIBRARIES_SHOWN} more")
    return tuple(lines)


def _needed_line(facts: BinaryFacts, library: NeededLibrary) -> str:
    line = f"{library.via} {library.name}"
    floor = facts.libc.floor
    if floor is not None and any(
        need.library == library.name and need.version == f"GLIBC_{floor}" for need in facts.version_needs
    ):
        return f"{line} (needs {floor_words(facts)})"
    if facts.format in ("pe", "macho"):
        symbols = [symbol.name for symbol in facts.imports if symbol.library == library.name]
        return f"{line} ({listed(symbols, most=3)})" if symbols else line
    return line


def floor_words(facts: BinaryFacts) -> str:
    """Return the glibc floor with the symbols that set it: "GLIBC_2.34: pthread_create, …"."""
    symbols = listed(facts.libc.floor_symbols, most=3)
    return f"GLIBC_{facts.libc.floor}{f': {symbols}' if symbols else ''}"


def linkage_lines(facts: BinaryFacts) -> tuple[str, ...]:
    """Return all that the linkage follows from: the interpreter and the needed libraries."""
    lines = (interpreter_line(facts),) if interpreter_word(facts) else ()
    return lines + (needed_lines(facts, facts.needed) or (f"no {needed_word(facts)}",))


def libc_line(facts: BinaryFacts) -> str:
    """Return the libc: which one, loaded or embedded, and glibc's floor."""
    libc = facts.libc
    if libc.presence == "none":
        return "no libc"
    if libc.presence == "embedded":
        return f"{libc.kind} is linked into the image"
    return f"{libc.kind} is loaded" + (f", needs {floor_words(facts)}" if libc.floor else "")


def matching_libraries(facts: BinaryFacts, names: Iterable[str], globs: Iterable[str]) -> list[str]:
    """
    Return the names of libraries that one of the globs matches; without case on PE, as its loader compares.

    A name with "/" is a path to the loader; on PE so is one with a backslash or a drive. So `*` and `?` stay within
    one element of it, and "**" is any elements but "..", which leads elsewhere.
    """

    def split(name: str) -> tuple[str, ...]:
        return tuple(re.split(r"[/\\:]", name.lower()) if facts.format == "pe" else name.split("/"))

    patterns = [split(glob) for glob in globs]

    def is_named(name: str) -> bool:
        parts = split(name)
        return parts in patterns or (".." not in parts and any(matches(pattern, parts) for pattern in patterns))

    return [name for name in names if is_named(name)]


def header_lines(facts: BinaryFacts, *types: str) -> tuple[str, ...]:
    """Return the program headers of these types, a line each."""
    return tuple(
        f"{header.type} {header.flags}"
        + ("" if header.type == "PT_GNU_STACK" else f" at 0x{header.address:x}, p_align 0x{header.alignment:x}")
        for header in facts.program_headers
        if header.type in types
    )
