"""What stands at the top of a Go file: its build constraint, its imports, and the directives that link without cgo."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Go's own limit for one file is far above; a file of this size is generated, and its imports stand at the top.
_MOST_BYTES = 4 << 20
# The tokens that may stand before the first declaration that is no import, and a byte that is none of them.
_TOKEN = re.compile(
    rb"""(?P<blank>\s+|//[^\n]*|/\*.*?\*/)|(?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?P<word>\w+)|(?P<mark>[().;])|(?P<other>.)""",
    re.DOTALL,
)
_CONSTRAINT = re.compile(rb"^//go:build[ \t]+([^\r\n]+)", re.MULTILINE)
# Before Go 1.17 a constraint was written so, and several lines had to hold together.
_OLD_CONSTRAINT = re.compile(rb"^//[ \t]*\+build[ \t]+([^\r\n]+)", re.MULTILINE)
_DYNAMIC_IMPORT = re.compile(rb"^//go:cgo_import_dynamic\b", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class GoFile:
    """
    The top of one Go file.

    `imports` are (import path, line) pairs in the file's order, "C" among them. `constraint` is its build constraint as
    it is written, "" where it has none. `dynamic_import` is the line of its first `//go:cgo_import_dynamic`, None where
    there is none.
    """

    imports: tuple[tuple[str, int], ...] = ()
    constraint: str = ""
    dynamic_import: int | None = None


def read_go_file(path: Path) -> GoFile:
    """
    Read the top of a Go file; a file that cannot be read has no imports.

    Source: The Go Programming Language Specification, "Source file organization", "Import declarations"; `go help
    buildconstraint`.
    """
    try:
        with path.open("rb") as file:
            source = file.read(_MOST_BYTES)
    except OSError:
        return GoFile()
    header = source[: _package_clause(source)]
    constraint = _CONSTRAINT.search(header)
    lines = [constraint] if constraint else _OLD_CONSTRAINT.finditer(header)
    directive = _DYNAMIC_IMPORT.search(source)
    return GoFile(
        imports=_imports(source),
        constraint=" && ".join(line[1].decode(errors="replace").strip() for line in lines),
        dynamic_import=_line(source, directive.start()) if directive else None,
    )


def _line(source: bytes, offset: int) -> int:
    return source.count(b"\n", 0, offset) + 1


def _package_clause(source: bytes) -> int:
    for token in _TOKEN.finditer(source):
        if token["word"] == b"package":
            return token.start()
    return 0


def _imports(source: bytes) -> tuple[tuple[str, int], ...]:
    found = []
    inside = False
    tokens = (token for token in _TOKEN.finditer(source, _package_clause(source)) if token["blank"] is None)
    next(tokens, None)  # package
    next(tokens, None)  # its name
    for token in tokens:
        if token["mark"] == b"(":
            inside = True
        elif token["mark"] == b")":
            inside = False
        elif token["string"] is not None:
            found.append((token["string"][1:-1].decode(errors="replace"), _line(source, token.start())))
        elif token["other"] is not None or (token["word"] in _DECLARATIONS and not inside):
            break
    return tuple(found)


# Inside the parentheses a word is the name that a package gets in the file.
_DECLARATIONS = frozenset({b"const", b"func", b"type", b"var"})
