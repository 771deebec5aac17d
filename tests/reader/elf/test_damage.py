"""Truncated and damaged ELF images: the typed error, and nothing else."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lief
import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.reader.bounds import View
from pytest_golink.reader.elf.facts import read_elf
from tests.reader import reading
from tests.reader.c_images import CompileC, zig

if TYPE_CHECKING:
    from pytest_golink import GoSample
    from pytest_golink.facts import BinaryFacts

# Fixed: a truncation that passes must pass again.
_SEED = 20260101
_RANDOM_CUTS = 150


def read(data: bytes) -> BinaryFacts:
    return read_elf("image", memoryview(data))


def damage(data: bytes | bytearray) -> str:
    return reading.damage(data, "elf")


class Editor:
    """A little-endian 64-bit image under the knife; pyelftools finds the places."""

    def __init__(self, path: Path) -> None:
        self.data = bytearray(path.read_bytes())
        with path.open("rb") as file:
            elf: Any = ELFFile(file)
            self.header = dict(elf.header)
            self.segments = [dict(segment.header) for segment in elf.iter_segments()]
            self.sections = [(section.name, dict(section.header)) for section in elf.iter_sections()]
            dynamic = elf.get_section_by_name(".dynamic")
            self.entries = [tag.entry.d_tag for tag in dynamic.iter_tags()] if dynamic else []

    def segment(self, type_: str) -> int:
        """The offset of the first program header of a type."""
        index = next(i for i, segment in enumerate(self.segments) if segment["p_type"] == type_)
        return int(self.header["e_phoff"]) + index * 56

    def section(self, name: str) -> int:
        """The offset of a section's header."""
        index = next(i for i, (found, _) in enumerate(self.sections) if found == name)
        return int(self.header["e_shoff"]) + index * 64

    def content(self, name: str) -> int:
        """The offset of a section's bytes."""
        return int(next(header["sh_offset"] for found, header in self.sections if found == name))

    def entry(self, tag: str) -> int:
        """The offset of the first dynamic entry with a tag."""
        return self.content(".dynamic") + self.entries.index(tag) * 16

    def put(self, offset: int, value: int, size: int = 8) -> bytes:
        self.data[offset : offset + size] = value.to_bytes(size, "little")
        return bytes(self.data)

    def without_sections(self) -> Editor:
        self.put(40, 0)
        self.put(60, 0, 4)
        return self


def past_the_last_address(editor: Editor) -> bytes:
    editor.put(editor.segment("PT_LOAD") + 16, 0xFFFFFFFFFFFFF000)
    return editor.put(editor.segment("PT_LOAD") + 40, 1 << 13)


def empty_hash(editor: Editor) -> bytes:
    editor.put(editor.content(".gnu.hash") + 4, 9999, 4)
    return editor.put(editor.content(".gnu.hash") + 24, 5, 4)


