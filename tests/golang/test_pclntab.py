from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.golang.memory import Memory
from pytest_golink.golang.pclntab import BadPclntab, Pclntab, read_pclntabs
from tests.golang.handmade import Machine, image, region

if TYPE_CHECKING:
    from pytest_golink.golang.pclntab import Layout

LAYOUTS: tuple[Layout, ...] = ("1.2", "1.16", "1.18", "1.20")
MACHINES = [
    Machine(byteorder="little", pointer_size=8),
    Machine(byteorder="big", pointer_size=8),
    Machine(byteorder="little", pointer_size=4),
    Machine(byteorder="big", pointer_size=4),
]
NAMES = ("runtime.text", "main.main", "main.init")


def named(table: bytes, machine: Machine | None = None) -> Pclntab:
    """The table read from the section named for it."""
    made = region(table, name=".gopclntab", writable=False)
    (pclntab,) = read_pclntabs(Memory(image(made, sections=[made], machine=machine)))
    return pclntab


def scanned(data: bytes, machine: Machine | None = None) -> list[Pclntab]:
    """All tables that a scan finds."""
    return list(read_pclntabs(Memory(image(region(data, writable=False), machine=machine))))


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_functions_and_files_are_read_in_every_layout(layout: Layout, machine: Machine) -> None:
    pclntab = named(machine.pclntab(NAMES, layout, files=("a/b.go", "main.go")), machine)

    assert pclntab.layout == layout
    assert pclntab.count == 3
    assert list(pclntab.read_functions()) == list(NAMES)
    assert pclntab.read_files() == b"a/b.go\0main.go\0"
    assert pclntab.names_in_order() == list(NAMES)
    assert pclntab.entry(pclntab.count) - pclntab.entry(0) == 0x60


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_without_its_section_a_table_is_found_anywhere_in_the_segments(layout: Layout, machine: Machine) -> None:
    table = machine.pclntab(NAMES, layout)

    (found,) = scanned(b"\xff\xff\xff" + bytes(13) + table + b"other data", machine)

    assert found.place.address == 0x10010
    assert found.place.offset == 0x110
    assert list(found.read_functions()) == list(NAMES)


def test_names_of_inlined_functions_are_in_the_table() -> None:
    pclntab = named(Machine().pclntab(NAMES, inlined=("main.helper",)))

    assert "main.helper" in pclntab.read_functions()
    assert "main.helper" not in pclntab.names_in_order()


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_table_cut_anywhere_is_an_error_in_its_section_and_not_found_without(
    layout: Layout, machine: Machine
) -> None:
    table = machine.pclntab(NAMES, layout)
    for size in range(1, len(table)):
        with pytest.raises(UnreadableBinaryError, match=r"^app: elf: at offset 0x[0-9a-f]+: pclntab: "):
            named(table[:size], machine)
        assert scanned(table[:size], machine) == []


@pytest.mark.parametrize("layout", LAYOUTS[1:])
def test_a_header_word_that_is_damaged_is_an_error_that_names_it(layout: Layout) -> None:
    table = Machine().pclntab(NAMES, layout)
    first = 24 if layout == "1.16" else 32
    for index, name in enumerate(("funcnametab", "cutab", "filetab", "pctab", "functab")):
        at = first + 8 * index
        damaged = bytearray(table)
        damaged[at : at + 8] = (1 << 40).to_bytes(8, "little")
        with pytest.raises(UnreadableBinaryError, match=f"at offset {0x100 + at:#x}: pclntab: {name} at 0x10000000000"):
            named(bytes(damaged))
        assert scanned(bytes(damaged)) == []


@pytest.mark.parametrize(
    ("at", "new", "what"),
    [
        (0, b"\0\0\0\0", "00 00 00 00 00 00 is no magic number"),
        (4, b"\1", "f1 ff ff ff 01 00 is no magic number"),
        (6, b"\3", "an instruction size of 3"),
        (7, b"\4", "a pointer size of 4 does not fit the image"),
        (8, bytes(8), "a function table of 0 functions"),
        (8, b"\xff\xff", "a function table of 65535 functions"),
    ],
)
def test_a_damaged_header_is_an_error_that_says_what_is_wrong(at: int, new: bytes, what: str) -> None:
    table = bytearray(Machine().pclntab(NAMES))
    table[at : at + len(new)] = new

    with pytest.raises(UnreadableBinaryError) as error:
        named(bytes(table))
    assert what in error.value.reason


