"""ELF images as gcc, zig and Go make them: every fact held against other readers."""

from __future__ import annotations

import io
import os
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.facts import BinaryFacts, BuildInfo, ImportedSymbol, Libc, NeededLibrary, Target
from pytest_golink.reader import read_binary
from tests.oracles import readelf_sections, readelf_type
from tests.reader.c_images import ANSWER, COPY, HELLO, NO_LIBC, WEAK, CompileC, zig
from tests.reader.elf_oracles import our_witness, pyelftools_says, readelf_says

if TYPE_CHECKING:
    from pytest_golink import GoSample

GLIBC_LOADER = "/lib64/ld-linux-x86-64.so.2"


def agree(path: Path, *, copied: bool = False) -> BinaryFacts:
    """Read an image and hold it against pyelftools and readelf."""
    facts = read_binary(path)
    ours = our_witness(facts, copied=copied)
    assert ours == pyelftools_says(path, copied=copied)
    assert ours == readelf_says(path, copied=copied)
    return facts


def test_a_position_independent_program_of_gcc_is_dynamic(compile_c: CompileC) -> None:
    facts = agree(compile_c())

    assert (facts.format, facts.kind, facts.linkage) == ("elf", "executable", "dynamic")
    assert facts.target == Target(goos="linux", goarch="amd64")
    assert facts.interpreter == GLIBC_LOADER
    assert facts.needed == (NeededLibrary(name="libc.so.6", via="DT_NEEDED"),)
    assert facts.needs_loader_only is False
    assert ImportedSymbol(name="puts", library="libc.so.6", version="GLIBC_2.2.5") in facts.imports
    assert (facts.rpath, facts.runpath) == ((), ())
    assert (facts.go, facts.link_mode, facts.resolver) == (None, None, None)
    assert (facts.os_minimum, facts.signed, facts.slice) == (None, None, None)
    assert facts.size == compile_c().stat().st_size


@pytest.mark.parametrize(
    ("flags", "pie", "nx", "relro", "writable_code"),
    [
        (("-no-pie", "-Wl,-z,norelro"), False, True, "none", False),
        (("-pie", "-Wl,-z,lazy"), True, True, "partial", False),
        (("-pie", "-Wl,-z,now"), True, True, "full", False),
        (("-pie", "-Wl,-z,now", "-Wl,--disable-new-dtags"), True, True, "full", False),
        (("-no-pie", "-Wl,-z,execstack"), False, False, "partial", False),
    ],
)
def test_hardening_is_what_the_linker_was_told(
    compile_c: CompileC, flags: tuple[str, ...], pie: bool, nx: bool, relro: str, writable_code: bool
) -> None:
    hardening = read_binary(compile_c(*flags)).hardening

    assert (hardening.pie, hardening.nx, hardening.relro, hardening.writable_code) == (pie, nx, relro, writable_code)


def test_rpath_and_runpath_are_split_as_the_loader_does(compile_c: CompileC) -> None:
    old = agree(compile_c("-Wl,--disable-new-dtags", "-Wl,-rpath,/opt/a::$ORIGIN/../lib"))
    new = agree(compile_c("-Wl,--enable-new-dtags", "-Wl,-rpath,/opt/a:/opt/b"))

    assert (old.rpath, old.runpath) == (("/opt/a", "", "$ORIGIN/../lib"), ())
    assert (new.rpath, new.runpath) == ((), ("/opt/a", "/opt/b"))


def test_a_variable_copied_out_of_a_library_is_imported_from_it(compile_c: CompileC) -> None:
    facts = agree(compile_c("-no-pie", "-fno-pie", source=COPY), copied=True)

    assert ImportedSymbol(name="environ", library="libc.so.6", version="GLIBC_2.2.5", weak=True) in facts.imports
    assert "stderr" in {symbol.name for symbol in facts.imports}


def test_a_weak_import_is_flagged(compile_c: CompileC) -> None:
    facts = agree(compile_c(source=WEAK))

    (symbol,) = (symbol for symbol in facts.imports if symbol.name == "pthread_cond_clockwait")
    assert symbol.weak


