"""
Images with a hole: stretches of zeros where a table stood, as in a download of which a piece did not arrive.

Each case was found by `make fuzz`. Zeros end most tables, so that an image seemed to need no library.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.reader.ar import read_archive
from pytest_golink.reader.elf.facts import read_elf
from pytest_golink.reader.macho.facts import read_macho
from pytest_golink.reader.pe.facts import read_pe
from pytest_golink.reader.wasm import read_wasm
from pytest_golink.reader.xcoff import read_xcoff
from tests.reader import handmade_pe
from tests.reader.c_images import zig
from tests.reader.elf.test_damage import Editor
from tests.reader.handmade_macho import TAIL, Maker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_golink import GoSample
    from tests.reader.c_images import CompileC


def refused(reader: Callable[[str, memoryview], object], image: bytes | bytearray, reason: str) -> None:
    with pytest.raises(UnreadableBinaryError, match=reason):
        reader("image", memoryview(bytes(image)))


def with_hole(path: Path, offset: int, size: int) -> bytearray:
    image = bytearray(path.read_bytes())
    assert any(image[offset : offset + size])
    image[offset : offset + size] = bytes(size)
    return image


@pytest.mark.parametrize("sections", [True, False])
def test_an_empty_dynamic_table_is_a_hole(compile_c: CompileC, sections: bool) -> None:
    editor = Editor(compile_c())
    start, size = editor.content(".dynamic"), 16 * len(editor.entries)
    editor.data[start : start + size] = bytes(size)
    if not sections:
        editor.without_sections()

    refused(read_elf, editor.data, "the dynamic table of 0 entries has no DT_STRTAB")


def test_a_dynamic_table_that_ends_before_its_symbols_is_a_hole(go_sample: GoSample) -> None:
    editor = Editor(go_sample("lookup", cgo=True, linkmode="internal").path)
    # Go's linker writes its libraries last.
    place = editor.entry("DT_SYMTAB")
    end = editor.content(".dynamic") + 16 * len(editor.entries)
    editor.data[place:end] = bytes(end - place)

    refused(read_elf, editor.data, "has no DT_(STRTAB|SYMTAB)")


@pytest.mark.parametrize("sections", [True, False])
@pytest.mark.parametrize("image", ["internal", "importdynamic", "gcc", "zig"])
def test_a_dynamic_table_without_its_last_entries_is_a_hole(
    go_sample: GoSample, compile_c: CompileC, image: str, sections: bool
) -> None:
    if image == "gcc":
        path = compile_c()
    elif image == "zig":
        path = compile_c("-target", "aarch64-linux-gnu.2.17", compiler=zig())
    elif image == "internal":
        path = go_sample("lookup", cgo=True, linkmode="internal").path
    else:
        path = go_sample("importdynamic", cgo=False).path
    editor = Editor(path)
    start, end = (editor.content(".dynamic") + 16 * index for index in (0, len(editor.entries)))
    if not sections:
        editor.without_sections()
    whole = bytes(editor.data)
    facts = read_elf("image", memoryview(whole))

    for cut in range(start, end - 16, 16):
        holed = whole[:cut] + bytes(end - cut) + whole[end:]
        try:
            seen = read_elf("image", memoryview(holed))
        except UnreadableBinaryError:
            continue
        # What it lost says nothing of libraries or versions: DT_RELACOUNT, DT_FLAGS_1.
        assert (seen.needed, seen.imports, seen.version_needs) == (facts.needed, facts.imports, facts.version_needs)
        assert seen.linkage == facts.linkage


def test_a_version_need_of_a_library_that_is_not_needed_is_a_hole(go_sample: GoSample) -> None:
    editor = Editor(go_sample("cgo", cgo=True, linkmode="external").path)
    place = editor.entry("DT_NEEDED")
    # The end of the name is a name too.
    (name,) = struct.unpack_from("<Q", editor.data, place + 8)
    editor.put(place + 8, name + 3)

    refused(read_elf, editor.data, r"lib[cm]\.so\.6 must define GLIBC_[0-9.]+, but DT_NEEDED does not name it")


def test_an_empty_dynamic_symbol_is_a_hole(compile_c: CompileC) -> None:
    editor = Editor(compile_c())
    start = editor.content(".dynsym") + 24
    editor.data[start : start + 48] = bytes(48)

    refused(read_elf, editor.data, "symbol 1 of DT_SYMTAB is empty")


@pytest.mark.parametrize("directory", [handmade_pe.IMPORT, handmade_pe.DELAY])
def test_an_import_directory_that_begins_with_its_end_is_a_hole(directory: int) -> None:
    maker = handmade_pe.Maker()
    maker.imports(kernel32_dll=(b"ExitProcess",))
    maker.delay_imports(b"crypt32.dll", b"CertOpenStore")
    rva, size = maker.directories[directory]
    start = rva - handmade_pe.RVA
    maker.data[start : start + size] = bytes(size)

    refused(read_pe, maker.image(), "has (40|64) bytes, and begins with its end")


@pytest.mark.parametrize("directory", [handmade_pe.IMPORT, handmade_pe.DELAY])
def test_an_import_directory_that_ends_early_is_a_hole(directory: int) -> None:
    maker = handmade_pe.Maker()
    maker.imports(kernel32_dll=(b"ExitProcess",), user32_dll=(b"MessageBoxA",))
    maker.delay_imports(b"crypt32.dll", b"CertOpenStore")
    rva, size = maker.directories[directory]
    entry = 20 if directory == handmade_pe.IMPORT else 32
    start = rva - handmade_pe.RVA
    # The last descriptor before the end becomes one more end, of the same directory.
    if directory == handmade_pe.IMPORT:
        maker.data[start + entry : start + 2 * entry] = bytes(entry)
    else:
        maker.directories[directory] = (maker.put(bytes(maker.data[start : start + size]) + bytes(entry)), size + entry)

    refused(read_pe, maker.image(), "ends 1 descriptors before its size")


def test_an_import_directory_of_its_end_alone_is_empty() -> None:
    maker = handmade_pe.Maker()
    maker.directories[handmade_pe.IMPORT] = (maker.put(bytes(20)), 20)

    assert read_pe("image", memoryview(maker.image())).needed == ()


def test_a_symbol_table_of_zeros_is_a_hole() -> None:
    make = Maker()
    image = make.image(make.command(0x2, "4I", TAIL, 2, TAIL + 32, 8), tail=bytes(32) + b"\0_puts\0\0")

    refused(lambda path, data: read_macho(path, data), image, "holds 32 zeros instead of 2 symbols")


def test_a_loader_section_of_zeros_is_a_hole(go_sample: GoSample) -> None:
    path = go_sample("static", target="aix/ppc64", cgo=False).path
    data = path.read_bytes()
    sections = [struct.unpack_from(">8s6Q2I2I", data, 24 + 120 + 72 * index) for index in range(data[3])]
    (loader,) = (section for section in sections if section[0] == b".loader\0")

    refused(read_xcoff, with_hole(path, loader[4], loader[3]), "the loader section is of version 0, not 2")


def test_a_module_cut_before_its_imports_is_damage(go_sample: GoSample) -> None:
    image = go_sample("static", target="wasip1/wasm", cgo=False).path.read_bytes()
    # Types alone: each section begins with its number and its size.
    types = b"\0asm\1\0\0\0" + b"\x01\x04\x01\x60\x00\x00"

    assert image.startswith(types[:8])
    refused(read_wasm, types[:8], "nothing behind the header")
    refused(read_wasm, types, "nothing that a host could call: is it cut")


@pytest.mark.parametrize("magic", [b"!<arch>\n", b"!<thin>\n"])
def test_an_archive_cut_to_its_magic_number_is_damage(magic: bytes) -> None:
    refused(read_archive, magic, "has no member: is it cut")
