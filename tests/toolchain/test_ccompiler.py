"""C compilers: which fits a target, which is found, what is said where none is."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

import pytest

from pytest_golink.facts import Target
from pytest_golink.toolchain.ccompiler import (
    CCompiler,
    compiler_version,
    find_zig,
    identify,
    missing_compiler,
    zig_triple,
)

from ..hidden import run_without


def target(text: str) -> Target:
    goos, _, goarch = text.partition("/")
    return Target(goos=goos, goarch=goarch)


@pytest.mark.parametrize(
    ("machine", "fitting"),
    [
        ("x86_64-linux-gnu", "linux/amd64"),
        ("x86_64-alpine-linux-musl", "linux/amd64"),
        ("i686-linux-gnu", "linux/386"),
        ("aarch64-linux-gnu", "linux/arm64"),
        ("arm-linux-gnueabihf", "linux/arm"),
        ("powerpc64le-linux-gnu", "linux/ppc64le"),
        ("mips64el-linux-gnuabi64", "linux/mips64le"),
        ("riscv64-unknown-linux-gnu", "linux/riscv64"),
        ("x86_64-w64-mingw32", "windows/amd64"),
        ("x86_64-unknown-freebsd14.0", "freebsd/amd64"),
    ],
)
def test_a_compiler_fits_the_target_that_it_names_and_no_other(machine: str, fitting: str) -> None:
    compiler = CCompiler(command="cc", path=None, machine=machine)
    others = {
        "linux/amd64", "linux/386", "linux/arm64", "linux/arm", "linux/mips64", "linux/ppc64", "linux/ppc64le",
        "linux/mips64le", "linux/riscv64", "windows/amd64", "windows/386", "darwin/arm64", "freebsd/amd64",
        "plan9/amd64",
    }  # fmt: skip

    assert {name for name in others if compiler.fits(target(name))} == {fitting}


def test_apples_clang_fits_both_machines_of_a_mac() -> None:
    compiler = CCompiler(command="clang", path=None, machine="arm64-apple-darwin23.5.0")

    assert compiler.fits(target("darwin/amd64"))
    assert not compiler.fits(target("ios/arm64"))
    assert not compiler.fits(target("linux/arm64"))


def test_a_compiler_that_does_not_say_fits_nothing() -> None:
    assert not CCompiler(command="cc", path=None, machine=None).fits(target("linux/amd64"))


def test_a_compiler_is_asked_with_all_the_words_of_cc(tmp_path: Path) -> None:
    cc = tmp_path / "my cc"
    cc.write_text('#!/bin/sh\necho "$1:$2"\n')
    cc.chmod(0o755)

    found = identify(f"'{cc}' -m64", os.environ, tmp_path)

    assert (found.path, found.machine) == (cc, "-m64:-dumpmachine")


@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 1\n", "#!/nowhere/sh\n", "#!/bin/sh\n"])
def test_a_compiler_that_does_not_answer_has_no_machine(tmp_path: Path, script: str) -> None:
    cc = tmp_path / "cc"
    cc.write_text(script)
    cc.chmod(0o755)

    assert identify(str(cc), os.environ, tmp_path) == CCompiler(command=str(cc), path=cc, machine=None)


@pytest.mark.parametrize(
    ("script", "version"),
    [
        ("#!/bin/sh\necho 'cc 12.2.0'\necho more\n", "cc 12.2.0"),
        ("#!/bin/sh\necho cc\nexit 1\n", ""),
        ("#!/nowhere/sh\n", ""),
    ],
)
def test_a_compiler_names_its_version_in_the_first_line(tmp_path: Path, script: str, version: str) -> None:
    cc = tmp_path / "cc"
    cc.write_text(script)
    cc.chmod(0o755)

    assert compiler_version(str(cc), os.environ) == version


@pytest.mark.parametrize("command", ["", "nowhere-cc"])
def test_a_compiler_that_is_not_there_has_no_path(tmp_path: Path, command: str) -> None:
    assert identify(command, os.environ, tmp_path) == CCompiler(command=command, path=None, machine=None)
    assert compiler_version(command, os.environ) == ""


def test_zig_of_the_ziglang_package_is_its_real_binary() -> None:
    zig = find_zig({"PATH": ""})

    assert zig == Path(str(metadata.distribution("ziglang").locate_file("ziglang/zig")))
    assert zig.read_bytes()[:4] == b"\x7fELF"


def test_zig_on_path_serves_where_the_package_is_not_installed(tmp_path: Path) -> None:
    zig = tmp_path / "bin" / "zig"
    zig.parent.mkdir()
    zig.write_text("#!/bin/sh\n")
    zig.chmod(0o755)
    script = f"""
from pytest_golink.toolchain.ccompiler import find_zig
print(find_zig({{"PATH": {str(zig.parent)!r}}}), find_zig({{"PATH": "/nowhere"}}))
"""

    assert run_without("ziglang", script=script, cwd=tmp_path, path="") == [f"{zig} None"]


@pytest.mark.parametrize(
    ("name", "triple"),
    [
        ("linux/amd64", "x86_64-linux-gnu"),
        ("linux/arm", "arm-linux-gnueabihf"),
        ("linux/s390x", "s390x-linux-gnu"),
        ("windows/arm64", "aarch64-windows-gnu"),
        ("darwin/amd64", "x86_64-macos"),
        ("freebsd/amd64", "x86_64-freebsd"),
        ("linux/mips", None),
        ("aix/ppc64", None),
        ("openbsd/amd64", None),
    ],
)
def test_zig_has_a_name_for_a_target_that_it_has_a_libc_for(name: str, triple: str | None) -> None:
    assert zig_triple(target(name)) == triple


@pytest.mark.parametrize(
    ("name", "ways"),
    [
        (
            "linux/arm64",
            "pip install 'pytest-golink[zig]', or install a C cross-compiler (Debian: gcc-aarch64-linux-gnu) "
            "and name it in cc=",
        ),
        ("linux/mips", "install a C cross-compiler (Debian: gcc-mips-linux-gnu) and name it in cc="),
        ("darwin/arm64", "pip install 'pytest-golink[zig]', or name a C cross-compiler in cc="),
        ("openbsd/amd64", "name a C cross-compiler in cc="),
    ],
)
def test_a_missing_compiler_comes_with_what_to_install(name: str, ways: str) -> None:
    assert str(missing_compiler(target(name))) == (
        f"cgo for {name} needs a C compiler for {name}, and none was found: {ways}"
    )