def test_static_programs_of_gcc_need_nothing_and_embed_glibc(compile_c: CompileC) -> None:
    fixed, moving = agree(compile_c("-static")), agree(compile_c("-static-pie"))

    assert (fixed.linkage, moving.linkage) == ("static", "static-pie")
    for facts in (fixed, moving):
        assert (facts.interpreter, facts.needed, facts.needs_loader_only) == (None, (), False)
        assert facts.libc == Libc(kind="glibc", presence="embedded")
        assert facts.static_name_service == ()


def test_a_program_without_any_libc_embeds_an_unknown_one(compile_c: CompileC) -> None:
    facts = read_binary(compile_c("-static", "-nostdlib", source=NO_LIBC))

    assert (facts.linkage, facts.target) == ("static", None)
    assert facts.libc == Libc(kind="unknown", presence="embedded")


def test_a_library_is_a_shared_library_with_and_without_a_soname(compile_c: CompileC) -> None:
    for flags in (("-shared", "-fPIC"), ("-shared", "-fPIC", "-Wl,-soname,liba.so.1")):
        facts = agree(compile_c(*flags, source=HELLO))
        assert (facts.kind, facts.linkage, facts.interpreter) == ("shared-library", "dynamic", None)
        assert facts.needs_loader_only is None


def test_a_library_that_needs_nothing_is_no_static_program(compile_c: CompileC) -> None:
    facts = agree(compile_c("-shared", "-fPIC", "-nostdlib", source=ANSWER))

    assert (facts.kind, facts.linkage, facts.needed) == ("shared-library", "dynamic", ())
    assert facts.libc == Libc(kind="none", presence="none")


def test_libc_itself_is_a_shared_library_though_it_names_an_interpreter() -> None:
    facts = agree(Path("/lib/x86_64-linux-gnu/libc.so.6"))

    assert (facts.kind, facts.interpreter) == ("shared-library", GLIBC_LOADER)


def test_the_loader_itself_is_a_shared_library() -> None:
    assert agree(Path("/lib64/ld-linux-x86-64.so.2")).kind == "shared-library"


def test_an_object_has_no_linkage(compile_c: CompileC) -> None:
    facts = read_binary(compile_c("-c"))

    assert (facts.kind, facts.linkage, facts.target) == ("object", None, None)
    assert facts.hardening.pie is None
    assert facts.symtab is True


def test_an_object_with_more_sections_than_16_bits_can_count_is_read(compile_c: CompileC) -> None:
    source = '__asm__(".altmacro\\n.rept 66000\\n.section .text.\\\\+,\\"ax\\"\\n.byte 0\\n.endr\\n"); int x;'
    facts = read_binary(compile_c("-c", source=source))

    assert facts.kind == "object"


def test_relative_relocations_in_packed_form_ask_for_glibc_2_36(compile_c: CompileC) -> None:
    facts = agree(compile_c("-pie", "-Wl,-z,pack-relative-relocs"))

    assert "GLIBC_ABI_DT_RELR" in {need.version for need in facts.version_needs}
    assert (facts.libc.floor, facts.libc.floor_symbols) == ("2.36", ())


@pytest.mark.parametrize("kind", ["both", "sysv", "gnu"])
def test_symbols_are_counted_by_either_hash_table(compile_c: CompileC, kind: str, tmp_path: Path) -> None:
    image = compile_c(f"-Wl,--hash-style={kind}", "-rdynamic")
    facts = agree(image)

    # And without section headers, where the relocations must tell of what DT_GNU_HASH leaves out.
    bare = tmp_path / "bare"
    bare.write_bytes(without_sections(image.read_bytes()))
    assert read_binary(bare).imports == facts.imports


def without_sections(image: bytes) -> bytes:
    """The image with its section headers cut out of the file header."""
    bare = bytearray(image)
    bare[40:48] = bytes(8)  # e_shoff
    bare[58:64] = (64).to_bytes(2, "little") + bytes(4)  # e_shentsize, e_shnum, e_shstrndx
    return bytes(bare)


