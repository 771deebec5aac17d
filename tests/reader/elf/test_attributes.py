"""The CPU levels that build attributes ask for: C code as zig compiles it, Go's own, and hand-made attributes."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import pytest
from elftools.elf.elffile import ELFFile

from pytest_golink import CpuLevel, UnreadableBinaryError, read_binary
from pytest_golink.reader.elf.facts import read_elf
from tests.reader.c_images import ANSWER, CompileC, zig

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample

# No C library, and none is compiled for the target.
BARE = ("-shared", "-nostdlib", "-fPIC", "-fno-sanitize=all")


@pytest.mark.parametrize(
    ("target", "cpu", "setting", "level"),
    [
        ("arm-linux-gnueabihf", "cortex_a9", "GOARM", "7,hardfloat"),
        ("arm-linux-gnueabihf", "arm1176jzf_s", "GOARM", "6,hardfloat"),
        ("arm-linux-gnueabi", "arm926ej_s", "GOARM", "5,softfloat"),
        ("riscv64-linux-gnu", "baseline_rv64", "GORISCV64", "rva20u64"),
        ("riscv64-linux-gnu", "baseline_rv64+zba", "GORISCV64", "rva22u64"),
        ("riscv64-linux-gnu", "baseline_rv64+v", "GORISCV64", "rva23u64"),
        ("mips-linux-musleabihf", "mips32r2", "GOMIPS", "hardfloat"),
        ("mipsel-linux-musleabi", "mips32r2", "GOMIPS", "softfloat"),
        ("mips64el-linux-muslabi64", "mips64r2", "GOMIPS64", "hardfloat"),
    ],
)
def test_c_code_names_the_cpu_that_it_was_compiled_for(
    compile_c: CompileC, target: str, cpu: str, setting: str, level: str
) -> None:
    facts = read_binary(compile_c("-target", target, f"-mcpu={cpu}", *BARE, source=ANSWER, compiler=zig()))

    assert [(note.setting, note.level) for note in facts.cpu_notes] == [(setting, level)]


def test_pyelftools_reads_the_same_attributes(compile_c: CompileC) -> None:
    flags = ("-target", "arm-linux-gnueabihf", "-mcpu=cortex_a9", *BARE)
    with compile_c(*flags, source=ANSWER, compiler=zig()).open("rb") as file:
        section: Any = ELFFile(file).get_section_by_name(".ARM.attributes")
        (subsection_,) = section.iter_subsections(vendor_name="aeabi")
        (scope,) = subsection_.iter_subsubsections(scope="TAG_FILE")
        found = {attribute.tag: attribute.value for attribute in scope.iter_attributes()}

    # 10 is Armv7, as in _GOARM.
    assert found["TAG_CPU_ARCH"] == 10
    assert found["TAG_FP_ARCH"] == 3


@pytest.mark.long
@pytest.mark.parametrize("level", ["5", "7", "7,softfloat"])
def test_go_s_linker_writes_no_attributes_of_arm(go_sample: GoSample, level: str) -> None:
    facts = go_sample("static", target="linux/arm", cgo=False, env={"GOARM": level}).facts

    assert facts.go is not None
    assert facts.go.settings["GOARM"] == level
    assert facts.cpu_notes == ()


@pytest.mark.long
@pytest.mark.parametrize("level", ["rva20u64", "rva22u64"])
def test_go_s_linker_writes_no_attributes_of_riscv(go_sample: GoSample, level: str) -> None:
    facts = go_sample("static", target="linux/riscv64", cgo=False, env={"GORISCV64": level}).facts

    assert facts.go is not None
    assert (facts.go.settings["GORISCV64"], facts.cpu_notes) == (level, ())


@pytest.mark.long
@pytest.mark.parametrize("level", ["softfloat", "hardfloat"])
def test_go_s_linker_writes_the_flags_of_mips(go_sample: GoSample, level: str, tmp_path: Path) -> None:
    path = go_sample("static", target="linux/mips", cgo=False, env={"GOMIPS": level}).path
    bare = bytearray(path.read_bytes())
    bare[32:36] = bytes(4)  # e_shoff
    bare[46:52] = bytes((0, 40, 0, 0, 0, 0))  # e_shentsize, e_shnum, e_shstrndx
    (tmp_path / "bare").write_bytes(bare)

    for image in (path, tmp_path / "bare"):
        facts = read_binary(image)
        assert facts.cpu_notes == (CpuLevel(setting="GOMIPS", level=level, via=".MIPS.abiflags"),)


ARM, RISCV, MIPS, MIPS64 = (40, 32), (243, 64), (8, 32), (8, 64)
ATTRIBUTES, ABIFLAGS = 0x70000003, 0x7000002A


def image(machine: tuple[int, int], section_type: int, content: bytes, *, segment: bool = False) -> bytes:
    """An executable of one PT_LOAD with attributes: in a section, or in a segment of the processor's."""
    number, bits = machine
    narrow = bits == 32
    header_size, program, section = (52, 32, 40) if narrow else (64, 56, 64)
    at = header_size + 2 * program + 2 * section
    size = at + len(content)
    ident = b"\x7fELF" + bytes((1 if narrow else 2, 1, 1)) + bytes(9)
    words = "<HHIIIIIHHHHHH" if narrow else "<HHIQQQIHHHHHH"
    first = header_size + 2 * program
    counts = (0, 0, 0) if segment else (section, 2, 0)
    head = struct.pack(
        words, 2, number, 1, 0, header_size, 0 if segment else first, 0, header_size, program, 2, *counts
    )
    if narrow:
        load = struct.pack("<8I", 1, 0, 0x10000, 0x10000, size, size, 5, 0x1000)
        other = struct.pack("<8I", 0x70000003 if segment else 0, at, 0x10000 + at, 0, len(content), len(content), 4, 1)
        table = struct.pack("<10I", 0, section_type, 0, 0, at, len(content), 0, 0, 1, 0)
    else:
        load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x10000, 0x10000, size, size, 0x1000)
        other = struct.pack("<IIQQQQQQ", 0x70000003 if segment else 0, 4, at, 0, 0, len(content), 0, 1)
        table = struct.pack("<IIQQQQIIQQ", 0, section_type, 0, 0, at, len(content), 0, 0, 1, 0)
    return ident + head + load + other + bytes(section) + table + content


