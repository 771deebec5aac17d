"""Where the imports of a Mach-O image come from: symbol table, bind opcodes, chained fixups."""

from __future__ import annotations

import struct

import pytest

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.facts import ImportedSymbol
from pytest_golink.reader.bounds import View
from pytest_golink.reader.macho.binds import Bind, read_binds
from pytest_golink.reader.macho.commands import read_commands
from pytest_golink.reader.macho.facts import read_macho
from pytest_golink.reader.macho.fixups import read_rebases
from pytest_golink.reader.macho.layout import read_layout
from pytest_golink.reader.macho.symbols import read_symbols
from tests.reader.handmade_macho import BASE, OBJECT, TAIL, TWOLEVEL, Maker

MAKE = Maker()
LIBRARIES = (MAKE.library("/lib/a"), MAKE.library("/lib/b"))
NAMES = b"\0_puts\0_open\0_local\0"
PUTS, OPEN, LOCAL = 1, 7, 13


def imports(image: bytes) -> tuple[ImportedSymbol, ...]:
    (facts,) = read_macho("image", memoryview(image))
    return facts.imports


def with_symbols(
    *symbols: bytes, flags: int = TWOLEVEL, file_type: int = 2, groups: tuple[int, int, int] | None = None
) -> bytes:
    table = b"".join(symbols)
    commands = [MAKE.command(0x2, "4I", TAIL, len(symbols), TAIL + len(table), len(NAMES))]
    if groups is not None:
        commands.append(MAKE.command(0xB, "18I", 0, groups[0], 0, groups[1], 0, groups[2], *[0] * 12))
    return MAKE.image(*LIBRARIES, *commands, tail=table + NAMES, flags=flags, file_type=file_type)


def with_opcodes(code: bytes, *, lazy: bool = False) -> bytes:
    ranges = [0] * 10
    ranges[6 if lazy else 2 : 8 if lazy else 4] = [TAIL, len(code)]
    return MAKE.image(*LIBRARIES, MAKE.command(0x80000022, "10I", *ranges), tail=code)


def with_chains(kind: int, entries: bytes, names: bytes, *, count: int, version: int = 0) -> bytes:
    starts = struct.pack("<3I", 2, 0, 0)
    head = struct.pack("<7I", version, 28, 28 + len(starts), 28 + len(starts) + len(entries), count, kind, 0)
    blob = head + starts + entries + names
    return MAKE.image(*LIBRARIES, MAKE.command(0x80000034, "2I", TAIL, len(blob)), tail=blob)


def test_the_symbol_table_alone_names_libraries_in_a_two_level_namespace() -> None:
    symbols = (MAKE.symbol(PUTS, 0x1, 2 << 8), MAKE.symbol(OPEN, 0x1, 0xFE << 8 | 0x40))

    assert imports(with_symbols(*symbols)) == (
        ImportedSymbol(name="puts", library="/lib/b"),
        ImportedSymbol(name="open", weak=True),
    )


def test_a_flat_namespace_names_no_library() -> None:
    assert imports(with_symbols(MAKE.symbol(PUTS, 0x1, 2 << 8), flags=0)) == (ImportedSymbol(name="puts"),)


def test_a_library_that_is_not_needed_is_damage() -> None:
    with pytest.raises(UnreadableBinaryError, match="'_puts' is from library 3, and the image needs 2"):
        imports(with_symbols(MAKE.symbol(PUTS, 0x1, 3 << 8)))


def test_what_an_object_leaves_undefined_is_no_import() -> None:
    assert imports(with_symbols(MAKE.symbol(PUTS, 0x1), file_type=OBJECT)) == ()


@pytest.mark.parametrize(("kind", "unneeded"), [(0x1, False), (0xF, False), (0xE, True), (0x64, True)])
def test_local_symbols_and_stabs_are_what_strip_takes(kind: int, unneeded: bool) -> None:
    (facts,) = read_macho("image", memoryview(with_symbols(MAKE.symbol(LOCAL, kind))))

    assert facts.symtab is unneeded


