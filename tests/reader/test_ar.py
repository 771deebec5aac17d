"""Archives: of gcc, of zig (BSD names), of Go."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.facts import BinaryFacts, Target
from pytest_golink.reader import read_binary
from pytest_golink.reader.ar import read_archive
from tests.reader import reading
from tests.reader.c_images import ANSWER, HELLO, CompileC, zig

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample

LONG_NAME = "a_name_that_has_no_room_in_the_header.o"


def read(data: bytes) -> BinaryFacts:
    return read_archive("lib.a", memoryview(data))


def damage(data: bytes) -> str:
    return reading.damage(data, "ar")


def archive(tmp_path: Path, *objects: Path, command: tuple[str, ...] = ("ar", "rcs")) -> Path:
    for index, made in enumerate(objects):
        (tmp_path / f"{index}{LONG_NAME}").write_bytes(made.read_bytes())
    names = [f"{index}{LONG_NAME}" for index in range(len(objects))]
    subprocess.run([*command, "lib.a", *names], check=True, cwd=tmp_path)
    return tmp_path / "lib.a"


def zig_ar(format_: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "ziglang", "ar", f"--format={format_}", "rcs")


def test_an_archive_has_no_linkage(compile_c: CompileC, tmp_path: Path) -> None:
    facts = read_binary(archive(tmp_path, compile_c("-c")))

    assert (facts.format, facts.kind, facts.linkage, facts.needs_loader_only) == ("ar", "archive", None, None)
    assert (facts.needed, facts.imports, facts.go, facts.stripped) == ((), (), None, None)
    assert facts.target is None  # C objects for Linux do not say so


def test_a_c_archive_of_go_is_for_its_first_objects_port(go_sample: GoSample) -> None:
    facts = read_binary(go_sample("shared", cgo=True, buildmode="c-archive").path)

    assert (facts.kind, facts.target) == ("archive", Target(goos="linux", goarch="amd64"))


@pytest.mark.parametrize("target", ["linux/amd64", "windows/arm64"])
def test_a_compiled_package_of_go_names_its_port(target: str) -> None:
    goos, _, goarch = target.partition("/")
    line = f"go object {goos} {goarch} go1.27.3 X:none\n".encode()
    facts = read(b"!<arch>\n" + member("__.PKGDEF", line) + member("_go_.o", line))

    assert str(facts.target) == target


@pytest.mark.parametrize(
    ("triple", "target"), [("aarch64-macos", "darwin/arm64"), ("x86_64-windows-gnu", "windows/amd64")]
)
def test_objects_of_other_formats_name_their_port(
    compile_c: CompileC, tmp_path: Path, triple: str, target: str
) -> None:
    made = compile_c("-c", "-target", triple, source=ANSWER, compiler=zig())

    assert str(read(archive(tmp_path, made).read_bytes()).target) == target


@pytest.mark.parametrize("format_", ["gnu", "bsd", "darwin"])
def test_every_cut_in_a_member_or_its_header_is_an_error(compile_c: CompileC, tmp_path: Path, format_: str) -> None:
    path = archive(tmp_path, compile_c("-c", source=ANSWER), compile_c("-c", source=HELLO), command=zig_ar(format_))
    data = path.read_bytes()
    read(data)
    for size in range(9, len(data) - 1, 7):
        damage(data[:size])


def test_a_cut_between_two_members_shows_in_the_symbol_table(compile_c: CompileC, tmp_path: Path) -> None:
    data = archive(tmp_path, compile_c("-c", source=ANSWER), compile_c("-c", source=HELLO)).read_bytes()
    second = data.rindex(b"`\n") - 58

    assert "the symbol table refers to a member at offset" in damage(data[:second])


def test_a_thin_archive_holds_names_only(compile_c: CompileC, tmp_path: Path) -> None:
    path = archive(tmp_path, compile_c("-c"), command=("ar", "rcsT"))

    assert path.stat().st_size < compile_c("-c").stat().st_size
    assert read_binary(path).kind == "archive"


@pytest.mark.parametrize("machine", ["i386:x86-64", "i386", "arm64", "arm"])
def test_an_import_library_has_a_second_symbol_table_in_the_other_byte_order(tmp_path: Path, machine: str) -> None:
    (tmp_path / "names.def").write_text("LIBRARY lookup.dll\nEXPORTS\n  look_up\n  look_down\n")
    subprocess.run(
        [sys.executable, "-m", "ziglang", "dlltool", "-m", machine, "-d", "names.def", "-l", "lookup.lib"],
        check=True,
        cwd=tmp_path,
    )
    whole = (tmp_path / "lookup.lib").read_bytes()
    goarch = {"i386:x86-64": "amd64", "i386": "386"}.get(machine, machine)

    assert whole.count(b"/" + b" " * 15) == 2
    assert read(whole).target == Target(goos="windows", goarch=goarch)
    second = whole.rindex(b"/" + b" " * 15) + 60
    assert "the symbol table refers to a member at offset 0x7" in damage(
        whole[: second + 4] + b"\7\0\0\0" + whole[second + 8 :]
    )
    assert "the second symbol table goes" in damage(whole[:second] + b"\0\0\0\1" + whole[second + 4 :])


def member(name: str, content: bytes, *, size: int | None = None, end: bytes = b"`\n") -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'644':<8}{len(content) if size is None else size:<10}".encode()
    return header + end + content + b"\n" * (len(content) % 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"!<arch", "the archive's magic number goes 2 bytes past the end"),
        (b"!<arch>\n" + member("a.o/", b"", end=b"xx"), "the header of archive member 0 is damaged"),
        (b"!<arch>\n" + member("a.o/", b"", size=-1), "the header of archive member 0 is damaged"),
        (b"!<arch>\n" + member("a.o/", b"1234", size=40), "archive member 0 goes 36 bytes past the end of the file"),
        (b"!<arch>\n" + member("/7", b""), "the name of archive member 0 is not in the table of long names"),
        (
            b"!<arch>\n" + member("//", b"a.o/\n") + member("/9", b""),
            "the name of archive member 1 is not in the table",
        ),
        (b"!<arch>\n" + member("#1/9", b"1234"), "the name of archive member 0 is longer than the member"),
        (b"!<arch>\n" + member("/", b"\0\0\0\1"), "the symbol table goes 4 bytes past the end"),
        (b"!<arch>\n" + member("/", b"\0\0\0\1\0\0\0\1"), "the symbol table refers to a member at offset 0x1"),
    ],
)
def test_damage_is_named(content: bytes, message: str) -> None:
    assert message in damage(content)


def test_damage_of_a_member_is_named_with_the_member() -> None:
    with pytest.raises(UnreadableBinaryError, match="goes 12 bytes past the end of the file") as caught:
        read(b"!<arch>\n" + member("a.o/", b"\x7fELF"))

    assert (caught.value.path.endswith("(a.o)"), caught.value.format) == (True, "elf")


@pytest.mark.parametrize("text", [b"nothing that is known", b"short", b"\xcf\xfa\xed\xfe" + bytes(20)])
def test_members_that_are_no_object_tell_no_port(text: bytes) -> None:
    assert read(b"!<arch>\n" + member("notes/", text)).target is None
