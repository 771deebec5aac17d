"""
Where Go's own code lies, and which link mode that shows.

Source: Go's src/runtime/symtab.go (moduledata), src/cmd/link/internal/ld/symtab.go and lib.go (entry symbols).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_golink.facts import LinkMode
    from pytest_golink.golang.memory import Memory
    from pytest_golink.golang.pclntab import Pclntab

# The words of moduledata, the same from Go 1.16 to 1.27: pcHeader, six slices of three words (the last is ftab),
# findfunctab, minpc, maxpc, text, etext. Before, it had three slices, ftab the second.
_FTAB_LENGTH, _TEXT = 17, 22
_FTAB_LENGTH_OLDEST, _TEXT_OLDEST = 4, 12
# A real image has a few such pairs of length and capacity; a file made to be slow has millions.
_MAX_PAIRS = 10_000


def find_moduledata(memory: Memory, pclntab: Pclntab) -> int | None:
    """
    Return the address of the moduledata that points at this pclntab; None if there is none.

    In a position-independent file its pointers may all be 0, but it holds the length and the capacity of its function
    table, which the pclntab gives: golink searches for that pair, and checks the pointer through the relocations.
    """
    length = memory.word.pack(pclntab.count + 1)
    words_before = _FTAB_LENGTH_OLDEST if pclntab.layout == "1.2" else _FTAB_LENGTH
    for region in memory.regions:
        for match in islice(re.finditer(re.escape(length * 2), region.data), _MAX_PAIRS):
            address = region.address + match.start() - words_before * memory.word.size
            if memory.pointer(address) == pclntab.place.address:
                return address
    return None


def text_range(memory: Memory, pclntab: Pclntab, moduledata: int | None) -> range | None:
    """Return the addresses of Go's own code; None if the image does not say."""
    start = end = None
    if moduledata is not None:
        at = moduledata + memory.word.size * (_TEXT_OLDEST if pclntab.layout == "1.2" else _TEXT)
        start, end = memory.pointer(at), memory.pointer(at + memory.word.size)
    elif pclntab.text_start_at is None:
        start, end = (memory.pointer(pclntab.place.address + pclntab.entry_at(index)) for index in (0, pclntab.count))
    else:
        # It is 0 from Go 1.26 on.
        start = memory.pointer(pclntab.place.address + pclntab.text_start_at)
        end = start + pclntab.entry(pclntab.count) if start else None
    if not start or not end:
        symbols = memory.image.symbols()
        start, end = symbols.get("runtime.text"), symbols.get("runtime.etext")
    if not start or not end or start >= end:
        return None
    return range(start, end)


def link_mode(memory: Memory, pclntab: Pclntab, text: range | None) -> LinkMode | None:
    """
    Return how the image was linked: internal if it starts in Go's own code, external if C's start-up code runs first.

    A Go image without an entry point is a library, and Go always links those externally.
    """
    entry = memory.image.entry
    if entry is None:
        return "external"
    if text is None:
        return None
    if entry not in text:
        return "external"
    if memory.image.format != "macho":
        return "internal"
    # On macOS dyld is the start-up code: it calls Go's function `main` in an image that clang linked, and
    # _rt0_<arch>_darwin in an image that Go linked.
    name = _function_at(memory, pclntab, text, entry)
    return "internal" if name.startswith("_rt0_") else "external" if name == "main" else None


def _function_at(memory: Memory, pclntab: Pclntab, text: range, address: int) -> str:
    def entry(index: int) -> int:
        if pclntab.text_start_at is None:
            return memory.pointer(pclntab.place.address + pclntab.entry_at(index)) or 0
        return text.start + pclntab.entry(index)

    return pclntab.name(bisect_right(range(pclntab.count), address, key=entry) - 1)
