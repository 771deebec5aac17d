"""The rules of hardening and platform on real images, and their remedies tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_golink import (
    PolicyViolation,
    assert_cpu_at_most,
    assert_launches_on_macos,
    assert_max_size,
    assert_no_rpath,
    assert_no_writable_code,
    assert_nx,
    assert_page_alignment,
    assert_pie,
    assert_relro,
    assert_signed,
    read_binary,
)
from pytest_golink.report.remedy_text import remedy_lines
from tests.reader.c_images import NO_LIBC, compile_into
from tests.reader.macho_edit import signed_again, with_sdk, without_command

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoBuild, GoSample

LC_UUID, LC_CODE_SIGNATURE = 0x1B, 0x1D


def test_an_internal_link_has_relro_as_a_pie_alone_and_full_relro_with_bindnow(go_sample: GoSample) -> None:
    plain = go_sample("static", target="linux/amd64", cgo=False)
    pie = go_sample("static", cgo=False, buildmode="pie")

    for holds in (assert_nx, assert_no_writable_code):
        holds(plain)
        holds(pie)
    with pytest.raises(PolicyViolation, match="e_type ET_EXEC"):
        assert_pie(plain)
    with pytest.raises(PolicyViolation, match="no PT_GNU_RELRO"):
        assert_relro(plain, "partial")
    assert_pie(pie)
    assert_relro(pie, "partial")
    with pytest.raises(PolicyViolation, match="no BIND_NOW"):
        assert_relro(pie, "full")
    assert_relro(go_sample("static", cgo=False, buildmode="pie", ldflags="-bindnow"), "full")


def test_a_static_pie_is_position_independent_with_full_relro(go_sample: GoSample) -> None:
    binary = go_sample(
        "static", cgo=True, buildmode="pie", linkmode="external", ldflags="-bindnow", extldflags="-static-pie"
    )

    assert binary.facts.linkage == "static-pie"
    assert_pie(binary)
    assert_relro(binary, "full")


def test_an_executable_stack_is_told_with_the_one_who_asks(go_sample: GoSample) -> None:
    binary = go_sample("static", cgo=True, linkmode="external", extldflags="-Wl,-z,execstack")

    with pytest.raises(PolicyViolation) as raised:
        assert_nx(binary)
    assert raised.value.finding.evidence == ("PT_GNU_STACK rwx",)
    assert raised.value.finding.cause == ("-z execstack in -ldflags sets it",)


def assembly_module(folder: Path, note: str) -> None:
    (folder / "go.mod").write_text("module example.com/assembly\n\ngo 1.21\n")
    (folder / "main.go").write_text(
        'package main\n\n// int answer(void);\nimport "C"\n\nfunc main() { println(C.answer()) }\n'
    )
    (folder / "answer.S").write_text(f".globl answer\nanswer:\n\tmov $42, %eax\n\tret\n{note}")


@pytest.mark.parametrize("note", ["", '.section .note.GNU-stack,"",%progbits\n'])
def test_an_assembly_file_without_a_note_makes_the_stack_executable(
    go_build: GoBuild, tmp_path: Path, note: str
) -> None:
    assembly_module(tmp_path, note)
    binary = go_build(".", cwd=tmp_path, cgo=True)

    if note:
        assert_nx(binary)
        return
    with pytest.raises(PolicyViolation) as raised:
        assert_nx(binary)
    assert remedy_lines(raised.value.finding)[0] == (
        'in each assembly file of C code: .section .note.GNU-stack,"",%progbits'
    )
    assert raised.value.finding.cause[0].startswith("an object file wants it")
    assert_nx(go_build(".", cwd=tmp_path, cgo=True, extldflags="-Wl,-z,noexecstack"))


def test_code_that_can_be_written_is_shown(tmp_path: Path) -> None:
    image = compile_into(tmp_path, ("gcc",), ("-nostdlib", "-static", "-Wl,-N"), NO_LIBC)

    with pytest.raises(PolicyViolation, match=r"evidence  PT_LOAD rwx at 0x"):
        assert_no_writable_code(image)


def test_go_s_linker_flag_r_is_a_run_path(go_sample: GoSample) -> None:
    binary = go_sample("net", cgo=True, ldflags="-r /x")

    assert binary.facts.runpath == ("/x",)
    with pytest.raises(PolicyViolation, match="DT_RUNPATH /x"):
        assert_no_rpath(binary)


def test_larger_pages_take_a_flag_of_the_linker_that_links(go_sample: GoSample) -> None:
    plain = go_sample("static", target="linux/amd64", cgo=False)

    assert_page_alignment(plain, 4096)
    with pytest.raises(PolicyViolation, match="p_align 0x1000 of the PT_LOAD"):
        assert_page_alignment(plain, 16384)
    assert_page_alignment(go_sample("static", target="linux/amd64", cgo=False, ldflags="-R=16384"), 16384)
    external = "-Wl,-z,max-page-size=16384"
    assert_page_alignment(go_sample("static", cgo=True, linkmode="external", extldflags=external), 16384)


def test_the_size_that_stripping_saves_is_what_it_saves(go_sample: GoSample) -> None:
    plain = go_sample("static", target="linux/amd64", cgo=False)
    stripped = go_sample("static", target="linux/amd64", cgo=False, ldflags="-s -w")

    assert_max_size(stripped, plain.facts.size)
    with pytest.raises(PolicyViolation) as raised:
        assert_max_size(plain, stripped.facts.size + 0x2000)
    assert remedy_lines(raised.value.finding)[0].endswith("which is enough")


def test_macos_26_starts_an_image_for_its_sdk_and_not_without_a_uuid(go_sample: GoSample, tmp_path: Path) -> None:
    arm = go_sample("static", target="darwin/arm64", cgo=False)
    intel = go_sample("static", target="darwin/amd64", cgo=False)

    for binary, sign in ((arm, signed_again), (intel, bytes)):
        image = tmp_path / "image"
        image.write_bytes(sign(with_sdk(binary.path.read_bytes(), 26, 0)))
        assert_launches_on_macos(image, "26")
        without = tmp_path / "without"
        without.write_bytes(sign(without_command(image.read_bytes(), LC_UUID)))
        assert_launches_on_macos(without, "15")
        with pytest.raises(PolicyViolation, match="observed  no LC_UUID\n"):
            assert_launches_on_macos(without, "26")


def test_arm64_wants_a_signature_and_amd64_does_not(go_sample: GoSample, tmp_path: Path) -> None:
    arm = go_sample("static", target="darwin/arm64", cgo=False)
    intel = go_sample("static", target="darwin/amd64", cgo=False)
    unsigned = tmp_path / "unsigned"
    unsigned.write_bytes(without_command(arm.path.read_bytes(), LC_CODE_SIGNATURE))

    assert_signed(arm)
    with pytest.raises(PolicyViolation, match="Go's own linker signs only for arm64"):
        assert_signed(intel)
    with pytest.raises(PolicyViolation, match="observed  no signature\n"):
        assert_launches_on_macos(unsigned, "26")


@pytest.mark.long
@pytest.mark.parametrize(
    ("target", "env", "held", "broken"),
    [
        ("linux/amd64", {"GOAMD64": "v3"}, "v3", "v2"),
        ("linux/arm", {"GOARM": "5"}, "GOARM=5", None),
        ("darwin/arm64", {"GOARM64": "v8.0,lse"}, "v8.1", "v8.0"),
    ],
)
def test_the_level_of_a_build_is_in_its_build_info(
    go_sample: GoSample, target: str, env: dict[str, str], held: str, broken: str | None
) -> None:
    ((setting, level),) = env.items()
    # The info is all that is read: stripped, and read from the file.
    binary = go_sample("static", target=target, cgo=False, env=env, ldflags="-s -w")

    assert_cpu_at_most(read_binary(binary.path), held)
    if broken:
        with pytest.raises(PolicyViolation, match=rf"observed  {setting}={level}\n"):
            assert_cpu_at_most(binary, broken)
