"""
What the relocation tables of an ELF image ask of its loader.

Source: each psABI's relocation types; glibc's sysdeps/*/dl-machine.h (elf_machine_lazy_rel).
"""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_golink.reader.elf.dynamic import Dynamic, Relocations

# By machine: R_*_JUMP_SLOT, R_*_GLOB_DAT (None where pointers to data are plain ones), and what else the loader accepts
# in DT_JMPREL before it binds lazily: R_*_IRELATIVE and R_*_TLSDESC.
_SLOTS: dict[int, tuple[int, int | None, frozenset[int]]] = {
    3: (7, 6, frozenset({41, 42})),
    21: (21, 20, frozenset({248})),
    22: (11, 10, frozenset({61})),
    40: (22, 21, frozenset({13, 160})),
    62: (7, 6, frozenset({36, 37})),
    183: (1026, 1025, frozenset({1031, 1032})),
    243: (5, None, frozenset({12, 58})),
    258: (5, None, frozenset({12, 14})),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Relocated:
    """
    The relocations of an image.

    Attributes:
        highest_symbol: The highest index of a dynamic symbol among them.
        slots: The addresses that hold the imported functions and variables: what full RELRO protects.
        odd: Types in DT_JMPREL that a loader which binds lazily refuses.
    """

    highest_symbol: int = 0
    slots: tuple[int, ...] = ()
    odd: frozenset[int] = frozenset()


def read_relocated(dynamic: Dynamic) -> Relocated:
    """
    Read all relocation tables once.

    Raises:
        UnreadableBinaryError: One is not in the file whole, or its entries have not the size they must have.
    """
    header = dynamic.layout.header
    shift, mask = (8, 0xFF) if header.bits == 32 else (32, 0xFFFFFFFF)
    jump, data, others = _SLOTS.get(header.machine, (None, None, frozenset()))
    highest = 0
    slots: list[int] = []
    odd: set[int] = set()
    for relocation in dynamic.relocations():
        if relocation.relr:
            continue
        words = _words(dynamic, relocation)
        step = 3 if relocation.addend else 2
        infos = words[1::step]
        highest = max(highest, max(infos, default=0) >> shift)
        if jump is None:
            continue
        if relocation.lazy:
            odd |= {info & mask for info in set(infos)} - {jump} - others
        # Most are relative.
        wanted = {info for info in set(infos) if info & mask in (jump, data)}
        slots.extend(words[step * index] for index, info in enumerate(infos) if info in wanted)
    return Relocated(highest_symbol=highest, slots=tuple(slots), odd=frozenset(odd))


def _words(dynamic: Dynamic, relocation: Relocations) -> array[int]:
    header, view = dynamic.layout.header, dynamic.layout.view
    words = array("I" if header.bits == 32 else "Q")
    words.frombytes(view.slice(relocation.table.offset, relocation.table.size, "the relocations"))
    if header.byteorder != sys.byteorder:
        words.byteswap()
    return words
