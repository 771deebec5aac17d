"""What a toolchain says of itself: version, targets, cgo and why."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import ToolchainError
from pytest_golink.facts import Target
from pytest_golink.toolchain import find_go

if TYPE_CHECKING:
    from pytest_golink import GoBuild, GoToolchain


def found(go_toolchain: GoToolchain, cache: Path, *, without: tuple[str, ...] = (), **environment: str) -> GoToolchain:
    whole = {name: value for name, value in {**os.environ, **environment}.items() if name not in without}
    return find_go(named=str(go_toolchain.path), cache=cache, environment=whole)


def ask(go_toolchain: GoToolchain, *arguments: str) -> str:
    command = [str(go_toolchain.path), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_it_knows_its_version_root_host_and_default_target(go_toolchain: GoToolchain) -> None:
    assert go_toolchain.version == ask(go_toolchain, "env", "GOVERSION")
    assert go_toolchain.goroot == Path(ask(go_toolchain, "env", "GOROOT"))
    assert str(go_toolchain.host) == f"{ask(go_toolchain, 'env', 'GOHOSTOS')}/{ask(go_toolchain, 'env', 'GOHOSTARCH')}"
    assert go_toolchain.target == go_toolchain.host


def test_it_knows_all_its_targets_and_which_have_cgo(go_toolchain: GoToolchain) -> None:
    assert [str(target) for target in go_toolchain.targets] == ask(go_toolchain, "tool", "dist", "list").splitlines()
    assert go_toolchain.cgo_supported(Target(goos="linux", goarch="arm64"))
    assert not go_toolchain.cgo_supported(Target(goos="plan9", goarch="amd64"))
    assert not go_toolchain.cgo_supported(Target(goos="beos", goarch="amd64"))


def test_goos_and_goarch_of_the_environment_make_the_default_target(go_toolchain: GoToolchain, tmp_path: Path) -> None:
    cross = found(go_toolchain, tmp_path, GOOS="plan9", GOARCH="386")

    assert str(cross.target) == "plan9/386"
    assert cross.host == go_toolchain.host
    assert not cross.cgo
    assert cross.cgo_reason == "plan9/386 is a cross target, and cgo is off for those by default"


@pytest.mark.parametrize("text", ["linux/amd46", "linux", "linux/", "linux/amd64/v3"])
def test_an_unknown_target_of_a_known_system_names_those_of_that_system(go_toolchain: GoToolchain, text: str) -> None:
    with pytest.raises(ToolchainError, match=rf'unknown target "{text}" for go1\..*linux has linux/386, linux/amd64, '):
        go_toolchain.parse_target(text)


def test_an_unknown_target_names_the_nearest(go_toolchain: GoToolchain) -> None:
    with pytest.raises(ToolchainError, match=r'did you mean "darwin/arm64"\?'):
        go_toolchain.parse_target("darvin/arm64")
    with pytest.raises(ToolchainError, match="tool dist list` lists them"):
        go_toolchain.parse_target("?")


def test_cgo_is_on_where_there_is_a_c_compiler(go_toolchain: GoToolchain, tmp_path: Path) -> None:
    on = found(go_toolchain, tmp_path, without=("CGO_ENABLED", "CC"))

    assert on.cgo
    assert on.cc.path is not None
    assert on.cgo_reason == f"C compiler {on.cc.command}: {on.cc.path}"
    assert on.cc.machine is not None
    assert on.cc.fits(on.host)


@pytest.mark.parametrize("value", ["0", "1"])
def test_cgo_can_be_set_by_the_environment(go_toolchain: GoToolchain, tmp_path: Path, value: str) -> None:
    told = found(go_toolchain, tmp_path, CGO_ENABLED=value)

    assert told.cgo == (value == "1")
    assert told.cgo_reason == f"CGO_ENABLED={value} in the environment"


def test_cgo_can_be_set_by_the_go_env_file(go_toolchain: GoToolchain, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("GOPROXY=off\nCGO_ENABLED=0\n")

    told = found(go_toolchain, tmp_path, without=("CGO_ENABLED",), GOENV=str(file))

    assert not told.cgo
    assert told.cgo_reason == f"CGO_ENABLED=0 in {file}"


def test_cgo_is_off_where_there_is_no_c_compiler(go_toolchain: GoToolchain, tmp_path: Path) -> None:
    off = found(go_toolchain, tmp_path, without=("CGO_ENABLED", "CC"), PATH=str(tmp_path))

    assert not off.cgo
    assert off.cc.path is None
    assert off.cgo_reason == f"no C compiler: {off.cc.command} is not on PATH (golang/go#47251)"


def test_cgo_stays_on_with_a_c_compiler_that_is_named_but_missing(go_toolchain: GoToolchain, tmp_path: Path) -> None:
    on = found(go_toolchain, tmp_path, without=("CGO_ENABLED",), CC="nowhere-cc -O2")

    assert on.cgo
    assert on.cgo_reason == "C compiler nowhere-cc -O2, which is not on PATH"
    assert on.cc.machine is None


def test_cgo_may_be_off_by_default(tmp_path: Path, go_toolchain: GoToolchain) -> None:
    # A Go that was built with CGO_ENABLED=0: nothing else says so.
    go = tmp_path / "go"
    go.write_text(f'#!/bin/sh\n"{go_toolchain.path}" "$@" | sed \'s/"CGO_ENABLED": "1"/"CGO_ENABLED": "0"/\'\n')
    go.chmod(0o755)

    off = find_go(named=str(go), cache=tmp_path)

    assert not off.cgo
    assert off.cgo_reason == f"{off.host} has cgo off by default"


@pytest.mark.parametrize("home", [None, "/dev/null"])
def test_go_gets_caches_where_it_finds_none(go_toolchain: GoToolchain, tmp_path: Path, home: str | None) -> None:
    unset = ("HOME", "GOCACHE", "GOMODCACHE", "GOPATH", "XDG_CACHE_HOME")
    homeless = found(go_toolchain, tmp_path, without=unset)
    if home is not None:
        homeless = found(go_toolchain, tmp_path, without=unset[1:], HOME=home)

    assert dict(homeless.environment) == {
        "GOCACHE": str(tmp_path / "go-build"),
        "GOMODCACHE": str(tmp_path / "go-mod"),
    }


def test_go_keeps_the_caches_that_it_has(go_toolchain: GoToolchain, tmp_path: Path) -> None:
    cached = found(go_toolchain, tmp_path, GOCACHE=str(tmp_path / "a"), GOMODCACHE=str(tmp_path / "b"))

    assert dict(cached.environment) == {}


def test_the_fixture_is_the_toolchain_that_builds(go_toolchain: GoToolchain, go_build: GoBuild) -> None:
    built = go_build("sample_go/static", cgo=False)

    assert built.command[0] == str(go_toolchain.path)
    assert built.target == str(go_toolchain.host)


def test_a_go_that_answers_without_a_cache_gets_one(tmp_path: Path, go_toolchain: GoToolchain) -> None:
    # Some versions say "off", and refuse only to build.
    go = tmp_path / "go"
    go.write_text(f'#!/bin/sh\n"{go_toolchain.path}" "$@" | sed \'s#"GOCACHE": ".*"#"GOCACHE": "off"#\'\n')
    go.chmod(0o755)

    assert find_go(named=str(go), cache=tmp_path).environment["GOCACHE"] == str(tmp_path / "go-build")


def test_go_1_15_has_no_goversion_and_is_asked_for_its_version(go_toolchain: GoToolchain, tmp_path: Path) -> None:
    go = tmp_path / "go"
    go.write_text(f'#!/bin/sh\n"{go_toolchain.path}" "$@" | sed /GOVERSION/d\n')
    go.chmod(0o755)

    assert find_go(named=str(go), cache=tmp_path).version == go_toolchain.version