def subsection(vendor: bytes, *scopes: tuple[int, bytes]) -> bytes:
    body = b"".join(bytes((tag,)) + struct.pack("<I", 5 + len(content)) + content for tag, content in scopes)
    return struct.pack("<I", 4 + len(vendor) + 1 + len(body)) + vendor + b"\0" + body


def levels(machine: tuple[int, int], section_type: int, content: bytes, *, segment: bool = False) -> list[str]:
    data = image(machine, section_type, content, segment=segment)
    return [note.level for note in read_elf("image", memoryview(data)).cpu_notes]


@pytest.mark.parametrize(
    ("attributes", "level"),
    [
        (b"\x06\x0a\x0a\x03", ["7,hardfloat"]),
        (b"\x06\x0a", ["7,softfloat"]),
        # Armv4T is below what Go asks for, Armv6-M and Armv7E-M are microcontrollers, 99 is not known.
        (b"\x06\x02", []),
        (b"\x06\x0b", []),
        (b"\x06\x0d", []),
        (b"\x06\x63", []),
        (b"\x0a\x03", []),
        # Armv8-A: Go has no name above 7.
        (b"\x06\x0e\x0a\x08", ["7,hardfloat"]),
        # Texts (CPU name, conformance), a number and a text (compatibility), and a number of two bytes.
        (b"\x05cortex-a9\0\x43\x32.09\0\x20\x01gnu\0\x46\x81\x01\x06\x09", ["6,softfloat"]),
    ],
)
def test_arm_names_an_architecture_and_floating_point(attributes: bytes, level: list[str]) -> None:
    assert levels(ARM, ATTRIBUTES, b"A" + subsection(b"aeabi", (1, attributes))) == level


