"""The symbols that glibc's libraries and some others of Debian define, from their files."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from pytest_golink.text.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The releases of Debian that other platforms are made from: "distroless-base-debian12".
_DEBIAN = "debian"


def glibc_libraries(name: str, version: str) -> tuple[str, ...]:
    """Return the libraries of a glibc of that version that have a symbol."""
    since = _glibc().get(name, {})
    return tuple(library for library, first in since.items() if numbers(first) <= numbers(version))


def is_in_any_glibc(name: str) -> bool:
    """Return whether some glibc has a symbol."""
    return name in _glibc()


def library_has(library: str, name: str, platform: str) -> bool | None:
    """Return whether a platform's library has a symbol, None where its symbols are not known."""
    release = platform[platform.rfind(_DEBIAN) :] if _DEBIAN in platform else platform
    return None if (release, library) not in _libraries() else name in _libraries()[release, library]


@cache
def _glibc() -> Mapping[str, Mapping[str, str]]:
    """Return the libraries of each symbol, with the version that brought it there."""
    found: dict[str, dict[str, str]] = {}
    for head, names in _entries("glibc.symbols"):
        library, version = head.split()
        for name in names:
            found.setdefault(name, {}).setdefault(library, version)
    return found


@cache
def _libraries() -> Mapping[tuple[str, str], frozenset[str]]:
    """Return the symbols of each release's library."""
    found: dict[tuple[str, str], set[str]] = {}
    for head, names in _entries("libraries.symbols"):
        library, *releases = head.split()
        for release in releases:
            found.setdefault((release, library), set()).update(names)
    return {key: frozenset(names) for key, names in found.items()}


def _entries(table: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the text before the colon of each entry, and the names behind it; an entry goes on in indented lines."""
    text = files("pytest_golink.platforms.tables").joinpath(table).read_text(encoding="ascii")
    for entry in text.replace("\n ", " ").splitlines():
        if not entry.startswith("#"):
            head, _, names = entry.partition(":")
            yield head, names.split()