Edit = Callable[[Editor], bytes]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda e: e.put(4, 3, 1), "EI_CLASS is 3: neither 1 nor 2"),
        (lambda e: e.put(5, 0, 1), "EI_DATA is 0: neither 1 nor 2"),
        (lambda e: e.put(6, 0, 1), "EI_VERSION is 0, not 1"),
        (lambda e: e.put(16, 4, 2), "a core file, not an image"),
        (lambda e: e.put(16, 0xFE00, 2), "e_type is 0xfe00: not an object, executable or shared library"),
        (lambda e: e.put(18, 8, 2) and e.put(18, 22, 2), "EI_DATA says little, which e_machine 22 does not have"),
        (lambda e: e.put(18, 3, 2), "EI_CLASS says 64, which e_machine 3 does not have"),
        (lambda e: e.put(20, 2, 4), "e_version is 2, not 1"),
        (lambda e: e.put(52, 65, 2), "e_ehsize is 65, not 64"),
        (lambda e: e.put(54, 57, 2), "e_phentsize is 57, not 56"),
        (lambda e: e.put(58, 65, 2), "e_shentsize is 65, not 64"),
        (lambda e: e.put(56, 0, 2), "there is no program header"),
        (lambda e: e.put(32, 1 << 40), "the table of"),
        (lambda e: e.put(40, 0), "e_shoff is 0, but e_shnum is"),
        (lambda e: e.put(60, 0, 2), "there is a section header table, but no count of its entries"),
        (lambda e: e.put(62, 500, 2), "e_shstrndx is 500, but there are"),
        (lambda e: e.put(62, len(e.sections), 2), "but there are"),
        (lambda e: e.put(62, 1, 2), "the table of section names is of type 1, not SHT_STRTAB"),
        (lambda e: e.put(int(e.header["e_shoff"]) + 4, 1, 4), "section header 0 is of type 1, not SHT_NULL"),
        (lambda e: e.put(e.section(".text") + 40, 1000, 4), "(.text) refers to section 1000 of"),
        (lambda e: e.put(e.section(".symtab") + 56, 23), "in entries of 23, not of 24"),
        (lambda e: e.put(e.section(".symtab") + 40, 1, 4), "has no string table (sh_link 1)"),
        (lambda e: e.put(e.segment("PT_INTERP"), 8, 4), "is of type 0x8, which means nothing"),
        (lambda e: e.put(e.segment("PT_INTERP"), 4, 4), "section .interp is there, but no PT_INTERP"),
        (lambda e: e.put(e.segment("PT_INTERP") + 8, 0x40), "section .interp is not"),
        (lambda e: e.put(e.segment("PT_INTERP") + 32, 0), "PT_INTERP has no bytes in the file"),
        (lambda e: e.put(e.segment("PT_INTERP") + 32, 5), "PT_INTERP has no terminating NUL"),
        (lambda e: e.put(e.content(".interp") + 6, 0, 1), "PT_INTERP is not one text"),
        (lambda e: e.put(e.content(".interp") + 6, 0xFF, 1), "PT_INTERP is not UTF-8"),
        (lambda e: e.put(e.segment("PT_DYNAMIC"), 4, 4), "section .dynamic is there, but no PT_DYNAMIC"),
        (lambda e: e.put(e.segment("PT_DYNAMIC") + 8, 64), "is not the section .dynamic"),
        (lambda e: e.put(e.segment("PT_DYNAMIC") + 32, 0), "PT_DYNAMIC has no bytes in the file"),
        (lambda e: e.put(e.segment("PT_DYNAMIC") + 32, 32), "the dynamic table has no DT_NULL at its end"),
        (lambda e: e.put(e.entry("DT_STRTAB"), 0), "the dynamic table goes on behind its DT_NULL"),
        (lambda e: e.without_sections().put(e.segment("PT_DYNAMIC") + 16, 0x40), "is not what its address 0x40 maps"),
        (lambda e: e.put(e.segment("PT_NOTE"), 3, 4), "there are 2 PT_INTERP segments"),
        (lambda e: e.put(e.segment("PT_PHDR") + 32, 56), "PT_PHDR is not the table of program headers"),
        (lambda e: e.put(e.segment("PT_LOAD") + 40, 16), "bytes in the file and only 16 in memory"),
        (lambda e: e.put(e.segment("PT_LOAD") + 48, 3), "has an alignment of 0x3, not a power of two"),
        (lambda e: e.put(e.segment("PT_LOAD") + 16, 8), "is not aligned as its offset in the file"),
        (lambda e: e.put(e.segment("PT_LOAD") + 40, 0x3000), "overlaps the PT_LOAD before it"),
        (lambda e: past_the_last_address(e), "goes past the end of the address space"),
        (lambda e: e.put(e.entry("DT_NEEDED"), 0x1000), "has the tag 0x1000"),
        (lambda e: e.put(e.entry("DT_NEEDED"), 21), "must define GLIBC_2.2.5, but DT_NEEDED does not name it"),
        (lambda e: e.put(e.entry("DT_NEEDED") + 8, 1 << 20), "DT_NEEDED is at 0x100000 of a DT_STRTAB of"),
        (lambda e: e.put(e.entry("DT_NEEDED") + 8, 0), "DT_NEEDED is empty"),
        (lambda e: e.put(e.entry("DT_STRTAB"), 21), "has DT_NEEDED but no DT_STRTAB"),
        (lambda e: e.put(e.entry("DT_STRTAB") + 8, 1 << 50), "DT_STRTAB at address 0x4000000000000 is in no PT_LOAD"),
        (lambda e: e.put(e.entry("DT_STRSZ") + 8, 1 << 20), "goes past the file bytes of its PT_LOAD"),
        (lambda e: e.put(e.entry("DT_STRSZ") + 8, 0), "has DT_STRTAB but no DT_STRSZ"),
        (lambda e: e.put(e.entry("DT_SYMENT"), 5), "the dynamic table has 2 DT_STRTAB entries"),
        (lambda e: e.put(e.entry("DT_SYMENT") + 8, 16), "DT_SYMENT is 16, not 24"),
        (lambda e: e.put(e.entry("DT_VERSYM"), 21), "has DT_VERNEED but no DT_VERSYM"),
        (lambda e: e.put(e.entry("DT_VERNEEDNUM") + 8, 2), "DT_VERNEED entry 0 has nothing after it, against its"),
        (lambda e: e.put(e.entry("DT_VERNEEDNUM") + 8, 0), "has DT_VERNEED but no count of its entries"),
        (lambda e: e.put(e.content(".gnu.version_r"), 7, 2), "DT_VERNEED entry 0 is of revision 7, not 1"),
        (lambda e: e.put(e.content(".gnu.version_r") + 12, 16, 4), "DT_VERNEED entry 0 goes on, against its count"),
        (lambda e: e.put(e.content(".gnu.version") + 2, 99, 2), "has version index 99, which is defined nowhere"),
        (lambda e: e.put(e.entry("DT_RELAENT") + 8, 23), "bytes in entries of 23, not of 24"),
        (lambda e: e.put(e.entry("DT_PLTREL") + 8, 9), "DT_PLTREL is 9, neither DT_REL nor DT_RELA"),
        (lambda e: e.put(e.entry("DT_PLTRELSZ") + 8, 23), "DT_JMPREL: 23 bytes are no whole number of entries"),
        (lambda e: e.put(e.content(".rela.plt") + 12, 999, 4), "symbol 999 is used, but the section of DT_SYMTAB has"),
        (lambda e: empty_hash(e), "DT_GNU_HASH refers to symbol 5, below its first symbol 9999"),
        (lambda e: e.put(e.content(".hash") + 4, 30, 4), "DT_HASH has 30 symbols, the section of DT_SYMTAB"),
    ],
)  # fmt: skip
def test_damage_is_named(compile_c: CompileC, edit: Edit, message: str) -> None:
    editor = Editor(
        compile_c("-Wl,-z,lazy", "-Wl,--hash-style=both" if "DT_HASH" in message else "-Wl,--hash-style=gnu")
    )
    read(bytes(editor.data))

    assert message in damage(edit(editor))