def test_only_the_vendor_s_attributes_of_the_whole_file_count() -> None:
    others = subsection(b"gnu", (1, b"\x06\x0a")) + subsection(b"aeabi", (2, b"\1\0\x06\x0a"), (1, b"\x06\x06"))

    assert levels(ARM, ATTRIBUTES, b"A" + others) == ["6,softfloat"]


@pytest.mark.parametrize("segment", [False, True])
@pytest.mark.parametrize(
    ("arch", "level"),
    [
        (b"rv64imafdc", ["rva20u64"]),
        (b"rv64i2p1m2p0a2p1_zifencei2p0", ["rva20u64"]),
        (b"rv64gc_zbb", ["rva22u64"]),
        (b"rv64i2p1_zfhmin1p0", ["rva22u64"]),
        (b"rv64gcv", ["rva23u64"]),
        (b"rv64i2p1_zvl256b1p0", ["rva23u64"]),
        (b"rv64i2p1_zicond1p0_zba1p0", ["rva23u64"]),
        # In no profile: nothing that Go has a name for.
        (b"rv64gc_xtheadba1p0", ["rva20u64"]),
        (b"rv32imc", []),
    ],
)
def test_riscv_names_its_extensions(arch: bytes, level: list[str], segment: bool) -> None:
    content = b"A" + subsection(b"riscv", (1, b"\x04\x10\x05" + arch + b"\0"))

    assert levels(RISCV, ATTRIBUTES, content, segment=segment) == level


@pytest.mark.parametrize("machine", [MIPS, MIPS64])
@pytest.mark.parametrize(("abi", "level"), [(0, "softfloat"), (1, "hardfloat"), (3, "softfloat"), (5, "hardfloat")])
def test_mips_names_its_floating_point(machine: tuple[int, int], abi: int, level: str) -> None:
    flags = bytes((0, 0, 32, 1, 1, 1, 0, abi)).ljust(24, b"\0")

    assert levels(machine, ABIFLAGS, flags) == [level]
    assert levels(machine, ABIFLAGS, flags, segment=True) == [level]


def test_without_attributes_nothing_is_said() -> None:
    for machine in (ARM, RISCV, MIPS):
        assert levels(machine, 1, b"") == []


@pytest.mark.parametrize(
    ("machine", "section_type", "content", "reason"),
    [
        (ARM, ATTRIBUTES, b"", "the build attributes are of version b'', not 'A'"),
        (ARM, ATTRIBUTES, b"B\0\0\0\0", "the build attributes are of version b'B', not 'A'"),
        (ARM, ATTRIBUTES, b"A\x09", "the build attributes go past their end"),
        (ARM, ATTRIBUTES, b"A\0\0\0\0", "the build attributes go past their end"),
        (ARM, ATTRIBUTES, b"A" + subsection(b"aeabi", (1, b"\x06"))[:-1], "the build attributes go past their end"),
        (ARM, ATTRIBUTES, b"A" + subsection(b"aeabi", (1, b"\x06\x8a")), "the build attributes go past their end"),
        (ARM, ATTRIBUTES, b"A" + subsection(b"aeabi", (1, b"\x05ARM")), "the build attributes go past their end"),
        (RISCV, ATTRIBUTES, b"A\x08\0\0\0risc", "the build attributes go past their end"),
        (MIPS, ABIFLAGS, bytes(23), r"\.MIPS\.abiflags has 23 bytes, not 24"),
    ],
)
def test_attributes_that_go_past_their_end_are_damage(
    machine: tuple[int, int], section_type: int, content: bytes, reason: str
) -> None:
    with pytest.raises(UnreadableBinaryError, match=reason):
        levels(machine, section_type, content)
