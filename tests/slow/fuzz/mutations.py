"""Damage: what may have happened to an image's bytes, aimed at the places that a reader looks at."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

# The unit in which a file that was not written whole has its holes.
_SECTOR_BYTES = 512
_LONGEST_WRITE_BYTES = 4096
_MOST_EDITS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A range of an image that a reader looked at, and what it said stands there."""

    offset: int
    size: int
    what: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """
    An image with bytes written over it, then cut, then with bytes appended.

    `kind` names the mutation. `hollow` says that what was lost is a stretch of the file, as in a copy that was not
    finished: nobody rewrote a table.
    """

    kind: str
    writes: tuple[tuple[int, bytes], ...] = ()
    cut: int | None = None
    tail: bytes = b""
    hollow: bool = False

    def apply(self, image: bytes) -> bytes:
        """Return the damaged image."""
        data = bytearray(image)
        for offset, new in self.writes:
            room = max(0, len(image) - offset)
            data[offset : offset + min(len(new), room)] = new[:room]
        if self.cut is not None:
            del data[self.cut :]
        return bytes(data + self.tail)


def mutate(
    dice: random.Random, image: bytes, places: Sequence[Place], others: Sequence[tuple[bytes, Sequence[Place]]]
) -> Mutant:
    """
    Choose one damage.

    Args:
        dice: Decides; the same dice give the same damage.
        image: The whole image.
        places: Where its reader looks.
        others: Other images of the format with their places, to splice from.
    """
    # Cheap ones that reach deep come often; those that most readers refuse at once come seldom.
    kind = dice.choices(list(_KINDS), weights=[weight for weight, _ in _KINDS.values()])[0]
    make = _KINDS[kind][1]
    if make is not _one_write:
        return make(dice, image, places, others)
    writes = [_write(kind, dice, image, places) for _ in range(dice.choice((1, 1, 1, 2, 2, _MOST_EDITS)))]
    return Mutant(kind=kind, writes=tuple(writes))


def _write(kind: str, dice: random.Random, image: bytes, places: Sequence[Place]) -> tuple[int, bytes]:
    place = _place(dice, image, places)
    at = place.offset + _within(dice, place.size)
    old = image[at : at + 8]
    if kind == "flip":
        return at, bytes([old[0] ^ (1 << dice.randrange(8))]) if old else b""
    if kind == "byte":
        return at, bytes([dice.choice((0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)))])
    width = dice.choice((1, 2, 4, 4, 8, 8))
    # A field of a table starts at a multiple of its size, counted from the table.
    at = place.offset + (at - place.offset) // width * width
    order = dice.choice("<<>")
    if kind == "number":
        value = dice.choice(_numbers(image))
    else:
        (value,) = struct.unpack(order + _LETTER[width], image[at : at + width].ljust(width, b"\0"))
        value += dice.choice((-16, -8, -4, -2, -1, 1, 2, 4, 8, 16, 256, 4096, value))
    return at, struct.pack(order + _LETTER[width], value & ((1 << 8 * width) - 1))


_LETTER = {1: "B", 2: "H", 4: "I", 8: "Q"}


def _numbers(image: bytes) -> tuple[int, ...]:
    size = len(image)
    return (
        *(0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFF, 0x10000, 1 << 20, 1 << 24, 1 << 28),
        *(0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFF0, 1 << 32),
        *((1 << 63) - 1, 1 << 63, (1 << 64) - 1, (1 << 64) - 8),
        *(size - 8, size - 1, size, size + 1, size // 2, size // 8, size // 24),
    )  # fmt: skip


def _place(dice: random.Random, image: bytes, places: Sequence[Place]) -> Place:
    if dice.random() < 0.9:
        return dice.choice(places)
    # What only LIEF looks at is not among the places; the first pages hold most of it.
    limit = min(len(image), 8192) if dice.random() < 0.5 else len(image)
    return Place(offset=dice.randrange(limit), size=16, what="anywhere")


def _within(dice: random.Random, size: int) -> int:
    # Tables say most at their start.
    limit = max(1, min(size, dice.choice((8, 64, 512, size))))
    return dice.randrange(limit)


def _one_write(
    dice: random.Random, image: bytes, places: Sequence[Place], others: Sequence[tuple[bytes, Sequence[Place]]]
) -> Mutant:
    raise NotImplementedError


def _zero(
    dice: random.Random, image: bytes, places: Sequence[Place], _others: Sequence[tuple[bytes, Sequence[Place]]]
) -> Mutant:
    place = _place(dice, image, places)
    return Mutant(kind="zero", writes=((place.offset, bytes(min(place.size, dice.choice((8, 64, 4096))))),))


def _hole(
    dice: random.Random, image: bytes, places: Sequence[Place], _others: Sequence[tuple[bytes, Sequence[Place]]]
) -> Mutant:
    # A download whose pieces did not all arrive: whole sectors of zeros, never the first one.
    place = _place(dice, image, places)
    start = max(1, (place.offset + _within(dice, place.size)) // _SECTOR_BYTES) * _SECTOR_BYTES
    length = dice.choice((1, 8, 64, 4096)) * _SECTOR_BYTES if dice.random() < 0.5 else len(image)
    length = max(0, min(length, len(image) - start))
    return Mutant(kind="hole", writes=((start, bytes(length)),), hollow=True)


def _cut(
    dice: random.Random, image: bytes, places: Sequence[Place], _others: Sequence[tuple[bytes, Sequence[Place]]]
) -> Mutant:
    if dice.random() < 0.5:
        place = dice.choice(places)
        at = place.offset + dice.choice((0, place.size)) + dice.choice((-1, 0, 0, 0, 1))
    else:
        at = dice.randrange(1, len(image))
    return Mutant(kind="cut", cut=max(1, min(at, len(image) - 1)), hollow=True)


def _splice(
    dice: random.Random, image: bytes, places: Sequence[Place], others: Sequence[tuple[bytes, Sequence[Place]]]
) -> Mutant:
    source, source_places = dice.choice(others)
    origin, place = dice.choice(source_places), _place(dice, image, places)
    size = min(_LONGEST_WRITE_BYTES, dice.choice((place.size, origin.size, 8, 16, 64)))
    return Mutant(kind="splice", writes=((place.offset, source[origin.offset : origin.offset + size]),))


def _swap(
    dice: random.Random, image: bytes, places: Sequence[Place], _others: Sequence[tuple[bytes, Sequence[Place]]]
) -> Mutant:
    place = _place(dice, image, places)
    step = dice.choice((4, 8, 16, 20, 24, 40, 56, 64))
    one, two = (place.offset + dice.randrange(max(1, place.size // step)) * step for _ in range(2))
    return Mutant(kind="swap", writes=((one, image[two : two + step]), (two, image[one : one + step])))


def _append(
    dice: random.Random, image: bytes, _places: Sequence[Place], _others: Sequence[tuple[bytes, Sequence[Place]]]
) -> Mutant:
    start = dice.randrange(len(image))
    return Mutant(kind="append", tail=image[start : start + dice.choice((1, 8, 60, 4096))])


_KINDS: dict[str, tuple[int, Callable[..., Mutant]]] = {
    "flip": (20, _one_write),
    "byte": (10, _one_write),
    "number": (25, _one_write),
    "step": (15, _one_write),
    "splice": (10, _splice),
    "swap": (5, _swap),
    "zero": (5, _zero),
    "hole": (5, _hole),
    "cut": (6, _cut),
    "append": (1, _append),
}
