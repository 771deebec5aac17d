"""The story that the design tells, step by step, on freshly built images and against reality."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_golink import (
    BuildError,
    PolicyViolation,
    ToolchainError,
    assert_dynamic,
    assert_glibc_at_most,
    assert_linkmode,
    assert_needs,
    assert_needs_libc,
    assert_no_cgo,
    assert_no_getaddrinfo_warning,
    assert_no_libc,
    assert_resolver,
    assert_self_contained,
    assert_static,
    assert_stripped,
    read_binary,
)
from pytest_golink.facts import Libc, NeededLibrary
from tests import oracles

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoBuild, GoSample, GoToolchain

STATIC = {"cgo": True, "linkmode": "external", "extldflags": "-static"}


def strip(image: Path, copy: Path) -> Path:
    shutil.copy(image, copy)
    subprocess.run(["strip", copy], check=True)
    return copy


# 1 · static


def test_static_is_static_and_starts_in_an_empty_root(go_sample: GoSample) -> None:
    binary = go_sample("static")

    assert_static(binary)
    assert_no_libc(binary)
    assert "statically linked" in oracles.file_says(binary.path)
    assert oracles.readelf_interpreter(binary.path) is None
    assert oracles.run_in_empty_root(binary.path).stdout == "static: hello\n"


# 2 · net, built natively with cgo


def test_net_with_cgo_is_dynamic_and_names_the_symbols_that_set_its_glibc_floor(go_sample: GoSample) -> None:
    binary = go_sample("net", cgo=True)
    facts = binary.facts

    assert_dynamic(binary)
    assert facts.interpreter == oracles.readelf_interpreter(binary.path)
    assert facts.needed == (NeededLibrary(name="libc.so.6", via="DT_NEEDED"),)
    assert oracles.readelf_needed(binary.path) == ("libc.so.6",)
    floor = max(oracles.readelf_glibc_versions(binary.path), key=lambda v: [int(n) for n in v.split(".")])
    assert facts.libc.floor == floor
    assert facts.libc.floor_symbols == tuple(i.name for i in facts.imports if i.version == f"GLIBC_{floor}")
    assert facts.libc.floor_symbols
    # ParseCIDR reaches no cgo wrapper of net, so the linker dropped them all; the runtime's own side stays.
    assert facts.cgo.packages == ("runtime/cgo",)
    assert oracles.run_in_empty_root(binary.path).returncode == 127
    with pytest.raises(PolicyViolation, match=rf"needs GLIBC_{floor}: {facts.libc.floor_symbols[0]}"):
        assert_static(binary)


# 3 · two ways to make it static


@pytest.mark.parametrize("options", [{"cgo": False}, {"cgo": True, "tags": ["netgo"]}], ids=["cgo-off", "netgo"])
def test_net_is_static_with_cgo_off_or_with_netgo(go_sample: GoSample, options: dict[str, object]) -> None:
    binary = go_sample("net", **options)  # type: ignore[arg-type]

    assert_static(binary)
    assert_no_cgo(binary)
    assert oracles.run_in_empty_root(binary.path).stdout == "net: 192.0.2.0/24\n"


# 4 · static against glibc


@pytest.mark.parametrize(
    ("sample", "functions"),
    [
        ("lookup", {"getaddrinfo"}),
        ("users", {"getpwnam_r", "getpwuid_r", "getgrgid_r", "getgrouplist"}),
    ],
)
def test_a_static_glibc_link_carries_the_name_service_warning_in_the_image_too(
    go_sample: GoSample, tmp_path: Path, sample: str, functions: set[str]
) -> None:
    binary = go_sample(sample, **STATIC)  # type: ignore[arg-type]

    assert_static(binary)
    assert_linkmode(binary, mode="external")
    assert binary.facts.libc == Libc(kind="glibc", presence="embedded")
    assert functions <= {warning.function for warning in binary.warnings}
    assert functions <= set(binary.facts.static_name_service)
    with pytest.raises(PolicyViolation) as linked:
        assert_no_getaddrinfo_warning(binary)
    assert f"warning: Using '{min(functions)}' in statically linked applications" in str(linked.value)

    # The image alone says it as well, stripped or not.
    assert functions <= set(read_binary(strip(binary.path, tmp_path / "stripped")).static_name_service)
    with pytest.raises(PolicyViolation):
        assert_no_getaddrinfo_warning(tmp_path / "stripped")


def test_a_static_link_without_libc_s_name_service_has_no_warning(go_sample: GoSample) -> None:
    binary = go_sample("lookup", tags=["netgo"], **STATIC)  # type: ignore[arg-type]

    assert_no_getaddrinfo_warning(binary)
    assert binary.facts.static_name_service == ()


def test_dlopen_in_c_shows_in_the_linker_s_output(go_sample: GoSample) -> None:
    binary = go_sample("dlopen", **STATIC)  # type: ignore[arg-type]

    (warning,) = [warning for warning in binary.warnings if warning.function == "dlopen"]
    assert warning.caller
    assert "can_open" in warning.caller or "Cfunc_can_open" in warning.caller
    with pytest.raises(PolicyViolation, match="Using 'dlopen' in statically linked applications"):
        assert_no_getaddrinfo_warning(binary)


# 5 · position independent


def test_a_pie_without_cgo_names_an_interpreter_though_ldd_calls_it_static(go_sample: GoSample) -> None:
    binary = go_sample("static", cgo=False, buildmode="pie")

    assert binary.facts.interpreter == oracles.readelf_interpreter(binary.path) is not None
    assert binary.facts.needed == ()
    assert binary.facts.needs_loader_only is True
    assert oracles.ldd_says(binary.path) == (0, "statically linked")
    assert oracles.run_in_empty_root(binary.path).returncode == 127
    with pytest.raises(PolicyViolation, match="-buildmode=pie"):
        assert_static(binary)


def test_a_static_pie_is_static(go_sample: GoSample) -> None:
    binary = go_sample("static", buildmode="pie", cgo=True, linkmode="external", extldflags="-static-pie")

    assert_static(binary)
    assert binary.facts.linkage == "static-pie"
    assert binary.facts.hardening.pie is True
    assert "static-pie linked" in oracles.file_says(binary.path)
    assert oracles.run_in_empty_root(binary.path).stdout == "static: hello\n"


def test_pie_with_static_flags_silently_loses_pie_and_the_facts_say_so(go_sample: GoSample) -> None:
    binary = go_sample("static", buildmode="pie", **STATIC)  # type: ignore[arg-type]

    assert oracles.readelf_type(binary.path) == "EXEC"
    assert binary.facts.linkage == "static"
    assert binary.facts.hardening.pie is False
    assert binary.facts.go is not None
    assert binary.facts.go.settings["-buildmode"] == "pie"


# 6 · cross-compilation


@pytest.mark.parametrize(
    ("target", "file_words"),
    [
        ("darwin/amd64", "Mach-O 64-bit x86_64 executable"),
        ("darwin/arm64", "Mach-O 64-bit arm64 executable"),
        ("windows/amd64", "PE32+ executable"),
        ("windows/386", "PE32 executable"),
        ("linux/arm64", "ARM aarch64"),
        ("linux/386", "Intel"),
        ("linux/s390x", "IBM S/390"),
        ("freebsd/amd64", "x86-64"),
        ("openbsd/amd64", "x86-64"),
    ],
)
def test_a_cross_build_without_cgo_is_self_contained_on_its_target(
    go_sample: GoSample, target: str, file_words: str
) -> None:
    binary = go_sample("net", target=target, cgo=False)

    assert_self_contained(binary)
    assert str(binary.facts.target) == target
    assert binary.facts.cgo.enabled is False
    assert file_words in oracles.file_says(binary.path)
    if target.split("/")[0] in ("darwin", "windows", "openbsd"):
        with pytest.raises(PolicyViolation, match="self-contained"):
            assert_static(binary)
    else:
        assert_static(binary)


def test_a_cross_build_with_cgo_for_an_old_glibc_stays_under_it(go_sample: GoSample) -> None:
    binary = go_sample("lookup", target="linux/arm64", cgo=True, cc="zig cc -target aarch64-linux-gnu.2.17")

    assert_needs_libc(binary, kind="glibc", at_most="2.17")
    assert_glibc_at_most(binary, version="2.17")
    assert binary.facts.interpreter == "/lib/ld-linux-aarch64.so.1" == oracles.readelf_interpreter(binary.path)
    assert set(binary.facts.cgo.packages) == {"net", "runtime/cgo"}


def test_a_cross_build_with_cgo_takes_zig_by_itself(go_sample: GoSample) -> None:
    binary = go_sample("cgo", target="windows/amd64", cgo=True)

    assert_linkmode(binary, mode="external")
    assert binary.facts.format == "pe"
    assert set(binary.facts.cgo.packages) == {"main", "runtime/cgo"}


def test_a_static_musl_build_is_static_and_needs_no_name_service(
    go_sample: GoSample, go_toolchain: GoToolchain
) -> None:
    triple = _zig_arch(go_toolchain) + "-linux-musl"
    binary = go_sample("lookup", cgo=True, cc=f"zig cc -target {triple}", linkmode="external", extldflags="-static")

    assert_static(binary)
    assert_no_getaddrinfo_warning(binary)
    assert binary.facts.libc == Libc(kind="musl", presence="embedded")
    assert oracles.run_in_empty_root(binary.path).stdout.startswith("lookup:")


def test_without_a_c_cross_compiler_the_error_says_what_to_install(go_sample: GoSample) -> None:
    # Zig has no C library for plan9, and nobody else brings one.
    with pytest.raises(ToolchainError, match="cc="):
        go_sample("net", target="aix/ppc64", cgo=True)


# 7 · macOS looks names up through libSystem


def test_macos_looks_names_up_through_libsystem_with_cgo_off_unless_netgo(go_sample: GoSample) -> None:
    system = go_sample("lookup", target="darwin/arm64", cgo=False)
    pure = go_sample("lookup", target="darwin/arm64", cgo=False, tags=["netgo"])

    assert ("getaddrinfo", "/usr/lib/libSystem.B.dylib") in [(i.name, i.library) for i in system.facts.imports]
    assert system.facts.resolver is not None
    assert "system" in system.facts.resolver
    assert_needs_libc(system, kind="libSystem")
    assert "getaddrinfo" not in [i.name for i in pure.facts.imports]
    assert_resolver(pure, kind="go")


# 8 · -s -w


@pytest.mark.parametrize("target", ["linux/amd64", "darwin/arm64", "windows/amd64"])
def test_s_w_strips_symbols_and_dwarf_and_makes_the_image_smaller(go_sample: GoSample, target: str) -> None:
    whole = go_sample("static", target=target, cgo=False)
    bare = go_sample("static", target=target, cgo=False, ldflags="-s -w")

    assert (whole.facts.symtab, whole.facts.dwarf, whole.facts.stripped) == (True, True, False)
    assert_stripped(bare)
    assert bare.facts.size < whole.facts.size * 0.8
    with pytest.raises(PolicyViolation, match="-s -w"):
        assert_stripped(whole)


# 9 · LD_PRELOAD


def test_ld_preload_reaches_the_dynamic_image_and_not_the_static_one(go_sample: GoSample, tmp_path: Path) -> None:
    source = tmp_path / "interpose.c"
    source.write_text("double cbrt(double x) { return x + 15; }\n")
    library = tmp_path / "interpose.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-fno-builtin", "-o", library, source], check=True)
    dynamic = go_sample("cgo")
    static = go_sample("cgo", **STATIC)  # type: ignore[arg-type]

    preload = {"LD_PRELOAD": str(library)}
    assert oracles.run(dynamic.path).stdout == "cgo: the cube root is 3\n"
    assert oracles.run(dynamic.path, env=preload).stdout == "cgo: the cube root is 42\n"
    assert oracles.run(static.path, env=preload).stdout == "cgo: the cube root is 3\n"
    assert (dynamic.facts.linkage, static.facts.linkage) == ("dynamic", "static")
    assert_needs(dynamic, libraries=["libm.so.6", "libc.so.6"])


# 10 · dynamic with cgo off


def test_cgo_import_dynamic_makes_an_image_dynamic_with_cgo_off(go_sample: GoSample) -> None:
    binary = go_sample("importdynamic", cgo=False)

    assert_dynamic(binary)
    assert_no_cgo(binary)
    assert binary.facts.needed == (NeededLibrary(name="libc.so.6", via="DT_NEEDED"),)
    assert [(i.name, i.version) for i in binary.facts.cgo.dynamic_imports] == [("puts", None)]
    assert oracles.run(binary.path).stdout == "importdynamic: hello true\n"
    assert oracles.run_in_empty_root(binary.path).returncode == 127
    with pytest.raises(PolicyViolation, match=r"cgo_import_dynamic.*puts"):
        assert_static(binary)


# 11 · musl and glibc


def test_musl_and_glibc_are_told_apart_dynamic_and_embedded(go_sample: GoSample, go_toolchain: GoToolchain) -> None:
    musl = f"zig cc -target {_zig_arch(go_toolchain)}-linux-musl"
    dynamic_musl = go_sample("cgo", cc=f"{musl} -dynamic", cgo=True)
    static_musl = go_sample("cgo", cc=musl, linkmode="external", extldflags="-static", cgo=True)
    dynamic_glibc = go_sample("cgo", cgo=True)
    static_glibc = go_sample("cgo", **STATIC)  # type: ignore[arg-type]

    def libc(binary: object) -> tuple[str, str]:
        facts = binary.facts  # type: ignore[attr-defined]
        return facts.libc.kind, facts.libc.presence

    assert libc(dynamic_musl) == ("musl", "dynamic")
    assert dynamic_musl.facts.interpreter == f"/lib/ld-musl-{_zig_arch(go_toolchain)}.so.1"
    assert libc(static_musl) == ("musl", "embedded")
    assert libc(dynamic_glibc) == ("glibc", "dynamic")
    assert libc(static_glibc) == ("glibc", "embedded")


# Bad input


def test_code_that_does_not_compile_gives_the_compiler_s_message_with_file_and_line(
    go_build: GoBuild, tmp_path: Path
) -> None:
    (tmp_path / "go.mod").write_text("module example.com/broken\n\ngo 1.21\n")
    (tmp_path / "main.go").write_text("package main\n\nfunc main() {\n\tundefinedFunction()\n}\n")

    with pytest.raises(BuildError, match=r"main\.go:4:2: undefined: undefinedFunction"):
        go_build(".", cwd=tmp_path)


def _zig_arch(toolchain: GoToolchain) -> str:
    return {"amd64": "x86_64", "arm64": "aarch64"}[toolchain.target.goarch]
