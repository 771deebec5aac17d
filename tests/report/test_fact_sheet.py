"""The fact sheet for people."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any

import pytest

from pytest_golink.facts import (
    BinaryFacts,
    BuildInfo,
    BuildPath,
    Cgo,
    Content,
    CryptoModule,
    DlopenNote,
    Elf,
    Hardening,
    Libc,
    MachO,
    Module,
    Pe,
    SignatureContent,
)
from pytest_golink.report.fact_sheet import fact_sheet
from pytest_golink.text.wrap import columns
from tests.report.test_facts_json import MODULES
from tests.rules.facts_factory import (
    ARCHIVE,
    DYNAMIC,
    FOREIGN,
    GLIBC_STATIC,
    IMPORT_DYNAMIC,
    LOADED,
    MACHO,
    PE,
    PIE,
    go,
    needed,
    symbols,
)


def sheet(facts: BinaryFacts, width: int = 80) -> str:
    return fact_sheet(facts, width=width, colour=False)


def test_a_dynamic_image_reads_from_top_to_bottom() -> None:
    assert (
        sheet(replace(DYNAMIC, go=MODULES, runpath=("$ORIGIN/lib",)))
        == """\
build/app  ELF executable, linux/amd64, 1.5 MB

linkage
  linkage              dynamic
  PT_INTERP            /lib64/ld-linux-x86-64.so.2
  needs                libc.so.6  (DT_NEEDED)
  DT_RUNPATH           $ORIGIN/lib
  imports              libc.so.6: getaddrinfo, pthread_create
  link mode            internal
  resolver             cgo: libc's getaddrinfo, through cgo
                       go: Go's own resolver

libc
  libc                 glibc, loaded
  glibc floor          2.34, set by pthread_create

cgo
  used                 yes, runtime/cgo is linked in
  packages             net, runtime/cgo
  CGO_ENABLED          1

Go build
  version              go1.27.3
  package              example.com/app/cmd
  module               example.com/app (devel)
  modules              example.com/a v1.0.0 => example.com/fork v1.0.1
                       example.com/b v2.0.0
  settings             CGO_ENABLED=1
                       GOOS=linux

hardening
  PIE                  no
  executable stack     no
  RELRO                none
  writable code        no

content
  symbol table         yes
  DWARF                yes"""
    )


def test_a_mach_o_slice_speaks_mach_o() -> None:
    text = sheet(replace(MACHO, slice="arm64", size=999, runpath=("@loader_path",), cgo=Cgo()))

    assert text.startswith("build/app  Mach-O executable, darwin/arm64, slice arm64, 999 B\n")
    for line in (
        "  LC_LOAD_DYLINKER     /usr/lib/dyld",
        "  LC_RPATH             @loader_path",
        "  imports              /usr/lib/libSystem.B.dylib: getaddrinfo",
        "  libc                 libSystem, loaded",
        "  used                 the image does not say",
        "  PIE                  yes",
        "  signature            ad hoc, without a certificate: its hashes fit",
        "  minimum OS           13.0",
    ):
        assert line in text.split("\n")
    assert "RELRO" not in text


def test_an_archive_has_no_linkage_and_says_so() -> None:
    assert (
        sheet(replace(ARCHIVE, target=None))
        == """\
build/app.a  ar archive, 1.5 MB

linkage
  linkage              none: archive, not linked yet

libc
  libc                 none

