"""
Every build mode of this Go on linux/amd64, what is done to images afterwards, and what is not Go.

Run by `make versions`.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.errors import BuildError, UnreadableBinaryError
from pytest_golink.reader import read_binaries, read_binary
from tests.slow.matrix.cells import Row, cells

if TYPE_CHECKING:
    from pytest_golink import GoSample
    from pytest_golink.facts import BinaryFacts
    from tests.slow.matrix.conftest import AddRow

TITLE = "build modes × facts (linux/amd64)"
OTHERS = "not Go × facts"
LOADER, MUSL = "/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mode:
    """A build, and what it must show: cells, and facts by their dotted names."""

    name: str
    sample: str = "lookup"
    options: dict[str, Any]
    cells: Row
    facts: dict[str, object] = field(default_factory=dict)


def flags(text: str, **environment: str) -> dict[str, Any]:
    return {"env": {"GOFLAGS": text, **environment}}


GLIBC = {"linkage": "dynamic", "interpreter": LOADER, "libc": "glibc", "resolver": "cgo+go", "cgo": "net runtime/cgo"}
STATIC = {"linkage": "static", "interpreter": "-", "needed": "-", "libc": "none", "link mode": "internal"}
LIBRARY = {"kind": "shared-library", "linkage": "dynamic", "interpreter": "-", "link mode": "external"}
INTERNAL, EXTERNAL = {"link mode": "internal"}, {"link mode": "external"}
ZIG_MUSL, ZIG_OLD = "zig cc -target x86_64-linux-musl", "zig cc -target x86_64-linux-gnu.2.17"

MODES = (
    Mode(name="exe", options={"cgo": False}, cells=STATIC, facts={"hardening.pie": False}),
    Mode(
        name="pie",
        options={"cgo": False, "buildmode": "pie"},
        cells={**STATIC, "linkage": "dynamic", "interpreter": LOADER},
        facts={"hardening.pie": True, "needs_loader_only": True},
    ),
    Mode(
        name="static-pie",
        options={"cgo": True, "buildmode": "pie", "linkmode": "external", "extldflags": "-static-pie"},
        cells={"linkage": "static-pie", "interpreter": "-", "libc": "glibc embedded", **EXTERNAL},
        facts={"hardening.pie": True, "static_name_service": ("getaddrinfo",)},
    ),
    Mode(name="c-shared", sample="shared", options={"cgo": True, "buildmode": "c-shared"}, cells=LIBRARY),
    Mode(name="plugin", sample="static", options={"cgo": True, "buildmode": "plugin"}, cells=LIBRARY),
    Mode(
        name="c-archive",
        sample="shared",
        options={"cgo": True, "buildmode": "c-archive"},
        cells={"format": "ar", "kind": "archive", "linkage": "-"},
    ),
    Mode(
        name="-race",
        options={"cgo": True, "race": True},
        cells={**GLIBC, **INTERNAL},
        facts={"content.instrumentation": ("race",)},
    ),
    Mode(
        name="-asan",
        options={"cgo": True, **flags("-asan")},
        cells={**GLIBC, **EXTERNAL},
        facts={"content.instrumentation": ("asan",)},
    ),
    Mode(
        name="-cover",
        options={"cgo": False, **flags("-cover")},
        cells=STATIC,
        facts={"content.instrumentation": ("cover",)},
    ),
    Mode(
        name="boringcrypto, cgo",
        sample="static",
        options={"cgo": True, "env": {"GOEXPERIMENT": "boringcrypto"}},
        cells=STATIC,
        facts={"cgo.enabled": True, "cgo.used": False},
    ),
    Mode(
        name="boringcrypto, no cgo",
        sample="static",
        options={"cgo": False, "env": {"GOEXPERIMENT": "boringcrypto"}},
        cells=STATIC,
    ),
    Mode(
        name="GOFIPS140=v1.0.0", sample="static", options={"cgo": False, "env": {"GOFIPS140": "v1.0.0"}}, cells=STATIC
    ),
    Mode(
        name="GOFIPS140=latest", sample="static", options={"cgo": False, "env": {"GOFIPS140": "latest"}}, cells=STATIC
    ),
    Mode(
        name="-trimpath",
        options={"cgo": False, "trimpath": True},
        cells=STATIC,
        facts={"content.build_paths": ()},
    ),
    Mode(name="-buildvcs=false", sample="static", options={"cgo": False, **flags("-buildvcs=false")}, cells=STATIC),
    Mode(
        name="-r /x",
        options={"cgo": True, "ldflags": "-r /x"},
        cells={**GLIBC, **INTERNAL},
        facts={"runpath": ("/x",), "rpath": ()},
    ),
    Mode(
        name=f"-I {MUSL}",
        options={"cgo": True, "ldflags": f"-I {MUSL}"},
        cells={**GLIBC, **INTERNAL, "interpreter": MUSL, "needed": "libc.so.6", "libc": "musl"},
    ),
    Mode(name="-d", sample="static", options={"cgo": True, "ldflags": "-d"}, cells=STATIC),
    Mode(
        name="-z execstack",
        sample="cgo",
        options={"cgo": True, "extldflags": "-Wl,-z,execstack"},
        cells={**EXTERNAL, "cgo": "main runtime/cgo"},
        facts={"hardening.nx": False},
    ),
    Mode(
        name="zig, musl, static",
        options={"cgo": True, "cc": ZIG_MUSL, "extldflags": "-static"},
        cells={"linkage": "static", "interpreter": "-", "libc": "musl embedded", **EXTERNAL},
        facts={"static_name_service": ()},
    ),
    Mode(
        name="zig, musl, dynamic",
        options={"cgo": True, "cc": ZIG_MUSL, "extldflags": "-dynamic"},
        cells={**GLIBC, **EXTERNAL, "interpreter": MUSL, "libc": "musl"},
    ),
    Mode(
        name="zig, glibc 2.17",
        options={"cgo": True, "cc": ZIG_OLD, "linkmode": "external"},
        cells={**GLIBC, **EXTERNAL},
    ),
)


def fact(facts: BinaryFacts, dotted: str) -> object:
    value: object = facts
    for name in dotted.split("."):
        value = getattr(value, name)
    return value


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_a_build_mode_shows_what_is_known_of_it(mode: Mode, go_sample: GoSample, add_row: AddRow) -> None:
    facts = go_sample(mode.sample, target="linux/amd64", **mode.options).facts
    row = cells(facts)

    assert {name: row[name] for name in mode.cells} == mode.cells
    assert {name: fact(facts, name) for name in mode.facts} == mode.facts
    hardening = facts.hardening
    shown = {name: row[name] for name in row if name not in ("format", "target", "go", "pclntab", "settings")}
    more = f"pie={hardening.pie} nx={hardening.nx} relro={hardening.relro} floor={facts.libc.floor}"
    add_row(TITLE, {"mode": mode.name, **shown, "more": more})


def test_glibc_2_17_is_the_floor_where_zig_is_asked_for_it(go_sample: GoSample) -> None:
    facts = go_sample("lookup", target="linux/amd64", cgo=True, cc=ZIG_OLD, linkmode="external").facts

    assert facts.libc.floor is not None
    assert tuple(map(int, facts.libc.floor.split("."))) <= (2, 17)


def test_the_linker_flag_d_refuses_every_dynamic_import(go_sample: GoSample) -> None:
    with pytest.raises(BuildError):
        go_sample("lookup", target="linux/amd64", cgo=True, ldflags="-d")


def test_gcc_has_no_memory_sanitizer(go_sample: GoSample) -> None:
    with pytest.raises(BuildError):
        go_sample("lookup", target="linux/amd64", cgo=True, cc="gcc", env={"GOFLAGS": "-msan"})


# Only clang has the memory sanitizer: gcc refuses the flag.
def test_the_memory_sanitizer_is_read_from_the_image(go_sample: GoSample) -> None:
    facts = go_sample("lookup", target="linux/amd64", cgo=True, cc="clang", env={"GOFLAGS": "-msan"}).facts

    assert facts.content.instrumentation == ("msan",)
    assert facts.link_mode == "external"


def test_a_fat_file_has_the_facts_of_its_slices(go_sample: GoSample, tmp_path: Path) -> None:
    thin = {arch: go_sample("lookup", target=f"darwin/{arch}", cgo=False) for arch in ("amd64", "arm64")}
    fat = tmp_path / "fat"
    # mach-o/fat.h: cputype, cpusubtype, offset, size, alignment as a power of two.
    types, at = {"amd64": (0x01000007, 3), "arm64": (0x0100000C, 0)}, 1 << 14
    header, body = struct.pack(">II", 0xCAFEBABE, 2), b""
    for arch, binary in thin.items():
        data = binary.path.read_bytes()
        header += struct.pack(">IIIII", *types[arch], at + len(body), len(data), 14)
        body += data + bytes(-len(data) % at)
    fat.write_bytes(header.ljust(at, b"\0") + body)

    slices = read_binaries(fat)

    assert [image.slice for image in slices] == ["amd64", "arm64"]
    assert [cells(image) for image in slices] == [cells(binary.facts) for binary in thin.values()]


def test_a_signature_changes_nothing_but_signed(go_sample: GoSample, tmp_path: Path) -> None:
    binary = go_sample("lookup", target="windows/amd64", cgo=False)
    data = bytearray(binary.path.read_bytes())
    data += bytes(-len(data) % 8)
    (header,) = struct.unpack_from("<I", data, 0x3C)
    # PE32+: the certificate table is data directory 4, and holds a file offset.
    struct.pack_into("<II", data, header + 24 + 112 + 4 * 8, len(data), 24)
    data += struct.pack("<IHH", 24, 0x0200, 2) + b"\x30\x0e" + bytes(14)
    signed = tmp_path / "signed.exe"
    signed.write_bytes(data)

    assert cells(read_binary(signed)) == cells(binary.facts)
    assert (binary.facts.signed, read_binary(signed).signed) == ("none", "signed")


C = '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n'
RUST, ZIG = 'fn main() { println!("hello"); }\n', "pub fn main() void {}\n"
ZIG_COMMAND = (sys.executable, "-m", "ziglang")

FOREIGN = (
    ("C, pie", "x.c", C, ("gcc", "x.c", "-o", "out"), {"linkage": "dynamic", "libc": "glibc"}),
    ("C, static", "x.c", C, ("gcc", "-static", "x.c", "-o", "out"), {"linkage": "static", "libc": "glibc embedded"}),
    ("C, .so", "x.c", C, ("gcc", "-shared", "-fPIC", "x.c", "-o", "out"), {"kind": "shared-library", "libc": "glibc"}),
    ("C, .o", "x.c", C, ("gcc", "-c", "x.c", "-o", "out"), {"kind": "object", "linkage": "-"}),
    (
        "C, musl",
        "x.c",
        C,
        (*ZIG_COMMAND, "cc", "-target", "x86_64-linux-musl", "x.c", "-o", "out"),
        {"linkage": "static"},
    ),
    (
        "C, Windows",
        "x.c",
        C,
        (*ZIG_COMMAND, "cc", "-target", "x86_64-windows-gnu", "x.c", "-o", "out"),
        {"format": "pe"},
    ),
    ("C, macOS", "x.c", C, (*ZIG_COMMAND, "cc", "-target", "aarch64-macos", "x.c", "-o", "out"), {"format": "macho"}),
    (
        "Zig",
        "x.zig",
        ZIG,
        (*ZIG_COMMAND, "build-exe", "x.zig", "-femit-bin=out"),
        {"linkage": "static", "libc": "unknown embedded"},
    ),
    ("Rust", "x.rs", RUST, ("rustc", "x.rs", "-o", "out"), {"linkage": "dynamic", "libc": "glibc"}),
    ("Rust, rlib", "x.rs", "pub fn f() {}\n", ("rustc", "--crate-type=rlib", "x.rs", "-o", "out"), {"kind": "archive"}),
)


@pytest.mark.parametrize(("name", "source", "text", "command", "expected"), FOREIGN, ids=[row[0] for row in FOREIGN])
def test_what_other_compilers_make_is_read_and_is_not_go(
    name: str, source: str, text: str, command: tuple[str, ...], expected: Row, tmp_path: Path, add_row: AddRow
) -> None:
    assert shutil.which(command[0]), f"install {command[0]}"
    (tmp_path / source).write_text(text)
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=600)

    facts = read_binary(tmp_path / "out")

    row = cells(facts)
    assert {column: row[column] for column in expected} == expected
    assert (facts.go, facts.link_mode, facts.resolver, facts.cgo.packages) == (None, None, None, ())
    add_row(OTHERS, {"what": name, **{column: row[column] for column in row if column not in ("settings", "pclntab")}})


@pytest.mark.parametrize(
    "what", ["empty", "text", "script", "folder", "fifo", "socket", "/dev/null", "dangling", "loop"]
)
def test_what_is_no_image_is_an_error_at_once(what: str, tmp_path: Path) -> None:
    path = tmp_path / "it"
    match what:
        case "empty":
            path.touch()
        case "text":
            path.write_text("words\n")
        case "script":
            path.write_text("#!/bin/sh\nexit 0\n")
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(str(path))
        case "dangling":
            path.symlink_to("nowhere")
        case "loop":
            path.symlink_to(path)
        case _:
            path = Path(what)

    with pytest.raises(UnreadableBinaryError):
        read_binary(path)
