"""What the kernel and the loader do with an ELF image before it starts, as images of compilers have it."""

from __future__ import annotations

import struct
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_golink import GoBuild, reader
from pytest_golink.errors import UnreadableBinaryError
from tests.reader.c_images import zig

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink.facts import Loading
    from tests.reader.c_images import CompileC

PT_NULL, PT_LOAD = 0, 1
FUNCTIONS = """
#include <stdio.h>
extern int unknown(void);
extern int loose(void) __attribute__((weak));
extern int data;
int *pointer = &data;
int main(void) { return unknown() + (loose ? loose() : 0) + puts("started"); }
"""
LIBRARY = ("-shared", "-fPIC")
THREAD_LOCAL = "__thread int counter; int main(void) { return counter++; }"


def loading(image: Path) -> Loading:
    found = reader.read_binary(image).loading
    assert found is not None
    return found


def test_functions_are_bound_later_and_data_at_the_start(compile_c: CompileC) -> None:
    lazy = loading(compile_c(*LIBRARY, "-Wl,-z,lazy", source=FUNCTIONS))

    assert "data" in (lazy.bound or ())
    assert {"unknown", "puts"} <= {*(lazy.lazy or ())}
    assert "loose" not in {*(lazy.bound or ()), *(lazy.lazy or ())}
    assert not lazy.now
    assert 8 in lazy.relocations
    assert lazy.plt_relocations == (7,)
    assert loading(compile_c(*LIBRARY, "-Wl,-z,now", source=FUNCTIONS)).now


def test_gnu_ld_leaves_relocations_without_a_type_where_a_symbol_is_not_resolved(compile_c: CompileC) -> None:
    image = compile_c("-Wl,--unresolved-symbols=ignore-all", "-fPIE", "-pie", source=FUNCTIONS)

    assert loading(image).plt_relocations == (0, 7)
    assert subprocess.run([image], check=False, capture_output=True, text=True).stderr.endswith(
        "unexpected PLT reloc type 0x00\n"
    )


ALONE = (*LIBRARY, "-nostdlib")
CALLS = "extern int missing(void); int (*pointer)(void) = missing; int call(void) { return missing(); }"


def test_narrow_images_are_read_too(compile_c: CompileC) -> None:
    found = loading(compile_c(*ALONE, source=CALLS, compiler=(*zig(), "-target", "x86-linux-musl")))

    assert 1 in found.relocations
    assert found.bound == ("missing",)


def test_mips_binds_symbols_without_relocations(compile_c: CompileC) -> None:
    found = loading(compile_c(*ALONE, source=CALLS, compiler=(*zig(), "-target", "mipsel-linux-musleabihf")))

    assert (found.bound, found.lazy, found.relocations) == (None, None, ())


ADDRESS_IN_TEXT = """
extern int other;
__asm__(".text\\n.quad other\\n");
"""


def test_a_relocation_in_code_is_told(compile_c: CompileC) -> None:
    assert loading(compile_c(*ALONE, "-Wl,-z,notext", source=ADDRESS_IN_TEXT)).read_only_relocation is not None
    assert loading(compile_c(*LIBRARY, source=FUNCTIONS)).read_only_relocation is None


def test_fixed_addresses_are_told(compile_c: CompileC) -> None:
    assert loading(compile_c("-no-pie")).lowest_address == 0x400000
    assert loading(compile_c("-fPIE", "-pie")).lowest_address is None
    assert loading(compile_c("-fPIE", "-pie")).told_its_place
    assert not loading(compile_c(*ALONE, source=CALLS)).told_its_place


def test_a_section_outside_of_the_segments_is_told(compile_c: CompileC, tmp_path: Path) -> None:
    image = compile_c("-static")
    data = bytearray(image.read_bytes())
    start, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    headers = [start + 56 * n for n in range(count)]
    read_only = [at for at in headers if struct.unpack_from("<2I", data, at) == (PT_LOAD, 4)]
    struct.pack_into("<I", data, read_only[-1], PT_NULL)
    made = tmp_path / "app"
    made.write_bytes(data)

    assert loading(image).misplaced is None
    assert loading(made).misplaced == ".rodata is in no segment"


@pytest.mark.parametrize(("flags", "lost", "words"), [(6, 4, "writable"), (5, 4, "executable")])
def test_a_section_asks_more_than_its_segment_gives(
    flags: int, lost: int, words: str, compile_c: CompileC, tmp_path: Path
) -> None:
    data = bytearray(compile_c("-static").read_bytes())
    start, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    headers = [start + 56 * n for n in range(count)]
    at = next(at for at in headers if struct.unpack_from("<2I", data, at) == (PT_LOAD, flags))
    struct.pack_into("<I", data, at + 4, lost)
    made = tmp_path / "app"
    made.write_bytes(data)

    assert str(loading(made).misplaced).endswith(f"is in a segment that is not {words}")


