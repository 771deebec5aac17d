"""The paths in DWARF, on what compilers write and on what nobody should."""

from __future__ import annotations

import random
import struct
import zlib
from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile

from pytest_golink.reader import dwarf
from pytest_golink.reader.dwarf import DebugSection, dwarf_paths

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.reader.c_images import CompileC

_SHF_COMPRESSED = 0x800


def sections_of(path: Path) -> list[DebugSection]:
    data = path.read_bytes()
    with path.open("rb") as file:
        return [
            DebugSection(
                name=section.name,
                data=memoryview(data)[section["sh_offset"] : section["sh_offset"] + section["sh_size"]],
                compressed=bool(section["sh_flags"] & _SHF_COMPRESSED),
            )
            for section in ELFFile(file).iter_sections()
        ]


def paths_of(sections: Iterable[DebugSection]) -> frozenset[str] | None:
    return dwarf_paths(sections, byteorder="little", wide=True)


@pytest.mark.parametrize(
    "flags",
    [
        ("-gdwarf-2", "-gstrict-dwarf"),
        ("-gdwarf-3",),
        ("-gdwarf-4", "-fdebug-types-section"),
        ("-gdwarf-5",),
        ("-gdwarf-5", "-gdwarf64"),
        ("-gdwarf-5", "-fdebug-types-section"),
        ("-gdwarf-5", "-gz=zlib"),
        ("-gdwarf-5", "-Wl,--compress-debug-sections=zstd"),
        ("-gdwarf-4", "-gz=zlib-gnu"),
    ],
)
def test_the_folder_of_the_compilation_is_found(compile_c: CompileC, flags: tuple[str, ...]) -> None:
    image = compile_c("-g", "-fdebug-prefix-map=/=/somewhere/", *flags)

    paths = paths_of(sections_of(image))

    assert paths is not None
    assert any(path.startswith("/somewhere/") for path in paths)
    # The names that came with no prefix of the map are as they were written: nothing is cut out of a longer text.
    assert all(path.isprintable() for path in paths)


def test_an_image_without_debug_sections_has_no_paths(compile_c: CompileC) -> None:
    assert paths_of(sections_of(compile_c("-g0", "-s"))) == frozenset()


@pytest.mark.parametrize(
    "flags",
    [("-gdwarf-4",), ("-gdwarf-5",), ("-gdwarf-5", "-gz=zlib"), ("-gdwarf-5", "-Wl,--compress-debug-sections=zstd")],
)
def test_debug_sections_that_are_damaged_never_raise(compile_c: CompileC, flags: tuple[str, ...]) -> None:
    sections = sections_of(compile_c("-g", *flags))
    dice = random.Random(1)  # noqa: S311 - the same bytes each time
    for _ in range(300):
        altered = []
        for section in sections:
            data = bytearray(section.data)
            if data and "debug" in section.name:
                for _ in range(dice.randrange(4)):
                    data[dice.randrange(len(data))] = dice.randrange(256)
                data = data[: dice.choice((len(data), dice.randrange(len(data) + 1)))]
            altered.append(DebugSection(name=section.name, data=memoryview(data), compressed=section.compressed))
        found = paths_of(altered)
        assert found is None or len(found) < 1000


def info(*entries: bytes, version: int = 4) -> bytes:
    body = struct.pack("<HIB", version, 0, 8) + b"".join(entries)
    return struct.pack("<I", len(body)) + body


# One entry, code 1: DW_TAG_compile_unit without children, with the attributes and forms that follow.
def abbrev(*attributes: int) -> bytes:
    return bytes((1, 0x11, 0, *attributes, 0, 0, 0))


def debug(name: str, data: bytes, *, compressed: bool = False) -> DebugSection:
    return DebugSection(name=name, data=memoryview(data), compressed=compressed)


NAMED = abbrev(0x03, 0x08, 0x1B, 0x08)
UNIT = info(b"\x01a.c\0/home/me\0")


def test_names_of_other_formats_are_the_same_sections() -> None:
    for prefix in (".debug_", ".zdebug_", "__DWARF,__debug_", "__DWARF,__zdebug_"):
        assert paths_of([debug(prefix + "info", UNIT), debug(prefix + "abbrev", NAMED)]) == frozenset(
            {"a.c", "/home/me"}
        )


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (0x01, bytes(8)),
        (0x03, b"\2\0xx"),
        (0x04, b"\2\0\0\0xx"),
        (0x05, bytes(2)),
        (0x06, bytes(4)),
        (0x07, bytes(8)),
        (0x09, b"\2xx"),
        (0x0A, b"\2xx"),
        (0x0B, bytes(1)),
        (0x0D, b"\x80\1"),
        (0x10, bytes(4)),
        (0x17, bytes(4)),
        (0x18, b"\1x"),
        (0x19, b""),
        (0x1A, b"\5"),
        (0x1E, bytes(16)),
        (0x27, bytes(3)),
    ],
)
def test_forms_before_the_folder_are_passed_over(form: int, value: bytes) -> None:
    unit = info(b"\x01" + value + b"/home/me\0")

    assert paths_of([debug(".debug_info", unit), debug(".debug_abbrev", abbrev(0x25, form, 0x1B, 0x08))]) == frozenset(
        {"/home/me"}
    )


