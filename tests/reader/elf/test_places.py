"""What a loader touches at the start, where the program has no memory for it; judged by starting it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.reader import read_binary
from tests.reader.c_images import zig
from tests.reader.elf.edits import RELRO, Image, start

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample
    from pytest_golink.facts import BinaryFacts
    from tests.reader.c_images import CompileC

TLS = 7
INIT, RELA, RELASZ, INIT_ARRAY, INIT_ARRAYSZ = 12, 7, 8, 25, 27
PLTGOT, RELACOUNT, RELR, STRTAB, SYMTAB = 3, 0x6FFFFFF9, 36, 5, 6
NOWHERE = 0x10_0000
THREAD_LOCAL = '#include <stdio.h>\n__thread int n = 3; int main(void) { n++; return puts("started") < 0; }'
STATIC = """
__asm__(".globl _start\\n_start: mov $60, %eax\\nxor %edi, %edi\\nsyscall\\n");
static int data;
int *volatile pointer = &data;
"""


def judge(image: Image, folder: Path) -> tuple[int, BinaryFacts]:
    status, _ = start(image.data(), folder)
    return status, read_binary(folder / "program")


def reasons(image: Image, folder: Path) -> list[str]:
    status, facts = judge(image, folder)
    assert status
    assert facts.elf is not None
    return [reason.partition(" 0x")[0].partition(" (0x")[0] for reason in facts.elf.crashes]


def test_a_whole_program_touches_nothing_of_that_kind(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-fPIE", "-pie", "-Wl,-z,lazy", source=THREAD_LOCAL))
    status, facts = judge(image, tmp_path)

    assert (status, facts.elf and facts.elf.crashes, facts.loading and facts.loading.counts_others) == (0, (), False)


@pytest.mark.parametrize(("tag", "name"), [(INIT, "DT_INIT"), (INIT_ARRAY, "DT_INIT_ARRAY"), (PLTGOT, "DT_PLTGOT")])
def test_an_address_that_nothing_maps(tag: int, name: str, compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-fPIE", "-pie", "-Wl,-z,lazy"))
    image.entry(tag)[1] = NOWHERE

    assert reasons(image, tmp_path) == [name]


@pytest.mark.parametrize("linked", ["-no-pie", "-pie"])
@pytest.mark.parametrize(("tag", "name"), [(INIT, "DT_INIT"), (INIT_ARRAY, "DT_INIT_ARRAY"), (PLTGOT, "DT_PLTGOT")])
def test_an_address_of_zero_is_none(tag: int, name: str, linked: str, compile_c: CompileC, tmp_path: Path) -> None:
    # Of a position-independent program the ELF header is there, which is neither code nor a list nor writable.
    image = Image(compile_c("-fPIE", linked, "-Wl,-z,lazy"))
    image.entry(tag)[1] = 0

    assert reasons(image, tmp_path) == [name]


def test_a_first_function_that_is_no_code(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-fPIE", "-pie"))
    image.entry(INIT)[1] = image.writable()[3]

    assert reasons(image, tmp_path) == ["DT_INIT"]


@pytest.mark.parametrize(("tag", "value"), [(INIT, 0), (PLTGOT, NOWHERE)])
def test_musl_calls_no_function_at_zero_and_binds_nothing_lazily(
    tag: int, value: int, compile_c: CompileC, tmp_path: Path
) -> None:
    # By musl's source: its loader is not on every machine.
    flags = ("-target", "x86_64-linux-musl", "-dynamic", "-Wl,-z,lazy")
    image = Image(compile_c(*flags, compiler=zig()))
    if not any(found == tag for found, _ in image.entries):
        image.entry(21)[:] = [tag, value]
    image.entry(tag)[1] = value
    (tmp_path / "program").write_bytes(image.data())

    elf = read_binary(tmp_path / "program").elf
    assert elf is not None
    assert elf.crashes == ()


def test_a_list_of_functions_that_goes_on_behind_the_memory(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-fPIE", "-pie"))
    image.entry(INIT_ARRAYSZ)[1] = 0x100_0000

    assert reasons(image, tmp_path) == ["DT_INIT_ARRAY"]


@pytest.mark.parametrize(("where", "words"), [(NOWHERE, "covers memory that no"), (None, "covers code, which")])
def test_relro_of_what_the_loader_cannot_protect(
    where: int | None, words: str, compile_c: CompileC, tmp_path: Path
) -> None:
    image = Image(compile_c("-fPIE", "-pie"))
    code = next(header for header in image.headers if header[0] == 1 and header[1] == 5)
    relro = image.header(RELRO)
    relro[3] = code[3] if where is None else where
    relro[5] = relro[6] = 0x1000
    if where is not None:
        relro[2] = relro[5] = 0
    status, facts = judge(image, tmp_path)

    assert status
    assert facts.elf is not None
    assert [words in reason for reason in facts.elf.crashes] == [True]


def test_relro_of_a_slot_that_is_bound_at_the_first_call(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-fPIE", "-pie", "-Wl,-z,lazy", source=THREAD_LOCAL))
    relro = image.header(RELRO)
    # To the end of the slots' page.
    slots = image.entry(PLTGOT)[1] + 0x18
    relro[6] = 0x1000 + slots // 0x1000 * 0x1000 - relro[3]
    status, facts = judge(image, tmp_path)

    assert status
    assert facts.loading is not None
    assert facts.loading.protected_slot == slots
    # Bound at the start, they are written before.
    image.add(24, 0)
    status, facts = judge(image, tmp_path)
    assert facts.loading is not None
    assert facts.loading.protected_slot is None


def test_relro_over_two_segments_is_whole(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-fPIE", "-pie"))
    writable = image.writable()
    end = -(-(writable[3] + writable[6]) // 0x1000) * 0x1000
    property_ = image.header(0x6474E553)
    property_[:] = [1, 6, 0, end, end, 0, 0x1000, 0x1000]
    relro = image.header(RELRO)
    relro[2], relro[3], relro[5], relro[6] = 0, end, 0, 0x1000
    image.without_sections()
    headers = image.headers
    headers.sort(key=lambda header: (header[0] != 6, header[3]))
    status, facts = judge(image, tmp_path)

    assert (status, facts.elf and facts.elf.crashes) == (0, ())


@pytest.mark.parametrize(("field", "value"), [(3, NOWHERE), (5, 64)])
def test_thread_local_data_that_cannot_be_copied(field: int, value: int, compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-fPIE", "-pie", source=THREAD_LOCAL))
    image.header(TLS)[field] = value
    image.without_sections()

    assert reasons(image, tmp_path) in (["PT_TLS"], ["PT_TLS has 64 bytes in the file and only 4 in memory"])


def test_thread_local_data_of_no_size_is_left_alone(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-fPIE", "-pie", source=THREAD_LOCAL))
    image.header(TLS)[6] = 0
    image.without_sections()
    status, facts = judge(image, tmp_path)

    assert (status, facts.elf and facts.elf.crashes) == (0, ())


def test_the_count_of_relative_relocations_counts_others(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-fPIE", "-pie"))
    image.entry(RELACOUNT)[1] = image.entry(RELASZ)[1] // 24
    status, facts = judge(image, tmp_path)

    assert status
    assert facts.loading is not None
    assert facts.loading.counts_others


def test_a_relocation_of_what_nothing_maps(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-fPIE", "-pie"))
    image.put(image.offset(image.entry(RELA)[1]), "<Q", NOWHERE)
    status, facts = judge(image, tmp_path)

    assert status
    assert facts.loading is not None
    assert facts.loading.read_only_relocation == NOWHERE


@pytest.mark.parametrize(("word", "place"), [(NOWHERE, NOWHERE), (1, 0)])
def test_a_packed_relocation_of_what_nothing_maps(word: int, place: int, compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-fPIE", "-pie", "-Wl,-z,pack-relative-relocs"))
    image.put(image.offset(image.entry(RELR)[1]), "<Q", word)
    status, facts = judge(image, tmp_path)

    assert status
    assert facts.loading is not None
    assert facts.loading.read_only_relocation == place


def test_tables_that_only_bionic_reads_are_told(compile_c: CompileC, tmp_path: Path) -> None:
    # LLD's --pack-dyn-relocs=android: glibc passes over it, and what is not relocated crashes.
    image = Image(compile_c("-fPIE", "-pie"))
    image.entry(RELA)[0] = 0x60000011
    image.entry(RELASZ)[0] = 0x60000012
    status, facts = judge(image, tmp_path)

    assert status
    assert facts.loading is not None
    assert (facts.loading.android_packed, facts.loading.bound) == (("DT_ANDROID_RELA",), None)


def test_a_static_pie_may_have_a_symbol_that_nothing_refers_to(compile_c: CompileC, tmp_path: Path) -> None:
    # LLD leaves __tls_get_addr so.
    flags = ("-nostdlib", "-fPIE", "-static-pie", "-Wl,--export-dynamic", "-Wl,--hash-style=sysv")
    image = Image(compile_c(*flags, source=STATIC))
    symbols = image.offset(image.entry(SYMTAB)[1])
    strings = image.offset(image.entry(STRTAB)[1])
    at = next(
        place
        for place in range(symbols + 24, strings, 24)
        if image.bytes.startswith(b"pointer\0", strings + struct.unpack_from("<I", image.bytes, place)[0])
    )
    image.put(at + 6, "<HQQ", 0, 0, 0)
    status, facts = judge(image, tmp_path)

    assert (status, facts.linkage, [symbol.name for symbol in facts.imports]) == (0, "static-pie", ["pointer"])


def test_program_headers_may_lie_over_the_first_section_header(compile_c: CompileC, tmp_path: Path) -> None:
    # patchelf 0.14 makes its table grow so.
    image = Image(compile_c("-no-pie"))
    (sections_at,) = struct.unpack_from("<Q", image.bytes, 40)
    (count,) = struct.unpack_from("<H", image.bytes, 60)
    table = bytes(image.bytes[sections_at : sections_at + 64 * count])
    end = image.headers_at + 56 * len(image.headers)
    moved = len(image.bytes) + -len(image.bytes) % 16
    image.bytes.extend(bytes(moved - len(image.bytes) + 64 * len(image.headers)))
    # The table of program headers moves to the end of the file too, and ends 8 bytes into the section headers.
    headers = bytes(image.bytes[image.headers_at : end])
    image.bytes[moved:] = headers + table[8:]
    image.header(6)[:] = [0, 0, 0, 0, 0, 0, 0, 0]
    image.headers_at = moved
    image.put(32, "<Q", moved)
    image.put(40, "<Q", moved + len(headers) - 8)
    _, facts = judge(image, tmp_path)

    assert facts.symtab


def test_a_static_pie_of_glibc_must_not_have_a_path(compile_c: CompileC, tmp_path: Path) -> None:
    status, facts = judge(Image(compile_c("-fPIE", "-static-pie", "-Wl,-rpath,/opt/lib")), tmp_path)
    plain, without = judge(Image(compile_c("-fPIE", "-static-pie")), tmp_path)

    assert status
    assert not plain
    assert [each.loading and each.loading.refuses_path for each in (facts, without)] == [True, False]


@pytest.mark.parametrize(("pages", "status"), [(0, 0), (1, 127)])
def test_the_end_of_relro_is_reckoned_as_the_loader_does(
    pages: int, status: int, compile_c: CompileC, tmp_path: Path
) -> None:
    image = Image(compile_c("-fPIE", "-pie"))
    relro = image.header(RELRO)
    # It ends where its first page begins, or a page before.
    relro[6] = (1 << 64) - relro[3] % 0x1000 - pages * 0x1000
    ended, facts = judge(image, tmp_path)

    assert (ended, facts.elf and bool(facts.elf.crashes), facts.hardening.relro) == (status, bool(pages), "none")


def test_what_lies_in_the_last_page_of_a_segment_is_mapped(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-fPIE", "-pie", "-Wl,-z,lazy"))
    writable = image.writable()
    image.entry(PLTGOT)[1] = writable[3] + writable[6] + 64
    _, facts = judge(image, tmp_path)

    assert facts.elf is not None
    assert facts.elf.crashes == ()


@pytest.mark.parametrize("tag", [INIT, INIT_ARRAY])
def test_go_s_own_start_up_code_calls_no_functions_of_the_dynamic_table(
    tag: int, go_sample: GoSample, tmp_path: Path
) -> None:
    image = Image(go_sample("static", cgo=False, buildmode="pie").path)
    # In place of DT_PLTGOT and DT_DEBUG, which such a program does without.
    image.entry(PLTGOT)[:] = [tag, NOWHERE]
    image.entry(21)[:] = [INIT_ARRAYSZ, 8]

    status, facts = judge(image, tmp_path)

    assert (status, facts.elf and facts.elf.crashes) == (0, ())


def test_the_start_up_code_of_an_older_glibc_knows_its_functions_itself(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c(compiler=(*zig(), "-target", "x86_64-linux-gnu.2.28")))
    # In place of DT_SYMENT.
    image.entry(11)[:] = [INIT, NOWHERE]

    status, facts = judge(image, tmp_path)

    assert (status, facts.elf and facts.elf.crashes) == (0, ())


def test_a_size_that_two_loaders_count_in_another_way_is_refused(compile_c: CompileC, tmp_path: Path) -> None:
    image = Image(compile_c("-fPIE", "-pie"))
    image.entry(INIT_ARRAYSZ)[1] += 1 << 35

    assert start(image.data(), tmp_path)[0] == 0
    with pytest.raises(UnreadableBinaryError, match="DT_INIT_ARRAY has 34359738376 bytes: glibc and musl count"):
        read_binary(tmp_path / "program")