def test_a_program_without_section_headers_gives_the_same_linkage(compile_c: CompileC, tmp_path: Path) -> None:
    whole = read_binary(compile_c())
    (tmp_path / "bare").write_bytes(without_sections(compile_c().read_bytes()))
    bare = read_binary(tmp_path / "bare")

    assert bare.imports == whole.imports
    assert (bare.needed, bare.interpreter, bare.libc, bare.target) == (
        whole.needed,
        whole.interpreter,
        whole.libc,
        whole.target,
    )
    assert (bare.symtab, bare.dwarf, bare.stripped) == (False, False, True)


def test_mips_says_itself_how_many_symbols_it_has(compile_c: CompileC, tmp_path: Path) -> None:
    source = "int other(void); int answer(void) { return other(); }"
    flags = ("-target", "mips64el-linux-musl", "-shared", "-nostdlib", "-fPIC", "-fno-sanitize=all", "-Wl,-z,undefs")
    image = compile_c(*flags, source=source, compiler=zig())
    (tmp_path / "bare").write_bytes(without_sections(image.read_bytes()))

    assert agree(image).imports == (ImportedSymbol(name="other"),)
    assert read_binary(tmp_path / "bare").imports == (ImportedSymbol(name="other"),)


def test_stripping_takes_the_symbol_table_and_dwarf(compile_c: CompileC, tmp_path: Path) -> None:
    image = compile_c("-g")
    subprocess.run(["strip", "-o", tmp_path / "stripped", image], check=True)
    subprocess.run(["objcopy", "--compress-debug-sections=zlib-gnu", image, tmp_path / "compressed"], check=True)
    whole, stripped, compressed = map(read_binary, (image, tmp_path / "stripped", tmp_path / "compressed"))

    assert (whole.symtab, whole.dwarf, whole.stripped) == (True, True, False)
    assert (stripped.symtab, stripped.dwarf, stripped.stripped) == (False, False, True)
    assert ".zdebug_info" in readelf_sections(tmp_path / "compressed")
    assert compressed.dwarf is True


def test_a_segment_that_is_writable_and_executable_is_seen(compile_c: CompileC) -> None:
    facts = read_binary(compile_c("-static", "-nostdlib", "-Wl,--omagic", source=NO_LIBC))

    assert facts.hardening.writable_code is True


def test_the_names_of_sections_and_files_alone_are_no_symbol_table(compile_c: CompileC) -> None:
    image = compile_c("-c", source="")

    assert ".symtab" in readelf_sections(image)
    assert read_binary(image).symtab is False


def test_zig_links_against_an_old_glibc_for_another_architecture(compile_c: CompileC) -> None:
    facts = agree(compile_c("-target", "aarch64-linux-gnu.2.17", compiler=zig()))

    assert facts.target == Target(goos="linux", goarch="arm64")
    assert (facts.kind, facts.linkage, facts.interpreter) == ("executable", "dynamic", "/lib/ld-linux-aarch64.so.1")
    assert (facts.libc.kind, facts.libc.floor) == ("glibc", "2.17")
    assert "puts" in facts.libc.floor_symbols


def test_zig_tells_musl_dynamic_from_musl_static(compile_c: CompileC) -> None:
    dynamic = agree(compile_c("-target", "x86_64-linux-musl", "-dynamic", compiler=zig()))
    static = agree(compile_c("-target", "x86_64-linux-musl", compiler=zig()))

    assert (dynamic.linkage, static.linkage) == ("dynamic", "static")
    assert dynamic.libc == Libc(kind="musl", presence="dynamic")
    assert static.libc == Libc(kind="musl", presence="embedded")
    assert static.target == Target(goos="linux", goarch="amd64")


# zig compiles the whole of musl once more, position independent.
@pytest.mark.long
def test_a_static_pie_of_musl_embeds_it(compile_c: CompileC) -> None:
    facts = agree(compile_c("-target", "x86_64-linux-musl", "-static", "-pie", "-fPIE", compiler=zig()))

    assert (facts.linkage, facts.libc) == ("static-pie", Libc(kind="musl", presence="embedded"))
    assert facts.target == Target(goos="linux", goarch="amd64")