@pytest.mark.parametrize(
    ("unit", "table"),
    [
        (info(b"\x01/home/me\0"), abbrev(0x1B, 0x7E)),
        (info(b"\x01/home/me\0", version=6), NAMED),
        (info(b"\x02/home/me\0"), NAMED),
        (info(b"\x01/home/me"), NAMED),
        (info(b"\x01" + b"\xff" * 12), abbrev(0x25, 0x0D, 0x1B, 0x08)),
        (info(b"\x01"), abbrev(0x25, 0x01)),
        (info(b"\x01\x10\0\0\0"), abbrev(0x1B, 0x0E)),
        (UNIT[:-2], NAMED),
        (UNIT, b""),
        (b"\xf5\xff\xff\xff" + UNIT, NAMED),
        (struct.pack("<I", 1000) + UNIT[4:], NAMED),
        (info(b"\x01" + b"/" + b"a" * 5000 + b"\0"), abbrev(0x1B, 0x08)),
    ],
)
def test_what_cannot_be_read_is_unknown(unit: bytes, table: bytes) -> None:
    assert paths_of([debug(".debug_info", unit), debug(".debug_abbrev", table)]) is None


def test_an_empty_unit_has_no_entry_and_padding_is_no_unit() -> None:
    assert paths_of([debug(".debug_info", info(b"\0")), debug(".debug_abbrev", NAMED)]) == frozenset()
    assert paths_of([debug(".debug_info", bytes(4) + UNIT), debug(".debug_abbrev", NAMED)]) == frozenset(
        {"a.c", "/home/me"}
    )


def test_a_long_unit_is_passed_over() -> None:
    long = info(b"\x01a.c\0/home/me\0" + bytes(3_000_000))

    packed = b"ZLIB" + len(long + UNIT).to_bytes(8, "big") + zlib.compress(long + UNIT)
    for section in (debug(".debug_info", long + UNIT), debug(".zdebug_info", packed)):
        assert paths_of([section, debug(".debug_abbrev", NAMED)]) == frozenset({"a.c", "/home/me"})


def test_a_string_section_is_read_by_offset() -> None:
    unit = info(b"\x01" + struct.pack("<I", 4))
    sections = [debug(".debug_info", unit), debug(".debug_abbrev", abbrev(0x1B, 0x0E))]

    assert paths_of([*sections, debug(".debug_str", b"one\0/home/me\0")]) == frozenset({"/home/me"})


def test_damaged_and_unknown_compression_is_unknown() -> None:
    for method, packed in ((2, b"\x28\xb5\x2f\xfd"), (2, b"\x28\xb5\x2f\xfc"), (3, b"")):
        head = struct.pack("<IIQQ", method, 0, 100, 1)
        assert paths_of([debug(".debug_info", head + packed, compressed=True)]) is None
    cut = struct.pack("<IIQQ", 1, 0, 100, 1) + zlib.compress(UNIT)[:-8]
    assert paths_of([debug(".debug_info", cut, compressed=True), debug(".debug_abbrev", NAMED)]) is None
    assert paths_of([debug(".debug_info", b"\1\0", compressed=True)]) is None
    garbage = struct.pack("<IIQQ", 1, 0, 100, 1) + b"garbage"
    assert paths_of([debug(".debug_info", garbage, compressed=True)]) is None


def line(header: bytes, version: int = 4, *, length: int | None = None) -> bytes:
    body = struct.pack("<HI", version, len(header) if length is None else length) + header
    return struct.pack("<I", len(body)) + body


PROLOGUE = bytes((1, 1, 1, 0, 1, 1))


def test_line_tables_name_folders() -> None:
    table = line(PROLOGUE + b"/home/a\0\0main.c\0\1\0\0/home/b/c.c\0\0\0\0\0")

    assert paths_of([debug(".debug_line", table)]) == frozenset({"/home/a", "/home/b"})


def test_windows_line_tables_name_folders() -> None:
    table = line(PROLOGUE + b"\0" + rb"C:\me\c.c" + b"\0\0\0\0\0")

    assert paths_of([debug(".debug_line", table)]) == frozenset({r"C:\me"})


@pytest.mark.parametrize(
    "table",
    [
        line(PROLOGUE, version=9),
        line(PROLOGUE + b"\0\0", length=1000),
        line(PROLOGUE + b"/home"),
        # DWARF 5: entries without a form would never end.
        line(bytes((8, 0)) + b"", version=5),
        line(PROLOGUE, version=5)[:-1],
    ],
)
def test_a_line_table_that_cannot_be_read_is_unknown(table: bytes) -> None:
    assert paths_of([debug(".debug_line", table)]) is None


def test_entries_of_no_size_do_not_go_on_forever() -> None:
    header = PROLOGUE + b"\x00" + b"\xff\xff\xff\xff\x0f"
    body = struct.pack("<HBBI", 5, 8, 0, len(header)) + header

    assert paths_of([debug(".debug_line", struct.pack("<I", len(body)) + body)]) is None


@pytest.mark.parametrize("limit", ["_MOST_UNITS", "_MOST_ABBREVIATIONS"])
def test_dwarf_that_was_made_to_be_slow_is_unknown(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(dwarf, limit, 0)

    assert paths_of([debug(".debug_info", UNIT), debug(".debug_abbrev", NAMED)]) is None


def test_of_many_paths_some_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dwarf, "_MOST_PATHS", 2)
    found = paths_of(
        [
            debug(".debug_info", b"".join(info(b"\x01/%d\0" % n) for n in range(9))),
            debug(".debug_abbrev", abbrev(0x1B, 0x08)),
        ]
    )

    assert found is not None
    assert len(found) == 3


def test_an_indexed_folder_is_left_to_the_line_table() -> None:
    sections = [debug(".debug_info", info(b"\x01\5")), debug(".debug_abbrev", abbrev(0x1B, 0x1A))]
    table = line(PROLOGUE + b"/home/me\0\0\0")

    assert paths_of(sections) is None
    assert paths_of([*sections, debug(".debug_line", table)]) == frozenset({"/home/me"})
