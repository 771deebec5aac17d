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
# `//go:cgo_import_dynamic local remote "library"`, whose last two may be missing.
_DYNAMIC_IMPORT = re.compile(rb"""^//go:cgo_import_dynamic\b(?:[ \t]+\S+[ \t]+\S+[ \t]+"([^"\r\n]+)")?""", re.MULTILINE)
# `#cgo linux,amd64 LDFLAGS: -lm` in the comment above `import "C"`. Source: cmd/cgo, "Using cgo with the go command".
_CGO_LINE = re.compile(
    rb"^[ \t]*(?://|/\*)?[ \t]*#cgo[ \t]+([^:\r\n]*?)(LDFLAGS|pkg-config)[ \t]*:[ \t]*([^\r\n]*)", re.MULTILINE
)
# A string that says what a stub does not do.


@dataclass(frozen=True, kw_only=True, slots=True)
class CgoLine:
    """A `#cgo` line for the linker: its line, its condition ("" for none), LDFLAGS or pkg-config, and its words."""

    line: int
    condition: str
    kind: str
    words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class GoFile:
    """
    The top of one Go file.

    `imports` are (import path, line) pairs in the file's order, "C" among them. `constraint` is its build constraint as
    it is written, "" where it has none. `dynamic_import` is the line of its first `//go:cgo_import_dynamic`, None where
    there is none; `dynamic_libraries` are the libraries that these name, each with its first line. `cgo_lines` are its
    `#cgo` lines for the linker.
    """

    imports: tuple[tuple[str, int], ...] = ()
    constraint: str = ""
    dynamic_import: int | None = None
    dynamic_libraries: tuple[tuple[str, int], ...] = ()
    cgo_lines: tuple[CgoLine, ...] = ()


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
    directives = [*_DYNAMIC_IMPORT.finditer(source)]
    libraries: dict[str, int] = {}
    for each in directives:
        if each[1]:
            libraries.setdefault(_text(each[1]), _line(source, each.start()))
    return GoFile(
        imports=_imports(source),
        constraint=" && ".join(line[1].decode(errors="replace").strip() for line in lines),
        dynamic_import=_line(source, directives[0].start()) if directives else None,
        dynamic_libraries=tuple(libraries.items()),
        cgo_lines=tuple(_cgo_line(source, match) for match in _CGO_LINE.finditer(source)),
    )


def _text(found: bytes) -> str:
    return found.decode(errors="replace").strip()


def _cgo_line(source: bytes, match: re.Match[bytes]) -> CgoLine:
    words = _text(match[3]).removesuffix("*/").split()
    return CgoLine(
        line=_line(source, match.start(2)), condition=_text(match[1]), kind=_text(match[2]), words=tuple(words)
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
