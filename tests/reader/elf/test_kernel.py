"""Headers that the kernel or the loader reads otherwise than they look; each is started, to know who is right."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from pytest_golink.facts import NeededLibrary
from pytest_golink.reader.elf.facts import read_elf
from tests.oracles import run
from tests.reader.c_images import ANSWER, zig
from tests.reader.elf.edits import DYNAMIC, INTERP, LOAD, RELRO, Image, start
from tests.reader.reading import damage

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink.facts import BinaryFacts
    from tests.reader.c_images import CompileC

SIGSEGV = -11
HELLO = (0, "hello\n")


def read(data: bytes) -> BinaryFacts:
    return read_elf("image", memoryview(data))


def refused(data: bytes) -> str:
    return damage(data, "elf")


def polyglot(program: Path) -> bytes:
    """An x86-64 program that is also a static 32-bit one: the upper half of e_entry is that one's e_phoff."""
    image = bytearray(program.read_bytes())
    at = struct.unpack_from("<Q", image, 24)[0] >> 32
    image += bytes(at - len(image))
    image += struct.pack("<8I", 1, 0, 0, 0, at, at, 5, 0x1000)
    image += struct.pack("<8I", 0x6474E551, 0, 0, 0, 0, 0, 6, 16)
    image[4] = 1
    struct.pack_into("<4H", image, 40, 52, 32, 2, 40)
    struct.pack_into("<2H", image, 48, 1, 0)
    struct.pack_into("<I", image, 68, 0)
    return bytes(image)


def test_a_64_bit_program_that_says_it_is_of_32_bits_is_refused(compile_c: CompileC, tmp_path: Path) -> None:
    data = polyglot(compile_c("-pie", "-Wl,-Ttext-segment=0x500000000000", "-s"))

    assert start(data, tmp_path) == HELLO
    assert refused(data).endswith(
        "EI_CLASS and EI_DATA say 32 bits and little-endian, but Linux takes e_machine 62 with e_phentsize 56 for a "
        "64-bit, little-endian program"
    )


def test_a_little_endian_program_that_says_it_is_big_endian_is_refused(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c())
    image.put(5, "B", 2)

    assert start(image.data(), tmp_path) == HELLO
    assert "say 64 bits and big-endian, but Linux takes e_machine 62" in refused(image.data())


@pytest.mark.parametrize(
    ("machine", "order"), [(183, "<"), (243, "<"), (258, "<"), (21, "<"), (21, ">"), (22, ">"), (8, ">"), (8, "<")]
)
@pytest.mark.parametrize("turned", ["class", "data"])
def test_so_are_those_of_other_machines(compile_c: CompileC, machine: int, order: str, turned: str) -> None:
    # By each port's elf_check_arch: Linux does not run here on any of them.
    image = Image(compile_c())
    own = 1 if order == "<" else 2
    image.put(4, "2B", *((1, own) if turned == "class" else (2, 3 - own)))
    image.put(16, order + "2H", 3, machine)
    image.put(54, order + "H", 56)

    assert f"Linux takes e_machine {machine} with e_phentsize 56" in refused(image.data())


def test_an_object_may_have_any_bytes_behind_its_header(compile_c: CompileC) -> None:
    # No kernel starts it: where the file header of 64 bits has e_phentsize, a 32-bit object has its code.
    image = bytearray(compile_c("-m32", "-c", "-fno-pic", source="int answer(void) { return 42; }").read_bytes())
    struct.pack_into("<H", image, 54, 56)

    assert read(bytes(image)).kind == "object"


