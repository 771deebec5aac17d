"""The mapped image that Go's structures are read from: relocated pointers, symbols, the entry point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from elftools.elf.elffile import ELFFile

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.reader.bounds import View
from pytest_golink.reader.elf.dynamic import read_dynamic
from pytest_golink.reader.elf.image import map_elf
from pytest_golink.reader.elf.layout import read_layout
from pytest_golink.reader.elf.target import goarch_of, goos_of
from tests.reader.c_images import CompileC, zig

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample
    from pytest_golink.golang.image import MappedImage

POINTERS = """
#define HIDDEN __attribute__((visibility("hidden")))
HIDDEN int values[400] = { 1 };
HIDDEN int *table[80] = { [0] = &values[1], [1] = &values[2], [70] = &values[7], [79] = &values[9] };
int use(int count) { return *table[count]; }
"""


def map_image(path: Path) -> MappedImage:
    layout = read_layout(View(path.read_bytes(), path=str(path), format="elf"))
    return map_elf(layout, read_dynamic(layout))


@pytest.mark.parametrize(
    ("flags", "compiler"),
    [
        (("-shared", "-fPIC", "-nostdlib"), ("gcc",)),
        (("-shared", "-fPIC", "-nostdlib", "-Wl,-z,pack-relative-relocs"), ("gcc",)),
        # Addends in place: REL.
        (("-shared", "-fPIC", "-nostdlib", "-target", "x86-linux-musl"), zig()),
    ],
)
def test_a_pointer_of_a_moving_image_has_the_address_that_the_loader_puts_there(
    compile_c: CompileC, flags: tuple[str, ...], compiler: tuple[str, ...]
) -> None:
    image = map_image(compile_c(*flags, source=POINTERS, compiler=compiler))
    symbols = image.symbols()
    table, values, size = symbols["table"], symbols["values"], image.pointer_size

    assert image.relocated(table) == values + 4
    assert image.relocated(table + size) == values + 8
    assert image.relocated(table + 70 * size) == values + 28
    assert image.relocated(table + 79 * size) == values + 36
    assert image.relocated(table + 2 * size) is None
    assert image.relocated(0) is None


def test_symbols_are_those_of_pyelftools(go_sample: GoSample) -> None:
    path = go_sample("static", target="linux/amd64", cgo=False).path
    with path.open("rb") as file:
        elf: Any = ELFFile(file)
        theirs = {
            symbol.name: symbol["st_value"]
            for symbol in reversed(list(elf.get_section_by_name(".symtab").iter_symbols()))
            if symbol["st_shndx"] != "SHN_UNDEF" and symbol.name and symbol["st_info"]["type"] != "STT_FILE"
        }

    assert dict(map_image(path).symbols()) == theirs


def test_a_symbol_whose_name_is_not_in_its_table_is_damage(compile_c: CompileC) -> None:
    data = bytearray(compile_c().read_bytes())
    with compile_c().open("rb") as file:
        elf: Any = ELFFile(file)
        table = elf.get_section_by_name(".symtab")
        index = next(i for i, symbol in enumerate(table.iter_symbols()) if symbol.name == "main")
        at = table["sh_offset"] + index * 24
    data[at : at + 4] = (1 << 24).to_bytes(4, "little")
    layout = read_layout(View(bytes(data), path="image", format="elf"))
    symbols = map_elf(layout, read_dynamic(layout)).symbols

    with pytest.raises(UnreadableBinaryError, match="a symbol's name is at 0x1000000 of a string table of"):
        symbols()


def test_the_entry_point_of_64_bit_powerpc_is_read_through_its_descriptor(go_sample: GoSample) -> None:
    big = map_image(go_sample("static", target="linux/ppc64", cgo=False).path)
    symbols = big.symbols()

    (text,) = (segment for segment in big.segments if segment.executable)
    assert big.byteorder == "big"
    assert big.entry is not None
    assert text.address <= big.entry < text.address + len(text.data)
    assert symbols["runtime.text"] <= big.entry < symbols["runtime.etext"]


def test_a_function_descriptor_in_data_is_followed(go_sample: GoSample, tmp_path: Path) -> None:
    data = bytearray(go_sample("static", target="linux/ppc64", cgo=False).path.read_bytes())
    (tmp_path / "image").write_bytes(data)
    whole = map_image(tmp_path / "image")
    writable = next(segment for segment in whole.segments if segment.writable)
    assert whole.entry is not None
    data[writable.offset : writable.offset + 8] = whole.entry.to_bytes(8, "big")
    data[24:32] = writable.address.to_bytes(8, "big")
    (tmp_path / "image").write_bytes(data)

    assert map_image(tmp_path / "image").entry == whole.entry


def test_a_symbols_slot_is_not_relocated_by_the_load_address_alone(compile_c: CompileC) -> None:
    with compile_c().open("rb") as file:
        elf: Any = ELFFile(file)
        slots = [r["r_offset"] for r in elf.get_section_by_name(".rela.dyn").iter_relocations() if r["r_info_sym"]]

    assert slots
    assert map_image(compile_c()).relocated(slots[0]) is None


def test_an_object_has_no_entry_point(compile_c: CompileC) -> None:
    image = map_image(compile_c("-c"))

    assert (image.entry, image.segments) == (None, ())


@pytest.mark.parametrize(
    ("os_abi", "notes", "interpreter", "versions", "goos"),
    [
        (0, [], None, [], None),
        (3, [], None, [], "linux"),
        (9, [], None, [], "freebsd"),
        (0, [(b"GNU", 1, b"\0\0\0\0" * 4)], None, [], "linux"),
        (0, [(b"GNU", 1, b"\1\0\0\0" * 4)], None, [], None),
        (0, [(b"GNU", 3, b"\0\0\0\0" * 4), (b"NetBSD", 1, b"")], None, [], "netbsd"),
        (0, [(b"Android", 1, b"")], None, [], "android"),
        (0, [], "/system/bin/linker64", [], "android"),
        (0, [], "/libexec/ld-elf.so.1", [], "freebsd"),
        (0, [], "/libexec/ld-elf.so.2", [], "dragonfly"),
        (0, [], "/lib/ld-musl-aarch64.so.1", [], "linux"),
        (0, [], "/nix/store/x/lib/ld-linux-x86-64.so.2", [], "linux"),
        (0, [], "/opt/loader", [], None),
        (0, [], "/opt/loader", ["GLIBC_2.17"], "linux"),
    ],
)
def test_the_system_is_told_by_notes_header_loader_and_versions(
    compile_c: CompileC,
    os_abi: int,
    notes: list[tuple[bytes, int, bytes]],
    interpreter: str | None,
    versions: list[str],
    goos: str | None,
) -> None:
    data = bytearray(compile_c().read_bytes())
    data[7] = os_abi
    header = read_layout(View(bytes(data), path="image", format="elf")).header

    assert goos_of(header, notes, interpreter, versions) == goos


@pytest.mark.parametrize(
    ("needed", "goos"),
    [("libc.musl-aarch64.so.1", "linux"), ("ld-linux-x86-64.so.2", "linux"), ("libc.so", None), ("libc.so.7", None)],
)
def test_the_system_of_a_library_is_told_by_the_libc_it_needs(
    compile_c: CompileC, needed: str, goos: str | None
) -> None:
    header = read_layout(View(compile_c().read_bytes(), path="image", format="elf")).header

    assert goos_of(header, [], None, [], ["libm.so", needed]) == goos


def test_the_n32_abi_is_no_port_of_go(compile_c: CompileC) -> None:
    def arch(flags: int) -> str | None:
        header = bytearray(compile_c("-c", "-target", "mips-linux-musleabi", compiler=zig()).read_bytes())
        header[36:40] = flags.to_bytes(4, "big")
        return goarch_of(read_layout(View(bytes(header), path="image", format="elf")).header)

    assert (arch(0), arch(0x20)) == ("mips", None)
