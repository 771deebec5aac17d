from __future__ import annotations

import struct
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_golink import Module, read_binary

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoBuild, GoSample, GoToolchain
    from pytest_golink.facts import BinaryFacts, LinkMode, Resolver

# Offsets in the ELF header of e_shoff and of e_shentsize, e_shnum and e_shstrndx, by class.
_SECTION_HEADERS = {1: (32, "I", 46), 2: (40, "Q", 58)}


def without_section_headers(path: Path, to: Path) -> Path:
    data = bytearray(path.read_bytes())
    order = "<" if data[5] == 1 else ">"
    at, kind, counts = _SECTION_HEADERS[data[4]]
    struct.pack_into(order + kind, data, at, 0)
    struct.pack_into(order + "3H", data, counts, 0, 0, 0)
    to.write_bytes(data)
    return to


def said_by_go(facts: BinaryFacts) -> tuple[object, ...]:
    return facts.go, facts.link_mode, facts.cgo.used, facts.cgo.packages, facts.resolver


@pytest.mark.parametrize(
    ("target", "tags", "resolver"),
    [
        ("linux/amd64", (), ("go",)),
        ("darwin/arm64", (), ("go", "system")),
        ("darwin/arm64", ("netgo",), ("go",)),
        ("windows/amd64", (), ("go", "windows")),
        ("freebsd/amd64", (), ("go",)),
        ("openbsd/amd64", (), ("go",)),
        ("linux/s390x", (), ("go",)),
        ("linux/386", (), ("go",)),
    ],
)
def test_a_lookup_without_cgo_takes_the_platforms_resolvers(
    go_sample: GoSample, target: str, tags: tuple[str, ...], resolver: tuple[Resolver, ...]
) -> None:
    facts = go_sample("lookup", target=target, cgo=False, tags=tags).facts

    assert facts.resolver == resolver
    assert facts.cgo.used is False
    assert facts.cgo.packages == ()
    assert facts.link_mode == "internal"
    assert str(facts.target) == target


@pytest.mark.parametrize(
    ("buildmode", "linkmode", "done"),
    [
        (None, None, "internal"),
        (None, "external", "external"),
        ("pie", "internal", "internal"),
        ("pie", "external", "external"),
    ],
)
def test_a_lookup_with_cgo_says_the_same_stripped_or_without_section_headers(
    go_sample: GoSample, tmp_path: Path, buildmode: str | None, linkmode: str | None, done: LinkMode
) -> None:
    binary = go_sample("lookup", cgo=True, buildmode=buildmode, linkmode=linkmode)

    assert binary.facts.link_mode == done
    assert binary.facts.resolver == ("cgo", "go")
    assert binary.facts.cgo.packages == ("net", "runtime/cgo")
    stripped = tmp_path / "stripped"
    subprocess.run(["strip", "-o", stripped, binary.path], check=True)
    assert said_by_go(read_binary(stripped)) == said_by_go(binary.facts)
    bare = without_section_headers(stripped, tmp_path / "bare")
    assert said_by_go(read_binary(bare)) == said_by_go(binary.facts)


def test_a_program_that_looks_nothing_up_has_no_resolver_and_yet_cgo(go_sample: GoSample) -> None:
    facts = go_sample("net", cgo=True).facts

    assert facts.resolver == ("none",)
    assert facts.cgo.used is True
    # The linker dropped the wrappers of net, which nothing reaches.
    assert facts.cgo.packages == ("runtime/cgo",)


@pytest.mark.parametrize("target", ["linux/amd64", "darwin/arm64", "windows/amd64"])
def test_a_program_that_looks_nothing_up_has_no_resolver_anywhere(go_sample: GoSample, target: str) -> None:
    assert go_sample("net", target=target, cgo=False).facts.resolver == ("none",)


def test_a_library_that_only_exports_is_told_by_its_exported_function(go_sample: GoSample) -> None:
    facts = go_sample("shared", cgo=True, buildmode="c-shared").facts

    assert facts.cgo.packages == ("main", "runtime/cgo")
    assert facts.link_mode == "external"


def test_a_windows_program_with_c_of_its_own_starts_in_the_c_start_up_code(go_sample: GoSample) -> None:
    facts = go_sample("cgo", target="windows/amd64", cgo=True).facts

    assert facts.link_mode == "external"
    assert facts.cgo.packages == ("main", "runtime/cgo")


def test_the_build_info_is_what_the_go_command_reads(go_sample: GoSample, go_toolchain: GoToolchain) -> None:
    binary = go_sample("static", cgo=False, ldflags='-s -w -X "main.unused=a b"')
    output = subprocess.run(
        [go_toolchain.path, "version", "-m", binary.path], check=True, capture_output=True, text=True
    ).stdout

    go = binary.facts.go
    assert go is not None
    assert go.module is not None
    head, *lines = output.splitlines()
    assert head.endswith(f": {go.version}")
    assert f"\tpath\t{go.path}" in lines
    assert f"\tmod\t{go.module.path}\t{go.module.version}\t" in lines
    builds = [line.removeprefix("\tbuild\t") for line in lines if line.startswith("\tbuild\t")]
    assert [build.partition("=")[0] for build in builds] == list(go.settings)
    assert go.settings["-ldflags"] == '-s -w -X "main.unused=a b"'


def test_a_local_replacement_is_read_with_the_module_it_replaces(go_build: GoBuild, tmp_path: Path) -> None:
    (tmp_path / "dependency").mkdir()
    (tmp_path / "dependency" / "go.mod").write_text("module example.com/dependency\n\ngo 1.21\n")
    (tmp_path / "dependency" / "one.go").write_text("package dependency\n\nconst One = 1\n")
    (tmp_path / "go.mod").write_text(
        "module example.com/app\n\ngo 1.21\n\nrequire example.com/dependency v1.2.3\n\n"
        "replace example.com/dependency => ./dependency\n"
    )
    (tmp_path / "main.go").write_text(
        'package main\n\nimport "example.com/dependency"\n\nfunc main() { println(dependency.One) }\n'
    )

    go = go_build(".", cwd=tmp_path, cgo=False).facts.go

    assert go is not None
    (module,) = go.modules
    assert (module.path, module.version) == ("example.com/dependency", "v1.2.3")
    assert module.replace == Module(path="./dependency", version="(devel)")
    # Go writes an empty line behind the replacement; the settings come after it.
    assert go.settings["CGO_ENABLED"] == "0"


def test_cgo_whose_names_were_changed_still_shows(go_sample: GoSample, tmp_path: Path) -> None:
    image = go_sample("net", target="linux/amd64", cgo=True).path.read_bytes()
    for old, new in (
        (b"_cgo_topofstack", b"_xgo_topofstack"),
        (b"_C2func_", b"_Q2func_"),
        (b"_Cfunc_", b"_Qfunc_"),
        (b"_cgoexp_", b"_xgoexp_"),
        (b"CGO_ENABLED=1", b"CGO_ENABLED=0"),
    ):
        image = image.replace(old, new)
    (tmp_path / "app").write_bytes(image)

    facts = read_binary(tmp_path / "app")
    assert (facts.cgo.enabled, facts.cgo.used, facts.resolver) == (False, None, None)
    assert [witness.partition(" ")[0] for witness in facts.cgo.witnesses] == ["imports", "the"]
    assert facts.cgo.dynamic_imports == ()