def overlaid(program: Path) -> bytes:
    """Split the writable PT_LOAD behind PT_DYNAMIC: the second half's page replaces that of the first one."""
    image = Image(program)
    page = 0x1000
    dynamic, data = image.header(DYNAMIC), image.writable()
    address, offset, in_file = data[3], data[2], data[5]
    split = dynamic[3] + dynamic[5] - address
    start_page = address & -page
    new = -(-len(image.bytes) // page) * page
    image.bytes += bytes(new - len(image.bytes) + page)
    image.bytes[new + address % page : new + address % page + in_file] = image.bytes[offset : offset + in_file]
    image.bytes[new + 0x800 : new + 0x80D] = b"./libevil.so\0"
    strings = image.entry(5)[1]
    end = next(i for i, (tag, _) in enumerate(image.entries) if tag == 0)
    table = [[1, start_page + 0x800 - strings], *image.entries[:end], *image.entries[end:-1]]
    for index, entry in enumerate(table):
        image.put(new + dynamic[3] % page + 16 * index, "<QQ", *entry)
    size = start_page + 0xA00 - (address + split)
    kept = [header for header in image.headers if header[0] != 0x6474E550]
    at = kept.index(data)
    first = [1, data[1], offset, address, address, split, split, data[7]]
    second = [1, data[1], new + (address + split) % page, address + split, address + split, size, size, data[7]]
    image.headers = [*kept[:at], first, second, *kept[at + 1 :]]
    return image.data()


def test_a_page_that_a_later_mapping_replaces_is_refused(compile_c: CompileC, tmp_path: Path) -> None:
    data = overlaid(compile_c("-Wl,-z,norelro", "-s"))

    assert "libevil.so: cannot open shared object file" in start(data, tmp_path)[1]
    assert "begins in the last page of the PT_LOAD before it" in refused(data)


@pytest.mark.parametrize("page", [1 << 14, 1 << 16])
def test_a_page_that_is_replaced_only_where_pages_are_larger_is_refused(page: int, compile_c: CompileC) -> None:
    image = Image(compile_c("-static", "-s", compiler=(*zig(), "-target", "aarch64-linux-musl")))
    *_, before, last = (header for header in image.headers if header[0] == LOAD)
    end = before[3] + before[6]
    # The last one begins in another page of a quarter of the size, and in the same page of that size.
    place = (end - 1) // (page // 4) * (page // 4) + page // 4
    assert place // page == (end - 1) // page
    last[2] = last[2] // page * page + place % page
    last[3] = last[4] = place
    last[5] = last[6] = 0x100
    image.without_sections()
    last[7] = before[7] = page
    image.bytes += bytes(0x10000)

    assert f"Linux maps whole pages, here of {page >> 10} KiB, and this one replaces" in refused(image.data())
    # Laid out for smaller pages, it is no program for larger ones.
    last[7] = before[7] = 0x1000
    assert read(image.data()).linkage == "static"


def test_two_mappings_of_one_page_of_the_file_are_harmless(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-Wl,-z,norelro", "-s"))
    code = next(header for header in image.headers if header[0] == LOAD and header[1] & 1)
    half = code[5] // 2
    second = [1, code[1], code[2] + half, code[3] + half, code[3] + half, code[5] - half, code[5] - half, 16]
    code[5:] = [half, half, 16]
    kept = [header for header in image.headers if header[0] != 0x6474E550]
    at = kept.index(code)
    image.headers = [*kept[: at + 1], second, *kept[at + 1 :]]
    image.put(image.headers_at, "<I", 6)

    assert start(image.data(), tmp_path) == HELLO
    assert [library.name for library in read(image.data()).needed] == ["libc.so.6"]


def test_loads_that_do_not_ascend_are_refused(compile_c: CompileC) -> None:
    image = Image(compile_c())
    at = [index for index, header in enumerate(image.headers) if header[0] == LOAD]
    image.headers[at[0]], image.headers[at[1]] = image.headers[at[1]], image.headers[at[0]]

    assert "or has a lower address" in refused(image.data())


def test_more_program_headers_than_linux_reads_are_refused(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c())
    image.put(32, "<Q", len(image.bytes))
    image.put(56, "<H", 1171)
    data = image.data() + b"".join(struct.pack("<IIQQQQQQ", *header) for header in image.headers)
    data += bytes(56 * (1171 - len(image.headers)))

    with pytest.raises(OSError, match="Exec format error"):
        start(data, tmp_path)
    assert refused(data) == "there are 1171 program headers, and Linux reads 65536 bytes of them at most"


@pytest.mark.parametrize(
    ("flag", "via"),
    [("--audit=libwatch.so:libsee.so", "DT_AUDIT"), ("--depaudit=libwatch.so:libsee.so", "DT_DEPAUDIT")],
)
def test_auditors_are_needed(compile_c: CompileC, tmp_path: Path, flag: str, via: str) -> None:
    image = compile_c(f"-Wl,{flag}")

    told = start(image.read_bytes(), tmp_path)[1]
    assert "object 'libwatch.so' cannot be loaded as audit interface" in told
    assert "object 'libsee.so' cannot be loaded as audit interface" in told
    assert read(image.read_bytes()).needed == (
        NeededLibrary(name="libc.so.6", via="DT_NEEDED"),
        NeededLibrary(name="libwatch.so", via=via),
        NeededLibrary(name="libsee.so", via=via),
    )


@pytest.mark.parametrize(("flag", "via"), [("-f", "DT_AUXILIARY"), ("-F", "DT_FILTER")])
def test_what_a_library_filters_is_needed(compile_c: CompileC, flag: str, via: str) -> None:
    image = compile_c("-shared", "-fPIC", "-nostdlib", f"-Wl,{flag},libother.so", source=ANSWER)

    assert f"({via.removeprefix('DT_')})" in run("readelf", "-dW", image).stdout
    assert read(image.read_bytes()).needed == (NeededLibrary(name="libother.so", via=via),)


def elf_hash(name: bytes) -> int:
    """The hash of the gABI, which version needs hold."""
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ high >> 24) & ~high & 0xFFFFFFFF
    return value


def test_a_weak_version_need_counts_where_a_strong_symbol_has_it(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c())
    strings = image.offset(image.entry(5)[1])
    name = image.bytes.index(b"\0GLIBC_2.34\0", strings) + 1
    image.bytes[name : name + 10] = b"GLIBC_9.34"
    need = image.offset(image.entry(0x6FFFFFFE)[1])
    at = need + 16
    while struct.unpack_from("<I", image.bytes, at + 8)[0] != name - strings:
        at += 16
    image.put(at, "<IH", elf_hash(b"GLIBC_9.34"), 2)

    status, told = start(image.data(), tmp_path)
    assert (status, "version GLIBC_9.34" in told) == (127, True)
    facts = read(image.data())
    assert [need.weak for need in facts.version_needs] == [False, False]
    assert facts.libc.floor == "9.34"


def test_a_count_of_symbols_that_the_loader_does_not_read_is_no_count(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-Wl,--hash-style=both"))
    image.without_sections()
    image.put(image.offset(image.entry(4)[1]) + 4, "<I", 1)

    assert start(image.data(), tmp_path) == HELLO
    assert "is used, but DT_HASH has 1 symbols" in refused(image.data())


def test_of_two_entries_with_flags_the_last_one_counts(compile_c: CompileC) -> None:
    image = Image(compile_c("-Wl,-z,now"))
    assert read(image.data()).hardening.relro == "full"

    image.add(30, 0)
    assert read(image.data()).hardening.relro == "full"
    image.add(0x6FFFFFFB, 0x08000000)
    assert read(image.data()).hardening.relro == "partial"


def test_relro_that_covers_no_page_protects_nothing(compile_c: CompileC) -> None:
    image = Image(compile_c("-Wl,-z,now"))
    image.header(RELRO)[5:7] = [1, 1]

    assert read(image.data()).hardening.relro == "none"


def test_relro_beside_the_imported_functions_is_partial(compile_c: CompileC) -> None:
    # As gold's `-z now` without `-z relro` of .got.plt: the first page only, and the slots lie behind it.
    image = Image(compile_c("-Wl,-z,now", "-Wl,-z,separate-code"))
    header = image.header(RELRO)
    header[3] = header[4] = header[3] - 0x1000
    header[5:7] = [0x1000, 0x1000]

    assert read(image.data()).hardening.relro == "partial"


def test_a_program_with_a_soname_is_a_program(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-pie", "-Wl,-soname,libprogram.so"))
    image.entry(0x6FFFFFFB)[1] &= ~0x08000000

    assert start(image.data(), tmp_path) == HELLO
    facts = read(image.data())
    assert (facts.kind, facts.soname) == ("executable", "libprogram.so")


def test_a_dynamic_table_that_the_loader_cannot_write_crashes(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-no-pie", "-Wl,-z,norelro"))
    image.writable()[1] = 4

    assert start(image.data(), tmp_path)[0] == SIGSEGV
    elf = read(image.data()).elf
    assert elf is not None
    assert elf.crashes[0] == "PT_DYNAMIC lies in a PT_LOAD that is not writable, and the loader writes DT_DEBUG there"


def test_a_table_that_the_loader_relocates_must_be_writable_too(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-pie", "-Wl,-z,norelro"))
    image.entry(21)[0] = 0x6FFFFEF8
    image.writable()[1] = 4

    assert start(image.data(), tmp_path)[0] == SIGSEGV
    elf = read(image.data()).elf
    assert elf is not None
    assert elf.crashes[0] == "PT_DYNAMIC lies in a PT_LOAD that is not writable, and the loader relocates it"


@pytest.mark.parametrize("system", [2, 6, 9, 12])
def test_linux_starts_what_says_it_is_for_another_system(compile_c: CompileC, tmp_path: Path, system: int) -> None:
    image = Image(compile_c())
    image.put(7, "B", system)

    assert start(image.data(), tmp_path) == HELLO
    assert str(read(image.data()).target) == "linux/amd64"


@pytest.mark.parametrize("address", [8, 0])
def test_an_entry_point_outside_of_the_code_crashes(compile_c: CompileC, tmp_path: Path, address: int) -> None:
    image = Image(compile_c("-no-pie"))
    image.put(24, "<Q", image.writable()[3] + address if address else 0x10)

    assert start(image.data(), tmp_path)[0] == SIGSEGV
    elf = read(image.data()).elf
    assert elf is not None
    assert [reason.partition(" 0x")[0] for reason in elf.crashes] == ["the entry point"]


def test_relocations_that_the_loader_refuses_in_dt_jmprel_crash(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-Wl,-z,lazy"))
    image.put(image.offset(image.entry(23)[1]) + 8, "<I", 0)

    assert "unexpected PLT reloc type" in start(image.data(), tmp_path)[1]
    elf = read(image.data()).elf
    assert elf is not None
    assert elf.crashes == ("DT_JMPREL has relocations of type 0, which the loader refuses there",)


def test_an_interpreter_without_a_dynamic_table_crashes(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-no-pie"))
    image.without_sections()
    image.header(DYNAMIC)[0] = 0

    assert start(image.data(), tmp_path)[0] != 0
    elf = read(image.data()).elf
    assert elf is not None
    assert elf.crashes == ("there is a PT_INTERP, but no PT_DYNAMIC for the loader that it names",)
    assert image.header(INTERP)


def test_packed_relocations_are_a_fact(compile_c: CompileC) -> None:
    packed, plain = (compile_c("-pie", *flags) for flags in (("-Wl,-z,pack-relative-relocs",), ()))

    assert "(RELR)" in run("readelf", "-dW", packed).stdout
    assert [facts.elf and facts.elf.relr for facts in map(read, (packed.read_bytes(), plain.read_bytes()))] == [
        True,
        False,
    ]


def test_text_relocations_are_a_fact(compile_c: CompileC) -> None:
    source = 'int answer; __asm__(".text\\n.quad answer\\n");'
    library = compile_c("-shared", "-fPIC", "-nostdlib", "-Wl,-z,notext", source=source)

    assert "TEXTREL" in run("readelf", "-dW", library).stdout
    assert read(library.read_bytes()).hardening.textrel is True
    assert read(compile_c().read_bytes()).hardening.textrel is False


def test_static_tls_and_the_alignment_of_tls_are_facts(compile_c: CompileC) -> None:
    source = """
    static __thread int own __attribute__((aligned(64), tls_model("initial-exec")));
    int *at(void) { return &own; }
    """
    elf = read(compile_c("-shared", "-fPIC", source=source).read_bytes()).elf

    assert elf is not None
    assert (elf.static_tls, elf.tls_alignment) == (True, 64)


def test_the_oldest_kernel_is_that_of_the_abi_note(compile_c: CompileC) -> None:
    program = compile_c("-static")
    elf = read(program.read_bytes()).elf

    assert elf is not None
    assert f"OS: Linux, ABI: {elf.kernel_minimum}" in run("readelf", "-nW", program).stdout


def test_exports_are_what_nm_says(compile_c: CompileC) -> None:
    source = ANSWER + " static int own; int weak(void) __attribute__((weak)); int weak(void) { return own; }"
    library = compile_c("-shared", "-fPIC", source=source)

    exports = read(library.read_bytes()).exports
    assert exports is not None
    lines = run("nm", "-D", "--defined-only", library).stdout.split("\n")
    assert sorted(exports) == sorted(line.split()[2] for line in lines if line)
    assert {"answer", "weak"} <= set(exports)
