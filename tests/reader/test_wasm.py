from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_golink import NeededLibrary, UnreadableBinaryError, read_binary
from pytest_golink.facts import BinaryFacts, ImportedSymbol
from pytest_golink.reader.wasm import map_image, read_wasm

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample

HEADER = b"\0asm\x01\0\0\0"


def leb(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def name(text: bytes) -> bytes:
    return leb(len(text)) + text


def section(number: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes([number]) + leb(len(body)) + body


def read(*sections: bytes) -> BinaryFacts:
    return read_wasm("module.wasm", memoryview(HEADER + b"".join(sections)))


@pytest.mark.parametrize(
    ("target", "host", "symbol"),
    [
        ("js/wasm", "gojs", "runtime.wasmWrite"),
        ("wasip1/wasm", "wasi_snapshot_preview1", "fd_write"),
    ],
)
def test_a_go_module_imports_from_its_host(go_sample: GoSample, target: str, host: str, symbol: str) -> None:
    facts = go_sample("static", target=target, cgo=False).facts

    assert (facts.format, facts.kind, facts.linkage) == ("wasm", "executable", "dynamic")
    assert str(facts.target) == target
    assert facts.needed == (NeededLibrary(name=host, via="import section"),)
    assert ImportedSymbol(name=symbol, library=host) in facts.imports
    assert facts.cgo.dynamic_imports == ()
    assert facts.link_mode == "internal"
    assert facts.go is not None
    assert facts.go.version is not None
    assert facts.go.version.startswith("go1.")
    assert facts.go.path == "example.com/golink/sample/static"
    assert facts.go.settings["GOARCH"] == "wasm"
    assert facts.resolver == ("none",)
    assert (facts.symtab, facts.dwarf) == (True, False)


def test_s_drops_the_name_section(go_sample: GoSample) -> None:
    assert go_sample("static", target="wasip1/wasm", cgo=False, ldflags="-s").facts.stripped is True


def test_a_cut_anywhere_is_an_error(go_sample: GoSample, tmp_path: Path) -> None:
    whole = go_sample("static", target="wasip1/wasm", cgo=False).path.read_bytes()
    cut = tmp_path / "cut"
    ends = set(section_ends(whole))
    for size in sorted({4, 7, 9, len(whole) - 1, *range(11, len(whole), len(whole) // 60)} - ends):
        cut.write_bytes(whole[:size])
        with pytest.raises(UnreadableBinaryError):
            read_binary(cut)


def test_a_cut_between_sections_of_a_go_module_is_an_error_too(go_sample: GoSample, tmp_path: Path) -> None:
    whole = go_sample("static", target="wasip1/wasm", cgo=False).path.read_bytes()
    cut = tmp_path / "cut"
    ends = section_ends(whole)
    assert len(ends) > 8
    # Behind the data section only custom ones follow, which no host needs: those are what `-s` leaves out.
    data_end = next(end for end, number in ends.items() if number == 11)
    for size in ends:
        if size < data_end:
            cut.write_bytes(whole[:size])
            with pytest.raises(UnreadableBinaryError, match="section"):
                read_binary(cut)


def section_ends(module: bytes) -> dict[int, int]:
    """Where each section ends, with its number."""
    ends = {}
    at = 8
    while at < len(module):
        number = module[at]
        size = shift = 0
        at += 1
        while True:
            byte = module[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        at += size
        ends[at] = number
    return ends


def test_each_kind_of_import_is_read() -> None:
    entries = [
        name(b"env") + name(b"function") + b"\x00\x05",
        name(b"env") + name(b"table") + b"\x01\x70\x01\x01\x02",
        name(b"other") + name(b"memory") + b"\x02\x00\x10",
        name(b"env") + name(b"global") + b"\x03\x7f\x00",
        name(b"env") + name(b"tag") + b"\x04\x00\x02",
    ]
    facts = read(section(2, leb(len(entries)), *entries))

    assert [(symbol.library, symbol.name) for symbol in facts.imports] == [
        ("env", "function"),
        ("env", "table"),
        ("other", "memory"),
        ("env", "global"),
        ("env", "tag"),
    ]
    assert [library.name for library in facts.needed] == ["env", "other"]
    assert facts.go is None
    assert facts.target is None


def far(address: int) -> bytes:
    """A data segment of one byte."""
    number = b"".join(bytes([address >> shift & 0x7F | 0x80]) for shift in (0, 7, 14, 21)) + b"\x00"
    return b"\x00\x41" + number + b"\x0b\x01x"


def test_data_far_from_the_rest_costs_no_memory() -> None:
    facts = read(section(11, b"\x02", far(0), b"\x00\x41\x80\x80\x80\x80\x78\x0b\x01x"))

    assert facts.go is None


def test_a_module_without_imports_is_static() -> None:
    assert read(section(0, name(b"empty"))).linkage == "static"


@pytest.mark.parametrize(("custom", "kind"), [(b"linking", "object"), (b"dylink.0", "shared-library")])
def test_objects_and_libraries_are_told_by_their_custom_section(custom: bytes, kind: str) -> None:
    facts = read(section(0, name(custom)))

    assert facts.kind == kind
    assert (facts.linkage is None) == (kind == "object")


def test_passive_and_computed_data_segments_have_no_address() -> None:
    segments = [
        b"\x01" + name(b"passive"),
        b"\x02\x00\x41\x08\x0b" + name(b"explicit memory"),
        b"\x00\x23\x00\x0b" + name(b"global.get"),
    ]

    assert read(section(11, leb(len(segments)), *segments)).go is None


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ([b"\x0e\x00"], "section id 14 is not known"),
        ([section(1, b"\0"), section(1, b"\0")], "section 1 stands there twice"),
        ([section(3, b"\x01\x00")], "section 3 announces 1 function types, section 10 has 0"),
        ([section(10, b"\x01\x02\x00\x0b")], "section 3 announces 0 function types, section 10 has 1"),
        ([section(12, b"\x02")], "section 12 announces 2 data segments, section 11 has 0"),
        ([section(0, name(b"go:buildid"))], "a Go module without a data section"),
        ([section(2, b"\x01", name(b"a"), name(b"b"), b"\x07\x00")], "import kind 7"),
        ([section(2, b"\x01", name(b"\xff"), name(b"b"), b"\x00\x00")], "not UTF-8"),
        ([section(2, b"\x00\x00")], "a section has 1 bytes more than it counts"),
        ([section(2, b"\x02")], "section 2 ends 1 bytes too early"),
        ([section(2, b"\xff\xff\xff\xff\xff\x01")], "a number of more than 32 bits"),
        ([section(11, b"\x01\x03\x00")], "data segment mode 3"),
        ([section(11, b"\x01\x00\x41\x00\x41\x00")], "address is not a constant"),
        (
            [section(11, leb(40), *(far(index << 20) for index in range(40)))],
            "bytes make data of 40894465: too far apart",
        ),
        ([section(1, b"\x00"), section(2, b"\x00")], "no export and no start function"),
        ([b"\x01\x7f"], "past the end of the file"),
    ],
)
def test_damage_is_named(sections: list[bytes], reason: str) -> None:
    with pytest.raises(UnreadableBinaryError, match=reason):
        read(*sections)


def test_a_component_is_not_a_module() -> None:
    with pytest.raises(UnreadableBinaryError, match="not a core module of version 1"):
        read_wasm("component.wasm", memoryview(b"\0asm\x0d\0\x01\0"))


def test_the_producers_of_other_languages_are_not_go() -> None:
    producers = section(
        0,
        name(b"producers") + b"\x02" + name(b"language") + b"\x01" + name(b"Rust") + name(b"") + name(b"sdk") + b"\x00",
    )

    assert read(producers).go is None


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 13), st.binary(max_size=40)), max_size=6))
def test_any_sections_give_facts_or_the_typed_error(parts: list[tuple[int, bytes]]) -> None:
    try:
        facts = read(*(section(number, body) for number, body in parts))
    except UnreadableBinaryError:
        return
    assert facts.format == "wasm"


def test_the_target_of_a_go_module_is_its_host_s() -> None:
    # Not Go's: the host module's name alone does not make a program a port of Go.
    facts = read(section(2, b"\x01", name(b"wasi_snapshot_preview1"), name(b"fd_write"), b"\x00\x00"))

    assert facts.target is None
    assert facts.linkage == "dynamic"


def test_a_damaged_module_text_of_go_s_is_an_error() -> None:
    start, end = bytes.fromhex("3077af0c9274080241e1c107e6d618e6"), bytes.fromhex("f932433186182072008242104116d8f2")
    text = start + b"path\texample.com/app\nnonsense\n" + end

    with pytest.raises(UnreadableBinaryError, match="Go build info: module text, line 2: unknown word 'nonsense'"):
        read(section(11, b"\x01\x00\x41\x00\x0b", name(text)))


def test_a_module_without_code_has_no_functions() -> None:
    # It exports its memory alone.
    memory = (section(5, b"\x01\x00\x01"), section(7, b"\x01", name(b"memory"), b"\x02\x00"))
    bodies = map_image("module.wasm", memoryview(HEADER + b"".join(memory))).bodies

    assert bodies is not None
    assert bodies() == ()
