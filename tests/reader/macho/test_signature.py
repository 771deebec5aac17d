"""What Mach-O images export, how they are signed, and whether they are still what was signed."""

from __future__ import annotations

import hashlib
import re
import struct
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.facts import SignatureContent
from pytest_golink.reader.macho.facts import read_macho
from tests.reader.handmade_macho import AMD64, ARM64, DYLIB, TAIL, Maker, fat
from tests.reader.reading import damage

if TYPE_CHECKING:
    from pytest_golink import GoSample
    from pytest_golink.facts import BinaryFacts

MAKER = Maker()
RUNTIME, ADHOC = 0x10000, 0x2
PAGE_BITS = 12
DEVELOPER_ID = bytes.fromhex("060a2a864886f7636406010d")


def read(data: bytes) -> BinaryFacts:
    (facts,) = read_macho("image", memoryview(data))
    return facts


def refused(data: bytes, reason: str) -> None:
    assert re.search(reason, damage(data, "macho"))


def blob(kind: int, content: bytes) -> bytes:
    return struct.pack(">2I", kind, 8 + len(content)) + content


def directory(
    code: bytes,
    *,
    flags: int = ADHOC,
    kind: int = 2,
    size: int = 32,
    entitlements: bytes = b"",
    limit: int | None = None,
    slots: int | None = None,
    version: int = 0x20400,
) -> bytes:
    """A code directory by kern/cs_blobs.h: the hashes of its special slots, then those of the pages."""
    pages = [code[at : at + 4096] for at in range(0, len(code), 4096)]
    special = [entitlements, b"", b"", b"", b""] if entitlements else []
    hashes = [hashlib.sha256(data).digest()[:size] if data else bytes(size) for data in (*special, *pages)]
    head = 88
    fields = struct.pack(
        ">9I4BI4I2Q2Q",
        0xFADE0C02,
        head + len(hashes) * size,
        version,
        flags,
        head + len(special) * size,
        head,
        len(special),
        len(pages) if slots is None else slots,
        len(code) if limit is None else limit,
        size,
        kind,
        0,
        PAGE_BITS,
        *(0,) * 9,
    )
    return fields[:head].ljust(head, b"\0") + b"".join(hashes)


def signed(*, certificate: bytes | None = None, change: int | None = None, **options: Any) -> bytes:
    """An image whose signature stands at the end, as codesign writes it."""
    code_size = TAIL + 0x1000
    entitlements: bytes = options.get("entitlements", b"")
    size = 0x1000

    def made(signature: bytes) -> bytes:
        command = MAKER.command(0x1D, "2I", code_size, size)
        return MAKER.image(command, tail=bytes(0x1000) + signature.ljust(size, b"\0"))

    code = bytearray(made(b"")[:code_size])
    parts = [(0, directory(bytes(code), **options))]
    if entitlements:
        parts.append((5, entitlements))
    if certificate is not None:
        parts.append((0x10000, blob(0xFADE0B01, certificate)))
    at, table, body = 12 + 8 * len(parts), b"", b""
    for slot, part in parts:
        table += struct.pack(">2I", slot, at + len(body))
        body += part
    data = bytearray(made(struct.pack(">3I", 0xFADE0CC0, at + len(body), len(parts)) + table + body))
    if change is not None:
        data[change] ^= 1
    return bytes(data)


def content(data: bytes) -> SignatureContent | None:
    return read(data).signature


def test_go_s_own_signature_is_valid_until_a_byte_changes(go_sample: GoSample) -> None:
    image = bytearray(go_sample("static", target="darwin/arm64", cgo=False).path.read_bytes())
    assert content(bytes(image)) == SignatureContent(kind="ad-hoc", valid=True)

    image[0x49010] ^= 1
    assert content(bytes(image)) == SignatureContent(
        kind="ad-hoc",
        valid=False,
        problem="page 73 (offset 0x49000) has another hash than the code directory says",
    )


@pytest.mark.parametrize(
    ("certificate", "flags", "kind", "hardened"),
    [
        (None, ADHOC, "ad-hoc", False),
        (b"certificate", RUNTIME, "certificate", True),
        (b"a leaf " + DEVELOPER_ID + b"\5\0", RUNTIME, "developer-id", True),
        (b"certificate", ADHOC | RUNTIME, "ad-hoc", True),
    ],
)
def test_who_signed_and_the_hardened_runtime(certificate: bytes | None, flags: int, kind: str, hardened: bool) -> None:
    facts = read(signed(certificate=certificate, flags=flags))

    assert facts.signature is not None
    assert (facts.signature.kind, facts.signature.valid) == (kind, True)
    assert facts.macho is not None
    assert facts.macho.hardened_runtime is hardened


def test_hashes_may_be_cut_and_of_an_older_directory() -> None:
    assert content(signed(kind=3, size=20)) == SignatureContent(kind="ad-hoc", valid=True)
    assert content(signed(version=0x20100)) == SignatureContent(kind="ad-hoc", valid=True)


def test_hashes_of_an_unknown_kind_are_not_judged() -> None:
    assert content(signed(kind=9)) == SignatureContent(kind="ad-hoc", valid=None)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"change": 0x1800}, "page 1 (offset 0x1000) has another hash than the code directory says"),
        ({"limit": 0x1000}, "the code directory is for 4096 bytes, but the signature begins at 8192"),
        ({"slots": 1}, "the code directory has 1 hashes for 8192 bytes"),
        ({"slots": 1 << 20}, "the code directory has no room for its hashes"),
        ({"size": 0}, "the code directory has no room for its hashes"),
    ],
)
def test_what_changed_after_the_signature_is_named(options: dict[str, Any], problem: str) -> None:
    assert content(signed(**options)) == SignatureContent(kind="ad-hoc", valid=False, problem=problem)