cgo
  used                 the image does not say"""
    )


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        (PIE, "  linkage              dynamic: a loader, but no library"),
        (PIE, "  needs                no library"),
        (PIE, "  PT_INTERP            /lib64/ld-linux-x86-64.so.2"),
        (GLIBC_STATIC, "  PT_INTERP            none"),
        (GLIBC_STATIC, "  libc                 glibc, linked into the image"),
        (GLIBC_STATIC, "  name service         getaddrinfo: glibc's, in a static image"),
        (IMPORT_DYNAMIC, "  imports              puts"),
        (IMPORT_DYNAMIC, "  imports without cgo  libc.so.6: puts"),
        (
            replace(IMPORT_DYNAMIC, cgo=Cgo(dynamic_imports=symbols("puts"))),
            "  imports without cgo  all of the imports above",
        ),
        (FOREIGN, "  made by Go           no"),
        (PE, "  needs                kernel32.dll  (import directory)"),
        (PE, "  signature            none"),
        (replace(PE, go=BuildInfo()), "  version              unknown"),
        (replace(PE, libc=Libc(kind="ucrt", presence="dynamic")), "  libc                 ucrt, loaded"),
    ],
)
def test_each_fact_has_its_line(facts: BinaryFacts, line: str) -> None:
    assert line in sheet(facts).split("\n")


def test_a_format_without_an_interpreter_does_not_speak_of_one() -> None:
    assert "interpreter" not in sheet(PE)


def test_long_lists_are_cut_and_no_line_is_wider_than_the_terminal() -> None:
    facts = replace(
        DYNAMIC,
        needed=needed(*(f"lib{number}.so" for number in range(30))),
        imports=symbols(*(f"symbol_{number}" for number in range(300)), library="libc.so.6"),
    )
    text = sheet(facts, 60)

    assert "… 6 more (--json has all)" in text
    assert "symbol_23," in text
    assert "symbol_24" not in text
    assert "… 276 more" in text
    assert max(columns(line) for line in text.split("\n")) <= 60


def test_settings_without_a_value_are_left_out_and_long_ones_cut() -> None:
    settings = MappingProxyType({"CGO_CFLAGS": "", "DefaultGODEBUG": "a=1," * 80, "GOOS": "linux"})
    text = sheet(replace(DYNAMIC, go=replace(MODULES, settings=settings)))

    assert "CGO_CFLAGS" not in text
    assert "DefaultGODEBUG=" + "a=1, " * 8 + "…(+345)…" + "a=1, " * 3 in " ".join(text.split())


def test_colour_marks_headings_alone() -> None:
    lines = fact_sheet(PIE, width=80, colour=True).split("\n")

    assert lines[0].startswith("\033[1mbuild/app\033[0m  ELF executable")
    assert lines[2] == "\033[2mlinkage\033[0m"
    assert lines[3] == "  linkage              dynamic: a loader, but no library"


def test_no_name_of_the_image_reaches_the_terminal_unescaped() -> None:
    evil = "a\x1b]0;x\x07\n\u202e"

    def poison(value: Any) -> Any:
        if isinstance(value, str):
            return evil
        if isinstance(value, tuple):
            return tuple(poison(entry) for entry in value)
        if isinstance(value, (dict, MappingProxyType)):
            return {evil: evil}
        if is_dataclass(value) and not isinstance(value, type):
            ours = {"format", "kind", "linkage", "link_mode", "presence", "relro", "signed", "resolver", "via"}
            return replace(
                value,
                **{field.name: poison(getattr(value, field.name)) for field in fields(value) if field.name not in ours},
            )
        return value

    module = Module(path="p", version="v", replace=Module(path="q", version="w"))
    facts = replace(
        DYNAMIC,
        go=BuildInfo(version="v", path="p", module=module, modules=(module,), settings={"k": "v"}),
        cgo=Cgo(used=True, packages=("p",), dynamic_imports=symbols("s", library="l")),
        rpath=("r",),
        runpath=("r",),
        static_name_service=("f",),
        slice="s",
        os_minimum="1",
    )
    text = sheet(poison(facts))

    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert text.count("a\\x1b]0;x\\x07\\n\\u202e") > 20


def test_hardening_shows_cpu_level_page_alignment_and_what_macos_asks_for() -> None:
    loaded = fact_sheet(replace(LOADED, go=go(GOAMD64="v2")), width=100, colour=False)
    apple = fact_sheet(replace(MACHO, macho=MachO(platform="macos", sdk="26.2")), width=100, colour=False)

    assert "  CPU level            GOAMD64=v2  (build setting)\n" in loaded
    assert "  smallest p_align     0x1000\n" in loaded
    assert "  SDK                  26.2\n  LC_UUID              none\n" in apple


def test_the_content_is_shown_as_far_as_it_is_known() -> None:
    content = Content(
        user_lookup=("files",),
        instrumentation=("race", "cover"),
        crypto=(CryptoModule(kind="boringcrypto"), CryptoModule(kind="go", version="v1.0.0-c2097c7c")),
        importers=("github.com/ebitengine/purego",),
        build_paths=(BuildPath(path="/home/me\x1b[2J/app", where="pclntab"),),
    )

    assert (
        sheet(replace(DYNAMIC, content=content)).partition("content\n")[2]
        == """\
  user lookup          os/user reads the system's files
  instrumentation      -race
                       -cover
  cryptography         BoringCrypto
                       the Go Cryptographic Module v1.0.0-c2097c7c
  importing packages   github.com/ebitengine/purego
  build paths          /home/me\\x1b[2J/app  (pclntab)
  symbol table         yes
  DWARF                yes"""
    )
    assert "build paths          none" in sheet(replace(DYNAMIC, content=Content(build_paths=())))
    assert "build paths" not in sheet(replace(DYNAMIC, content=Content()))


def test_a_packed_image_is_said_to_be_packed_before_all_else() -> None:
    text = sheet(replace(FOREIGN, content=Content(packed="UPX")))

    assert "linkage\n  packed               by UPX: what follows is the unpacker's" in text
    assert "made by Go           the image does not say: it is packed" in text


def shown(facts: BinaryFacts) -> list[str]:
    return [" ".join(line.split()) for line in sheet(facts, width=100).split("\n")]


def test_what_a_library_is_called_and_offers() -> None:
    lines = shown(replace(DYNAMIC, soname="libapp.so", exports=("answer", "question")))

    assert "DT_SONAME libapp.so" in lines
    assert "exports answer, question" in lines


def test_what_only_elf_has() -> None:
    note = DlopenNote(sonames=("libz.so.1", "libz.so.2"), priority="required")
    elf = Elf(kernel_minimum="3.2.0", dlopen=(note,), crashes=("the entry point lies nowhere",))
    lines = shown(replace(DYNAMIC, elf=elf, hardening=Hardening(textrel=True)))

    assert "loads with dlopen libz.so.1 or libz.so.2 (required)" in lines
    assert "does not start the entry point lies nowhere" in lines
    assert "oldest kernel 3.2.0" in lines
    assert "text relocations yes" in lines
    assert "loads with dlopen a note of it is damaged" in shown(replace(DYNAMIC, elf=Elf(dlopen=None)))


def test_what_only_pe_has() -> None:
    lines = shown(replace(DYNAMIC, pe=Pe(subsystem="gui", control_flow_guard=True)))

    assert "subsystem gui" in lines
    assert "Control Flow Guard yes" in lines
    assert "high-entropy VA no" in lines


@pytest.mark.parametrize(
    ("signature", "line"),
    [
        (SignatureContent(kind="ad-hoc", valid=True), "signature ad hoc, without a certificate: its hashes fit"),
        (SignatureContent(kind="authenticode"), "signature Authenticode: its hashes are not read"),
        (
            SignatureContent(kind="developer-id", valid=False, problem="page 3 has another hash"),
            "signature by a Developer ID: page 3 has another hash",
        ),
        (None, "signature yes"),
    ],
)
def test_what_the_signature_is(signature: SignatureContent | None, line: str) -> None:
    assert line in shown(replace(MACHO, signed="signed", signature=signature))


def test_what_only_mach_o_has() -> None:
    macho = MachO(platform="iossimulator", environment=("DYLD_LIBRARY_PATH=/opt",), hardened_runtime=True)
    lines = shown(replace(MACHO, macho=macho))

    assert "platform iossimulator" in lines
    assert "LC_DYLD_ENVIRONMENT DYLD_LIBRARY_PATH=/opt" in lines
    assert "hardened runtime yes" in lines


def test_a_witness_against_the_pclntab_is_shown() -> None:
    cgo = replace(DYNAMIC.cgo, used=None, witnesses=("the symbol table has x_cgo_init",))

    assert "but the symbol table has x_cgo_init" in shown(replace(DYNAMIC, cgo=cgo))
