from __future__ import annotations

import re
import struct
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from pytest_golink import ParameterError, UnreadableBinaryError
from pytest_golink.golang.cgo import package_of, unescape
from pytest_golink.golang.sizes import package_sizes
from pytest_golink.reader import read_package_sizes
from tests.golang.handmade import FUNCTION_SIZE, TEXT_START, Machine, image, inline_blob, region
from tests.oracles import run
from tests.reader.c_images import HELLO, compile_into

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample, GoToolchain
    from pytest_golink.golang.pclntab import Layout

# Go's linker aligns functions to 32 bytes at most; what lies between two counts to the one before.
GAP_BYTES = 32
AT = 0x10000


def sizes_of(*names: str) -> dict[str, int]:
    """The sizes of a table of these functions, in functions."""
    named = region(Machine().pclntab(names), AT, name=".gopclntab")
    return {package: size // FUNCTION_SIZE for package, size in package_sizes(image(named, sections=(named,)))}


def said_by_go(toolchain: GoToolchain, path: Path) -> tuple[Counter[str], Counter[str], int]:
    """Bytes and functions of each package, and the bytes of the functions without one, by `go tool nm`."""
    sizes: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    rest = 0
    for line in run(toolchain.path, "tool", "nm", "-size", "-sort", "size", path).stdout.splitlines():
        if function := re.match(r"\s*[0-9a-f]+\s+(\d+) [Tt] (.*)", line):
            package = package_of(function[2])
            if package is None:
                rest += int(function[1])
            else:
                sizes[unescape(package)] += int(function[1])
                counts[unescape(package)] += 1
    return sizes, counts, rest


@pytest.mark.parametrize("target", ["linux/amd64", "darwin/arm64", "windows/amd64"])
def test_the_sizes_are_those_of_go_tool_nm_and_the_gaps(
    go_sample: GoSample, go_toolchain: GoToolchain, target: str
) -> None:
    path = go_sample("lookup", target=target, cgo=False).path
    sizes, counts, rest = said_by_go(go_toolchain, path)

    ours = read_package_sizes(path)

    assert list(ours) == sorted(ours, key=lambda item: (-item[1], item[0]))
    for package, size in ours:
        assert sizes[package] <= size <= sizes[package] + GAP_BYTES * counts[package] + rest, package
    assert {package for package, _ in ours} == set(sizes)
    assert sum(sizes.values()) < sum(size for _, size in ours) < 1.06 * (sum(sizes.values()) + rest)
    assert ours[0][0] == "runtime"


@pytest.mark.parametrize("target", ["linux/amd64", "darwin/arm64"])
def test_stripping_changes_no_size(go_sample: GoSample, target: str) -> None:
    whole = go_sample("lookup", target=target, cgo=False)
    stripped = go_sample("lookup", target=target, cgo=False, ldflags="-s -w")

    assert stripped.facts.stripped
    assert read_package_sizes(stripped.path) == read_package_sizes(whole.path)


def test_strip_changes_no_size_of_a_pie_that_gcc_linked(go_sample: GoSample, tmp_path: Path) -> None:
    path = go_sample("lookup", cgo=True, linkmode="external", buildmode="pie").path
    stripped = tmp_path / "stripped"
    subprocess.run(["strip", "-o", stripped, path], check=True)

    assert read_package_sizes(stripped) == read_package_sizes(path)
    assert dict(read_package_sizes(path))["net"] > 100_000


def test_c_that_gos_linker_linked_counts_to_c_alone(go_sample: GoSample) -> None:
    internal = dict(read_package_sizes(go_sample("lookup", cgo=True, linkmode="internal").path))
    external = dict(read_package_sizes(go_sample("lookup", cgo=True, linkmode="external").path))

    assert 1000 < internal["C"] < 10_000
    assert "C" not in external
    assert abs(internal["net"] - external["net"]) < 1000


def test_the_sizes_of_webassembly_are_those_of_the_bodies(go_sample: GoSample) -> None:
    path = go_sample("static", target="wasip1/wasm", cgo=False).path
    bodies = wasm_bodies(path.read_bytes())
    sums: Counter[str] = Counter()
    for name, size in bodies:
        sums[package_of(name) or ""] += size

    ours = dict(read_package_sizes(path))

    assert sum(ours.values()) == sum(size for _, size in bodies)
    # The name section has "_" in place of "/" and ":".
    for package in ("runtime", "fmt", "os"):
        assert sums[package] <= ours[package] <= sums[package] + sums[""] + sums["type_"]


def wasm_bodies(data: bytes) -> list[tuple[str, int]]:
    """Name and size of each function, by its sections "code" and "name" (core specification, 5.5, 7.4.1)."""

    def number(at: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            value |= (data[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if not data[at - 1] & 0x80:
                return value, at

    sizes: list[int] = []
    names: dict[int, str] = {}
    at, imports = 8, 0
    while at < len(data):
        section, (size, at) = data[at], number(at + 1)
        end = at + size
        if section == 2:
            imports, _ = number(at)
        elif section == 10:
            count, at = number(at)
            for _ in range(count):
                size, at = number(at)
                sizes.append(size)
                at += size
        elif section == 0 and data[at : at + 5] == b"\x04name":
            at += 5
            while at < end:
                kind, (size, at) = data[at], number(at + 1)
                after = at + size
                count, at = number(at) if kind == 1 else (0, at)
                for _ in range(count):
                    index, at = number(at)
                    length, at = number(at)
                    names[index] = data[at : at + length].decode()
                    at += length
                at = after
        at = end
    return [(names[imports + index], size) for index, size in enumerate(sizes)]


def test_a_fat_file_is_asked_by_slice(go_sample: GoSample, tmp_path: Path) -> None:
    thin = {arch: go_sample("static", target=f"darwin/{arch}", cgo=False).path for arch in ("amd64", "arm64")}
    fat = tmp_path / "fat"
    at, head, body = 1 << 14, struct.pack(">II", 0xCAFEBABE, 2), b""
    for arch, cpu in (("amd64", 0x01000007), ("arm64", 0x0100000C)):
        data = thin[arch].read_bytes()
        head += struct.pack(">IIIII", cpu, 0, at + len(body), len(data), 14)
        body += data + bytes(-len(data) % at)
    fat.write_bytes(head.ljust(at, b"\0") + body)

    assert read_package_sizes(fat, slice="arm64") == read_package_sizes(thin["arm64"])
    with pytest.raises(ParameterError, match="has 2 slices; pass slice= with one of amd64, arm64"):
        read_package_sizes(fat)


@pytest.mark.parametrize("target", ["plan9/amd64", "aix/ppc64"])
def test_the_small_formats_have_sizes_too(go_sample: GoSample, target: str) -> None:
    sizes = dict(read_package_sizes(go_sample("static", target=target, cgo=False).path))

    assert sizes["runtime"] > 200_000
    assert sizes["fmt"] > 10_000


def test_what_go_did_not_make_and_an_archive_have_none(go_sample: GoSample, tmp_path: Path) -> None:
    archive = go_sample("shared", cgo=True, buildmode="c-archive").path

    assert read_package_sizes(compile_into(tmp_path, ("gcc",), (), HELLO)) == ()
    assert read_package_sizes(archive) == ()


def test_code_without_a_package_counts_to_the_one_that_it_stands_in() -> None:
    names = ("go:buildid", "_rt0_amd64", "internal/bytealg.Count", "countbody", "runtime.main", "gogo", "type:.eq.T")

    assert sizes_of(*names) == {"internal/bytealg": 4, "runtime": 3}


def test_the_linkers_own_names_of_old_versions_are_no_packages() -> None:
    assert sizes_of("main.main", "type..eq.net/http.T", "go.(*struct { sync.Mutex }).Lock", "go.uber.org/zap.New") == {
        "main": 3,
        "go.uber.org/zap": 1,
    }


def test_parts_and_copies_of_c_functions_are_c() -> None:
    names = ("x_cgo_init", "fatalf", "fatalf.cold", "grow.constprop.0", "grow.part.1.cold", "main.init.0", "main.cold")

    assert sizes_of(*names) == {"C": 5, "main": 2}
    assert sizes_of("main.main", "_ZN6__tsan4InitEv", "__tsan_init") == {"main": 1, "C": 2}


def test_import_paths_are_written_as_in_source() -> None:
    assert sizes_of("gopkg.in/yaml%2ev3.Unmarshal", "gopkg.in/yaml%2ev3.(*node).kind") == {"gopkg.in/yaml.v3": 2}


@pytest.mark.parametrize("layout", ["1.2", "1.16"])
def test_addresses_that_only_the_relocations_have_are_taken_from_there(layout: Layout) -> None:
    table = Machine().pclntab(("main.main", "fmt.Println", "fmt.Fprint"), layout)
    zeroed = table
    relocated = {}
    for index in range(4):
        raw = struct.pack("<Q", TEXT_START + index * FUNCTION_SIZE)
        while (at := zeroed.find(raw)) >= 0:
            relocated[AT + at] = TEXT_START + index * FUNCTION_SIZE
            zeroed = zeroed[:at] + bytes(8) + zeroed[at + 8 :]
    named = region(zeroed, AT, name=".gopclntab")

    assert dict(package_sizes(image(named, sections=(named,), relocated=relocated))) == {
        "fmt": 2 * FUNCTION_SIZE,
        "main": FUNCTION_SIZE,
    }


def test_functions_out_of_order_are_damage() -> None:
    table = Machine().pclntab(("main.a", "main.b", "main.c"))
    # The row of main.b, which follows that of main.a: an entry point, and where its function is.
    at = table.index(struct.pack("<II", 0, 7 * 4)) + 8
    named = region(table[:at] + struct.pack("<I", 9 * FUNCTION_SIZE) + table[at + 4 :], AT, name=".gopclntab")

    with pytest.raises(UnreadableBinaryError, match="function 1 starts behind the next one"):
        package_sizes(image(named, sections=(named,)))


def test_a_pclntab_that_nothing_points_at_is_no_image_of_go() -> None:
    assert package_sizes(image(region(Machine().pclntab(("main.main",)), AT))) == ()
    assert package_sizes(image(region(inline_blob()), region(Machine().pclntab(("main.main",)), 0x20000))) == (
        ("main", FUNCTION_SIZE),
    )


def test_webassembly_with_fewer_bodies_than_functions_is_damage() -> None:
    named = region(Machine().pclntab(("main.a", "main.b")), AT, name=".gopclntab")
    wasm = image(named, sections=(named,), image_format="wasm", bodies=(1, 2))

    with pytest.raises(UnreadableBinaryError, match=r"64 functions, but 2 bodies"):
        package_sizes(wasm)
