"""Facts of Mach-O images that Go and zig's C compiler wrote, and of hand-made ones that neither writes."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from macholib.MachO import MachO

from pytest_golink import read_binary
from pytest_golink.facts import Hardening, ImportedSymbol, Libc, NeededLibrary, Target
from pytest_golink.reader.macho.facts import read_macho
from tests.reader import handmade_macho as handmade
from tests.reader.handmade_macho import Maker

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample
    from pytest_golink.facts import BinaryFacts

LIBSYSTEM = "/usr/lib/libSystem.B.dylib"
C_SOURCE = """
int counter;
static int helper(int a) { return a + counter; }
int shared(int a) { return helper(a); }
#ifndef LIBRARY
int puts(const char *);
int main(void) { puts("hello"); return shared(1); }
#endif
"""


# Without the compiler's runtime library, which zig would compile for each machine.
BARE = ("-nostdlib", "-lSystem", "-fno-sanitize=all")


def read(image: bytes) -> BinaryFacts:
    (facts,) = read_macho("image", memoryview(image))
    return facts


def zig_cc(folder: Path, *arguments: str) -> BinaryFacts:
    """Compile C_SOURCE with zig for macOS; no SDK is needed."""
    (folder / "source.c").write_text(C_SOURCE)
    command = [sys.executable, "-m", "ziglang", "cc", *arguments, "-o", "image", "source.c"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return read_binary(folder / "image")


@pytest.mark.parametrize("goarch", ["amd64", "arm64"])
def test_go_on_macos_is_dynamic_without_cgo(go_sample: GoSample, goarch: str) -> None:
    facts = go_sample("static", target=f"darwin/{goarch}", cgo=False).facts

    assert facts.target == Target(goos="darwin", goarch=goarch)
    assert (facts.kind, facts.linkage, facts.needs_loader_only) == ("executable", "dynamic", False)
    assert facts.interpreter == "/usr/lib/dyld"
    assert facts.needed == tuple(
        NeededLibrary(name=name, via="LC_LOAD_DYLIB") for name in (LIBSYSTEM, "/usr/lib/libresolv.9.dylib")
    )
    assert (facts.rpath, facts.runpath) == ((), None)
    assert facts.libc == Libc(kind="libSystem", presence="dynamic")
    assert (facts.link_mode, facts.cgo.used, facts.resolver) == ("internal", False, ("none",))
    assert (facts.symtab, facts.dwarf) == (True, True)
    assert facts.hardening == Hardening(pie=True, nx=True, writable_code=False)
    assert facts.os_minimum is not None
    assert facts.slice is None


def test_only_arm64_is_signed_by_go_itself(go_sample: GoSample) -> None:
    assert go_sample("static", target="darwin/amd64", cgo=False).facts.signed == "none"
    assert go_sample("static", target="darwin/arm64", cgo=False).facts.signed == "ad-hoc"


def test_a_lookup_imports_getaddrinfo_from_libsystem_without_cgo(go_sample: GoSample) -> None:
    facts = go_sample("lookup", target="darwin/arm64", cgo=False).facts

    assert ImportedSymbol(name="getaddrinfo", library=LIBSYSTEM) in facts.imports
    assert facts.cgo.dynamic_imports == facts.imports
    assert facts.resolver is not None
    assert "system" in facts.resolver


def test_netgo_leaves_libsystem_s_resolver_out(go_sample: GoSample) -> None:
    facts = go_sample("lookup", target="darwin/arm64", cgo=False, tags=("netgo",)).facts

    assert "getaddrinfo" not in {symbol.name for symbol in facts.imports}
    assert facts.resolver == ("go",)


def test_s_and_w_leave_only_undefined_symbols(go_sample: GoSample) -> None:
    whole = go_sample("lookup", target="darwin/arm64", cgo=False).facts
    facts = go_sample("lookup", target="darwin/arm64", cgo=False, ldflags="-s -w").facts

    assert facts.stripped is True
    assert facts.imports == whole.imports
    assert facts.go is not None
    assert facts.size < whole.size


@pytest.mark.parametrize("goarch", ["amd64", "arm64"])
def test_macholib_reads_the_same(go_sample: GoSample, goarch: str) -> None:
    binary = go_sample("lookup", target=f"darwin/{goarch}", cgo=False)

    (header,) = MachO(str(binary.path)).headers

    libraries = tuple(name for _, kind, name in header.walkRelocatables())
    assert libraries == tuple(library.name for library in binary.facts.needed)
    assert header.filetype == "execute"


@pytest.mark.parametrize(("machine", "goarch"), [("aarch64", "arm64"), ("x86_64", "amd64")])
def test_a_c_program_names_the_library_of_each_symbol(tmp_path: Path, machine: str, goarch: str) -> None:
    facts = zig_cc(tmp_path, "-target", f"{machine}-macos", *BARE)

    assert facts.target == Target(goos="darwin", goarch=goarch)
    assert ImportedSymbol(name="puts", library=LIBSYSTEM) in facts.imports
    assert (facts.go, facts.link_mode, facts.resolver, facts.cgo.used) == (None, None, None, None)
    assert (facts.kind, facts.linkage) == ("executable", "dynamic")


def test_a_dylib_is_a_shared_library_and_does_not_need_itself(tmp_path: Path) -> None:
    facts = zig_cc(tmp_path, "-target", "aarch64-macos", "-shared", "-DLIBRARY", "-Wl,-rpath,@loader_path/lib", *BARE)

    assert (facts.kind, facts.linkage, facts.needs_loader_only) == ("shared-library", "dynamic", None)
    assert facts.needed == (NeededLibrary(name=LIBSYSTEM, via="LC_LOAD_DYLIB"),)
    assert facts.rpath == ("@loader_path/lib",)
    assert facts.hardening.pie is True


def test_an_object_has_no_linkage_and_no_imports(tmp_path: Path) -> None:
    facts = zig_cc(tmp_path, "-target", "aarch64-macos", "-g", "-c")

    assert (facts.kind, facts.linkage, facts.needs_loader_only, facts.signed) == ("object", None, None, None)
    assert (facts.imports, facts.needed) == ((), ())
    assert (facts.symtab, facts.dwarf, facts.stripped) == (True, True, False)
    assert facts.hardening == Hardening()


def test_each_way_to_load_a_library_keeps_its_name() -> None:
    make = Maker()
    ways = {
        0xC: "LC_LOAD_DYLIB",
        0x80000018: "LC_LOAD_WEAK_DYLIB",
        0x8000001F: "LC_REEXPORT_DYLIB",
        0x80000023: "LC_LOAD_UPWARD_DYLIB",
        0x20: "LC_LAZY_LOAD_DYLIB",
    }

    facts = read(make.image(*(make.library(f"/lib/{number:x}", number) for number in ways)))

    assert facts.needed == tuple(NeededLibrary(name=f"/lib/{number:x}", via=via) for number, via in ways.items())


@pytest.mark.parametrize(("order", "wide"), [("<", True), ("<", False), (">", True), (">", False)])
def test_every_byte_order_and_width_is_read(order: str, wide: bool) -> None:
    make = Maker(order="<" if order == "<" else ">", wide=wide)

    facts = read(make.image(make.library(LIBSYSTEM), make.string(0xE, "/usr/lib/dyld"), cpu=handmade.PPC))

    assert [library.name for library in facts.needed] == [LIBSYSTEM]
    assert (facts.interpreter, facts.target) == ("/usr/lib/dyld", None)


def test_an_executable_without_dyld_and_libraries_is_static() -> None:
    facts = read(Maker().image())

    assert (facts.linkage, facts.needs_loader_only, facts.libc.kind) == ("static", False, "none")


def test_a_loader_without_a_library_is_needed_alone() -> None:
    make = Maker()

    facts = read(make.image(make.string(0xE, "/usr/lib/dyld")))

    assert (facts.linkage, facts.needs_loader_only) == ("dynamic", True)


@pytest.mark.parametrize(
    ("platform", "goos"), [(1, "darwin"), (2, "ios"), (7, "ios"), (6, None), (3, None), (11, None)]
)
def test_the_platform_is_build_version_s(platform: int, goos: str | None) -> None:
    make = Maker()

    facts = read(make.image(make.command(0x32, "4I", platform, 0x000F0402, 0, 0)))

    assert facts.target == (None if goos is None else Target(goos=goos, goarch="arm64"))
    assert facts.os_minimum == "15.4.2"


@pytest.mark.parametrize(("number", "goos"), [(0x24, "darwin"), (0x25, "ios"), (0x2F, None), (0x30, None)])
def test_older_images_have_a_command_for_each_platform(number: int, goos: str | None) -> None:
    make = Maker()

    facts = read(make.image(make.command(number, "2I", 0x000A0900, 0), cpu=handmade.AMD64))

    assert facts.target == (None if goos is None else Target(goos=goos, goarch="amd64"))
    assert facts.os_minimum == "10.9"


def test_an_image_without_a_version_command_is_for_macos() -> None:
    facts = read(Maker(wide=False).image(cpu=handmade.I386))

    assert (facts.target, facts.os_minimum) == (Target(goos="darwin", goarch="386"), None)


def test_flags_and_segments_tell_the_hardening() -> None:
    make = Maker()
    segment = make.segment("__WX", address=0x200000000, offset=0, size=0, protection=7)

    facts = read(make.image(segment, flags=handmade.ALLOW_STACK_EXECUTION))

    assert facts.hardening == Hardening(pie=False, nx=False, writable_code=True)


def test_zero_filled_sections_have_no_bytes_in_the_file() -> None:
    make = Maker()
    section = make.section("__bss", "__DATA", address=0x200000000, offset=0, size=1 << 40, kind=1)
    segment = make.segment("__DATA", address=0x200000000, offset=0, size=0, sections=(section,))

    assert read(make.image(segment)).kind == "executable"
