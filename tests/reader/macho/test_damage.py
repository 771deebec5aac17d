"""Damaged Mach-O images: a typed error that says what and where, or facts; never another exception."""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.reader.bounds import View
from pytest_golink.reader.macho.commands import read_commands
from pytest_golink.reader.macho.facts import read_macho
from tests.reader.handmade_macho import AMD64, ARM, ARM64, BASE, I386, TAIL, Maker
from tests.reader.reading import damage

if TYPE_CHECKING:
    from pytest_golink import GoSample

MAKE = Maker()
ADHOC, CERTIFIED = 0x2, 0x0


def refused(image: bytes, reason: str) -> None:
    assert re.search(reason, damage(image, "macho"))


def test_a_truncated_image_is_an_error_wherever_it_ends(go_sample: GoSample) -> None:
    for goarch, flags in (("amd64", ""), ("arm64", "-s -w")):
        image = go_sample("static", target=f"darwin/{goarch}", cgo=False, ldflags=flags).path.read_bytes()
        commands = read_commands(View(image, path="image", format="macho")).commands
        ends = {offset for command in commands for offset in (command.offset - 1, command.offset, command.offset + 1)}
        ends |= set(range(4, 4096, 129)) | set(range(4096, len(image), len(image) // 40)) | {len(image) - 1}
        for end in ends:
            refused(image[:end], "past the end|truncated")


@settings(max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=st.lists(st.tuples(st.integers(4, 2700), st.integers(0, 255)), min_size=1, max_size=4))
def test_flipped_bytes_in_the_load_commands_give_facts_or_the_error(
    go_sample: GoSample, flips: list[tuple[int, int]]
) -> None:
    image = bytearray(go_sample("static", target="darwin/arm64", cgo=False, ldflags="-s -w").path.read_bytes())
    for at, value in flips:
        image[at] = value
    with suppress(UnreadableBinaryError):
        (facts,) = read_macho("image", memoryview(bytes(image)))
        assert facts.format == "macho"


@pytest.mark.parametrize("file_type", [3, 4, 5, 7, 9, 0xA, 0xB, 0xC, 99])
def test_other_file_types_are_named_and_not_read(file_type: int) -> None:
    refused(
        MAKE.image(file_type=file_type), "file type 0x63" if file_type == 99 else r"\(MH_|is unknown|which is not read"
    )


def test_load_commands_must_fill_their_table() -> None:
    image = bytearray(MAKE.image(MAKE.library("/lib/a")))
    (count,) = struct.unpack_from("<I", image, 16)
    for change, reason in ((-1, "end 32 bytes before"), (1, "starts past the end")):
        struct.pack_into("<I", image, 16, count + change)
        refused(bytes(image), reason)


@pytest.mark.parametrize("size", [0, 7, 42, 0x4000])
def test_a_load_command_of_impossible_size_is_damage(size: int) -> None:
    image = bytearray(MAKE.image())
    struct.pack_into("<I", image, 36, size)
    refused(bytes(image), f"impossible size {size}")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (MAKE.command(0x8000007F, "I", 0), "dyld must know it"),
        (MAKE.command(0xC, "4I", 99, 0, 0, 0), "the name in LC_LOAD_DYLIB"),
        (MAKE.command(0xC, "4I", 24, 0, 0, 0), "starts past the end of its table"),
        (MAKE.command(0xC, "4I8s", 24, 0, 0, 0, b"abcdefgh"), "no terminating NUL"),
        (MAKE.command(0xC, "4I8s", 24, 0, 0, 0, b"\x1b[31m\0\0\0"), "not printable"),
        (MAKE.command(0x8000001C, "I4s", 12, bytes(4)), "empty or not printable"),
        (MAKE.command(0xC, ""), "fewer than its fields need"),
        (MAKE.command(0x1, "16s8I", b"__DATA", *[0] * 8), "of the other width"),
        (MAKE.segment("__DATA", address=0, offset=TAIL, size=1), 'segment "__DATA" goes 1 bytes past'),
        (MAKE.command(0x19, "16s4Q4I", b"__DATA", 0, 0, 0, 0, 0, 0, 9, 0), "too few for 9 sections"),
        (MAKE.command(0x2, "4I", TAIL, 1, 0, 0), "the symbol table goes 16 bytes past"),
        (MAKE.command(0x2, "4I", 0, 0, TAIL, 5), "the string table goes 5 bytes past"),
        (MAKE.command(0xB, "18I", *[0] * 12, TAIL, 1, *[0] * 4), "the indirect symbol table"),
        (MAKE.command(0x80000022, "10I", *[0] * 8, TAIL, 8), "export information"),
        (MAKE.command(0x26, "2I", TAIL, 8), "LC_FUNCTION_STARTS"),
        (MAKE.command(0x80000034, "2I", TAIL, 8), "the chained fixups"),
        (MAKE.command(0x1D, "2I", TAIL, 8), "the code signature"),
        (MAKE.command(0x1D, "2I", 0, 64), "the code signature is damaged"),
        (MAKE.command(0x2C, "4I", TAIL, 1, 0, 0), "the encrypted range"),
        (MAKE.command(0x2C, "4I", 0, 1, 1, 0), "is encrypted"),
        (MAKE.command(0x5, "2I", 99, 68) + b"", "LC_UNIXTHREAD has 16 bytes"),
        (MAKE.command(0x5, "2I33Q", 99, 68, *[0] * 33), "flavor 99"),
    ],
)
def test_what_a_load_command_points_to_must_be_there(command: bytes, reason: str) -> None:
    refused(MAKE.image(command), reason)


