"""Facts of PE images that Go and zig wrote, and of hand-made ones that neither writes."""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.facts import Hardening, ImportedSymbol, Libc, NeededLibrary, Target
from pytest_golink.reader.pe.facts import read_pe
from tests.reader import handmade_pe as handmade
from tests.reader.handmade_pe import RVA, Maker
from tests.reader.reading import damage

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_golink import GoSample
    from pytest_golink.facts import BinaryFacts


def read(image: bytes) -> BinaryFacts:
    return read_pe("image", memoryview(image))


def refused(image: bytes, reason: str) -> None:
    assert re.search(reason, damage(image, "pe"))


@pytest.mark.parametrize("goarch", ["386", "amd64", pytest.param("arm64", marks=pytest.mark.long)])
def test_go_on_windows_imports_kernel32_alone(go_sample: GoSample, goarch: str) -> None:
    facts = go_sample("static", target=f"windows/{goarch}", cgo=False).facts

    assert facts.target == Target(goos="windows", goarch=goarch)
    assert (facts.kind, facts.linkage, facts.needs_loader_only) == ("executable", "dynamic", None)
    assert facts.needed == (NeededLibrary(name="kernel32.dll", via="import directory"),)
    assert ImportedSymbol(name="LoadLibraryExW", library="kernel32.dll") in facts.imports
    assert len(set(facts.imports)) == len(facts.imports)
    assert (facts.interpreter, facts.rpath, facts.runpath) == (None, None, None)
    assert facts.libc == Libc(kind="none", presence="none")
    assert (facts.link_mode, facts.cgo.used, facts.resolver) == ("internal", False, ("none",))
    assert facts.cgo.dynamic_imports == facts.imports
    assert (facts.symtab, facts.dwarf, facts.signed) == (True, True, "none")
    assert facts.hardening == Hardening(pie=True, nx=True, writable_code=False)
    assert facts.os_minimum in ("6.1", "10.0")


def test_s_and_w_leave_no_symbols_and_no_dwarf(go_sample: GoSample) -> None:
    whole = go_sample("lookup", target="windows/amd64", cgo=False).facts
    facts = go_sample("lookup", target="windows/amd64", cgo=False, ldflags="-s -w").facts

    assert (facts.symtab, facts.dwarf, facts.stripped) == (False, False, True)
    assert (facts.imports, facts.go is not None) == (whole.imports, True)
    assert facts.resolver == ("go", "windows")
    assert facts.size < whole.size


def test_an_executable_without_relocations_is_not_position_independent(go_sample: GoSample) -> None:
    facts = go_sample("static", target="windows/amd64", cgo=False, buildmode="exe").facts

    assert facts.hardening.pie is False


def test_cgo_through_zig_needs_the_universal_c_runtime(go_sample: GoSample) -> None:
    facts = go_sample("cgo", target="windows/amd64", cgo=True).facts

    assert (facts.libc.kind, facts.libc.presence) == ("ucrt", "dynamic")
    assert (facts.link_mode, facts.cgo.used) == ("external", True)
    assert facts.cgo.dynamic_imports == ()


@pytest.mark.parametrize("wide", [True, False])
def test_imports_by_name_and_by_ordinal_keep_their_order(wide: bool) -> None:
    make = Maker(wide=wide, machine=0x8664 if wide else 0x14C)
    make.imports(wsock32_dll=(17, b"socket"), kernel32_dll=(b"ExitProcess",))
    make.delay_imports(b"user32.dll", b"MessageBoxA")

    facts = read(make.image())

    assert facts.imports == (
        ImportedSymbol(name="#17", library="wsock32.dll"),
        ImportedSymbol(name="socket", library="wsock32.dll"),
        ImportedSymbol(name="ExitProcess", library="kernel32.dll"),
        ImportedSymbol(name="MessageBoxA", library="user32.dll"),
    )
    assert [library.via for library in facts.needed] == ["import directory"] * 2 + ["delay-import directory"]


def test_delay_imports_of_visual_c_6_hold_addresses() -> None:
    make = Maker(wide=False, machine=0x14C)
    make.delay_imports(b"user32.dll", b"MessageBoxA", attributes=0, base=0x400000)

    assert read(make.image()).imports == (ImportedSymbol(name="MessageBoxA", library="user32.dll"),)


def test_a_lookup_table_may_be_missing() -> None:
    make = Maker()
    thunks, name = make.thunks(b"ExitProcess"), make.name(b"kernel32.dll")
    make.directories[handmade.IMPORT] = (make.put(struct.pack("<5I", 0, 0, 0, name, thunks) + bytes(20)), 40)

    assert read(make.image()).imports == (ImportedSymbol(name="ExitProcess", library="kernel32.dll"),)


