from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_golink import NeededLibrary, UnreadableBinaryError, read_binary
from pytest_golink.facts import BinaryFacts, ImportedSymbol, Libc
from pytest_golink.reader.xcoff import read_xcoff

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample


def test_a_go_program_for_aix_needs_libc_and_libpthread(go_sample: GoSample) -> None:
    facts = go_sample("lookup", target="aix/ppc64", cgo=False).facts

    assert (facts.format, facts.kind, facts.linkage) == ("xcoff", "executable", "dynamic")
    assert str(facts.target) == "aix/ppc64"
    assert facts.needed == (
        NeededLibrary(name="libc.a", via="loader section"),
        NeededLibrary(name="libpthread.a", via="loader section"),
    )
    assert ImportedSymbol(name="pthread_create", library="libpthread.a") in facts.imports
    assert facts.rpath == ("/usr/lib", "/lib")
    assert facts.libc == Libc(kind="aix", presence="dynamic")
    assert facts.link_mode == "internal"
    assert facts.cgo.used is False
    assert facts.cgo.dynamic_imports == facts.imports
    assert facts.resolver == ("go",)
    assert (facts.symtab, facts.dwarf) == (True, True)
    assert facts.go is not None
    assert facts.go.settings["GOOS"] == "aix"


def test_s_w_strips_symbols_and_dwarf(go_sample: GoSample) -> None:
    assert go_sample("static", target="aix/ppc64", cgo=False, ldflags="-s -w").facts.stripped is True


def test_a_cut_anywhere_is_an_error(go_sample: GoSample, tmp_path: Path) -> None:
    whole = go_sample("static", target="aix/ppc64", cgo=False).path.read_bytes()
    cut = tmp_path / "cut"
    for size in {3, 24, 100, 143, 144, len(whole) - 1, *range(200, len(whole), len(whole) // 80)}:
        cut.write_bytes(whole[:size])
        with pytest.raises(UnreadableBinaryError, match="past the end of the file") as damaged:
            read_binary(cut)
        assert damaged.value.format == "xcoff"


# A 32-bit executable by hand: file header, auxiliary header, section headers, data with a descriptor, loader section.

_HEADER_SIZE, _AUXILIARY_SIZE, _SECTION_SIZE = 20, 72, 40
_DATA_AT = _HEADER_SIZE + _AUXILIARY_SIZE + 2 * _SECTION_SIZE
_DATA_ADDRESS = 0x20000000
_LOADER_AT = _DATA_AT + 16
_LONG = b"a_name_of_more_than_eight"


def symbol(name: bytes | int, *, kind: int = 0x40, file: int = 1) -> bytes:
    field = struct.pack(">II", 0, name) if isinstance(name, int) else name.ljust(8, b"\0")
    return field + struct.pack(">IHBBII", 0, 0, kind, 0, file, 0)


def loader(symbols: list[bytes], files: bytes = b"/usr/lib:/lib\0\0\0\0libc.a\0shr.o\0", *, count: int = 2) -> bytes:
    strings = struct.pack(">H", len(_LONG) + 1) + _LONG + b"\0"
    import_at = 32 + len(symbols) * 24
    header = struct.pack(">8I", 1, len(symbols), 0, len(files), count, import_at, len(strings), import_at + len(files))
    return header + b"".join(symbols) + files + strings


def image(
    loader_section: bytes, *, flags: int = 0x0002, entry: int = _DATA_ADDRESS, symbols: tuple[int, int] = (0, 0)
) -> bytes:
    header = struct.pack(">HHIIIHH", 0x01DF, 2, 0, symbols[0], symbols[1], _AUXILIARY_SIZE, flags)
    auxiliary = struct.pack(">HHIIIIII", 0x010B, 1, 0, 16, 0, entry, 0, 0).ljust(_AUXILIARY_SIZE, b"\0")
    sections = struct.pack(
        ">8sIIIIIIHHI", b".data", _DATA_ADDRESS, _DATA_ADDRESS, 16, _DATA_AT, 0, 0, 0, 0, 0x40
    ) + struct.pack(">8sIIIIIIHHI", b".loader", 0, 0, len(loader_section), _LOADER_AT, 0, 0, 0, 0, 0x1000)
    data = struct.pack(">IIII", 0x10000200, 0, 0, 0)
    return header + auxiliary + sections + data + loader_section


def read(data: bytes) -> BinaryFacts:
    return read_xcoff("image", memoryview(data))


def test_a_32_bit_image_gives_short_and_long_names_weak_ones_and_its_libraries() -> None:
    facts = read(
        image(loader([symbol(b"printf"), symbol(2), symbol(b"maybe", kind=0x48), symbol(b"exported", kind=0x10)]))
    )

    assert str(facts.target) == "aix/ppc"
    assert facts.imports == (
        ImportedSymbol(name="printf", library="libc.a"),
        ImportedSymbol(name=_LONG.decode(), library="libc.a"),
        ImportedSymbol(name="maybe", library="libc.a", weak=True),
    )
    assert facts.needed == (NeededLibrary(name="libc.a", via="loader section"),)
    assert facts.rpath == ("/usr/lib", "/lib")
    assert facts.linkage == "dynamic"
    assert facts.go is None


def test_an_image_with_no_import_file_is_static() -> None:
    facts = read(image(loader([], b"", count=0)))

    assert facts.linkage == "static"
    assert facts.libc == Libc(kind="none", presence="none")


def test_libraries_and_objects_are_told_by_the_header_s_flags() -> None:
    assert read(image(loader([]), flags=0x2002)).kind == "shared-library"
    assert read(image(loader([]), flags=0)).kind == "object"
    assert read(image(loader([]), flags=0)).linkage is None


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (image(loader([symbol(b"x", file=2)])), "comes from import file 2 of 2"),
        (image(loader([symbol(999)])), "lies outside the string table"),
        (image(loader([], count=3)), "does not hold 3 import files"),
        (image(loader([]), entry=0x5), "descriptor 0x5 lies outside text and data"),
        (image(loader([]), symbols=(4000, 9)), "the symbol table goes"),
        (
            image(loader([])).replace(b".loader\0", b".other\0\0").replace(b"\0\0\x10\0", b"\0\0\0\x40"),
            "without a loader section",
        ),
        (image(loader([], b"\xff\0\0\0\0libc.a\0\0")), "not UTF-8"),
    ],
)
def test_damage_is_named(damaged: bytes, reason: str) -> None:
    with pytest.raises(UnreadableBinaryError, match=reason):
        read(damaged)