# Both widths, both byte orders, and an entry point that is a function descriptor (ppc64).
@pytest.mark.parametrize(
    "goarch", ["386", "amd64", "arm64", pytest.param("mips", marks=pytest.mark.long), "ppc64", "s390x"]
)
def test_a_pure_go_program_is_static_on_every_kind_of_linux_port(go_sample: GoSample, goarch: str) -> None:
    binary = go_sample("static", target=f"linux/{goarch}", cgo=False)
    facts = agree(binary.path)

    assert facts.target == Target(goos="linux", goarch=goarch)
    assert (facts.kind, facts.linkage, facts.link_mode) == ("executable", "static", "internal")
    assert facts.libc == Libc(kind="none", presence="none")
    assert facts.cgo.used is False
    assert (facts.symtab, facts.dwarf) == (True, True)
    assert facts.hardening.pie is False


@pytest.mark.parametrize("goarch", ["386", "amd64", "ppc64"])
def test_an_import_without_cgo_is_read_in_both_byte_orders_and_widths(go_sample: GoSample, goarch: str) -> None:
    facts = agree(go_sample("importdynamic", target=f"linux/{goarch}", cgo=False).path)

    assert facts.linkage == "dynamic"
    assert facts.needed == (NeededLibrary(name="libc.so.6", via="DT_NEEDED"),)
    assert facts.imports == facts.cgo.dynamic_imports == (ImportedSymbol(name="puts"),)
    assert (facts.cgo.used, facts.link_mode) == (False, "internal")
    assert facts.libc == Libc(kind="glibc", presence="dynamic")


@pytest.mark.parametrize("target", ["freebsd/amd64", pytest.param("netbsd/amd64", marks=pytest.mark.long)])
def test_other_systems_are_static_too(go_sample: GoSample, target: str) -> None:
    facts = agree(go_sample("static", target=target, cgo=False).path)

    assert (str(facts.target), facts.linkage) == (target, "static")


@pytest.mark.parametrize(
    ("target", "interpreter", "library", "libc"),
    [
        ("openbsd/amd64", "/usr/libexec/ld.so", "libc.so", "bsd"),
        pytest.param("solaris/amd64", "/lib/amd64/ld.so.1", "libc.so.1", "solaris", marks=pytest.mark.long),
    ],
)
def test_a_system_that_is_reached_through_its_libc_is_dynamic_without_cgo(
    go_sample: GoSample, target: str, interpreter: str, library: str, libc: str
) -> None:
    facts = agree(go_sample("static", target=target, cgo=False).path)

    assert (str(facts.target), facts.linkage, facts.interpreter) == (target, "dynamic", interpreter)
    assert any(needed.name.startswith(library.removesuffix(".1")) for needed in facts.needed)
    assert (facts.libc.kind, facts.libc.presence) == (libc, "dynamic")
    assert facts.cgo.dynamic_imports


@pytest.mark.long
def test_android_names_its_loader_and_needs_no_library(go_sample: GoSample) -> None:
    facts = agree(go_sample("static", target="android/arm64", cgo=False).path)

    assert (str(facts.target), facts.linkage, facts.needs_loader_only) == ("android/arm64", "dynamic", True)
    assert facts.interpreter == "/system/bin/linker64"
    assert facts.libc == Libc(kind="none", presence="none")


@pytest.mark.parametrize(
    "goarch", ["amd64", pytest.param("arm64", marks=pytest.mark.long), pytest.param("s390x", marks=pytest.mark.long)]
)
def test_a_pure_go_pie_names_an_interpreter_and_needs_no_library(go_sample: GoSample, goarch: str) -> None:
    facts = agree(go_sample("static", target=f"linux/{goarch}", cgo=False, buildmode="pie").path)

    assert (facts.kind, facts.linkage, facts.needs_loader_only) == ("executable", "dynamic", True)
    assert (facts.link_mode, facts.hardening.pie) == ("internal", True)
    assert facts.libc == Libc(kind="none", presence="none")


