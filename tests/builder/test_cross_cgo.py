"""cgo for another target: which C compiler is taken, and what zig makes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_golink.builder import Builder, parse_options
from pytest_golink.errors import BuildError, ToolchainError

from ..hidden import run_without

if TYPE_CHECKING:
    from pytest_golink import GoBuild, GoToolchain

ROOT = Path(__file__).parent.parent.parent
# Up to Go 1.26 runtime/cgo asks macOS's linker for this framework, which zig does not have. Nothing in it is used.
_CORE_FOUNDATION = """\
--- !tapi-tbd
tbd-version: 4
targets: [ arm64-macos ]
install-name: /System/Library/Frameworks/CoreFoundation.framework/Versions/A/CoreFoundation
...
"""


def environment(go_toolchain: GoToolchain, cache: Path, **options: object) -> dict[str, str]:
    """What a build would set, without building."""
    builder = Builder(go_toolchain, rootdir=ROOT, cache=cache, session="1")
    return dict(builder.resolve(parse_options({"package": "sample_go/cgo", **options})).environment)


def compiler(path: Path, machine: str) -> str:
    path.write_text(f"#!/bin/sh\necho {machine}\n")
    path.chmod(0o755)
    return str(path)


def test_zig_compiles_for_a_target_that_is_not_the_hosts(go_toolchain: GoToolchain, tmp_path: Path) -> None:
    found = environment(go_toolchain, tmp_path, target="linux/arm64", cgo=True)

    assert found["CC"] == f"{go_toolchain.zig} cc -target aarch64-linux-gnu"
    assert found["CXX"] == f"{go_toolchain.zig} c++ -target aarch64-linux-gnu"


# zig compiles its runtime library anew for each glibc.
@pytest.mark.long
def test_zig_links_the_newest_glibc_that_it_knows(go_build: GoBuild) -> None:
    built = go_build("sample_go/cgo", target="linux/arm64", cgo=True)

    assert str(built.facts.target) == "linux/arm64"
    assert built.facts.interpreter == "/lib/ld-linux-aarch64.so.1"
    assert built.facts.libc.kind == "glibc"


def test_a_first_word_zig_stands_for_the_zig_that_was_found(go_build: GoBuild) -> None:
    built = go_build("sample_go/lookup", target="linux/arm64", cgo=True, cc="zig cc -target aarch64-linux-gnu.2.17")

    assert built.environment["CC"].endswith("zig cc -target aarch64-linux-gnu.2.17")
    assert (str(built.facts.target), built.facts.interpreter) == ("linux/arm64", "/lib/ld-linux-aarch64.so.1")
    floor = built.facts.libc.floor
    assert floor is not None
    assert tuple(map(int, floor.split("."))) <= (2, 17)


def test_zig_links_musl_statically_by_default(go_build: GoBuild) -> None:
    built = go_build("sample_go/lookup", cgo=True, cc="zig cc -target x86_64-linux-musl")

    # Go would link net by itself, and there is no shared libc for it to import from.
    assert "-ldflags=-linkmode=external" in built.command
    assert built.facts.linkage == "static"
    assert (built.facts.libc.kind, built.facts.libc.presence) == ("musl", "embedded")
    assert built.warnings == ()


def test_zig_links_musl_dynamically_when_asked(go_build: GoBuild) -> None:
    built = go_build("sample_go/lookup", cgo=True, cc="zig cc -target x86_64-linux-musl", extldflags="-dynamic")

    assert built.facts.interpreter == "/lib/ld-musl-x86_64.so.1"
    assert (built.facts.libc.kind, built.facts.libc.presence) == ("musl", "dynamic")


def test_a_link_mode_that_is_asked_for_stays_as_it_is(go_toolchain: GoToolchain, tmp_path: Path) -> None:
    builder = Builder(go_toolchain, rootdir=ROOT, cache=tmp_path, session="1")
    asked = {"package": "sample_go/cgo", "cc": "zig cc -target x86_64-linux-musl"}

    assert builder.resolve(parse_options({**asked, "linkmode": "internal"})).flags == ("-ldflags=-linkmode=internal",)
    assert builder.resolve(parse_options({**asked, "ldflags": "-linkmode=auto"})).flags == ("-ldflags=-linkmode=auto",)


def test_zig_compiles_for_windows(go_build: GoBuild) -> None:
    built = go_build("sample_go/cgo", target="windows/amd64", cgo=True)

    assert built.facts.format == "pe"
    assert built.facts.libc.kind == "ucrt"


@pytest.fixture
def bare(tmp_path: Path) -> str:
    """Flags for macOS's linker: without the compiler's runtime library, which zig would compile for each target."""
    framework = tmp_path / "CoreFoundation.framework"
    framework.mkdir()
    (framework / "CoreFoundation.tbd").write_text(_CORE_FOUNDATION)
    return f"-nostdlib -lSystem -F{tmp_path}"


def test_zig_compiles_for_macos_without_debug_information(go_build: GoBuild, bare: str) -> None:
    built = go_build("sample_go/cgo", target="darwin/arm64", cgo=True, ldflags="-w", extldflags=bare)

    assert built.facts.format == "macho"
    assert built.facts.cgo.used


def test_debug_information_for_macos_needs_apples_tools(go_build: GoBuild, bare: str) -> None:
    with pytest.raises(BuildError, match=r"only Apple's tools keep debug information .* add ldflags=\"-w\""):
        go_build("sample_go/cgo", target="darwin/arm64", cgo=True, extldflags=bare)


def test_cc_is_taken_as_it_is_given(go_toolchain: GoToolchain, tmp_path: Path) -> None:
    assert environment(go_toolchain, tmp_path, target="linux/arm64", cgo=True, cc="my-gcc -O1")["CC"] == "my-gcc -O1"
    assert environment(go_toolchain, tmp_path, cc="clang")["CC"] == "clang"


def test_cc_of_env_comes_before_zig(go_toolchain: GoToolchain, tmp_path: Path) -> None:
    found = environment(go_toolchain, tmp_path, target="linux/arm64", cgo=True, env={"CC": "my-gcc"})

    assert found["CC"] == "my-gcc"


def test_cc_of_the_process_comes_before_zig_if_it_compiles_for_the_target(
    go_toolchain: GoToolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cc = compiler(tmp_path / "cc", "aarch64-linux-gnu")
    monkeypatch.setenv("CC", cc)

    assert environment(go_toolchain, tmp_path, target="linux/arm64", cgo=True)["CC"] == cc
    assert "zig" in environment(go_toolchain, tmp_path, target="linux/riscv64", cgo=True)["CC"]


def test_no_compiler_is_chosen_where_cgo_is_not_asked_for(go_toolchain: GoToolchain, tmp_path: Path) -> None:
    for cgo in (None, False):
        assert "CC" not in environment(go_toolchain, tmp_path, target="linux/arm64", cgo=cgo)
    assert "CC" not in environment(go_toolchain, tmp_path, target=str(go_toolchain.host), cgo=True)


def test_zigs_caches_are_shared_by_all_builds_and_may_be_elsewhere(
    go_toolchain: GoToolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ZIG_GLOBAL_CACHE_DIR", raising=False)
    monkeypatch.setenv("ZIG_LOCAL_CACHE_DIR", "/elsewhere")

    found = environment(go_toolchain, tmp_path, cgo=True, cc="zig cc")

    assert found["ZIG_GLOBAL_CACHE_DIR"] == str(tmp_path / "zig")
    assert found["ZIG_LOCAL_CACHE_DIR"] == "/elsewhere"


def test_another_zig_command_has_no_compiler_for_cxx(go_toolchain: GoToolchain, tmp_path: Path) -> None:
    assert "CXX" not in environment(go_toolchain, tmp_path, cgo=True, cc="zig build-obj")


def test_a_target_that_zig_has_no_libc_for_needs_a_compiler_of_its_own(
    go_toolchain: GoToolchain, tmp_path: Path
) -> None:
    with pytest.raises(ToolchainError, match=r"^cgo for linux/mips needs a C compiler .*Debian: gcc-mips-linux-gnu\)"):
        environment(go_toolchain, tmp_path, target="linux/mips", cgo=True)


_ASK = """
import sys
from pathlib import Path
from pytest_golink.builder import Builder, parse_options
from pytest_golink.toolchain import find_go
here = Path.cwd()
go = find_go(named=sys.argv[1], cache=here)
for cc in (None, "zig cc -target aarch64-linux-gnu"):
    options = parse_options({"target": "linux/arm64", "cgo": True, "cc": cc})
    try:
        Builder(go, rootdir=here, cache=here, session="1").build(options)
    except Exception as error:
        print(type(error).__name__, error, sep=": ")
"""


def test_without_zig_and_without_cc_the_error_says_what_to_install(go_toolchain: GoToolchain, tmp_path: Path) -> None:
    # gcc may be there; it is the host's.
    path = os.pathsep.join(["/usr/bin", "/bin"])

    assert run_without("ziglang", script=_ASK, cwd=tmp_path, path=path, arguments=(str(go_toolchain.path),)) == [
        "ToolchainError: cgo for linux/arm64 needs a C compiler for linux/arm64, and none was found: "
        "pip install 'pytest-golink[zig]', or install a C cross-compiler (Debian: gcc-aarch64-linux-gnu) "
        "and name it in cc=",
        "ToolchainError: cc 'zig cc -target aarch64-linux-gnu': there is no zig: pip install 'pytest-golink[zig]', "
        "or put it on PATH",
    ]
