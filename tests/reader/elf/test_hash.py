"""The words of DT_HASH on 64-bit s390: 8 bytes by its ABI and from GNU ld and Go, 4 from LLVM's link editor."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import pytest
from elftools.elf.elffile import ELFFile

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.reader.elf.facts import read_elf

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_golink import GoSample

Numbers = list[int]


@pytest.fixture
def with_words(go_sample: GoSample) -> Callable[..., bytes]:
    """Write Go's hash table anew, with words of another size and numbers that were changed."""
    path = go_sample("importdynamic", target="linux/s390x", cgo=False).path
    with path.open("rb") as file:
        section: Any = ELFFile(file).get_section_by_name(".hash")
        place, size = section["sh_offset"], section["sh_size"]

    def write(word: str, change: Callable[[Numbers], Numbers] = list, *, sections: bool = True) -> bytes:
        image = bytearray(path.read_bytes())
        numbers = change(list(struct.unpack_from(f">{size // 8}Q", image, place)))
        image[place : place + size] = struct.pack(f">{len(numbers)}{word}", *numbers).ljust(size, b"\0")
        if not sections:
            image[40:48] = bytes(8)  # e_shoff
            image[58:64] = (64).to_bytes(2, "big") + bytes(4)  # e_shentsize, e_shnum, e_shstrndx
        return bytes(image)

    return write


@pytest.mark.parametrize("sections", [True, False])
@pytest.mark.parametrize("word", ["Q", "I"])
def test_words_of_either_size_count_the_same_symbols(
    with_words: Callable[..., bytes], word: str, sections: bool
) -> None:
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
    with_words: Callable[..., bytes], word: str, sections: bool, change: Callable[[Numbers], Numbers], reason: str
) -> None:
    with pytest.raises(UnreadableBinaryError, match=reason):
        read_elf("image", memoryview(with_words(word, change, sections=sections)))


@pytest.mark.parametrize("word", ["Q", "I"])
def test_a_flipped_byte_of_the_table_is_damage_or_changes_nothing(with_words: Callable[..., bytes], word: str) -> None:
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
