"""Whole images to damage: built by Go, gcc and zig, and made by hand; a few of each format and kind."""

from __future__ import annotations

import hashlib
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from pytest_golink.builder import Builder, parse_options
from pytest_golink.golang import memory
from pytest_golink.golang.sizes import package_sizes
from pytest_golink.reader import _pick
from pytest_golink.reader.bounds import View
from pytest_golink.toolchain import find_go
from tests.reader import handmade_macho, handmade_pe
from tests.reader.c_images import ANSWER, HELLO, compile_into, zig
from tests.slow.fuzz.mutations import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.facts import BinaryFacts

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, kw_only=True, slots=True)
class Seed:
    """A whole image, its facts, and the places that its reader looked at."""

    name: str
    data: bytes
    facts: tuple[BinaryFacts, ...]
    places: tuple[Place, ...]

    @property
    def format(self) -> str:
        """The format as the reader calls it."""
        return self.facts[0].format


def read(data: bytes) -> tuple[BinaryFacts, ...]:
    """Read bytes as read_binaries() reads a file's."""
    return _pick("image", data[:16]).read("image", memoryview(data))


def read_sizes(data: bytes) -> None:
    """Read what read_package_sizes() reads of a file."""
    for _, image in _pick("image", data[:16]).map("image", memoryview(data)):
        package_sizes(image)


_GO: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("elf-exe", "static", {"target": "linux/amd64", "cgo": False}),
    ("elf-pie", "static", {"target": "linux/amd64", "cgo": False, "buildmode": "pie"}),
    ("elf-cgo", "net", {"target": "linux/amd64", "cgo": True}),
    ("elf-cgo-external", "net", {"target": "linux/amd64", "cgo": True, "linkmode": "external"}),
    ("elf-static-pie", "cgo", {"target": "linux/amd64", "cgo": True, "linkmode": "external", "buildmode": "pie",
                               "extldflags": "-static-pie"}),
    ("elf-386", "static", {"target": "linux/386", "cgo": False}),
    ("elf-openbsd", "static", {"target": "openbsd/amd64", "cgo": False}),
    ("elf-solaris", "static", {"target": "solaris/amd64", "cgo": False}),
    ("elf-mips", "static", {"target": "linux/mips", "cgo": False}),
    ("elf-ppc64-dynamic", "importdynamic", {"target": "linux/ppc64", "cgo": False}),
    ("elf-shared", "shared", {"target": "linux/amd64", "cgo": True, "buildmode": "c-shared"}),
    ("ar-go", "shared", {"target": "linux/amd64", "cgo": True, "buildmode": "c-archive"}),
    ("macho-arm64", "static", {"target": "darwin/arm64", "cgo": False}),
    ("macho-amd64", "lookup", {"target": "darwin/amd64", "cgo": False}),
    ("pe-amd64", "static", {"target": "windows/amd64", "cgo": False}),
    ("pe-386", "static", {"target": "windows/386", "cgo": False}),
    ("xcoff", "static", {"target": "aix/ppc64", "cgo": False}),
    ("plan9-amd64", "static", {"target": "plan9/amd64", "cgo": False}),
    ("plan9-386", "static", {"target": "plan9/386", "cgo": False}),
    ("wasm-js", "static", {"target": "js/wasm", "cgo": False}),
    ("wasm-wasip1", "static", {"target": "wasip1/wasm", "cgo": False}),
)  # fmt: skip
_GCC = ("gcc",)
_C: tuple[tuple[str, tuple[str, ...], tuple[str, ...], str], ...] = (
    ("elf-c", _GCC, (), HELLO),
    ("elf-c-both-hashes", _GCC, ("-Wl,--hash-style=both", "-Wl,-z,now", "-s"), HELLO),
    ("elf-c-static", _GCC, ("-static", "-s"), HELLO),
    ("elf-c-shared", _GCC, ("-shared", "-fPIC"), ANSWER),
    ("elf-c-object", _GCC, ("-c",), HELLO),
    ("elf-c-arm", (*zig(), "-target", "arm-linux-gnueabihf.2.28"), (), HELLO),
    ("macho-c", (*zig(), "-target", "aarch64-macos"), (), HELLO),
    ("macho-c-dylib", (*zig(), "-target", "x86_64-macos"), ("-shared",), ANSWER),
    ("macho-c-object", (*zig(), "-target", "aarch64-macos"), ("-c",), HELLO),
    ("pe-c", (*zig(), "-target", "x86_64-windows-gnu"), ("-s",), HELLO),
    ("pe-c-dll", (*zig(), "-target", "x86-windows-gnu"), ("-shared", "-s"), ANSWER),
    ("coff-c", (*zig(), "-target", "x86_64-windows-gnu"), ("-c",), HELLO),
    ("wasm-c", (*zig(), "-target", "wasm32-wasi"), (), HELLO),
    ("wasm-c-object", (*zig(), "-target", "wasm32-wasi"), ("-c",), HELLO),
)


