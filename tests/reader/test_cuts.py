"""A cut at each boundary of all that a reader looks at, and at many places between: always the typed error."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import UnreadableBinaryError
from tests.reader import handmade_macho
from tests.reader.c_images import ANSWER, HELLO, CompileC
from tests.slow.fuzz.seeds import handmade, look, read, without_sections

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample

_CUTS_BETWEEN = 60


def cut_everywhere(image: bytes, *, most: int | None = None) -> None:
    """Cut at every boundary and between; at `most` of the boundaries, spread over all, where each read is slow."""
    whole, places = look(image)
    places = places[:: -(-len(places) // most)] if most else places
    assert places
    # What no header tells of, a reader does not miss: bytes behind the last segment of an image without sections.
    end = max(place.offset + place.size for place in places)
    ends = {place.offset + near for place in places for near in (-1, 0, 1)}
    ends |= {place.offset + place.size - near for place in places for near in (0, 1)}
    ends |= set(range(1, end, max(1, end // (most or _CUTS_BETWEEN))))
    for size in sorted(size for size in ends if 0 < size < end):
        try:
            facts = read(image[:size])
        except UnreadableBinaryError:
            continue
        # Nothing in a WebAssembly module tells that the names of its functions followed: `-s` leaves them out.
        nameless = tuple(replace(each, size=size, symtab=False) for each in whole if each.format == "wasm")
        assert facts == nameless, f"cut to {size} of {len(image)} bytes"


@pytest.mark.parametrize("stripped", [False, True])
@pytest.mark.parametrize(
    ("flags", "source"),
    [
        ((), HELLO),
        (("-no-pie", "-Wl,--hash-style=both"), HELLO),
        (("-static",), HELLO),
        (("-static-pie",), HELLO),
        (("-shared", "-fPIC"), ANSWER),
        (("-c",), HELLO),
    ],
)
def test_an_elf_image_of_each_kind(compile_c: CompileC, flags: tuple[str, ...], source: str, stripped: bool) -> None:
    image = compile_c(*flags, *(("-s",) if stripped else ()), source=source).read_bytes()

    cut_everywhere(image)
    if "-c" not in flags:
        cut_everywhere(without_sections(image))


def test_a_shared_library_of_go_s(go_sample: GoSample) -> None:
    cut_everywhere(go_sample("shared", cgo=True, buildmode="c-shared").path.read_bytes())


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("linux/amd64", {}),
        ("linux/amd64", {"buildmode": "pie"}),
        ("windows/amd64", {}),
        ("darwin/arm64", {}),
        ("wasip1/wasm", {}),
        ("plan9/amd64", {}),
        ("aix/ppc64", {}),
    ],
)
def test_a_program_of_go_s(go_sample: GoSample, target: str, options: dict[str, str]) -> None:
    cut_everywhere(go_sample("static", target=target, cgo=False, **options).path.read_bytes(), most=25)  # type: ignore[arg-type]


def test_an_archive(compile_c: CompileC, tmp_path: Path) -> None:
    for name in ("a-member-with-a-name-that-is-long.o", "b.o"):
        (tmp_path / name).write_bytes(compile_c("-c").read_bytes())
    subprocess.run(["ar", "rcsD", "made.a", "a-member-with-a-name-that-is-long.o", "b.o"], cwd=tmp_path, check=True)

    cut_everywhere((tmp_path / "made.a").read_bytes())


@pytest.mark.parametrize("name", ["pe-handmade", "macho-handmade", "coff-handmade"])
def test_an_image_made_by_hand(name: str) -> None:
    cut_everywhere(dict(handmade())[name])


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("kind", [handmade_macho.OBJECT, handmade_macho.DYLIB, handmade_macho.BUNDLE])
def test_a_fat_file(wide: bool, kind: int) -> None:
    maker = handmade_macho.Maker()
    slices = [
        (cpu, maker.image(maker.library("/usr/lib/libSystem.B.dylib"), cpu=cpu, file_type=kind, tail=b"tail"))
        for cpu in (handmade_macho.ARM64, handmade_macho.AMD64)
    ]

    cut_everywhere(handmade_macho.fat(*slices, wide=wide))
