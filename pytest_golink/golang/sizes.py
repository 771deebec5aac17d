"""
How many bytes of code each Go package brought, by the function ranges of the pclntab: stripping does not change them.

Source: Go's src/cmd/link/internal/ld/pcln.go (the function table), src/cmd/link/internal/wasm/asm.go (addresses).
"""

from __future__ import annotations

import re
from itertools import groupby, pairwise, repeat
from typing import TYPE_CHECKING

from pytest_golink.golang.buildinfo import read_build_info
from pytest_golink.golang.cgo import package_of, unescape
from pytest_golink.golang.goimage import own_pclntab
from pytest_golink.golang.memory import Memory
from pytest_golink.golang.pclntab import BadPclntab

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_golink.golang.image import MappedImage
    from pytest_golink.golang.pclntab import Pclntab

# Symbols of the linker itself begin with "type:" and "go:"; up to Go 1.19 they look like a package's.
_LINKERS = re.compile(r"type\.\.|go\.\(")
_NO_PACKAGES = frozenset({"type", "go"})
# In an internal link C objects stand together, with names of runtime/cgo, cmd/cgo, BoringCrypto or the race detector.
_OF_C = re.compile(r"x_cgo_|_cgo_[0-9a-f]+_C2?func_|_goboringcrypto_|__tsan_")
# The suffixes that GCC gives to parts and copies of a function; Go's "init.0" is not one.
_CLONE = re.compile(r"\.(?:cold|constprop|isra|lto_priv|part)\.[0-9]+")
_C = "C"
# In WebAssembly an address is the number of a function, shifted left by these bits for a place inside.
_PLACE_BITS = 16


def package_sizes(image: MappedImage) -> tuple[tuple[str, int], ...]:
    """
    Return the bytes of code of each Go package, the largest first; () where the image has no pclntab.

    The gap before the next function counts for the function before it. A function without a package in its name
    (assembler, or made by the compiler) counts for the package that it stands in. C code counts for "C", cgo's import
    path, if Go's own linker linked it, and not at all if a C linker did.

    Raises:
        UnreadableBinaryError: There is a pclntab, and it is damaged.
    """
    memory = Memory(image)
    found = own_pclntab(memory, known_go=read_build_info(memory) is not None)
    if found is None:
        return ()
    pclntab, _ = found
    sums: dict[str, int] = {}
    try:
        sizes = _ranges(memory, pclntab) if image.bodies is None else _bodies(pclntab, image.bodies())
        for package, size in zip(_packages(pclntab.names_in_order()), sizes, strict=True):
            sums[package] = sums.get(package, 0) + size
    except BadPclntab as bad:
        raise memory.damaged(bad.offset, f"pclntab: {bad}") from bad
    sizes_by_path = ((unescape(package), size) for package, size in sums.items())
    return tuple(sorted(sizes_by_path, key=lambda item: (-item[1], item[0])))


def _ranges(memory: Memory, pclntab: Pclntab) -> list[int]:
    """Return how many bytes lie between each function's entry point and the next one's."""
    entries: Sequence[int] = pclntab.entries()
    if pclntab.text_start_at is None and not entries[-1]:
        # In a position-independent file only the relocations have the addresses.
        at = pclntab.place.address
        entries = [memory.pointer(at + pclntab.entry_at(index)) or 0 for index in range(len(entries))]
    return _differences(pclntab, entries)


def _bodies(pclntab: Pclntab, bodies: Sequence[int]) -> list[int]:
    """Return the sizes of the functions' bodies in WebAssembly, where addresses do not count bytes."""
    entries = pclntab.entries()
    # Later versions of Go leave the low bits out.
    bits = _PLACE_BITS if entries[-1] - entries[0] >= pclntab.count << _PLACE_BITS else 0
    counts = _differences(pclntab, [entry >> bits for entry in entries])
    # The linker puts its build ID before them, as a function.
    start = len(bodies) - sum(counts)
    if start < 0:
        raise BadPclntab(pclntab.place, pclntab.entry_at(0), f"{sum(counts)} functions, but {len(bodies)} bodies")
    sizes = []
    for count in counts:
        sizes.append(sum(bodies[start : start + count]))
        start += count
    return sizes


def _differences(pclntab: Pclntab, entries: Sequence[int]) -> list[int]:
    sizes = [end - start for start, end in pairwise(entries)]
    for index, size in enumerate(sizes):
        if size < 0:
            raise BadPclntab(pclntab.place, pclntab.entry_at(index), f"function {index} starts behind the next one")
    return sizes


def _packages(names: Sequence[str]) -> Iterator[str]:
    """Yield the package that each function counts for, as symbol names write it."""
    found = [None if _LINKERS.match(name) else package_of(name) for name in names]
    no_packages = _NO_PACKAGES | {
        # "fatalf.cold" is a part of the C function "fatalf".
        package or name
        for name, package in zip(names, found, strict=True)
        if package is None or _CLONE.search(name)
    }
    owned = [None if package in no_packages else package for package in found]
    before, at = next((package for package in owned if package is not None), _C), 0
    for own, group in groupby(owned):
        count = len(list(group))
        before = own or before
        of_c = own is None and any(_OF_C.match(name) for name in names[at : at + count])
        yield from repeat(_C if of_c else before, count)
        at += count