def test_an_auxiliary_header_too_short_for_an_entry_point_is_damage() -> None:
    whole = image(loader([]))
    # Four bytes of it left, and as many bytes more at the end of the data that the sections point at.
    removed = _AUXILIARY_SIZE - 4
    short = bytearray(whole[: _HEADER_SIZE + 4] + whole[_HEADER_SIZE + _AUXILIARY_SIZE : _DATA_AT])
    short += bytes(removed) + whole[_DATA_AT:]
    struct.pack_into(">H", short, 16, 4)

    with pytest.raises(UnreadableBinaryError, match="whose auxiliary header has no entry point"):
        read(bytes(short))


def test_the_string_table_behind_the_symbols_is_checked() -> None:
    whole = image(loader([]))
    symbols = bytes(18)
    with_symbols = image(loader([]), symbols=(len(whole), 1)) + symbols

    assert read(with_symbols).symtab is True
    with pytest.raises(UnreadableBinaryError, match="the string table goes"):
        read(with_symbols + struct.pack(">I", 99))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 300), st.integers(0, 255))
def test_a_flipped_byte_gives_facts_or_the_typed_error(at: int, value: int) -> None:
    data = bytearray(image(loader([symbol(b"printf"), symbol(2)])))
    data[at % len(data)] = value
    try:
        facts = read(bytes(data))
    except UnreadableBinaryError:
        return
    except KeyError:
        pytest.fail("a damaged magic number is the dispatcher's")
    assert facts.format == "xcoff"