def test_a_version_definition_of_another_revision_is_damage() -> None:
    editor = Editor(Path("/lib/x86_64-linux-gnu/libc.so.6"))

    assert "DT_VERDEF entry 0 is of revision 2, not 1" in damage(editor.put(editor.content(".gnu.version_d"), 2, 2))


def test_a_file_that_only_lief_cannot_read_is_an_error(compile_c: CompileC) -> None:
    # LIEF looks at all four bytes of the magic number too; here it is ours that does not.
    assert "LIEF cannot read it" in damage(b"\x7fELG" + compile_c().read_bytes()[4:])


def structure_boundaries(path: Path) -> Iterator[int]:
    editor = Editor(path)
    yield from (0, 1, 4, 16, 63, 64)
    for segment in editor.segments:
        yield from (segment["p_offset"], segment["p_offset"] + segment["p_filesz"])
    for _, section in editor.sections:
        yield section["sh_offset"]
        if section["sh_type"] != "SHT_NOBITS":
            yield section["sh_offset"] + section["sh_size"]
    for index in range(len(editor.sections)):
        yield int(editor.header["e_shoff"]) + index * 64


def cut_everywhere(path: Path) -> None:
    data = path.read_bytes()
    read(data)
    places = {cut for boundary in structure_boundaries(path) for cut in (boundary - 1, boundary, boundary + 1)}
    chance = random.Random(_SEED)  # noqa: S311 - places to cut, no secrets
    places.update(chance.randrange(len(data)) for _ in range(_RANDOM_CUTS))
    places.add(len(data) - 1)
    for place in sorted(places):
        if 0 <= place < len(data):
            damage(data[:place])


@pytest.mark.parametrize("flags", [(), ("-static",), ("-shared", "-fPIC"), ("-c",)])
def test_a_c_image_cut_anywhere_is_an_error(compile_c: CompileC, flags: tuple[str, ...]) -> None:
    cut_everywhere(compile_c(*flags))


def test_an_image_of_another_linker_cut_anywhere_is_an_error(compile_c: CompileC) -> None:
    cut_everywhere(compile_c("-target", "x86_64-linux-musl", "-dynamic", compiler=zig()))


@pytest.mark.parametrize("ldflags", ["", "-s -w"])
def test_a_go_image_cut_anywhere_is_an_error(go_sample: GoSample, ldflags: str) -> None:
    cut_everywhere(go_sample("static", target="linux/amd64", cgo=False, ldflags=ldflags).path)


def test_a_dynamic_go_image_cut_anywhere_is_an_error(go_sample: GoSample) -> None:
    cut_everywhere(go_sample("lookup", cgo=True).path)


