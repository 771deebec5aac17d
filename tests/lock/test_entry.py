"""What stands in the lock of an image, and what does not."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.facts import (
    BuildInfo,
    BuildPath,
    Cgo,
    Content,
    CpuLevel,
    CryptoModule,
    DlopenNote,
    Elf,
    MachO,
    Module,
    VersionNeed,
)
from tests.lock.entry_factory import entry, text_of
from tests.rules import facts_factory as made

if TYPE_CHECKING:
    from pytest_golink import GoBuild as BuildFixture
    from pytest_golink.facts import BinaryFacts


def test_the_entry_of_a_program_with_cgo_is_sorted_and_has_a_fact_a_line() -> None:
    facts = replace(made.DYNAMIC, needed=made.needed("libz.so.1", "libc.so.6"), runpath=("$ORIGIN/lib",))

    assert text_of(entry(facts)) == [
        'target = "linux/amd64"',
        'format = "elf"',
        'kind = "executable"',
        'linkage = "dynamic"',
        'interpreter = "/lib64/ld-linux-x86-64.so.2"',
        'needed."libc.so.6" = "DT_NEEDED"',
        'needed."libz.so.1" = "DT_NEEDED"',
        'runpath."$ORIGIN/lib" = 1',
        'libc = "glibc"',
        'libc-presence = "dynamic"',
        'libc-floor = "2.34"',
        'import."getaddrinfo" = "libc.so.6"',
        "cgo = true",
        'cgo-package."net" = true',
        'cgo-package."runtime/cgo" = true',
        'link-mode = "internal"',
        'resolver = "cgo, go"',
        'main-package = "example.com/app"',
        "symbol-table = true",
        "dwarf = true",
        "pie = false",
        "nx = true",
        'relro = "none"',
        "writable-code = false",
        'size = "1.50 MB"',
    ]


def test_an_image_that_go_did_not_make_has_only_what_it_says() -> None:
    lines = text_of(entry(made.ARCHIVE))

    assert lines == [
        'target = "linux/amd64"',
        'format = "ar"',
        'kind = "archive"',
        'libc = "none"',
        'libc-presence = "none"',
        'size = "1.50 MB"',
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "elsewhere/app"},
        {"size": 1_500_900},
        {"symtab_size": 5, "dwarf_size": 6},
        {"imports": made.symbols("malloc", "free", library="libc.so.6", version="GLIBC_2.2.5") + made.DYNAMIC.imports},
        {"needed": made.needed("libc.so.6", "libc.so.6")},
        {"version_needs": (VersionNeed(library="libc.so.6", version="GLIBC_2.17"),)},
        {
            "go": BuildInfo(
                version="go1.28",
                path="example.com/app",
                modules=(Module(path="example.com/new", version="v9.0.0"),),
                settings=MappingProxyType({"vcs.revision": "f00", "vcs.time": "2026-01-01", "CGO_ENABLED": "0"}),
            )
        },
        {"cgo": replace(made.DYNAMIC.cgo, enabled=None)},
        {"content": Content(pclntab="1.20", startup="linux", build_paths=(BuildPath(path="/home/me", where="DWARF"),))},
        {"content": Content(crypto=(CryptoModule(kind="go"), CryptoModule(kind="plain")))},
    ],
)
def test_what_changes_without_a_change_of_linkage_does_not_stand_there(changes: dict[str, Any]) -> None:
    assert entry(made.DYNAMIC, **changes) == entry(made.DYNAMIC)


@pytest.mark.parametrize(
    ("facts", "changes", "line"),
    [
        (made.DYNAMIC, {"imports": made.symbols("dlopen")}, 'import."dlopen" = true'),
        (made.DYNAMIC, {"imports": made.symbols("__res_search", library="l")}, 'import."__res_search" = "l"'),
        (
            made.DYNAMIC,
            {
                "imports": made.symbols("a", library="libstdc++.so.6", version="GLIBCXX_3.4.9")
                + made.symbols("b", library="libstdc++.so.6", version="GLIBCXX_3.4.29")
            },
            'version-need."libstdc++.so.6 GLIBCXX" = "3.4.29"',
        ),
        (made.DYNAMIC, {"rpath": ("/a", "/b", "/a")}, 'rpath."/a" = 1'),
        (made.IMPORT_DYNAMIC, {}, 'import-without-cgo."puts" = "libc.so.6"'),
        (made.MACHO, {}, 'import."getaddrinfo" = "/usr/lib/libSystem.B.dylib"'),
        (
            made.PE,
            {"needed": made.needed("KERNEL32.dll", via="import directory")},
            'needed."kernel32.dll" = "import directory"',
        ),
        (made.GLIBC_STATIC, {}, 'static-name-service."getaddrinfo" = true'),
        (
            made.STATIC,
            {"content": Content(importers=("example.com/x",))},
            'importer-without-cgo."example.com/x" = true',
        ),
        (made.STATIC, {"content": Content(instrumentation=("race",))}, 'instrumentation."race" = true'),
        (made.STATIC, {"content": Content(user_lookup=("files",))}, 'user-lookup = "files"'),
        (made.STATIC, {"content": Content(packed="UPX")}, 'packed = "UPX"'),
        (
            made.STATIC,
            {"content": Content(crypto=(CryptoModule(kind="boringcrypto"),))},
            'crypto."boringcrypto" = true',
        ),
        (
            made.STATIC,
            {"content": Content(crypto=(CryptoModule(kind="go", version="v1.0.0"),))},
            'crypto."go" = "v1.0.0"',
        ),
        (made.STATIC, {"go": made.go(GOAMD64="v3")}, 'cpu."GOAMD64" = "v3"'),
        (
            made.STATIC,
            {"cpu_notes": (CpuLevel(setting="GOAMD64", level="v2", via="GNU_PROPERTY_X86_ISA_1_NEEDED"),)},
            'cpu."GOAMD64 of C code" = "v2"',
        ),
        (made.STATIC, {"go": made.go(DefaultGODEBUG="panicnil=1,x=0")}, 'godebug."panicnil" = "1"'),
        (made.DYNAMIC, {"runpath": ("",)}, 'runpath."" = 1'),
        (
            made.DYNAMIC,
            {"version_needs": (VersionNeed(library="libc.so.6", version="GLIBC_ABI_DT_RELR"),)},
            'named-version."libc.so.6 GLIBC_ABI_DT_RELR" = true',
        ),
        (made.LOADED, {}, 'load-alignment = "4096"'),
        (made.MACHO, {"macho": MachO(code_flags=0x10002, hardened_runtime=True)}, 'code-flags = "0x10002"'),
        (made.MACHO, {"macho": MachO(code_flags=0x10002, hardened_runtime=True)}, "runtime-hardened = true"),
        (made.MACHO, {"macho": MachO(uuid="00")}, "uuid = true"),
        (made.STATIC, {"elf": Elf(dlopen=None)}, 'dlopen-notes = "damaged"'),
        (
            made.STATIC,
            {"elf": Elf(dlopen=(DlopenNote(sonames=("liba.so", "libb.so")),))},
            'dlopen."liba.so or libb.so" = "recommended"',
        ),
        (made.MACHO, {}, 'os-minimum = "13.0"'),
        (made.MACHO, {}, 'signed = "ad-hoc"'),
        (
            made.STATIC,
            {"needed": made.needed('a"b\\c\n\x1b\udc80')},
            'needed."a\\"b\\\\\\\\c\\\\n\\\\x1b\\\\udc80" = "DT_NEEDED"',
        ),
    ],
)
def test_a_fact_of_the_linkage_is_a_line(facts: BinaryFacts, changes: dict[str, Any], line: str) -> None:
    assert line in text_of(entry(facts, **changes))


def test_what_the_standard_library_imports_on_a_system_without_cgo_is_no_line() -> None:
    imports = made.symbols("open", "example_own", library="/usr/lib/libSystem.B.dylib")
    facts = replace(made.MACHO, imports=imports, cgo=Cgo(enabled=False, used=False, dynamic_imports=imports))

    assert [line for line in text_of(entry(facts)) if "import" in line] == [
        'import-without-cgo."example_own" = "/usr/lib/libSystem.B.dylib"'
    ]


def test_the_versions_and_uuids_of_a_build_do_not_stand_there() -> None:
    def built(version: str, uuid: str) -> list[str]:
        module = Module(path="example.com/app", version=version, sum=f"h1:{version}")
        return text_of(entry(made.MACHO, go=replace(made.go(), module=module), macho=MachO(uuid=uuid)))

    assert built("v1.0.0", "00") == built("v1.0.1", "11")
    assert 'main-module = "example.com/app"' in built("v1.0.0", "00")


def test_an_unbelievable_version_need_is_a_name() -> None:
    facts = replace(made.DYNAMIC, imports=made.symbols("a", library="l", version="X_" + "9" * 5000))

    assert [line[:24] for line in text_of(entry(facts)) if "999" in line] == ['named-version."l X_99999']


def test_a_symbol_that_two_libraries_are_asked_for_has_both() -> None:
    facts = replace(
        made.PE, imports=made.symbols("getaddrinfo", library="B.dll") + made.symbols("getaddrinfo", library="a")
    )

    assert 'import."getaddrinfo" = "a, b.dll"' in text_of(entry(facts))


def test_the_levels_of_go_code_and_of_c_code_are_two_lines() -> None:
    note = CpuLevel(setting="GOARM", level="6", via=".ARM.attributes")
    facts = replace(made.STATIC, target=made.target("linux/arm"), go=made.go(GOARM="7"), cpu_notes=(note,))

    assert [line for line in text_of(entry(facts)) if line.startswith("cpu")] == [
        'cpu."GOARM" = "7"',
        'cpu."GOARM of C code" = "6"',
    ]


def test_one_program_in_two_folders_has_one_entry(
    go_build: BuildFixture, tmp_path_factory: pytest.TempPathFactory
) -> None:
    entries = []
    for name in ("one", "a-much-longer-name-of-a-folder"):
        folder = tmp_path_factory.mktemp(name)
        folder.joinpath("go.mod").write_text("module example.com/app\n\ngo 1.21\n")
        folder.joinpath("main.go").write_text('package main\n\nimport "net"\n\nfunc main() { println(net.IPv4len) }\n')
        entries.append(entry(go_build(cwd=folder).facts))

    assert entries[0] == entries[1]
    assert 'linkage = "dynamic"' in text_of(entries[0])
