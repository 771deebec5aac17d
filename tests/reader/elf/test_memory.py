"""What ELF images say of memory, of the CPU and of what stripping takes away: real ones."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile

from pytest_golink import CpuLevel, read_binary
from pytest_golink.reader.elf.facts import read_elf

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample
    from tests.reader.c_images import CompileC

NEEDED = "GNU_PROPERTY_X86_ISA_1_NEEDED"
_SHOWN = ("PT_LOAD", "PT_GNU_STACK", "PT_GNU_RELRO")


def headers_by_pyelftools(path: Path) -> list[tuple[str, str, int, int, int, int]]:
    with path.open("rb") as file:
        return [
            (
                segment["p_type"],
                "".join(letter if segment["p_flags"] & bit else "-" for bit, letter in ((4, "r"), (2, "w"), (1, "x"))),
                segment["p_offset"],
                segment["p_vaddr"],
                segment["p_memsz"],
                segment["p_align"],
            )
            for segment in ELFFile(file).iter_segments()
            if segment["p_type"] in _SHOWN
        ]


@pytest.mark.parametrize(
    ("target", "buildmode", "alignment"),
    [("linux/amd64", None, 0x1000), ("linux/amd64", "pie", 0x1000), ("linux/s390x", None, 0x10000)],
)
def test_pyelftools_reads_the_same_program_headers(
    go_sample: GoSample, target: str, buildmode: str | None, alignment: int
) -> None:
    binary = go_sample("lookup" if target == "linux/s390x" else "static", target=target, cgo=False, buildmode=buildmode)

    found = binary.facts.program_headers
    assert [
        (each.type, each.flags, each.offset, each.address, each.memory_size, each.alignment) for each in found
    ] == headers_by_pyelftools(binary.path)
    assert min(each.alignment for each in found if each.type == "PT_LOAD") == alignment
    assert ("PT_GNU_RELRO" in {each.type for each in found}) == (buildmode == "pie")


@pytest.mark.parametrize("target", ["linux/amd64", "darwin/arm64", "windows/amd64"])
def test_the_sizes_are_what_go_s_linker_leaves_out(go_sample: GoSample, target: str) -> None:
    facts = go_sample("static", target=target, cgo=False).facts
    bare = go_sample("static", target=target, cgo=False, ldflags="-s -w").facts

    assert facts.symtab_size
    assert bare.symtab_size is not None
    assert facts.dwarf_size
    assert bare.dwarf_size == 0
    left_out = facts.symtab_size - bare.symtab_size + facts.dwarf_size
    # Headers and names of sections are gone too, what follows is aligned anew (darwin/arm64: to 16 KiB), and a
    # signature has 32 bytes for each 4 KiB.
    assert abs(facts.size - bare.size - left_out) < 0x8000


@pytest.mark.parametrize(
    ("march", "level"), [("x86-64", "v1"), ("x86-64-v2", "v2"), ("x86-64-v3", "v3"), ("x86-64-v4", "v4")]
)
def test_gcc_s_note_names_the_level_of_c_code(compile_c: CompileC, march: str, level: str) -> None:
    facts = read_binary(compile_c(f"-march={march}", "-mneeded"))

    assert facts.cpu_notes == (CpuLevel(setting="GOAMD64", level=level, via=NEEDED),)


def test_a_level_that_golink_does_not_know_is_told_by_its_bits() -> None:
    assert levels(property_note((0xC0008002, b"\x01\x08\0\0"))) == ["0x801"]


def test_without_the_note_c_code_does_not_say_its_level(compile_c: CompileC) -> None:
    # No start-up code, which distributions compile with the note.
    image = compile_c("-march=x86-64-v3", "-nostdlib", "-static", source="void _start(void) { for (;;) ; }")

    assert read_binary(image).cpu_notes == ()


def property_note(*properties: tuple[int, bytes]) -> bytes:
    data = b"".join(
        struct.pack("<II", kind, len(content)) + content.ljust(-(-len(content) // 8) * 8, b"\0")
        for kind, content in properties
    )
    return struct.pack("<III4s", 4, len(data), 5, b"GNU\0") + data


def with_note(note: bytes, machine: int = 62) -> bytes:
    """An ELF executable of one PT_LOAD and one PT_NOTE."""
    at = 64 + 2 * 56
    size = at + len(note)
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    head = ident + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0x400000, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, size, size, 0x1000)
    notes = struct.pack("<IIQQQQQQ", 4, 4, at, 0x400000 + at, 0x400000 + at, len(note), len(note), 8)
    return head + load + notes + note


def levels(note: bytes, machine: int = 62) -> list[str]:
    return [each.level for each in read_elf("image", memoryview(with_note(note, machine))).cpu_notes]


def test_the_highest_bit_of_the_property_decides_and_other_properties_do_not() -> None:
    used, stack = (0xC0010002, b"\x0f\0\0\0"), (1, b"\0" * 8)

    assert levels(property_note(used, stack, (0xC0008002, b"\x07\0\0\0"))) == ["v3"]
    assert levels(property_note(used)) == []
    assert levels(property_note((0xC0008002, b"\0\0\0\0"))) == []
    assert levels(property_note((0xC0008002, b"\x04\0\0\0")), machine=183) == []


def test_a_property_past_its_note_says_nothing() -> None:
    note = property_note((0xC0008002, b"\x04\0\0\0"))
    broken = note[:20] + struct.pack("<I", 400) + note[24:]

    assert levels(broken) == []