def test_the_loader_s_zeros_end_a_table() -> None:
    make = Maker()
    thunks, name = make.thunks(b"ExitProcess"), make.name(b"kernel32.dll")
    make.data += bytes(-len(make.data) % 0x200 + 0x200 - 20)
    rva = RVA + len(make.data)
    make.data += struct.pack("<5I", thunks, 0, 0, name, thunks)
    make.directories[handmade.IMPORT] = (rva, 40)
    make.span = len(make.data) + 0x100

    assert len(read(make.image()).imports) == 1


def test_an_image_without_imports_is_static() -> None:
    facts = read(Maker().image())

    assert (facts.linkage, facts.needed, facts.imports) == ("static", (), ())


def test_a_dll_is_a_shared_library() -> None:
    facts = read(Maker(characteristics=handmade.EXECUTABLE | handmade.DLL, entry=0).image())

    assert facts.kind == "shared-library"


def test_a_dotnet_image_needs_its_runtime() -> None:
    make = Maker()
    make.directories[handmade.COM] = (make.put(bytes(72)), 72)
    assert read(make.image()).needed == (NeededLibrary(name="mscoree.dll", via="COM descriptor directory"),)

    make.imports(MSCOREE_DLL=(b"_CorExeMain",))
    assert read(make.image()).needed == (NeededLibrary(name="MSCOREE.DLL", via="import directory"),)


@pytest.mark.parametrize("subsystem", [10, 11, 12, 13, 16])
def test_firmware_s_images_are_not_for_windows(subsystem: int) -> None:
    facts = read(Maker(subsystem=subsystem).image())

    assert (facts.target, facts.os_minimum) == (None, None)


def test_an_unknown_machine_is_no_target() -> None:
    assert read(Maker(machine=0x166).image()).target is None


def test_the_subsystem_version_is_the_minimum_system() -> None:
    # The operating system version beside it says 5.9.
    assert read(Maker().image()).os_minimum == "6.1"


def test_characteristics_and_section_flags_tell_the_hardening() -> None:
    make = Maker(dll=handmade.DYNAMIC_BASE, section_flags=0xE0000020)
    make.directories[handmade.RELOCATION] = (make.put(struct.pack("<2I", RVA, 8)), 8)
    assert read(make.image()).hardening == Hardening(pie=True, nx=False, writable_code=True)

    make.characteristics |= handmade.RELOCS_STRIPPED
    assert read(make.image()).hardening.pie is False
    make.characteristics, make.dll = handmade.EXECUTABLE, handmade.NX_COMPAT
    assert read(make.image()).hardening.pie is False


def certified(*entries: bytes, size: int | None = None) -> bytes:
    make = Maker()
    table = b"".join(entries)
    start = len(make.image())
    make.directories[handmade.CERTIFICATE] = (start, len(table) if size is None else size)
    return make.image(table)


def test_a_certificate_table_with_a_pkcs_7_signature_is_signed() -> None:
    entry = struct.pack("<I2H8s", 13, 0x200, 2, b"certi")
    assert read(certified(entry)).signed == "signed"
    assert read(certified(struct.pack("<I2H", 8, 0x200, 1), entry)).signed == "signed"
    assert read(certified(struct.pack("<I2H", 8, 0x200, 1))).signed == "none"
    refused(certified(struct.pack("<I2H", 7, 0x200, 2)), "impossible size 7")
    refused(certified(struct.pack("<I2H", 9, 0x200, 2)), "impossible size 9")
    refused(certified(entry, size=99), "the certificate directory goes")


@pytest.mark.parametrize(("name", "dwarf"), [(b"/4", True), (b"//AAAAAE", True), (b"/x", False), (b"//-", False)])
def test_long_section_names_stand_in_the_string_table(name: bytes, dwarf: bool) -> None:
    make = Maker(section_name=name)
    make.symbols = (len(make.image()), 1)
    strings = b".zdebug_info\0"
    facts = read(make.image(bytes(18) + struct.pack("<I", 4 + len(strings)) + strings))

    assert (facts.dwarf, facts.symtab) == (dwarf, True)


def test_the_stale_pointer_of_an_empty_symbol_table_is_no_damage() -> None:
    facts = read(Maker(symbols=(0x562400, 0)).image())

    assert (facts.symtab, facts.dwarf) == (False, False)
    refused(Maker(symbols=(0x562400, 0), section_name=b"/4").image(), "not in the COFF string table")
    refused(Maker(symbols=(0x562400, 1)).image(), "the COFF symbol table of 1 symbols goes")
    whole = Maker().image()
    refused(Maker(symbols=(len(whole), 0)).image(), "the COFF string table goes 4 bytes past the end")


