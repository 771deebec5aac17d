"""Two readers say the same of every kind of image; where they do not, an error shows both answers."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink import ReaderDisagreement, UnreadableBinaryError, read_binaries
from pytest_golink.facts import Hardening, NeededLibrary
from pytest_golink.reader.crosscheck import crosscheck, crosschecking
from pytest_golink.reader.elf.facts import read_elf
from pytest_golink.reader.macho.facts import read_macho
from pytest_golink.reader.witnesses import macholib as second_macho
from pytest_golink.reader.witnesses import pyelftools as second_elf
from tests.reader.c_images import ANSWER, COPY, WEAK, CompileC
from tests.reader.handmade_elf import s390x_program
from tests.reader.handmade_macho import AMD64, ARM64, PPC, TAIL, Maker, fat
from tests.reader.macho_edit import with_sdk

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample
    from pytest_golink.facts import BinaryFacts

MAKE = Maker()


def elf(data: bytes) -> tuple[BinaryFacts, ...]:
    return (read_elf("image", memoryview(data)),)


def macho(data: bytes) -> tuple[BinaryFacts, ...]:
    return read_macho("image", memoryview(data))


# Option sets that other tests of the readers build too.
@pytest.mark.parametrize(
    ("sample", "options"),
    [
        ("static", {"target": "linux/amd64", "cgo": False}),
        ("static", {"target": "linux/amd64", "cgo": False, "buildmode": "pie"}),
        ("static", {"target": "linux/mips", "cgo": False}),
        ("static", {"target": "linux/s390x", "cgo": False}),
        ("importdynamic", {"target": "linux/ppc64", "cgo": False}),
        ("static", {"target": "openbsd/amd64", "cgo": False}),
        ("static", {"target": "android/arm64", "cgo": False}),
        ("lookup", {"cgo": True, "linkmode": "internal"}),
        ("lookup", {"cgo": True, "linkmode": "external"}),
        ("cgo", {"cgo": True, "linkmode": "external", "buildmode": "pie", "extldflags": "-static-pie"}),
        ("shared", {"cgo": True, "buildmode": "c-shared"}),
        ("static", {"target": "darwin/arm64", "cgo": False}),
        ("lookup", {"target": "darwin/amd64", "cgo": False}),
        ("static", {"target": "windows/amd64", "cgo": False}),
    ],
)
def test_two_readers_agree_about_what_go_links(go_sample: GoSample, sample: str, options: dict[str, object]) -> None:
    binary = go_sample(sample, **options)  # type: ignore[arg-type]

    crosscheck(read_binaries(binary.path), memoryview(binary.path.read_bytes()))


@pytest.mark.parametrize("sections", [True, False])
def test_two_readers_agree_about_an_import_on_64_bit_s390(sections: bool) -> None:
    data, _, _ = s390x_program(sections=sections)

    crosscheck(elf(data), memoryview(data))


@pytest.mark.parametrize(
    ("source", "flags"),
    [
        (COPY, ("-no-pie",)),
        (WEAK, ("-Wl,--hash-style=sysv", "-Wl,-z,now")),
        (ANSWER, ("-shared", "-fPIC", "-Wl,-rpath,/opt/lib:$ORIGIN", "-Wl,-z,execstack")),
        (ANSWER, ("-c",)),
    ],
)
def test_two_readers_agree_about_what_gcc_links(compile_c: CompileC, source: str, flags: tuple[str, ...]) -> None:
    data = compile_c(*flags, source=source).read_bytes()

    crosscheck(elf(data), memoryview(data))


def test_two_readers_agree_without_section_headers(compile_c: CompileC) -> None:
    data = compile_c().read_bytes()
    data = data[:40] + bytes(8) + data[48:60] + bytes(4) + data[64:]

    said = second_elf.theirs(memoryview(data))

    assert said["DT_NEEDED"] == ("libc.so.6",)
    # pyelftools finds the symbols by their section.
    assert "imports" not in said
    crosscheck(elf(data), memoryview(data))


def test_two_readers_agree_about_each_slice_and_command() -> None:
    big = Maker(order=">", wide=False)
    one = MAKE.image(
        *(MAKE.library(f"/lib/{number}", number) for number in (0xC, 0x20, 0x80000018, 0x8000001F, 0x80000023)),
        MAKE.string(0xE, "/usr/lib/dyld"),
        MAKE.string(0x8000001C, "@loader_path"),
        MAKE.command(0x24, "2I", 0x0A0F02, 0),
        MAKE.command(0x1B, "16s", bytes(range(16))),
        flags=0x20080,
    )
    two = MAKE.image(MAKE.command(0x32, "4I", 1, 0x0B0000, 0, 0), cpu=AMD64, file_type=6)
    three = big.image(cpu=PPC, file_type=1)
    data = fat((ARM64, one), (AMD64, two), (PPC, three))

    first, second, third = second_macho.theirs(memoryview(data))

    assert (first["minimum OS"], second["minimum OS"], third["minimum OS"]) == ("10.15.2", "11.0", None)
    assert first["LC_UUID"] == bytes(range(16)).hex()
    assert (first["nx"], second["file type"], third.get("nx")) == (False, "shared-library", None)
    crosscheck(macho(data), memoryview(data))


def test_macholib_reads_imports_symbols_dwarf_and_sdk_by_roads_of_its_own(go_sample: GoSample) -> None:
    image = with_sdk(go_sample("static", target="darwin/arm64", cgo=False).path.read_bytes(), 26, 2)
    (said,) = second_macho.theirs(memoryview(image))

    assert "write" in said["imports"]  # type: ignore[operator]
    # Go's linker writes one flat namespace: the symbol table names no libraries.
    assert "libraries of imports" not in said
    assert (said["symbol table"], said["DWARF"], said["SDK"]) == (True, True, "26.2")
    (facts,) = macho(image)
    assert second_macho.ours(facts)["imports"] == said["imports"]


def test_macholib_reads_which_library_a_symbol_is_from_and_a_table_in_a_slice() -> None:
    names = b"\0_puts\0_other\0__tlv_bootstrap\0"
    symbols = MAKE.symbol(1, 1, 0x0100) + MAKE.symbol(7, 1, 0xFE40) + MAKE.symbol(14, 1, 0x0100)
    table = MAKE.command(0x2, "4I", TAIL, 3, TAIL + len(symbols), len(names))
    groups = MAKE.command(0xB, "18I", 0, 0, 0, 0, 0, 3, *[0] * 12)
    sdk = MAKE.command(0x25, "2I", 0x0C0000, 0x0F0102)
    image = MAKE.image(MAKE.library("/usr/lib/libSystem.B.dylib"), table, groups, sdk, tail=symbols + names)
    data = fat((AMD64, MAKE.image(cpu=AMD64)), (ARM64, image))

    _, said = second_macho.theirs(memoryview(data))

    assert said["imports"] == {"puts", "other"}
    assert said["libraries of imports"] == {("puts", "/usr/lib/libSystem.B.dylib"), ("other", None)}
    assert (said["symbol table"], said["SDK"], said["minimum OS"]) == (False, "15.1.2", "12.0")
    crosscheck(macho(data), memoryview(data))


def test_a_library_and_a_program_are_told_apart_by_both(compile_c: CompileC) -> None:
    named = compile_c("-shared", "-fPIC", "-Wl,-soname,liba.so.1").read_bytes()
    program, bare = compile_c("-pie").read_bytes(), compile_c("-shared", "-fPIC").read_bytes()

    for data, kind in ((named, "shared-library"), (bare, "shared-library"), (program, "executable")):
        assert second_elf.theirs(memoryview(data))["kind"] == kind
        crosscheck(elf(data), memoryview(data))


def test_a_disagreement_shows_both_answers(compile_c: CompileC) -> None:
    data = compile_c().read_bytes()
    (facts,) = elf(data)
    lied = replace(facts, needed=(NeededLibrary(name="libm.so.6", via="DT_NEEDED"),), hardening=Hardening(pie=True))

    with pytest.raises(ReaderDisagreement) as caught:
        crosscheck((lied,), memoryview(data))

    assert caught.value.reader == "pyelftools"
    assert caught.value.differences["DT_NEEDED"] == (("libm.so.6",), ("libc.so.6",))
    text = str(caught.value)
    assert text.startswith("image: two readers disagree\n  DT_NEEDED\n")
    assert "\n    golink      ('libm.so.6',)\n    pyelftools  ('libc.so.6',)\n" in text
    assert "\n  nx\n    golink      None\n    pyelftools  True" in text


def test_a_disagreement_about_the_slices_is_one() -> None:
    image = MAKE.image()
    data = fat((ARM64, image), (AMD64, MAKE.image(cpu=AMD64)))

    with pytest.raises(ReaderDisagreement, match=r"slices\n    golink      1\n    macholib    2"):
        crosscheck(macho(data)[:1], memoryview(data))


@pytest.mark.parametrize("size", [0, 3, 40, 3000, 14000])
def test_what_pyelftools_cannot_read_is_our_error(compile_c: CompileC, size: int) -> None:
    data = compile_c().read_bytes()

    with pytest.raises(UnreadableBinaryError, match="pyelftools, the second reader, cannot read it") as caught:
        crosscheck(elf(data), memoryview(data)[:size])
    assert caught.value.__cause__ is not None
    assert (caught.value.path, caught.value.format) == ("image", "elf")


@pytest.mark.parametrize("size", [0, 3, 20, 90, TAIL - 3900])
def test_what_macholib_cannot_read_is_our_error(size: int) -> None:
    data = MAKE.image(MAKE.library("/lib/a"))

    with pytest.raises(UnreadableBinaryError, match="macholib, the second reader, cannot read it") as caught:
        crosscheck(macho(data), memoryview(data)[:size])
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(("machine", "goarch"), [("n32", None), ("MIPS", "mips"), ("999", None)])
def test_a_machine_without_a_port_tells_no_goarch(go_sample: GoSample, machine: str, goarch: str | None) -> None:
    data = bytearray(go_sample("static", target="linux/mips", cgo=False).path.read_bytes())
    if machine == "n32":
        data[39] |= 0x20
    elif machine == "999":
        data[18:20] = (999).to_bytes(2, "big")

    assert second_elf.theirs(memoryview(bytes(data))).get("GOARCH") == goarch


def test_images_are_read_twice_where_that_is_asked_for_and_nowhere_else(
    go_sample: GoSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = go_sample("static", target="linux/amd64", cgo=False).path
    monkeypatch.setattr(second_elf, "theirs", lambda _data: {"PT_INTERP": "/lib/ld.so"})
    failed = []

    def read(image: Path) -> None:
        try:
            read_binaries(image)
        except ReaderDisagreement as error:
            failed.append(error)

    read(path)
    assert not failed
    with crosschecking():
        with crosschecking():
            pass
        # A thread of the tests is no way around it.
        thread = threading.Thread(target=read, args=(path,))
        thread.start()
        thread.join()
        assert len(failed) == 1
    read(path)
    assert len(failed) == 1