def test_tables_of_names_must_end_with_a_nul() -> None:
    table = Machine().pclntab(NAMES)

    with pytest.raises(UnreadableBinaryError, match="funcnametab does not end with a NUL"):
        named(table.replace(b"main.init\0", b"main.init."))
    with pytest.raises(UnreadableBinaryError, match="filetab does not end with a NUL"):
        named(table.replace(b"main.go\0", b"main.go."))


def test_a_function_must_start_where_the_function_table_says() -> None:
    table = bytearray(Machine().pclntab(NAMES))
    table[-8] ^= 1

    with pytest.raises(UnreadableBinaryError, match="function 2 starts at 0x41, by the function table at 0x40"):
        named(bytes(table))


def test_a_function_in_the_middle_that_lies_outside_is_an_error_when_its_name_is_asked_for() -> None:
    table = bytearray(Machine().pclntab(NAMES, "1.2"))
    # The offset of the second function: after the header, the count, one row and an entry point.
    table[40:48] = b"\xff\xff\xff\xff\0\0\0\0"
    pclntab = named(bytes(table))

    with pytest.raises(BadPclntab, match="function 1 at 0xffffffff lies outside"):
        pclntab.name(1)
    with pytest.raises(BadPclntab, match="a function lies outside"):
        pclntab.read_functions()
    with pytest.raises(BadPclntab, match="a function lies outside"):
        pclntab.names_in_order()


def test_names_that_overlap_in_the_oldest_layout_are_an_error() -> None:
    machine = Machine()
    long = "x" * 300
    table = bytearray(machine.pclntab([long, *NAMES, "main.last"], "1.2"))
    for index in range(1, 4):
        (function,) = struct.unpack_from("<Q", table, 24 + 16 * index)
        (first,) = struct.unpack_from("<I", table, struct.unpack_from("<Q", table, 24)[0] + 8)
        struct.pack_into("<I", table, function + 8, first + index)

    with pytest.raises(BadPclntab, match="strings overlap"):
        named(bytes(table)).read_functions()


def test_a_name_without_an_end_in_the_oldest_layout_is_an_error() -> None:
    table = bytearray(Machine().pclntab(NAMES, "1.2"))
    (function,) = struct.unpack_from("<Q", table, 24)
    struct.pack_into("<I", table, function + 8, 0xFFFFFFFF)

    with pytest.raises(BadPclntab, match="a string has no end"):
        named(bytes(table)).read_functions()


@pytest.mark.parametrize("value", [0xFFFFFFF0, 8])
def test_a_file_table_of_the_oldest_layout_that_lies_outside_is_an_error(value: int) -> None:
    table = bytearray(Machine().pclntab(NAMES, "1.2"))
    # Where the file table is stands after the function table; at 8 the count of functions passes for a table's size.
    at = 16 + 7 * 8
    struct.pack_into("<I", table, at, value)
    struct.pack_into("<I", table, 8, 3)
    if value == 8:
        struct.pack_into("<I", table, at, 0)

    with pytest.raises(BadPclntab, match="the file table lies outside"):
        named(bytes(table)).read_files()


def test_the_bytes_of_a_header_in_code_that_looks_for_one_are_not_believed() -> None:
    assert scanned(b"\xf1\xff\xff\xff\0\0\1\x08" + bytes(200)) == []
    assert scanned(b"\xff\xff\xff\0\0\1\x08" + bytes(200)) == []


def test_an_empty_section_of_the_name_is_not_there() -> None:
    empty = region(b"", name=".gopclntab")

    assert list(read_pclntabs(Memory(image(empty, sections=[empty])))) == []


@pytest.mark.parametrize("data", [Machine().pclntab(NAMES) * 65, b"\xf1\xff\xff\xff\0\0\1\x08" * 100_001])
def test_a_file_that_was_made_to_be_slow_is_an_error(data: bytes) -> None:
    with pytest.raises(UnreadableBinaryError, match="too many places look like a pclntab"):
        scanned(data)


def test_another_magic_number_is_garbles_and_no_table() -> None:
    table = Machine().pclntab(NAMES)
    made = region(b"\x12\x34\x56\x78" + table[4:], name=".gopclntab", writable=False)

    assert list(read_pclntabs(Memory(image(made, sections=[made])))) == []


def test_a_section_with_the_wrong_name_does_not_hide_the_table() -> None:
    # llvm-strip up to 14 gives Go's sections the names of others.
    other = region(bytes(64), 0x1000, name=".gopclntab", writable=False)
    own = region(Machine().pclntab(NAMES), name=".typelink", writable=False)

    (found,) = read_pclntabs(Memory(image(other, own, sections=[other, own])))
    assert list(found.read_functions()) == list(NAMES)
