"""Changes of what a loader reads: headers, the dynamic table, versions, symbols, relocations, notes, splits."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

# All seeds are little-endian images of 64 bits.
_EHDR = (("type", 16, 2), ("machine", 18, 2), ("entry", 24, 8), ("flags", 48, 4), ("phnum", 56, 2), ("osabi", 7, 1))
_CLASS = (("class", 4, 1), ("data", 5, 1), ("version", 6, 1), ("abiversion", 8, 1), ("ehsize", 52, 2))
_PHDR_BYTES = 56
_PHDR = (("type", 0, 4), ("flags", 4, 4), ("offset", 8, 8), ("vaddr", 16, 8), ("filesz", 32, 8), ("memsz", 40, 8))
_ALIGN = (("paddr", 24, 8), ("align", 48, 8))
_TYPES = (0, 1, 2, 3, 4, 5, 6, 7, 0x6474E550, 0x6474E551, 0x6474E552, 0x6474E553, 0x60000001, 0x70000003)
_TAGS = (0, 1, 4, 5, 10, 12, 13, 14, 15, 16, 17, 20, 21, 22, 23, 24, 25, 29, 30, 32, 35, 36, 37, 0x6FFFFEF5)
_MORE_TAGS = (0x6FFFFFFB, 0x6FFFFFFC, 0x6FFFFFFE, 0x6FFFFEFB, 0x6FFFFEFC, 0x7FFFFFFD, 0x7FFFFFFF, 0x6FFFFDF5)
_LETTERS = {1: "B", 2: "H", 4: "I", 8: "Q"}


# golink has to know what headers, flags and types mean, but not whether the code at another address is the right one.
_DECIDED_FIELDS = frozenset({"type", "machine", "class", "data", "version", "osabi", "flags", "align"})
_DECIDED_TAGS = frozenset({1, 14, 15, 16, 21, 22, 24, 29, 30, 0x6FFFFFFB, 0x7FFFFFFD, 0x7FFFFFFF})


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """A changed image, what was done in words, and whether golink has to know if it still starts."""

    words: str
    data: bytes
    decided: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Tables:
    """Where an image's tables are in its file: (offset, size) by name, and its program headers' offset and count."""

    headers: int
    count: int
    places: dict[str, tuple[int, int]]


def find_tables(image: bytes) -> Tables:
    """Find the tables of a whole image, by its section headers."""
    headers, sections = struct.unpack_from("<2Q", image, 32)
    count, size, number, names = struct.unpack_from("<4H", image, 56)
    rows = [struct.unpack_from("<2I4Q2I2Q", image, sections + size * index) for index in range(number)]
    text = rows[names][4]
    places = {}
    for row in rows:
        name = row[0]
        end = image.index(b"\0", text + name)
        if row[5]:
            places[image[text + name : end].decode()] = (row[4], row[5])
    return Tables(headers=headers, count=count, places=places)


def mutate(dice: random.Random, image: bytes, tables: Tables) -> Mutant:
    """Change an image in one or a few places."""
    data = bytearray(image)
    done: list[str] = []
    for _ in range(dice.choice((1, 1, 1, 2, 2, 3))):
        kinds = [kind for kind in _KINDS if kind.__name__ not in _NEEDS or _NEEDS[kind.__name__] & tables.places.keys()]
        done.append(dice.choice(kinds)(dice, data, tables))
    words = "; ".join(done)
    return Mutant(words=words, data=bytes(data), decided="?" not in words)


def _header(dice: random.Random, data: bytearray, _tables: Tables) -> str:
    name, at, size = dice.choice((*_EHDR, *_CLASS))
    return _field(dice, data, f"e_{name}{'' if name in _DECIDED_FIELDS else '?'}", at, size)


def _segment(dice: random.Random, data: bytearray, tables: Tables) -> str:
    index = dice.randrange(tables.count)
    name, at, size = dice.choice((*_PHDR, *_PHDR, *_ALIGN))
    where = tables.headers + index * _PHDR_BYTES + at
    if name == "type":
        return _set(data, f"p_type[{index}]", where, size, dice.choice(_TYPES))
    if name == "flags":
        return _set(data, f"p_flags[{index}]", where, size, dice.randrange(8))
    return _field(dice, data, f"p_{name}{'' if name in _DECIDED_FIELDS else '?'}[{index}]", where, size)


def _swap_segments(dice: random.Random, data: bytearray, tables: Tables) -> str:
    one, two = (dice.randrange(tables.count) for _ in range(2))
    at = [tables.headers + index * _PHDR_BYTES for index in (one, two)]
    first, second = (bytes(data[place : place + _PHDR_BYTES]) for place in at)
    data[at[0] : at[0] + _PHDR_BYTES] = second
    if dice.random() < 0.5:
        data[at[1] : at[1] + _PHDR_BYTES] = first
        return f"swap segments {one}, {two}"
    return f"segment {one} a copy of {two}"


def _split(dice: random.Random, data: bytearray, tables: Tables) -> str:
    """Cut a PT_LOAD in two, the second in the place of a segment that is not needed."""
    loads: list[int] = []
    spare: list[int] = []
    for index in range(tables.count):
        at = tables.headers + index * _PHDR_BYTES
        (kind,) = struct.unpack_from("<I", data, at)
        (loads if kind == 1 else spare).append(at)
    at, other = dice.choice(loads), dice.choice(spare or loads)
    kind, flags, offset, vaddr, paddr, filesz, memsz, align = struct.unpack_from("<2I6Q", data, at)
    if other == at or filesz < 2 * 4096:
        return "no split"
    cut = dice.randrange(1, filesz // 4096) * 4096 - (vaddr % 4096 if dice.random() < 0.8 else 0)
    struct.pack_into("<2I6Q", data, at, kind, flags, offset, vaddr, paddr, cut, cut, align)
    rest = (kind, flags, offset + cut, vaddr + cut, paddr + cut, filesz - cut, memsz - cut, align)
    struct.pack_into("<2I6Q", data, other, *rest)
    return f"split at 0x{vaddr + cut:x}"


def _dynamic(dice: random.Random, data: bytearray, tables: Tables) -> str:
    at, size = tables.places[".dynamic"]
    index = dice.randrange(size // 16)
    where = at + index * 16
    (tag,) = struct.unpack_from("<Q", data, where)
    doubt = "" if tag in _DECIDED_TAGS else "?"
    what = dice.randrange(4)
    if what == 0:
        new = dice.choice((*_TAGS, *_MORE_TAGS))
        return _set(data, f"d_tag[{index}] of 0x{tag:x}{doubt if new in _DECIDED_TAGS else '?'}", where, 8, new)
    if what == 1:
        return _field(dice, data, f"d_val[{index}] of 0x{tag:x}{doubt}", where + 8, 8)
    if what == 2:
        return _set(data, f"flags in d_val[{index}] of 0x{tag:x}{doubt}", where + 8, 8, 1 << dice.randrange(28))
    other = at + dice.randrange(size // 16) * 16
    data[where : where + 16], data[other : other + 16] = data[other : other + 16], data[where : where + 16]
    return f"swap dynamic {index}, {(other - at) // 16}"


def _in(*names: str) -> Callable[[random.Random, bytearray, Tables], str]:
    def change(dice: random.Random, data: bytearray, tables: Tables) -> str:
        name = dice.choice([each for each in names if each in tables.places])
        at, size = tables.places[name]
        width = dice.choice((1, 2, 4, 8))
        where = at + dice.randrange(max(1, min(size, dice.choice((64, size))) // width)) * width
        doubt = "?" if name in (".dynsym", ".gnu.hash", ".hash", ".gnu.version") else ""
        return _field(dice, data, f"{name}{doubt}+0x{where - at:x}", where, width)

    change.__name__ = names[0]
    return change


def _relocation_type(dice: random.Random, data: bytearray, tables: Tables) -> str:
    name = dice.choice([each for each in (".rela.dyn", ".rela.plt") if tables.places.get(each, (0, 0))[1]])
    at, size = tables.places[name]
    where = at + dice.randrange(size // 24) * 24 + 8
    kind = dice.choice((0, 1, 2, 5, 6, 7, 8, 9, 10, 18, 37, 38, 42, 200))
    # A static program relocates itself, by tables that its code knows.
    told = kind in (9, 42, 200) and ".dynamic" in tables.places and ".interp" in tables.places
    return _set(data, f"type in {name}{'' if told else '?'}", where, 4, kind)


def _set(data: bytearray, what: str, at: int, size: int, value: int) -> str:
    value &= (1 << 8 * size) - 1
    data[at : at + size] = value.to_bytes(size, "little")
    return f"{what} = 0x{value:x}"


def _field(dice: random.Random, data: bytearray, what: str, at: int, size: int) -> str:
    old = int.from_bytes(data[at : at + size], "little")
    steps = (0, 1, old + 1, old - 1, old ^ (1 << dice.randrange(8 * size)), old + 8, old - 8, old + 4096, old - 4096)
    return _set(data, what, at, size, dice.choice((*steps, old * 2, old // 2, dice.randrange(1 << 8 * size))))


_KINDS: Sequence[Callable[[random.Random, bytearray, Tables], str]] = (
    *(_header, _segment, _segment, _segment, _swap_segments, _split, _dynamic, _dynamic, _dynamic, _relocation_type),
    _in(".gnu.version_r", ".gnu.version"),
    _in(".gnu.hash", ".hash"),
    _in(".dynsym"),
    _in(".note.gnu.property", ".note.ABI-tag", ".note.go.buildid"),
)
_NEEDS = {
    "_dynamic": {".dynamic"},
    "_relocation_type": {".rela.dyn", ".rela.plt"},
    ".gnu.version_r": {".gnu.version_r"},
    ".gnu.hash": {".gnu.hash", ".hash"},
    ".dynsym": {".dynsym"},
    ".note.gnu.property": {".note.gnu.property", ".note.ABI-tag", ".note.go.buildid"},
}
