"""What the kernel and the loader do with an ELF image before it starts, as images of compilers have it."""

from __future__ import annotations

import struct
import subprocess
from typing import TYPE_CHECKING

from pytest_golink import GoBuild, reader
from tests.reader.c_images import NO_LIBC, zig

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink.facts import Loading
    from tests.reader.c_images import CompileC

PT_LOAD, PT_DYNAMIC, PT_TLS = 1, 2, 7
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


def changed(image: Path, into: Path, header: int, field: int, value: int) -> Path:
    """Write one word of flags of the first program header of a type."""
    data = bytearray(image.read_bytes())
    start, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    at = next(start + 56 * n for n in range(count) if struct.unpack_from("<I", data, start + 56 * n)[0] == header)
    struct.pack_into("<I", data, at + field, value)
    into.write_bytes(data)
    return into


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


def test_packed_relocations_and_text_relocations_are_told(compile_c: CompileC) -> None:
    assert loading(compile_c(*LIBRARY, "-Wl,-z,pack-relative-relocs", source=FUNCTIONS)).packed
    assert not loading(compile_c(*LIBRARY, "-Wl,-z,lazy", source=FUNCTIONS)).packed
    text = compile_c(*ALONE, "-Wl,-z,notext", source=ADDRESS_IN_TEXT)
    found = loading(text)
    assert found.text_relocations
    assert found.written is not None
    assert found.written.startswith("a relocation at 0x")


ADDRESS_IN_TEXT = """
extern int other;
__asm__(".text\\n.quad other\\n");
"""


def test_a_dynamic_table_that_cannot_be_written_is_told(compile_c: CompileC, tmp_path: Path) -> None:
    image = compile_c("-no-pie", "-Wl,-z,norelro")
    data = image.read_bytes()
    start, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    loads = [start + 56 * n for n in range(count) if struct.unpack_from("<I", data, start + 56 * n)[0] == PT_LOAD]
    rewritten = bytearray(data)
    struct.pack_into("<I", rewritten, loads[-1] + 4, 4)
    made = tmp_path / "app"
    made.write_bytes(rewritten)

    assert loading(image).written is None
    found = loading(made)
    assert found.written is not None
    assert found.written.startswith("DT_DEBUG in PT_DYNAMIC at 0x")


def test_an_entry_point_outside_of_the_code_is_told(compile_c: CompileC, tmp_path: Path) -> None:
    image = compile_c("-static", "-nostdlib", source=NO_LIBC)
    data = bytearray(image.read_bytes())
    struct.pack_into("<Q", data, 24, 0x10)
    made = tmp_path / "app"
    made.write_bytes(data)

    assert loading(image).misplaced_entry is None
    assert loading(made).misplaced_entry == 0x10


def test_notes_and_the_kernel_of_glibc_s_start_files(compile_c: CompileC, tmp_path: Path) -> None:
    found = loading(compile_c("-static"))

    assert found.abi_kernel == "3.2.0"
    # This glibc does not look at it any more; an older one says so.
    assert not found.checks_kernel
    old = tmp_path / "old"
    data = compile_c("-static").read_bytes()
    old.write_bytes(data.replace(b"hello\0", b"xx\0\0\0\0", 1))
    assert not loading(old).checks_kernel
    assert loading(compile_c("-static", source=OLD_GLIBC)).checks_kernel
    assert sum(found.notes) > 0


OLD_GLIBC = """
#include <stdio.h>
int main(void) { puts("FATAL: kernel too old"); return 0; }
"""


def test_the_place_of_thread_local_variables(compile_c: CompileC) -> None:
    program = loading(compile_c("-fPIE", "-pie", source=THREAD_LOCAL))
    assert (program.tls_alignment, program.static_tls) == (4, False)
    library = loading(
        compile_c("-shared", "-fPIC", "-ftls-model=initial-exec", source="__thread int n; int get(void) { return n; }")
    )
    assert (library.tls_alignment, library.static_tls) == (4, True)


def test_go_starts_as_a_constructor_in_a_library_only(go_build: GoBuild) -> None:
    library = go_build("sample_go/shared", cgo=True, buildmode="c-shared").facts.loading
    program = go_build("sample_go/net", cgo=True).facts.loading

    assert library is not None
    assert program is not None
    assert (library.go_constructor, library.static_tls) == (True, True)
    assert (program.go_constructor, program.static_tls) == (False, False)
    assert go_build("sample_go/static", target="linux/s390x", cgo=False).facts.loading is not None


def test_an_object_is_loaded_by_no_loader(compile_c: CompileC) -> None:
    assert reader.read_binary(compile_c("-c")).loading is None