def make_seeds(folder: Path, formats: tuple[str, ...]) -> list[Seed]:
    """Build, or take from `folder` what was built before."""
    found = []
    for name, data in _images(folder, formats):
        facts, places = look(data)
        found.append(Seed(name=name, data=data, facts=facts, places=places))
    return found


def look(data: bytes) -> tuple[tuple[BinaryFacts, ...], tuple[Place, ...]]:
    """Read an image, and note each place that its reader looks at."""
    places: dict[tuple[int, int], str] = {}
    check, place = View.check, memory.Memory.place

    def noting_check(view: View, offset: int, size: int, what: str) -> None:
        check(view, offset, size, what)
        places.setdefault((view.base + offset, size), what)

    def noting_place(mapped: memory.Memory, address: int) -> memory.Place | None:
        found = place(mapped, address)
        if found is not None:
            places.setdefault((found.offset, min(len(found.data), 64)), "Go's structures")
        return found

    with mock.patch.object(View, "check", noting_check), mock.patch.object(memory.Memory, "place", noting_place):
        facts = read(data)
    # Many thousand symbols are one place; so are the bytes of a large section.
    seen: dict[str, int] = {}
    kept = []
    for (offset, size), what in places.items():
        family = what.rstrip("0123456789 ")
        seen[family] = seen.get(family, 0) + 1
        if size and seen[family] <= 40:
            kept.append(Place(offset=offset, size=min(size, len(data) - offset), what=what))
    return facts, tuple(place for place in kept if place.size > 0)


def _images(folder: Path, formats: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    def wanted(name: str) -> bool:
        return not formats or name.split("-")[0] in formats

    folder.mkdir(parents=True, exist_ok=True)
    builder: Builder | None = None
    for name, sample, options in _GO:
        if wanted(name):
            builder = builder or _builder(folder)
            # The archive's C objects hold most of it; without tables for the debugger the images are a third smaller.
            flags = "" if name == "elf-exe" else "-s -w"
            built = builder.build(parse_options({"package": f"sample_go/{sample}", "ldflags": flags, **options}))
            yield name, built.path.read_bytes()
            if name == "elf-cgo":
                yield "elf-no-sections", without_sections(built.path.read_bytes())
    made: dict[str, bytes] = {}
    for name, compiler, arguments, source in _C:
        if wanted(name) or (name == "elf-c-object" and wanted("ar")):
            key = hashlib.sha256(repr((compiler, arguments, source)).encode()).hexdigest()[:16]
            image = folder / key / "image"
            made[name] = (
                image if image.exists() else compile_into(folder / key, compiler, arguments, source)
            ).read_bytes()
            if wanted(name):
                yield name, made[name]
    if "elf-c" in made:
        yield "elf-c-no-sections", without_sections(made["elf-c"])
    if "macho-c" in made:
        yield "macho-fat", handmade_macho.fat((0x0100000C, made["macho-c"]), (0x01000007, made["macho-c-dylib"]))
    if wanted("ar"):
        yield "ar-c", _archive(folder, made["elf-c-object"])
    yield from ((name, data) for name, data in handmade() if wanted(name))


def without_sections(image: bytes) -> bytes:
    """Hide the section headers of a little-endian 64-bit ELF image."""
    return image[:40] + bytes(8) + image[48:60] + bytes(4) + image[64:]


def _builder(folder: Path) -> Builder:
    toolchain = find_go(named=None, named_by="PATH", cache=folder)
    return Builder(toolchain, rootdir=ROOT, cache=folder, session="fuzz")


def _archive(folder: Path, member: bytes) -> bytes:
    (folder / "member-with-a-long-name.o").write_bytes(member)
    (folder / "b.o").write_bytes(member)
    made = folder / "made.a"
    made.unlink(missing_ok=True)
    subprocess.run(["ar", "rcsD", "made.a", "member-with-a-long-name.o", "b.o"], cwd=folder, check=True)
    return made.read_bytes()


def handmade() -> Iterator[tuple[str, bytes]]:
    pe = handmade_pe.Maker()
    pe.imports(kernel32_dll=(b"ExitProcess", 17), ws2_32_dll=(b"send", b"recv"))
    pe.delay_imports(b"crypt32.dll", b"CertOpenStore")
    yield "pe-handmade", pe.image()
    macho = handmade_macho.Maker(order=">", wide=False)
    yield (
        "macho-handmade",
        macho.image(
            macho.library("/usr/lib/libSystem.B.dylib"),
            macho.string(0xE, "/usr/lib/dyld"),
            macho.string(0x8000001C, "@loader_path/../lib"),
            macho.command(0x2, "4I", handmade_macho.TAIL, 1, handmade_macho.TAIL + 12, 8),
            cpu=handmade_macho.PPC,
            tail=macho.symbol(1, 1, 0x100) + b"\0_puts\0\0",
        ),
    )
    yield "coff-handmade", struct.pack("<2H3I2H", 0x14C, 1, 0, 60, 0, 0, 0) + bytes(40) + struct.pack("<I", 4)