def test_a_go_program_with_cgo_is_dynamic_by_either_linker(go_sample: GoSample) -> None:
    internal, external = (agree(go_sample("lookup", cgo=True, linkmode=mode).path) for mode in ("internal", "external"))

    for facts in (internal, external):
        assert facts.needed == (NeededLibrary(name="libc.so.6", via="DT_NEEDED"),)
        assert (facts.cgo.enabled, facts.cgo.used, facts.cgo.packages) == (True, True, ("net", "runtime/cgo"))
        assert facts.cgo.dynamic_imports == ()
        assert facts.resolver == ("cgo", "go")
        assert "getaddrinfo" in {symbol.name for symbol in facts.imports}
        assert (facts.libc.kind, facts.libc.floor) == ("glibc", "2.34")
        assert facts.static_name_service == ()
    assert (internal.link_mode, external.link_mode) == ("internal", "external")


def test_pie_is_silently_lost_with_extldflags_static(go_sample: GoSample) -> None:
    binary = go_sample("lookup", cgo=True, linkmode="external", buildmode="pie", extldflags="-static")
    facts = agree(binary.path)

    assert readelf_type(binary.path) == "EXEC"
    assert (facts.linkage, facts.hardening.pie) == ("static", False)


def test_a_static_pie_of_cgo_keeps_both(go_sample: GoSample) -> None:
    facts = agree(go_sample("cgo", cgo=True, linkmode="external", buildmode="pie", extldflags="-static-pie").path)

    assert (facts.kind, facts.linkage, facts.hardening.pie) == ("executable", "static-pie", True)
    assert facts.libc == Libc(kind="glibc", presence="embedded")


def test_a_shared_library_of_go_is_no_executable(go_sample: GoSample) -> None:
    facts = agree(go_sample("shared", cgo=True, buildmode="c-shared").path)

    assert (facts.kind, facts.linkage, facts.link_mode) == ("shared-library", "dynamic", "external")
    assert facts.cgo.used is True


def test_the_machine_field_tells_the_architecture_against_the_build_info(go_sample: GoSample, tmp_path: Path) -> None:
    image = go_sample("static", target="linux/s390x", cgo=False).path.read_bytes()
    (tmp_path / "edited").write_bytes(image.replace(b"build\tGOARCH=s390x\n", b"build\tGOARCH=amd64\n"))
    facts = read_binary(tmp_path / "edited")

    assert facts.target == Target(goos="linux", goarch="s390x")
    assert facts.go is not None
    assert facts.go.settings["GOARCH"] == "amd64"


def test_a_file_of_debug_information_is_no_image(compile_c: CompileC, tmp_path: Path) -> None:
    subprocess.run(["objcopy", "--only-keep-debug", compile_c("-g"), tmp_path / "image.debug"], check=True)

    with pytest.raises(Exception, match="a file of debug information") as caught:
        read_binary(tmp_path / "image.debug")
    assert type(caught.value).__name__ == "UnreadableBinaryError"


def test_a_table_of_program_headers_may_have_room_left(compile_c: CompileC, tmp_path: Path) -> None:
    # LLD lays out a segment for code, finds none, and takes its header away; PT_PHDR keeps its size.
    flags = ("-target", "x86_64-linux-musl", "-shared", "-fPIC", "-nostdlib")
    library = compile_c(*flags, source="const int answer = 42;", compiler=zig())
    data = bytearray(library.read_bytes())
    count = int.from_bytes(data[56:58], "little")
    assert int.from_bytes(data[64 + 32 : 64 + 40], "little") == (count + 1) * 56

    assert read_binary(library).kind == "shared-library"
    # A header that the count leaves out is no room.
    data[56:58] = (count - 1).to_bytes(2, "little")
    (tmp_path / "fewer").write_bytes(data)
    with pytest.raises(UnreadableBinaryError, match="PT_PHDR is not the table of program headers"):
        read_binary(tmp_path / "fewer")