def places_to_flip(path: Path) -> list[int]:
    """Every byte of the headers, the dynamic table and what it points to."""
    editor = Editor(path)
    places = list(range(64 + 56 * len(editor.segments)))
    places += range(int(editor.header["e_shoff"]), int(editor.header["e_shoff"]) + 64 * len(editor.sections))
    for name, section in editor.sections:
        if name in (".interp", ".dynamic", ".dynsym", ".dynstr", ".hash", ".gnu.hash", ".gnu.version", ".shstrtab") or (
            name.startswith((".gnu.version", ".rela", ".note"))
        ):
            places += range(section["sh_offset"], section["sh_offset"] + section["sh_size"])
    return [place for place in places if place < len(editor.data)]


@given(data=st.data())
@settings(
    max_examples=400,
    deadline=5000,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_flipped_bytes_give_facts_or_the_typed_error(compile_c: CompileC, data: st.DataObject) -> None:
    flags = data.draw(
        st.sampled_from([(), ("-no-pie", "-Wl,--hash-style=both"), ("-static-pie",), ("-shared", "-fPIC")])
    )
    path = compile_c(*flags)
    image = bytearray(path.read_bytes())
    places = places_to_flip(path)
    for _ in range(data.draw(st.integers(1, 3))):
        image[data.draw(st.sampled_from(places))] = data.draw(st.integers(0, 255))
    try:
        facts = read(bytes(image))
    except UnreadableBinaryError:
        return
    assert facts.size == len(image)


def test_a_section_s_name_costs_only_what_it_would_have_told(compile_c: CompileC) -> None:
    # llvm-strip cuts the names of Go's sections off.
    editor = Editor(compile_c())
    facts = read(editor.put(editor.section(".text"), 1 << 20, 4))
    assert [library.name for library in facts.needed] == ["libc.so.6"]

    assert "has no readable name: is it DWARF?" in damage(editor.put(editor.section(".comment"), 1 << 20, 4))


def test_an_image_without_pt_load_is_damage(compile_c: CompileC) -> None:
    editor = Editor(compile_c())
    for index, segment in enumerate(editor.segments):
        if segment["p_type"] == "PT_LOAD":
            editor.put(int(editor.header["e_phoff"]) + index * 56, 4, 4)

    assert "there is no PT_LOAD" in damage(editor.data)


def test_symbols_are_counted_without_any_hash_table(compile_c: CompileC) -> None:
    whole = read(compile_c("-Wl,--hash-style=gnu").read_bytes())
    editor = Editor(compile_c("-Wl,--hash-style=gnu"))

    assert read(editor.put(editor.entry("DT_GNU_HASH"), 21)).imports == whole.imports


def test_a_program_is_told_from_a_library_without_the_flag_for_it(compile_c: CompileC) -> None:
    editor = Editor(compile_c("-pie", "-Wl,-z,lazy"))
    facts = read(editor.put(editor.entry("DT_FLAGS_1") + 8, 0))

    assert (facts.kind, facts.linkage) == ("executable", "dynamic")


def test_sections_without_names_are_read(compile_c: CompileC) -> None:
    editor = Editor(compile_c())
    facts = read(editor.put(62, 0, 2))  # e_shstrndx

    assert (facts.linkage, facts.symtab) == ("dynamic", True)


def test_two_readers_must_agree(compile_c: CompileC, monkeypatch: pytest.MonkeyPatch) -> None:
    parse = lief.ELF.parse
    other = str(compile_c("-static"))
    monkeypatch.setattr(lief.ELF, "parse", lambda *_: parse(other))

    assert "two readers disagree about PT_INTERP: None and" in damage(compile_c().read_bytes())


def test_a_failure_of_lief_is_ours(compile_c: CompileC, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("corrupted")

    monkeypatch.setattr(lief.ELF, "parse", fail)

    assert "LIEF cannot read it: corrupted" in damage(compile_c().read_bytes())


def test_a_negative_range_is_no_range() -> None:
    with pytest.raises(UnreadableBinaryError, match="the table has a negative offset or size"):
        View(b"1234", path="image", format="elf").slice(-1, 2, "the table")


def test_a_header_of_the_other_width_is_damage() -> None:
    header = struct.pack("<4sBBB9xHHIIIIIHHHHHH", b"\x7fELF", 1, 1, 1, 2, 3, 1, 0, 52, 0, 0, 52, 32, 0, 40, 0, 0)

    assert "there is no program header" in damage(header)