def test_a_long_section_name_that_is_not_there_is_damage() -> None:
    refused(Maker(section_name=b"/4").image(), "not in the COFF string table")
    make = Maker(section_name=b"/4")
    make.symbols = (len(make.image()), 0)
    refused(make.image(struct.pack("<I", 4)), "not in the COFF string table")
    refused(make.image(struct.pack("<I4s", 8, b"abcd")), "no terminating NUL")
    refused(make.image(struct.pack("<I4s", 99, b"abcd")), "the COFF string table goes")
    make.symbols = (len(make.image()), 9)
    refused(make.image(struct.pack("<I", 4)), "the COFF symbol table of 9 symbols")


def test_a_truncated_image_is_an_error_wherever_it_ends(go_sample: GoSample) -> None:
    for flags in ("", "-s -w"):
        image = go_sample("static", target="windows/amd64", cgo=False, ldflags=flags).path.read_bytes()
        for end in {*range(4, 1600, 11), *range(1600, len(image), len(image) // 60), len(image) - 1}:
            refused(image[:end], "past the end|truncated")


@settings(max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=st.lists(st.tuples(st.integers(2, 1500), st.integers(0, 255)), min_size=1, max_size=4))
def test_flipped_bytes_in_the_headers_give_facts_or_the_error(
    go_sample: GoSample, flips: list[tuple[int, int]]
) -> None:
    image = bytearray(go_sample("static", target="windows/amd64", cgo=False, ldflags="-s -w").path.read_bytes())
    for at, value in flips:
        image[at] = value
    with suppress(UnreadableBinaryError):
        assert read(bytes(image)).format == "pe"


def patched(offset: int, piece: bytes) -> Callable[[Maker], bytes]:
    def patch(make: Maker) -> bytes:
        image = bytearray(make.image())
        image[offset : offset + len(piece)] = piece
        return bytes(image)

    return patch


OPTIONAL = handmade.PE_OFFSET + 24
SECTION = OPTIONAL + 240


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (patched(0x3C, b"\xff\xff\0\0"), "no PE signature"),
        (patched(handmade.PE_OFFSET, b"NE\0\0"), "no PE signature"),
        (patched(handmade.PE_OFFSET + 22, b"\0\0"), "its linker failed"),
        (patched(OPTIONAL, b"\x07\x01"), "unknown magic number 0x107"),
        (patched(handmade.PE_OFFSET + 20, b"\x10\0"), "the optional header has 16 bytes"),
        (patched(handmade.PE_OFFSET + 20, b"\x78\0"), "too few for 16 data directories"),
        (patched(handmade.PE_OFFSET + 20, b"\xff\xff"), "the optional header goes"),
        (patched(handmade.PE_OFFSET + 6, b"\xff\xff"), "section header|overlaps"),
        (patched(SECTION + 16, b"\xff\xff\0\0"), 'section ".rdata" goes'),
        (patched(handmade.PE_OFFSET + 6, b"\2\0"), "overlaps the one before"),
        (patched(OPTIONAL + 60, b"\xff\xff\xff\0"), "the headers goes"),
        (patched(OPTIONAL + 112, struct.pack("<2I", 0xFFFF, 99)), "the export directory .* goes past the image"),
        (patched(OPTIONAL + 112, struct.pack("<2I", 0x8000, 8)), "the export directory is at RVA 0x8000"),
        (patched(OPTIONAL + 112 + 40, struct.pack("<2I", RVA, 0x2000)), "past the end of its section"),
    ],
)
def test_damaged_headers_are_errors(damage: Callable[[Maker], bytes], reason: str) -> None:
    refused(damage(Maker()), reason)


def imports_of(lookup: int, name: int, make: Maker) -> bytes:
    make.directories[handmade.IMPORT] = (make.put(struct.pack("<5I", lookup, 0, 0, name, lookup) + bytes(20)), 40)
    return make.image()


def test_damaged_import_directories_are_errors() -> None:
    make = Maker()
    good, thunks = make.name(b"kernel32.dll"), make.thunks(b"ExitProcess")
    refused(imports_of(thunks, 0x9000, make), "the DLL name of import descriptor 0 is at RVA 0x9000")
    refused(imports_of(thunks, make.name(b"\xff\xfe"), make), "is no name")
    refused(imports_of(thunks, make.name(b"a\x1bb"), make), "is no name")
    refused(imports_of(thunks, make.name(b""), make), "is no name")
    refused(imports_of(0x9000, good, make), "an import of kernel32.dll is at RVA 0x9000")
    refused(imports_of(make.put(struct.pack("<2Q", 0x9000, 0)), good, make), "the name of an import of kernel32.dll")