def test_thread_local_data_has_its_segment(compile_c: CompileC, tmp_path: Path) -> None:
    data = bytearray(compile_c("-fPIE", "-pie", source=THREAD_LOCAL).read_bytes())
    start, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    at = next(start + 56 * n for n in range(count) if struct.unpack_from("<I", data, start + 56 * n)[0] == 7)
    struct.pack_into("<I", data, at, PT_NULL)
    made = tmp_path / "app"
    made.write_bytes(data)

    assert loading(made).misplaced == ".tbss is in no PT_TLS"


def test_the_address_of_what_only_threads_have_is_no_matter(compile_c: CompileC, tmp_path: Path) -> None:
    # patchelf moves it away from PT_TLS.
    data = bytearray(compile_c("-fPIE", "-pie", source=THREAD_LOCAL).read_bytes())
    start, count = struct.unpack_from("<Q", data, 40)[0], struct.unpack_from("<H", data, 60)[0]
    at = next(place for place in range(start, start + 64 * count, 64) if data[place + 9] & 4)
    struct.pack_into("<Q", data, at + 16, 0x1234)
    made = tmp_path / "app"
    made.write_bytes(data)

    assert loading(made).misplaced is None


def test_the_place_of_a_program_is_told_before_its_segments(compile_c: CompileC, tmp_path: Path) -> None:
    data = bytearray(compile_c("-fPIE", "-pie").read_bytes())
    start = struct.unpack_from("<Q", data, 32)[0]
    first, second = bytes(data[start : start + 56]), bytes(data[start + 56 : start + 112])
    data[start : start + 112] = second + first
    made = tmp_path / "app"
    made.write_bytes(data)

    assert not loading(made).told_its_place


def test_an_old_static_glibc_looks_at_the_kernel(compile_c: CompileC) -> None:
    # This machine's does not any more; an older one has this text.
    assert not loading(compile_c("-static")).checks_kernel
    assert loading(compile_c("-static", source=OLD_GLIBC)).checks_kernel
    assert sum(loading(compile_c("-static")).notes) > 0


OLD_GLIBC = """
#include <stdio.h>
int main(void) { puts("FATAL: kernel too old"); return 0; }
"""


def test_the_place_of_thread_local_variables(compile_c: CompileC) -> None:
    assert not loading(compile_c("-fPIE", "-pie", source=THREAD_LOCAL)).static_tls
    library = loading(
        compile_c("-shared", "-fPIC", "-ftls-model=initial-exec", source="__thread int n; int get(void) { return n; }")
    )
    assert library.static_tls


def test_go_starts_as_a_constructor_in_a_library_only(go_build: GoBuild) -> None:
    library = go_build("sample_go/shared", cgo=True, buildmode="c-shared").facts.loading
    program = go_build("sample_go/net", cgo=True).facts.loading

    assert library is not None
    assert program is not None
    assert (library.go_constructor, library.static_tls) == (True, True)
    assert (program.go_constructor, program.static_tls) == (False, False)
    assert go_build("sample_go/static", target="linux/s390x", cgo=False).facts.loading is not None


def test_a_program_may_forbid_the_default_folders(compile_c: CompileC) -> None:
    assert loading(compile_c("-Wl,-z,nodefaultlib")).no_default_path
    assert not loading(compile_c("-fPIE", "-pie")).no_default_path


def test_an_object_is_loaded_by_no_loader(compile_c: CompileC) -> None:
    assert reader.read_binary(compile_c("-c")).loading is None


def test_a_version_need_with_the_hash_of_another_name_is_refused(compile_c: CompileC, tmp_path: Path) -> None:
    # The loader compares the hash before the name.
    data = compile_c("-fPIE", "-pie").read_bytes()
    made = tmp_path / "app"
    made.write_bytes(data.replace(struct.pack("<I", 0x09691A75), struct.pack("<I", 0x09691A76)))

    with pytest.raises(UnreadableBinaryError, match=r"has the hash of another name than GLIBC_2\.2\.5"):
        reader.read_binary(made)


def test_a_second_segment_of_thread_local_data_is_refused(compile_c: CompileC, tmp_path: Path) -> None:
    data = bytearray(compile_c("-fPIE", "-pie", source=THREAD_LOCAL).read_bytes())
    start, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    headers = [start + 56 * n for n in range(count)]
    note = next(at for at in headers if struct.unpack_from("<I", data, at)[0] == 4)
    struct.pack_into("<I", data, note, 7)
    made = tmp_path / "app"
    made.write_bytes(data)

    with pytest.raises(UnreadableBinaryError, match="there are 2 "):
        reader.read_binary(made)


@pytest.mark.parametrize(("machine", "port"), [(0, None), (62, "linux/amd64")])
def test_the_architecture_of_go_s_own_is_the_header_s(
    machine: int, port: str | None, go_build: GoBuild, tmp_path: Path
) -> None:
    data = bytearray(go_build("sample_go/static", target="linux/amd64", cgo=False).path.read_bytes())
    struct.pack_into("<H", data, 18, machine)
    made = tmp_path / "app"
    made.write_bytes(data)

    found = reader.read_binary(made).target
    assert (None if found is None else str(found)) == port
