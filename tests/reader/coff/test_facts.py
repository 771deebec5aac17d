"""COFF objects: zig's, and hand-made ones of the forms that it does not write."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING

import pytest

from pytest_golink import read_binary
from pytest_golink.facts import Hardening, ImportedSymbol, Target
from pytest_golink.reader.bounds import View
from pytest_golink.reader.coff.facts import read_coff
from pytest_golink.reader.coff.tables import read_symbols
from tests.reader.reading import damage

if TYPE_CHECKING:
    from pathlib import Path

BIGOBJ = uuid.UUID("d1baa1c7-baee-4ba9-af20-faf66aa4dcb8").bytes_le


def refused(image: bytes, reason: str) -> None:
    assert re.search(reason, damage(image, "coff"))


@pytest.mark.parametrize(("machine", "goarch"), [("x86_64", "amd64"), ("x86", "386"), ("aarch64", "arm64")])
def test_a_compiler_s_object_has_no_linkage(tmp_path: Path, machine: str, goarch: str) -> None:
    (tmp_path / "source.c").write_text('int puts(const char *); int shared(void) { return puts("x"); }\n')
    command = [sys.executable, "-m", "ziglang", "cc", "-target", f"{machine}-windows-gnu", "-gdwarf", "-c", "source.c"]
    subprocess.run([*command, "-o", "source.obj"], cwd=tmp_path, check=True, capture_output=True)

    facts = read_binary(tmp_path / "source.obj")

    assert (facts.format, facts.kind, facts.linkage) == ("coff", "object", None)
    assert facts.target == Target(goos="windows", goarch=goarch)
    assert (facts.imports, facts.needed, facts.go) == ((), (), None)
    assert (facts.symtab, facts.dwarf, facts.stripped) == (True, True, False)
    assert facts.hardening == Hardening()
    data = (tmp_path / "source.obj").read_bytes()
    for end in range(4, len(data), 29):
        refused(data[:end], "past the end")


def obj(*sections: bytes, tail: bytes = b"", symbols: tuple[int, int] = (0, 0), machine: int = 0x8664) -> bytes:
    header = struct.pack("<2H3I2H", machine, len(sections), 0, *symbols, 0, 0)
    return header + b"".join(sections) + tail


def section(
    name: bytes = b".text", *, offset: int = 0, size: int = 0, relocations: tuple[int, int] = (0, 0), flags: int = 0
) -> bytes:
    return struct.pack("<8s6I2HI", name, 0, 0, size, offset, relocations[0], 0, relocations[1], 0, flags)


def test_an_object_may_be_empty() -> None:
    facts = read_coff("object", memoryview(obj()))

    assert (facts.kind, facts.symtab, facts.dwarf) == ("object", False, False)


def test_damaged_objects_are_errors() -> None:
    refused(obj(section(offset=100, size=9)), 'section ".text" goes')
    refused(obj(section(relocations=(60, 9))), "the relocations of section")
    refused(
        obj(section(relocations=(56, 0xFFFF), flags=0x01000000), tail=struct.pack("<I", 99)),
        "the relocations of section",
    )
    refused(obj(machine=0x166), "unknown machine 0x166")
    refused(obj(symbols=(20, 9)), "the COFF symbol table of 9 symbols")
    refused(obj(section(b"/99")), "not in the COFF string table")


def test_uninitialised_data_has_no_bytes() -> None:
    facts = read_coff("object", memoryview(obj(section(b".debug_info", offset=20, size=1 << 30, flags=0x80))))

    assert facts.dwarf is False


def test_big_objects_have_a_header_of_their_own() -> None:
    entry = struct.pack("<8sIiH2B", b"main\0\0\0\0", 8, 1, 0, 2, 0)
    head = struct.pack("<4HI16s16x3I", 0, 0xFFFF, 2, 0x8664, 0, BIGOBJ, 1, 56 + 40, 1)
    image = head + section() + entry + struct.pack("<I", 4)

    facts = read_coff("object", memoryview(image))

    assert (facts.target, facts.symtab) == (Target(goos="windows", goarch="amd64"), True)
    refused(image[:30], "anonymous object")
    refused(head.replace(BIGOBJ, bytes(16)) + section(), "link-time code generation")
    assert read_symbols(View(image, path="object", format="coff"), 96, 1, [0x1000], wide=True) == {"main": 0x1008}


def test_symbols_are_defined_ones_with_long_names_and_auxiliary_entries_left_out() -> None:
    entries = (
        struct.pack("<8sIhH2B", b"short", 1, 1, 0, 2, 1),
        b"\xff" * 18,
        struct.pack("<4xIIhH2B", 4, 2, 1, 0, 2, 0),
        struct.pack("<8sIhH2B", b"absent", 0, 0, 0, 2, 0),
        struct.pack("<8sIhH2B", b"far", 0, 9, 0, 2, 0),
    )
    strings = b"a_long_name\0"
    table = b"".join(entries) + struct.pack("<I", 4 + len(strings)) + strings

    found = read_symbols(View(b"\0" + table, path="object", format="coff"), 1, len(entries), [0x100])

    assert found == {"short": 0x101, "a_long_name": 0x102}
    assert read_symbols(View(b"", path="object", format="coff"), 0, 0, []) == {}


@pytest.mark.parametrize(("flags", "name"), [(4, "ExitProcess"), (0, "#17")])
def test_a_member_of_an_import_library_names_its_dll(flags: int, name: str) -> None:
    names = b"ExitProcess\0KERNEL32.dll\0"
    image = struct.pack("<4H2I2H", 0, 0xFFFF, 0, 0x8664, 0, len(names), 17, flags) + names

    facts = read_coff("object", memoryview(image))

    assert facts.imports == (ImportedSymbol(name=name, library="KERNEL32.dll"),)
    assert (facts.kind, facts.linkage, facts.needed, facts.stripped) == ("object", None, (), None)
    refused(image[:-1], "the names of an import library member")
    refused(image[:18], "the header of an import library member")