def test_the_relocations_of_a_section_must_be_in_the_file() -> None:
    section = MAKE.section("__text", "__TEXT", address=BASE, offset=TAIL, size=0, relocations=(TAIL, 2))
    segment = MAKE.segment("__TEXT", address=BASE, offset=0, size=0, sections=(section,))

    # <mach-o/reloc.h>: relocation_info has 8 bytes.
    read_macho("image", memoryview(MAKE.image(segment, file_type=1, tail=bytes(16))))
    refused(MAKE.image(segment, file_type=1, tail=bytes(15)), 'the relocations of section "__TEXT,__text" goes 1 bytes')


def test_commands_that_may_stand_once_stand_once() -> None:
    refused(
        MAKE.image(MAKE.string(0xE, "/usr/lib/dyld"), MAKE.string(0xE, "/usr/lib/dyld")),
        "more than one LC_LOAD_DYLINKER",
    )


def test_a_section_or_its_relocations_past_the_end_is_damage() -> None:
    section = MAKE.section("__text", "__DATA", address=0, offset=TAIL, size=9)
    refused(MAKE.image(MAKE.segment("__DATA", address=0, offset=0, size=0, sections=(section,))), "__DATA,__text")
    section = struct.pack("<16s16s2Q8I", b"__text", b"__DATA", 0, 0, 0, 0, TAIL, 1, 0, 0, 0, 0)
    refused(MAKE.image(MAKE.segment("__DATA", address=0, offset=0, size=0, sections=(section,))), "the relocations of")


def signed(*parts: tuple[int, bytes], magic: int = 0xFADE0CC0) -> bytes:
    """An image with a code signature of (slot, blob) parts."""
    offset = 12 + 8 * len(parts)
    index, blobs = b"", b""
    for slot, blob in parts:
        index += struct.pack(">2I", slot, offset + len(blobs))
        blobs += blob
    whole = struct.pack(">3I", magic, offset + len(blobs), len(parts)) + index + blobs
    return MAKE.image(MAKE.command(0x1D, "2I", TAIL, len(whole)), tail=whole)


def directory(flags: int, size: int = 44) -> bytes:
    return struct.pack(">4I28x", 0xFADE0C02, size, 0x20100, flags)


EMPTY_CMS, CMS = struct.pack(">2I", 0xFADE0B01, 8), struct.pack(">2I4x", 0xFADE0B01, 12)


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        (((0, directory(ADHOC)),), "ad-hoc"),
        (((0, directory(ADHOC)), (0x10000, EMPTY_CMS)), "ad-hoc"),
        (((0, directory(CERTIFIED)), (2, directory(0)), (0x10000, CMS)), "signed"),
        (((0, directory(CERTIFIED)),), "ad-hoc"),
    ],
)
def test_a_signature_is_signed_only_with_a_certificate(parts: tuple[tuple[int, bytes], ...], verdict: str) -> None:
    (facts,) = read_macho("image", memoryview(signed(*parts)))

    assert facts.signed == verdict


def entitlements(text: bytes) -> tuple[int, bytes]:
    return 5, struct.pack(">2I", 0xFADE7171, 8 + len(text)) + text


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"<key>com.example.on</key>\n<true/><key>com.example.off</key><false/>", ("com.example.on",)),
        # All of these are one property list to macOS.
        (b"<key>on</key><!-- <false/> --><true></true>", ("on",)),
        (b"<key>&#111;n</key><true />", ("on",)),
        (b"<key>a</key><dict><key>inner</key><true/></dict><key>b</key><array><true/></array>", ()),
        (b"".join(b"<key>n%d</key><true/>" % number for number in range(200)), tuple(f"n{n}" for n in range(200))),
    ],
)
def test_entitlements_are_those_of_the_property_list(content: bytes, names: tuple[str, ...]) -> None:
    text = b"<plist version='1.0'><dict>" + content + b"</dict></plist>"

    (facts,) = read_macho("image", memoryview(signed((0, directory(0x10000)), entitlements(text))))

    assert facts.macho is not None
    assert facts.macho.entitlements == names