def test_a_directory_without_an_end_is_an_error() -> None:
    make = Maker()
    thunks, name = make.thunks(b"ExitProcess"), make.name(b"kernel32.dll")
    descriptor = struct.pack("<5I", thunks, 0, 0, name, thunks)
    # Nothing is behind the last page: the third descriptor has four bytes left.
    make.data = make.data.ljust(0x1000 - 44, b"\0") + descriptor + descriptor + descriptor[:4]
    make.directories[handmade.IMPORT] = (RVA + 0x1000 - 44, 40)

    refused(make.image(), "import descriptor 2 .* goes 16 bytes past the end of its section")


def bound(*entries: tuple[bytes, int]) -> Maker:
    """An image that imports from kernel32.dll, and is bound to DLLs, each with how many forwarders follow."""
    make = Maker()
    make.imports(kernel32_dll=(b"ExitProcess",))
    table, names = b"", b""
    for name, forwarders in entries:
        table += struct.pack("<I2H", 1, 8 * len(entries) + 8 + len(names), forwarders)
        names += name + b"\0"
    piece = table + bytes(8) + names
    make.directories[handmade.BOUND] = (make.put(piece), len(piece))
    return make


def test_a_dll_that_is_only_bound_is_needed() -> None:
    make = bound((b"KERNEL32.dll", 1), (b"ntdll.dll", 0), (b"evil.dll", 0))

    assert [(library.name, library.via) for library in read(make.image()).needed] == [
        ("kernel32.dll", "import directory"),
        ("ntdll.dll", "bound import directory"),
        ("evil.dll", "bound import directory"),
    ]
    refused(bound((b"\xff", 0)).image(), "a name in the bound import directory .* is no name")


def test_windows_maps_sections_of_small_alignment_by_their_place_in_the_file() -> None:
    make = Maker()
    image = bytearray(make.image())
    struct.pack_into("<2I", image, OPTIONAL + 32, 0x200, 0x200)
    refused(bytes(image), "is at 0x400 of the file and at RVA 0x1000: with SectionAlignment 512 Windows maps the file")
    # Firmware places each section by itself.
    struct.pack_into("<H", image, OPTIONAL + 68, 10)
    assert read(bytes(image)).linkage == "static"


def test_tables_that_share_their_entries_do_not_multiply_them() -> None:
    make = Maker()
    name = make.name(b"kernel32.dll")
    lookup = make.put(struct.pack("<1001Q", *[1 << 63 | 17] * 1000, 0))
    table = make.put(struct.pack("<5I", lookup, 0, 0, name, lookup) * 200 + bytes(20))
    make.directories[handmade.IMPORT] = (table, 20)
    refused(make.image(), "imports or more")


def test_imports_that_share_one_long_name_do_not_multiply_it() -> None:
    make = Maker()
    name, symbol = make.name(b"kernel32.dll"), make.name(b"A" * 4000, hint=True)
    lookup = make.put(struct.pack("<1001Q", *[symbol] * 1000, 0))
    table = make.put(struct.pack("<5I", lookup, 0, 0, name, lookup) + bytes(20))
    make.directories[handmade.IMPORT] = (table, 20)
    refused(make.image(), "the names in the import directory overlap")


def test_two_readers_must_agree() -> None:
    make = Maker()
    make.imports(kernel32_dll=(b"ExitProcess",))
    rva, _ = make.directories[handmade.IMPORT]
    # Windows reads the directory whatever its size says; LIEF does not.
    make.directories[handmade.IMPORT] = (rva, 0)

    refused(make.image(), "two readers disagree about its import directories")


def test_what_upx_packed_points_to_a_symbol_table_that_is_gone(go_sample: GoSample) -> None:
    image = bytearray(go_sample("static", target="windows/amd64", cgo=False, ldflags="-s -w").path.read_bytes())
    (header,) = struct.unpack_from("<I", image, 0x3C)
    (optional_size,) = struct.unpack_from("<H", image, header + 20)
    struct.pack_into("<2I", image, header + 12, len(image) + 1000, 3559)
    with pytest.raises(UnreadableBinaryError, match="the COFF symbol table of 3559 symbols goes"):
        read_pe("image", memoryview(bytes(image)))

    sections = header + 24 + optional_size
    image[sections : sections + 8], image[sections + 40 : sections + 48] = b"UPX0\0\0\0\0", b"UPX1\0\0\0\0"
    facts = read_pe("image", memoryview(bytes(image)))

    assert (facts.symtab, facts.symtab_size, facts.content.packed) == (False, 0, "UPX")
