"""The symbols that a Mach-O image imports, from its symbol table and from what dyld binds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.facts import ImportedSymbol
from pytest_golink.reader.macho.binds import read_binds
from pytest_golink.reader.macho.commands import MH_OBJECT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_golink.reader.macho.binds import Bind
    from pytest_golink.reader.macho.commands import Commands
    from pytest_golink.reader.macho.symbols import SymbolTable

_MH_TWOLEVEL = 0x80
# n_desc's special ordinals: the image itself, dynamic lookup, the main executable.
_SPECIAL_ORDINALS = frozenset({0x0, 0xFE, 0xFF})
# BIND_SPECIAL_DYLIB_MAIN_EXECUTABLE and _FLAT_LOOKUP: defined elsewhere. 0 (the image itself) and -3 (a weak definition
# of the image's own, which another may replace) are no imports.
_ELSEWHERE = frozenset({-1, -2})


def read_imports(image: Commands, symbols: SymbolTable | None, libraries: Sequence[str]) -> tuple[ImportedSymbol, ...]:
    """
    Return the imported symbols: the undefined ones of the symbol table in its order, then those that are only bound.

    The symbol table has them all, unless it was cut out: dyld needs none. The bind information has the libraries; Go's
    own linker left none before Go 1.22 on amd64, and writes no two-level namespace, so those images do not say which
    library a symbol is from.

    Raises:
        UnreadableBinaryError: A symbol is bound to a library that the image does not name.
    """
    if image.file_type == MH_OBJECT:
        # What an object leaves undefined is the linker's business.
        return ()

    def library(ordinal: int, name: str) -> str | None:
        if ordinal <= 0:
            return None
        if ordinal > len(libraries):
            raise image.view.error(f"{name[:80]!r} is from library {ordinal}, and the image needs {len(libraries)}")
        return libraries[ordinal - 1]

    undefined = symbols.undefined() if symbols is not None else ()
    found: dict[str, ImportedSymbol] = {}
    bound: dict[str, Bind] = {}
    for bind in read_binds(image):
        known = bound.get(bind.name)
        # Go's own code and cgo's objects may bind one symbol in two ways: the one that names a library tells more.
        if known is None or known.ordinal <= 0 < bind.ordinal:
            bound[bind.name] = bind
    for symbol in undefined:
        weak, ordinal = symbol.weak, 0
        if symbol.name in bound:
            weak, ordinal = weak or bound[symbol.name].weak, bound[symbol.name].ordinal
        elif image.flags & _MH_TWOLEVEL and symbol.ordinal not in _SPECIAL_ORDINALS:
            ordinal = symbol.ordinal
        found[symbol.name] = ImportedSymbol(
            name=symbol.name.removeprefix("_"), library=library(ordinal, symbol.name), weak=weak
        )
    for name, bind in bound.items():
        if name not in found and (bind.ordinal > 0 or bind.ordinal in _ELSEWHERE):
            found[name] = ImportedSymbol(
                name=name.removeprefix("_"), library=library(bind.ordinal, name), weak=bind.weak
            )
    return tuple(found.values())