@pytest.mark.parametrize(
    "text",
    [
        b"<plist><dict><key>on</key>",
        b"<plist><array><true/></array></plist>",
        b"\xff\xfe",
        b"<!DOCTYPE p [<!ENTITY on 'get-task-allow'>]><plist><dict><key>&on;</key><true/></dict></plist>",
        b"<plist><dict><key>on</key><date>never</date></dict></plist>",
        b"<plist><dict/></plist>" + b" " * (1 << 20),
    ],
)
def test_entitlements_that_are_no_property_list_are_damage(text: bytes) -> None:
    with pytest.raises(UnreadableBinaryError, match=r"the entitlements of the code signature"):
        read_macho("image", memoryview(signed((0, directory(0x10000)), entitlements(text))))


def test_a_flag_counts_where_every_code_directory_has_it() -> None:
    # One for each kind of hash; which of them a macOS takes is its own choice.
    both = signed((0, directory(0x10002)), (0x1000, directory(0x12000)))

    (facts,) = read_macho("image", memoryview(both))

    assert facts.macho is not None
    assert (facts.macho.code_flags, facts.signed) == (0x10000, "ad-hoc")


def test_flags_and_entitlements_of_a_signature_are_read() -> None:
    parts = (0, directory(0x10000)), entitlements(b"<dict><key>com.example.on</key><true/></dict>")

    (facts,) = read_macho("image", memoryview(signed(*parts)))
    (without,) = read_macho("image", memoryview(MAKE.image()))

    assert facts.macho is not None
    assert without.macho is not None
    assert (facts.macho.code_flags, facts.macho.entitlements) == (0x10000, ("com.example.on",))
    assert (without.macho.code_flags, without.macho.entitlements) == (None, ())


def test_a_section_that_restricts_dyld_is_seen() -> None:
    section = MAKE.section("__restrict", "__RESTRICT", address=0, offset=0, size=0)
    segment = MAKE.segment("__RESTRICT", address=0, offset=0, size=0, sections=(section,))

    (facts,) = read_macho("image", memoryview(MAKE.image(segment)))

    assert facts.macho is not None
    assert facts.macho.restricted


def test_a_damaged_signature_is_an_error() -> None:
    refused(signed((0, directory(0, size=99))), "part 0 of the code signature goes past its end")
    refused(signed((0x10000, CMS)), "has no code directory")
    refused(signed((0, directory(0)), magic=0xFADE0C02), "is damaged")


def entry_of(image: bytes, monkeypatch: pytest.MonkeyPatch) -> int | None:
    """The entry point that Go's side is asked with."""
    from pytest_golink.reader import go_facts

    seen: list[int | None] = []
    monkeypatch.setattr(go_facts, "read_go", lambda mapped: seen.append(mapped.entry))
    read_macho("image", memoryview(image))
    return seen[0]


@pytest.mark.parametrize(
    ("cpu", "wide", "flavor", "place"),
    [(AMD64, True, 4, 16), (ARM64, True, 6, 32), (I386, False, 1, 10), (ARM, False, 1, 15)],
)
def test_the_entry_point_is_the_thread_s_program_counter(
    monkeypatch: pytest.MonkeyPatch, cpu: int, wide: bool, flavor: int, place: int
) -> None:
    make = Maker(wide=wide)
    registers = [0] * 40
    registers[place] = 0x1234
    thread = make.command(0x5, f"2I40{'Q' if wide else 'I'}", flavor, 80, *registers)

    assert entry_of(make.image(thread, cpu=cpu), monkeypatch) == 0x1234


def test_the_entry_point_is_lc_main_s_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    assert entry_of(MAKE.image(MAKE.command(0x80000028, "2Q", 0x800, 0)), monkeypatch) == BASE + 0x800
    assert entry_of(MAKE.image(), monkeypatch) is None
    assert entry_of(MAKE.image(MAKE.command(0x5, "2I", 1, 0), cpu=0x12), monkeypatch) is None


def test_lc_main_without_a_segment_for_the_header_is_damage() -> None:
    main = MAKE.command(0x80000028, "2Q", 0x800, 0)
    header = struct.pack("<7I4x", 0xFEEDFACF, ARM64, 0, 2, 1, len(main), 0)
    refused(header + main, "no segment to count from")


def test_a_range_for_encryption_that_is_not_encrypted_is_read() -> None:
    (facts,) = read_macho("image", memoryview(MAKE.image(MAKE.command(0x2C, "4I", 0, 1, 0, 0))))

    assert facts.kind == "executable"