@pytest.mark.parametrize("gap", [0, 0x1000])
def test_a_table_may_go_on_in_the_segment_that_continues_its_own(compile_c: CompileC, tmp_path: Path, gap: int) -> None:
    # patchelf lays its tables out so in front of what LLD linked.
    library = compile_c("-shared", "-fPIC", source=ANSWER)
    data = bytearray(library.read_bytes())
    headers = [(at, struct.unpack_from("<IIQQQQQQ", data, at)) for at in range(64, 64 + 56 * data[56], 56)]
    first, (_, flags, offset, address, _, size, memory, align) = next(each for each in headers if each[1][0] == 1)
    spare = next(at for at, fields in headers if fields[0] == 0x6474E550)
    table = ELFFile(io.BytesIO(data)).get_section_by_name(".dynsym")
    assert table is not None
    cut = table["sh_offset"] + 24
    struct.pack_into("<IIQQQQQQ", data, first, 1, flags, offset, address, address, cut, cut, align)
    # PT_GNU_EH_FRAME becomes the second part; with a gap it maps the bytes elsewhere.
    second = (1, flags, offset + cut, address + cut + gap, address + cut + gap, size - cut, memory - cut, 1)
    struct.pack_into("<IIQQQQQQ", data, spare, *second)
    # Linux asks for PT_LOADs in the order of their addresses.
    rows = [struct.unpack_from("<IIQQQQQQ", data, at) for at, _ in headers]
    rows.sort(key=lambda row: (row[0] == 1, row[3] if row[0] == 1 else 0))
    for (at, _), row in zip(headers, rows, strict=True):
        struct.pack_into("<IIQQQQQQ", data, at, *row)
    (tmp_path / "cut").write_bytes(data)

    if gap:
        with pytest.raises(UnreadableBinaryError):
            read_binary(tmp_path / "cut")
    else:
        assert read_binary(tmp_path / "cut").imports == read_binary(library).imports


def test_a_version_longer_than_any_is_damage(compile_c: CompileC, tmp_path: Path) -> None:
    # Python reads no number of so many digits.
    script = tmp_path / "versions"
    script.write_text(f"GLIBC_{'9' * 5000} {{ global: answer; }};\n")
    library = compile_c("-shared", "-fPIC", f"-Wl,--version-script={script}", source=ANSWER)
    program = compile_c(str(library), source="int answer(void); int main(void) { return answer(); }")

    for image in (library, program):
        with pytest.raises(UnreadableBinaryError, match="is 5006 characters long"):
            read_binary(image)


GCCGO = """
__asm__(".section .go_export,\\"\\",@progbits; .ascii \\"v3;\\"");
int main(void) { return 0; }
"""
BUILD_ID = """
__asm__(".section .note.go.buildid,\\"a\\",@note; .long 4, 4, 4; .ascii \\"Go\\\\0\\\\0abcd\\"");
int main(void) { return 0; }
"""


@pytest.mark.parametrize("source", [GCCGO, BUILD_ID])
@pytest.mark.parametrize("kind", [(), ("-s",), ("-static",)])
def test_gccgos_export_data_or_gos_note_alone_show_that_go_made_it(
    compile_c: CompileC, source: str, kind: tuple[str, ...]
) -> None:
    facts = read_binary(compile_c(*kind, source=source))

    assert facts.go == BuildInfo()
    assert (facts.cgo.used, facts.link_mode, facts.resolver) == (None, None, None)
    assert read_binary(compile_c(*kind)).go is None


def test_system_images_are_read_as_readelf_reads_them() -> None:
    """No real image is called damaged. A sample: every nth file of the system, 200 in all."""
    found: dict[int, Path] = {}
    for folder in ("/usr/bin", "/usr/sbin", "/usr/lib/x86_64-linux-gnu"):
        for path in sorted(Path(folder).iterdir()):
            if path.is_file() and os.access(path, os.R_OK) and path.stat().st_size < 4_000_000:
                with path.open("rb") as file:
                    if file.read(4) == b"\x7fELF":
                        found.setdefault(path.stat().st_ino, path)
    paths = list(found.values())
    for path in paths[:: max(1, len(paths) // 200)]:
        ours, theirs = our_witness(read_binary(path)), readelf_says(path)
        assert (ours.interpreter, ours.needed, ours.rpath, ours.runpath, ours.version_needs) == (
            theirs.interpreter,
            theirs.needed,
            theirs.rpath,
            theirs.runpath,
            theirs.version_needs,
        ), path
        # Copied variables are imports that readelf shows as defined.
        assert theirs.undefined <= ours.undefined, path