def test_groups_that_do_not_add_up_are_damage() -> None:
    symbols = (MAKE.symbol(LOCAL, 0xE), MAKE.symbol(PUTS, 0x1, 1 << 8))
    assert len(imports(with_symbols(*symbols, groups=(1, 0, 1)))) == 1

    for groups in ((1, 0, 0), (2, 0, 0), (0, 0, 2)):
        with pytest.raises(UnreadableBinaryError, match="LC_DYSYMTAB counts"):
            imports(with_symbols(*symbols, groups=groups))


def test_defined_symbols_have_addresses_and_no_underscore() -> None:
    image = with_symbols(MAKE.symbol(LOCAL, 0xE, value=0x1234), MAKE.symbol(PUTS, 0x1))
    symbols = read_symbols(read_commands(View(image, path="image", format="macho")))

    assert symbols is not None
    assert symbols.defined() == {"local": 0x1234}


def test_bind_opcodes_name_library_and_weakness() -> None:
    code = b"\x11\x40_puts\0\x51\x71\x00\x90" + b"\x20\x02\x41_open\0\xa0\x08\x3e\x40_flat\0\xb1\x00\x00"

    assert imports(with_opcodes(code)) == (
        ImportedSymbol(name="puts", library="/lib/a"),
        ImportedSymbol(name="open", library="/lib/b", weak=True),
        ImportedSymbol(name="flat"),
    )


def test_lazy_binds_are_imports_too() -> None:
    assert imports(with_opcodes(b"\x72\x10\x12\x40_puts\0\x90\x00", lazy=True)) == (
        ImportedSymbol(name="puts", library="/lib/b"),
    )


@pytest.mark.parametrize("special", [b"\x30", b"\x3d"])
def test_binds_to_the_image_itself_and_weak_definitions_are_no_imports(special: bytes) -> None:
    assert imports(with_opcodes(special + b"\x40_own\0\x90\x00")) == ()


@pytest.mark.parametrize("flat_first", [True, False])
def test_a_symbol_bound_with_and_without_its_library_is_from_that_library(flat_first: bool) -> None:
    flat, named = b"\x3e\x40_puts\0\x90", b"\x11\x40_puts\0\x90"
    code = (flat + named if flat_first else named + flat) + b"\0"

    assert imports(with_opcodes(code)) == (ImportedSymbol(name="puts", library="/lib/a"),)


def test_a_count_in_an_opcode_costs_nothing() -> None:
    code = b"\x11\x40_puts\0\x60\x7f\x80\x01\xc0" + b"\xff" * 8 + b"\x7f" + b"\x08" + b"\xd0\x05\xd1"

    assert imports(with_opcodes(code)) == (ImportedSymbol(name="puts", library="/lib/a"),)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (b"\xe0", "unknown opcode 0xe0"),
        (b"\xd7", "unknown opcode 0xd7"),
        (b"\x70", "ends 1 bytes too early"),
        (b"\x70" + b"\x80" * 12, "more than 64 bits"),
        (b"\x40_puts", "no terminating NUL"),
        (b"\x15\x40_puts\0\x90", "from library 5"),
    ],
)
def test_damaged_opcodes_are_errors(code: bytes, reason: str) -> None:
    with pytest.raises(UnreadableBinaryError, match=reason):
        imports(with_opcodes(code))


@pytest.mark.parametrize(
    ("kind", "entries"),
    [
        (1, struct.pack("<2I", 1 | 1 << 9, 0xFE | 1 << 8 | 7 << 9)),
        (2, struct.pack("<4I", 1 | 1 << 9, 0, 0xFE | 1 << 8 | 7 << 9, 0)),
        (3, struct.pack("<4Q", 1 | 1 << 32, 0, 0xFFFE | 1 << 16 | 7 << 32, 0)),
    ],
)
def test_chained_fixups_name_library_and_weakness(kind: int, entries: bytes) -> None:
    assert imports(with_chains(kind, entries, NAMES, count=2)) == (
        ImportedSymbol(name="puts", library="/lib/a"),
        ImportedSymbol(name="open", weak=True),
    )


