"""
The import, delay-import and bound-import directories of a PE image.

The walk here holds every descriptor, lookup table and name against the image's bounds, and LIEF must have found the
same libraries with as many symbols.

Source: Microsoft's PE Format specification, ".idata Section" and "Delay-Load Import Tables".
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from struct import Struct
from typing import TYPE_CHECKING

from pytest_golink.facts import NeededLibrary
from pytest_golink.reader.bounds import NameBudget
from pytest_golink.reader.pe.layout import BOUND_IMPORT, COM_DESCRIPTOR, DELAY_IMPORT, IMPORT
from pytest_golink.reader.witnesses.lief_pe import agree_with_lief

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.reader.pe.layout import Layout

_IMPORT_DESCRIPTOR = Struct("<5I")
_DELAY_DESCRIPTOR = Struct("<8I")
# Bit 0 of a delay-import descriptor's attributes: its fields are RVAs. Visual C++ 6 wrote addresses.
_DELAY_RVA_BASED = 0x1
_HINT_BYTES = 2
# The longest decorated name of Microsoft's compiler has 4096 characters.
_LONGEST_NAME_BYTES = 4097
# Far above any real image's; descriptors that share one long table must not multiply it.
_MOST_IMPORTS = 1 << 17
_MSCOREE = "mscoree.dll"
# A time stamp, the offset of a DLL's name, and how many DLLs follow to which that one forwards functions.
_BOUND_DESCRIPTOR = Struct("<I2H")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedLibrary:
    """A DLL with the symbols imported from it, in the directory's order ("#17" by ordinal)."""

    library: NeededLibrary
    symbols: tuple[str, ...]


def read_imports(layout: Layout) -> tuple[ImportedLibrary, ...]:
    """
    Return the DLLs of the import directory, then those of the delay-import directory.

    Raises:
        UnreadableBinaryError: A directory is damaged, or LIEF reads something else from it.
    """
    found: list[ImportedLibrary] = []
    names = NameBudget(layout.view, "the import directory")
    total = 0
    for name, via, lookup in chain(_import_descriptors(layout), _delay_descriptors(layout)):
        symbols = tuple(islice(_thunks(layout, lookup, name, names), _MOST_IMPORTS))
        total += len(symbols) + 1
        if total >= _MOST_IMPORTS:
            raise layout.view.error(f"has {_MOST_IMPORTS} imports or more")
        found.append(ImportedLibrary(library=NeededLibrary(name=name, via=via), symbols=symbols))
    agree_with_lief(layout.view, [(each.library, len(each.symbols)) for each in found])
    bound = _bound(layout, {each.library.name.lower() for each in found})
    found += [
        ImportedLibrary(library=NeededLibrary(name=name, via="bound import directory"), symbols=()) for name in bound
    ]
    if layout.directory(COM_DESCRIPTOR) and _MSCOREE not in (each.library.name.lower() for each in found):
        # A .NET image: Windows starts the runtime for it, whether the import directory says so or not.
        found.append(ImportedLibrary(library=NeededLibrary(name=_MSCOREE, via="COM descriptor directory"), symbols=()))
    return tuple(found)


def _import_descriptors(layout: Layout) -> Iterator[tuple[str, str, int]]:
    """Return name, directory and lookup table of each DLL of the import directory."""
    directory = layout.directory(IMPORT)
    if directory is None:
        return
    rva, size = directory
    index = 0
    while True:
        what = f"import descriptor {index}"
        lookup, _, _, name, addresses = layout.read(_IMPORT_DESCRIPTOR, rva + index * _IMPORT_DESCRIPTOR.size, what)
        index += 1
        # The loader stops at the first descriptor without a name or an address table; the directory's size tells it
        # nothing.
        if not name or not addresses:
            _require_no_hole(layout, rva, index - 1, size, _IMPORT_DESCRIPTOR.size, "import directory")
            return
        library = layout.text(name, f"the DLL name of {what}", most=_LONGEST_NAME_BYTES)
        # Without a lookup table (Borland's linker, packers) the address table is one, until the image is bound.
        yield library, "import directory", lookup or addresses


def _delay_descriptors(layout: Layout) -> Iterator[tuple[str, str, int]]:
    """Return the same of the delay-import directory."""
    directory = layout.directory(DELAY_IMPORT)
    if directory is None:
        return
    rva, size = directory
    index = 0
    while True:
        what = f"delay-import descriptor {index}"
        fields = layout.read(_DELAY_DESCRIPTOR, rva + index * _DELAY_DESCRIPTOR.size, what)
        index += 1
        attributes, name, _, _, lookup, *_ = fields
        if not name:
            _require_no_hole(layout, rva, index - 1, size, _DELAY_DESCRIPTOR.size, "delay-import directory")
            return
        base = 0 if attributes & _DELAY_RVA_BASED else layout.image_base
        library = layout.text(name - base, f"the DLL name of {what}", most=_LONGEST_NAME_BYTES)
        yield library, "delay-import directory", lookup - base


def _bound(layout: Layout, known: set[str]) -> Iterator[str]:
    """
    Yield the DLLs that are only in the bound import directory: some versions of Windows load these too.

    Source: ReactOS' dll/ntdll/ldr/ldrpe.c, LdrpHandleNewFormatImportDescriptors.
    """
    directory = layout.directory(BOUND_IMPORT)
    rva = directory[0] if directory else 0
    at, forwarded = rva, 0
    names = NameBudget(layout.view, "the bound import directory")
    while directory:
        _, offset, count = layout.read(_BOUND_DESCRIPTOR, at, "a descriptor of the bound import directory")
        at += _BOUND_DESCRIPTOR.size
        if not forwarded and not offset:
            return
        name = layout.text(rva + offset, "a name in the bound import directory", most=_LONGEST_NAME_BYTES)
        names.spend(name)
        forwarded = forwarded - 1 if forwarded else count
        if name.lower() not in known:
            known.add(name.lower())
            yield name


def _require_no_hole(layout: Layout, rva: int, found: int, size: int, entry: int, what: str) -> None:
    # A descriptor of zeros ends a directory. If it is the first, but the directory is larger, a hole in the file has
    # replaced the others; so it has if only zeros follow it, with room for one more.
    if not found and size > entry:
        raise layout.view.error(f"the {what} has {size} bytes, and begins with its end")
    behind = size // entry - found - 1
    if behind > 0:
        rest = Struct(f"{behind * entry}s")
        (zeros,) = layout.read(rest, rva + (found + 1) * entry, f"the rest of the {what}")
        if not any(zeros):
            raise layout.view.error(f"the {what} ends {behind} descriptors before its size")


def _thunks(layout: Layout, rva: int, library: str, names: NameBudget) -> Iterator[str]:
    """Return the names of one lookup table: entries up to one of zero."""
    entry = Struct("<Q" if layout.wide else "<I")
    by_ordinal = 1 << (8 * entry.size - 1)
    while True:
        (value,) = layout.read(entry, rva, f"an import of {library}")
        if not value:
            return
        if value & by_ordinal:
            yield f"#{value & 0xFFFF}"
        else:
            place = (value & 0x7FFFFFFF) + _HINT_BYTES
            name = layout.text(place, f"the name of an import of {library}", most=_LONGEST_NAME_BYTES)
            names.spend(name)
            yield name
        rva += entry.size
