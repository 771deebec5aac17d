"""What PE images export, which subsystem they are for, and whether they are still what was signed."""

from __future__ import annotations

import re
import struct
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from pytest_golink.facts import Pe, SignatureContent
from pytest_golink.reader.pe.facts import read_pe
from tests.reader.handmade_pe import DLL, EXECUTABLE, Maker
from tests.reader.reading import damage

if TYPE_CHECKING:
    from pytest_golink import GoSample
    from pytest_golink.facts import BinaryFacts

EXPORT = 0
CHANGED = "the file has changed since it was signed: its sha256 digest is another"


def read(data: bytes) -> BinaryFacts:
    return read_pe("image", memoryview(data))


def refused(data: bytes, reason: str) -> None:
    assert re.search(reason, damage(data, "pe"))


def library(*names: bytes, own: bytes = b"lib.dll", count: int | None = None) -> bytes:
    make = Maker(characteristics=EXECUTABLE | DLL)
    table = make.put(struct.pack(f"<{len(names)}I", *(make.name(name) for name in names)))
    fields = (0, 0, 0, make.name(own), 1, len(names), len(names) if count is None else count, 0, table, 0)
    rva = make.put(struct.pack("<10I", *fields))
    make.directories[EXPORT] = (rva, 40)
    return make.image()


def test_a_library_exports_names_and_has_its_own() -> None:
    facts = read(library(b"Answer", b"Question"))

    assert (facts.soname, facts.exports) == ("lib.dll", ("Answer", "Question"))
    assert read(Maker().image()).exports == ()


def test_more_exports_than_the_file_has_room_for_are_damage() -> None:
    refused(library(b"Answer", count=1 << 30), "the export directory has 1073741824 names, more than the file")


def test_exports_that_share_one_long_name_do_not_multiply_it() -> None:
    make = Maker(characteristics=EXECUTABLE | DLL)
    name = make.name(b"A" * 4000)
    table = make.put(struct.pack("<1000I", *[name] * 1000))
    make.directories[EXPORT] = (make.put(struct.pack("<10I", 0, 0, 0, 0, 1, 1000, 1000, 0, table, 0)), 40)

    refused(make.image(), "the names in the export directory overlap")


@pytest.mark.parametrize(
    ("number", "word"), [(2, "gui"), (3, "console"), (10, "efi application"), (99, "subsystem 99")]
)
def test_the_subsystem(number: int, word: str) -> None:
    pe = read(Maker(subsystem=number).image()).pe

    assert pe is not None
    assert pe.subsystem == word


def test_the_bits_that_guard() -> None:
    assert read(Maker(dll=0x4020).image()).pe == Pe(subsystem="console", control_flow_guard=True, high_entropy_va=True)


def test_a_section_that_windows_reads_from_elsewhere_is_refused() -> None:
    image = bytearray(Maker().image() + bytes(0x200))
    (header,) = struct.unpack_from("<I", image, 0x3C)
    (optional,) = struct.unpack_from("<H", image, header + 20)
    struct.pack_into("<I", image, header + 24 + optional + 20, 0x480)

    refused(bytes(image), 'section ".rdata" begins at 0x480, which Windows rounds down to a sector')


SHA256 = bytes.fromhex("608648016503040201")


def signed_by_hand(image: bytes) -> bytes:
    """
    Sign a PE32+ image as Authenticode does, without a signer: what it signs is the digest, which golink reads.

    Source: Microsoft's "Windows Authenticode Portable Executable Signature Format", "Calculating the PE Image Hash".
    """
    padded = image + bytes(-len(image) % 8)
    (header,) = struct.unpack_from("<I", image, 0x3C)
    checksum, directory = header + 24 + 64, header + 24 + 112 + 4 * 8
    hashed = padded[:checksum] + padded[checksum + 4 : directory] + padded[directory + 8 :]
    content = indirect(SHA256, sha256(hashed).digest())
    entry = struct.pack("<I2H", 8 + len(content), 0x200, 2) + content
    entry += bytes(-len(entry) % 8)
    where = struct.pack("<2I", len(padded), len(entry))
    return padded[:directory] + where + padded[directory + 8 :] + entry


@pytest.fixture(scope="module")
def signed(go_sample: GoSample) -> bytes:
    made = go_sample("static", target="windows/amd64", cgo=False, ldflags="-s -w").path
    return signed_by_hand(made.read_bytes())


def test_a_signed_program_is_what_was_signed(signed: bytes) -> None:
    facts = read(signed)

    assert (facts.signed, facts.signature) == ("signed", SignatureContent(kind="authenticode", valid=True))


@pytest.mark.parametrize("place", [0x44, 0x1000, 100_000])
def test_a_program_that_was_changed_is_not(signed: bytes, place: int) -> None:
    data = bytearray(signed)
    data[place] ^= 0x20

    assert read(bytes(data)).signature == SignatureContent(kind="authenticode", valid=False, problem=CHANGED)


def test_the_checksum_is_not_signed(signed: bytes) -> None:
    data = bytearray(signed)
    (header,) = struct.unpack_from("<I", data, 0x3C)
    struct.pack_into("<I", data, header + 24 + 64, 0x12345678)

    signature = read(bytes(data)).signature
    assert signature is not None
    assert signature.valid is True


def certified(content: bytes) -> SignatureContent | None:
    make = Maker()
    entry = struct.pack("<I2H", 8 + len(content), 0x200, 2) + content
    make.directories[4] = (len(make.image()), len(entry))
    return read(make.image(tail=entry)).signature


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return bytes([tag, len(content)]) + content


def indirect(algorithm: bytes, digest: bytes, kind: bytes = bytes.fromhex("2b060104018237020104")) -> bytes:
    info = der(0x30, der(0x30, der(6, algorithm)), der(4, digest))
    content = der(0x30, der(6, kind), der(0xA0, der(0x30, der(0x30), info)))
    return der(0x30, der(6, b"\x2a"), der(0xA0, der(0x30, der(2, b"\1"), der(0x31), content)))


def test_a_hash_of_another_kind_is_not_judged() -> None:
    assert certified(indirect(b"\x2a\x03", b"digest")) == SignatureContent(kind="authenticode")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\x30", "a value has no tag and length that are read"),
        (b"\x1f\x01\x00", "a value has no tag and length that are read"),
        (b"\x30\x85\0\0\0\0\0", "a length has 5 bytes"),
        (b"\x30\x05ab", "a value of 5 bytes goes past the end"),
        (der(0x30, der(6, b"\x2a")), "a value has 1 parts, not 2"),
        (indirect(b"\x2a", b"", kind=b"\x2a"), "it signs something else than an image"),
    ],
)
def test_a_signature_that_cannot_be_read_is_not_valid(content: bytes, problem: str) -> None:
    assert certified(content) == SignatureContent(
        kind="authenticode", problem=f"the signature cannot be read: {problem}"
    )