def test_damaged_chained_fixups_are_errors() -> None:
    entry = struct.pack("<I", 1 | 1 << 9)
    for image, reason in (
        (with_chains(4, entry, NAMES, count=1), "import format 4"),
        (with_chains(1, entry, NAMES, count=1, version=1), "have version 1"),
        (with_chains(1, entry, NAMES, count=99), "99 imports"),
        (with_chains(1, entry, b"\0_puts", count=1), "no terminating NUL"),
    ):
        with pytest.raises(UnreadableBinaryError, match=reason):
            imports(image)


def test_empty_chained_fixups_hold_nothing() -> None:
    image = MAKE.image(MAKE.command(0x80000034, "2I", TAIL, 0))
    commands = read_commands(View(image, path="image", format="macho"))

    assert imports(image) == ()
    assert read_rebases(commands, read_layout(commands))(BASE) is None


def chained_image(pointers: int, *, pages: tuple[int, ...] = (0,), page_size: int = 0x1000, segments: int = 4) -> bytes:
    """__DATA's words: a rebase, 8 bytes on a bind, 8 on another rebase that ends the chain."""
    words = struct.pack("<4Q", 0x4000 | 2 << 51, 1 << 63 | 2 << 51, 0x5000, 0)
    info = struct.pack(f"<I2HQIH{len(pages)}H", 24, page_size, pointers, TAIL, 0, len(pages), *pages)
    # Four segments: __TEXT, __LINKEDIT and two of ours; the last has the chain.
    starts = struct.pack("<5I", segments, 0, 0, 0, 20) + info
    blob = struct.pack("<7I", 0, 28, 28 + len(starts), 28 + len(starts), 0, 1, 0) + starts
    tail = words + blob
    return MAKE.image(
        MAKE.segment("__EMPTY", address=0x300000000, offset=0, size=0),
        MAKE.segment("__DATA", address=0x400000000, offset=TAIL, size=len(words), protection=3),
        MAKE.command(0x80000034, "2I", TAIL + len(words), len(blob)),
        tail=tail,
    )


@pytest.mark.parametrize(("pointers", "base"), [(2, 0), (6, BASE)])
def test_rebases_are_found_by_their_chain(pointers: int, base: int) -> None:
    commands = read_commands(View(chained_image(pointers), path="image", format="macho"))
    relocated = read_rebases(commands, read_layout(commands))

    data = 0x400000000
    assert relocated(data) == base + 0x4000
    assert relocated(data + 16) == base + 0x5000
    # The bind, the middle of a link, what is behind the chain, and other segments.
    assert [relocated(address) for address in (data + 8, data + 4, data + 24, BASE, 0x10)] == [None] * 5


def test_pages_without_a_chain_and_other_pointer_formats_have_no_rebase() -> None:
    for image in (chained_image(6, pages=(0xFFFF,)), chained_image(1), chained_image(6, pages=())):
        commands = read_commands(View(image, path="image", format="macho"))
        assert read_rebases(commands, read_layout(commands))(0x400000000) is None


def test_damaged_starts_of_chains_are_errors() -> None:
    for image, reason in ((chained_image(6, segments=99), "99 segments"), (chained_image(6, page_size=0), "no size")):
        commands = read_commands(View(image, path="image", format="macho"))
        with pytest.raises(UnreadableBinaryError, match=reason):
            read_rebases(commands, read_layout(commands))


def test_an_image_without_bind_information_binds_nothing() -> None:
    assert read_binds(read_commands(View(MAKE.image(), path="image", format="macho"))) == ()
    code = with_opcodes(b"\x11\x40_puts\0\x90\x90")
    commands = read_commands(View(code, path="image", format="macho"))
    assert read_binds(commands) == (Bind(name="_puts", ordinal=1, weak=False),) * 2