def test_entitlements_have_a_hash_too() -> None:
    entitlements = blob(0xFADE7171, b"<plist><dict><key>a</key><true/></dict></plist>")
    image = signed(entitlements=entitlements)
    assert content(image) == SignatureContent(kind="ad-hoc", valid=True)

    changed = image.replace(b"<key>a</key>", b"<key>b</key>")
    assert content(changed) == SignatureContent(
        kind="ad-hoc",
        valid=False,
        problem="the entitlements of the signature have another hash than the code directory says",
    )


def test_a_code_directory_that_is_too_short_is_damage() -> None:
    image = bytearray(signed())
    at = image.index(b"\xfa\xde\x0c\x02")
    struct.pack_into(">I", image, at + 4, 20)

    refused(bytes(image), "the code directory of the code signature has 20 bytes, too few")


def test_without_a_signature_there_is_no_hardened_runtime() -> None:
    facts = read(MAKER.image())

    assert facts.signature is None
    assert facts.macho is not None
    assert facts.macho.hardened_runtime is None


def test_the_environment_that_dyld_takes_and_the_install_name_are_facts() -> None:
    environment = MAKER.string(0x27, "DYLD_LIBRARY_PATH=/opt/lib")
    facts = read(MAKER.image(environment, MAKER.library("@rpath/own.dylib", 0xD), file_type=DYLIB))

    assert facts.macho is not None
    assert facts.macho.environment == ("DYLD_LIBRARY_PATH=/opt/lib",)
    assert facts.soname == "@rpath/own.dylib"


# The root has one edge "_" to a node with two: "answer" and "ask", both ends.
TRIE = bytes([0, 1]) + b"_\0" + bytes([5]) + bytes([0, 2]) + b"nswer\0" + bytes([20]) + b"sk\0" + bytes([24])
ENDS = bytes([2, 0, 0, 0]) * 2


def exporting(trie: bytes, *, command: int = 0x80000033) -> bytes:
    if command == 0x80000022:
        made = MAKER.command(command, "10I", *(0,) * 8, TAIL, len(trie))
    else:
        made = MAKER.command(command, "2I", TAIL, len(trie))
    return MAKER.image(made, file_type=DYLIB, tail=trie)


@pytest.mark.parametrize("command", [0x80000033, 0x80000022])
def test_the_export_trie(command: int) -> None:
    trie = TRIE.ljust(20, b"\0") + ENDS

    assert read(exporting(trie, command=command)).exports == ("nswer", "sk")


@pytest.mark.parametrize(
    ("trie", "reason"),
    [
        (bytes([0, 1]) + b"_\0" + bytes([0]), "two edges of the export trie lead to one node"),
        (bytes([0, 1]) + b"_\0" + bytes([99]), "the export trie ends"),
        (bytes([0, 1]) + b"_", "the export trie has a text without a NUL"),
    ],
)
def test_a_damaged_trie_is_an_error(trie: bytes, reason: str) -> None:
    refused(exporting(trie), reason)


def test_an_empty_trie_is_none() -> None:
    assert read(exporting(b"")).exports == ()
    assert read(exporting(b"", command=0x80000022)).exports == ()


def test_without_a_trie_the_symbol_table_tells() -> None:
    # N_SECT with N_EXT; private external; local; undefined.
    names = b"\0_answer\0_own\0_local\0_puts\0"
    symbols = MAKER.symbol(1, 0xF) + MAKER.symbol(9, 0x1F) + MAKER.symbol(14, 0xE) + MAKER.symbol(21, 0x1)
    table = MAKER.command(0x2, "4I", TAIL, 4, TAIL + len(symbols), len(names))

    assert read(MAKER.image(table, file_type=DYLIB, tail=symbols + names)).exports == ("answer",)


@pytest.mark.parametrize("kind", [0xF, 0x1])
def test_symbols_that_share_one_long_name_do_not_multiply_it(kind: int) -> None:
    names = b"\0_" + b"a" * 100_000 + b"\0"
    symbols = MAKER.symbol(1, kind) * 2000
    table = MAKER.command(0x2, "4I", TAIL, 2000, TAIL + len(symbols), len(names))

    refused(MAKER.image(table, file_type=DYLIB, tail=symbols + names), "the names in the symbol table overlap")


def test_binds_that_share_one_long_name_do_not_multiply_it() -> None:
    names = b"\0_" + b"a" * 100_000 + b"\0"
    head = struct.pack("<7I", 0, 32, 32, 32 + 4 * 2000, 2000, 1, 0).ljust(32, b"\0")
    fixups = head + struct.pack("<2000I", *[1 << 9] * 2000) + names
    command = MAKER.command(0x80000034, "2I", TAIL, len(fixups))

    refused(MAKER.image(command, tail=fixups), "the names in the chained fixups overlap")


def test_a_slice_that_is_there_twice_is_refused() -> None:
    image = MAKER.image(cpu=AMD64)

    refused(fat((AMD64, image), (AMD64, image)), r"has two slices for amd64 \(CPU subtype 0\), which no loader takes")
    arm = MAKER.image(cpu=ARM64)
    assert [facts.slice for facts in read_macho("image", memoryview(fat((AMD64, image), (ARM64, arm))))] == [
        "amd64",
        "arm64",
    ]
