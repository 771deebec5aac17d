"""What dyld's rules forbid, as the load commands have it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from pytest_golink.reader.macho.facts import read_macho
from tests.reader.handmade_macho import AMD64, ARM64, DYLIB, EXECUTE, OBJECT, PIE, TWOLEVEL, Maker, fat

if TYPE_CHECKING:
    from pytest_golink import GoBuild
    from pytest_golink.facts import MachO

MAKER = Maker()
SYSTEM = MAKER.library("/usr/lib/libSystem.B.dylib")
TEXT = MAKER.segment("__TEXT", address=0x1000, offset=0, size=0x1000, protection=5)
DATA = MAKER.segment("__DATA", address=0x2000, offset=0x1000, size=0x100, protection=3)
CONST = MAKER.segment("__DATA_CONST", address=0x3000, offset=0x1100, size=0x100, protection=3)
LINKEDIT = MAKER.segment("__LINKEDIT", address=0x9000, offset=0x1800, size=0x100, protection=1)


def macho(*commands: bytes, maker: Maker = MAKER, **options: int) -> MachO:
    image = maker.image(*commands, tail=bytes(0x2000), **options)
    if maker.wide:
        # Without the maker's own __TEXT and __LINKEDIT.
        count, size = struct.unpack_from("<2I", image, 16)
        image = image[:16] + struct.pack("<2I", count - 2, size - 2 * 72) + image[24:32] + image[32 + 2 * 72 :]
    (facts,) = read_macho("image", memoryview(image))
    assert facts.macho is not None
    return facts.macho


def breaches(*commands: bytes, maker: Maker = MAKER, **options: int) -> list[tuple[str, str]]:
    return [(breach.text, breach.sdk) for breach in macho(*commands, maker=maker, **options).policy]


def read_only(segment: bytes) -> bytes:
    """The segment with SG_READ_ONLY, its last field here."""
    return segment[:-4] + struct.pack("<I", 0x10)


@pytest.mark.parametrize(
    ("commands", "found"),
    [
        ((SYSTEM, TEXT, DATA, LINKEDIT), []),
        ((TEXT, LINKEDIT), [("missing LC_LOAD_DYLIB (must link with at least libSystem.dylib)", "15.4")]),
        ((SYSTEM, SYSTEM), [("duplicate linked dylib '/usr/lib/libSystem.B.dylib'", "26")]),
        (
            (SYSTEM, MAKER.string(0x8000001C, "@loader_path"), MAKER.string(0x8000001C, "@loader_path")),
            [("duplicate LC_RPATH '@loader_path'", "26")],
        ),
        (
            (SYSTEM, MAKER.segment("__TEXT", address=0x1000, offset=0, size=0x1000, protection=7)),
            [("__TEXT segment permissions is not 'r-x'", "10.15")],
        ),
        (
            (SYSTEM, MAKER.segment("__DATA", address=0x1000, offset=0x1000, size=0x100, protection=1)),
            [("__DATA segment permissions is not 'rw-'", "26")],
        ),
        (
            (SYSTEM, MAKER.segment("__LINKEDIT", address=0x1000, offset=0x1000, size=0x100, protection=3)),
            [("__LINKEDIT segment permissions is not 'r--'", "26")],
        ),
        ((SYSTEM, CONST), [("__DATA_CONST segment missing SG_READ_ONLY flag", "26")]),
        ((SYSTEM, read_only(CONST)), []),
        ((SYSTEM, TEXT, DATA, DATA, LINKEDIT), [("duplicate segment name '__DATA'", "26")]),
        ((SYSTEM, DATA, TEXT, LINKEDIT), [("segment '__DATA' file offset out of order", "26"),
                                          ("segment '__TEXT' vm address out of order", "26")]),
    ],
)  # fmt: skip
def test_each_rule_is_told_with_its_sdk(commands: tuple[bytes, ...], found: list[tuple[str, str]]) -> None:
    assert breaches(*commands) == found


def test_a_section_ends_in_its_segment() -> None:
    section = MAKER.section("__data", "__DATA", address=0x2000, offset=0x1000, size=0x100)
    long = MAKER.section("__bss", "__DATA", address=0x2000, offset=0, size=0x5000, kind=1)
    place = {"address": 0x2000, "offset": 0x1000, "size": 0x100, "protection": 3}

    assert breaches(SYSTEM, MAKER.segment("__DATA", **place, sections=(section,))) == []
    assert breaches(SYSTEM, MAKER.segment("__DATA", **place, sections=(section, long))) == [
        ("a section goes past the end of segment '__DATA'", "11")
    ]


def test_old_programs_of_intel_and_libraries_have_rules_of_their_own() -> None:
    apart = (SYSTEM, DATA, MAKER.segment("__TEXT", address=0x1000, offset=0x1100, size=0x100, protection=5), LINKEDIT)

    assert breaches(*apart, cpu=AMD64) == []
    assert breaches(*apart, cpu=AMD64, flags=TWOLEVEL | PIE) == [("segment '__TEXT' vm address out of order", "26")]
    assert breaches(*apart, file_type=DYLIB) == [("segment '__TEXT' vm address out of order", "10.15")]
    split = MAKER.command(0x1E, "2I", 0, 0)
    assert breaches(SYSTEM, split, CONST, file_type=DYLIB) == []
    assert breaches(SYSTEM, split, CONST, file_type=EXECUTE) != []


def test_objects_and_images_of_32_bits_are_held_against_no_rule() -> None:
    assert breaches(SYSTEM, file_type=OBJECT) == []
    assert macho(maker=Maker(wide=False), cpu=0xC).policy == ()


@pytest.mark.parametrize("goarch", ["amd64", "arm64"])
def test_go_keeps_the_rules(goarch: str, go_build: GoBuild) -> None:
    facts = go_build("sample_go/static", target=f"darwin/{goarch}", cgo=False).facts

    assert facts.macho is not None
    assert facts.macho.policy == ()
    assert (facts.macho.slice_offset, facts.macho.fat64) == (None, False)


@pytest.mark.parametrize("wide", [False, True])
def test_a_slice_says_where_it_lies(wide: bool) -> None:
    image = fat((AMD64, MAKER.image(SYSTEM, cpu=AMD64)), (ARM64, MAKER.image(SYSTEM)), wide=wide)

    found = [facts.macho for facts in read_macho("fat", memoryview(image))]
    assert [each.fat64 for each in found if each] == [wide, wide]
    assert all(each is not None and each.slice_offset for each in found)
