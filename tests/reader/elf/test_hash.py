"""The words of DT_HASH on 64-bit s390: 8 bytes by its ABI and from GNU ld and Go, 4 from LLVM's link editor."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.reader.elf.facts import read_elf
from tests.reader.handmade_elf import HASH, s390x_program

if TYPE_CHECKING:
    from collections.abc import Callable

Numbers = list[int]


def with_words(word: str, change: Callable[[Numbers], Numbers] = list, *, sections: bool = True) -> bytes:
    """A program whose hash table has words of this size, and numbers that were changed."""
    image, place, size = s390x_program(sections=sections)
    numbers = change(list(HASH))
    table = struct.pack(f">{len(numbers)}{word}", *numbers).ljust(size, b"\0")
    return image[:place] + table + image[place + size :]


@pytest.mark.parametrize("sections", [True, False])
@pytest.mark.parametrize("word", ["Q", "I"])
def test_words_of_either_size_count_the_same_symbols(word: str, sections: bool) -> None:
    facts = read_elf("image", memoryview(with_words(word, sections=sections)))

    assert [symbol.name for symbol in facts.imports] == ["puts"]
    assert [library.name for library in facts.needed] == ["libc.so.6"]


@pytest.mark.parametrize("sections", [True, False])
@pytest.mark.parametrize("word", ["Q", "I"])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        # Without buckets, or without symbols, the first words read as one number: that of the other size.
        (lambda n: [0, *n[1:]], "DT_HASH"),
        (lambda n: [n[0], 0, *n[2:]], "DT_HASH"),
        (lambda n: [0] * len(n), "DT_HASH has 0 buckets and 0 symbols"),
        (lambda n: [n[0], n[1] + (1 << 20), *n[2:]], "goes past the file bytes of its PT_LOAD"),
        (lambda n: [*n[:2], 99, *n[3:]], "and refers to symbol 99"),
        (lambda n: [n[0], 1, *[0] * (len(n) - 2)], "symbol 1 is used, but DT_HASH has 1 symbols"),
    ],
)
def test_a_table_that_makes_no_sense_is_damage(
    word: str, sections: bool, change: Callable[[Numbers], Numbers], reason: str
) -> None:
    with pytest.raises(UnreadableBinaryError, match=reason):
        read_elf("image", memoryview(with_words(word, change, sections=sections)))


@pytest.mark.parametrize("word", ["Q", "I"])
def test_a_flipped_byte_of_the_table_is_damage_or_changes_nothing(word: str) -> None:
    whole = with_words(word, sections=False)
    imports = read_elf("image", memoryview(whole)).imports
    holed = with_words(word, lambda numbers: [0] * len(numbers), sections=False)
    first = next(place for place, (ours, theirs) in enumerate(zip(whole, holed, strict=True)) if ours != theirs)
    start = first - struct.calcsize(word) + 1
    for place in range(start, start + 4 * struct.calcsize(word)):
        for bit in range(8):
            image = bytearray(whole)
            image[place] ^= 1 << bit
            try:
                facts = read_elf("image", memoryview(image))
            except UnreadableBinaryError:
                continue
            assert facts.imports == imports, (place - start, bit)
