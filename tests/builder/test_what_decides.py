"""What decides an image beside golink's own options: libraries of the machine, variables, Go's own file."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_golink.builder.variables import decisive, relevant
from tests.builder.test_builder import counted, module, start

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoToolchain
    from tests.builder.test_builder import Start

__all__ = ["counted", "module", "start"]

CALLS_C = """package main

// int golink_answer(void);
// #cgo LDFLAGS: -lgolinkanswer
import "C"

func main() { println(C.golink_answer()) }
"""


def library(folder: Path, soname: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "answer.c").write_text("int golink_answer(void) { return 42; }\n")
    command = ["gcc", "-shared", f"-Wl,-soname,{soname}", "-o", "libgolinkanswer.so", "answer.c"]
    subprocess.run(command, cwd=folder, check=True)


def test_a_changed_library_is_linked_in_the_next_session(start: Start, module: Path, tmp_path: Path) -> None:
    (module / "main.go").write_text(CALLS_C)
    options = {"cgo": True, "env": {"LIBRARY_PATH": str(tmp_path / "lib")}}
    library(tmp_path / "lib", "libgolinkanswer.so.1")
    first = start("1")(**options)
    needed = [one.name for one in first.facts.needed]

    same = start("2")(**options)
    library(tmp_path / "lib", "libgolinkanswer.so.2")
    changed = start("3")(**options)

    assert "libgolinkanswer.so.1" in needed
    assert (first.linked, same.linked, changed.linked) == (True, False, True)
    assert first.path == same.path == changed.path
    assert "libgolinkanswer.so.2" in [one.name for one in changed.facts.needed]


@pytest.mark.parametrize(
    "name",
    [
        "LD_RUN_PATH", "LIBRARY_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX", "CPATH", "C_INCLUDE_PATH",
        "CCC_OVERRIDE_OPTIONS", "ZIG_LIB_DIR", "SDKROOT", "MACOSX_DEPLOYMENT_TARGET", "PKG_CONFIG_PATH",
        "GOFLAGS", "CGO_ENABLED", "GOAMD64", "CC", "CGO_LDFLAGS", "GOFIPS140", "GOEXPERIMENT", "NIX_LDFLAGS",
        "DEVELOPER_DIR", "SOURCE_DATE_EPOCH", "GCCGO", "GOTOOLCHAIN",
    ],
)  # fmt: skip
def test_a_variable_that_decides_a_build_is_in_its_key_and_in_its_report(name: str) -> None:
    assert relevant({name: "x"}) == {name: "x"}
    assert decisive({name: "x"}, env_file="off") == {name: "x"}
    assert decisive({name: ""}, env_file="off") == {}


@pytest.mark.parametrize(
    "name", ["GOPROXY", "GOAUTH", "GOCACHE", "GOMODCACHE", "GOOGLE_API_KEY", "ZIG_LOCAL_CACHE_DIR"]
)
def test_where_go_keeps_and_fetches_things_is_in_no_report(name: str) -> None:
    assert relevant({name: "x"}) == {name: "x"}
    assert decisive({name: "x"}, env_file="off") == {}


@pytest.mark.parametrize("name", ["HOME", "PATH", "TMPDIR", "AWS_SECRET_ACCESS_KEY"])
def test_other_variables_are_in_neither(name: str) -> None:
    assert relevant({name: "x"}) == decisive({name: "x"}, env_file="off") == {}


def test_go_s_own_file_counts_where_the_environment_has_nothing(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("GOFLAGS=-trimpath\nGOAMD64=v3\nGOPROXY=https://user:password@example.com\n# a comment\n")

    assert decisive({"GOAMD64": "v2"}, env_file=str(file)) == {"GOAMD64": "v2", "GOFLAGS": "-trimpath"}
    assert decisive({"GOENV": str(file)}, env_file="off") == {"GOAMD64": "v3", "GOFLAGS": "-trimpath"}
    assert decisive({"GOENV": "off"}, env_file=str(file)) == {}
    assert decisive({}, env_file=str(tmp_path / "nothing")) == {}


def test_an_image_knows_the_variables_that_it_inherited(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "env").write_text("GOFLAGS=-trimpath\n")
    build = start()
    first = build()
    monkeypatch.setenv("GOENV", str(tmp_path / "env"))
    monkeypatch.setenv("LD_RUN_PATH", "/opt/lib")
    monkeypatch.setenv("CGO_ENABLED", "1")

    second = build(cgo=False)

    assert "GOFLAGS" not in first.inherited or first.inherited["GOFLAGS"] != "-trimpath"
    assert second.inherited["GOFLAGS"] == "-trimpath"
    assert second.inherited["LD_RUN_PATH"] == "/opt/lib"
    assert "CGO_ENABLED" not in second.inherited
    assert second.environment["CGO_ENABLED"] == "0"


def test_a_change_of_go_s_own_file_is_another_build(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOENV", str(tmp_path / "env"))
    paths = set()
    for flags in ("-trimpath", "-ldflags=-s"):
        (tmp_path / "env").write_text(f"GOFLAGS={flags}\n")
        paths.add(start()(cgo=False).path)

    assert len(paths) == 2


def test_an_image_that_cannot_be_read_is_linked_in_each_session(start: Start, counted: GoToolchain) -> None:
    go = counted.path.read_text()
    counted.path.write_text(go.replace('exec "', '[ "$1" = build ] && { printf nonsense > "$3"; exit; }\nexec "'))
    first = start("1")(cgo=False)
    assert first.path.read_bytes() == b"nonsense"
    counted.path.write_text(go)

    second = start("2")(cgo=False)

    assert second.linked
    assert second.facts.link_mode == "internal"


@pytest.mark.parametrize(
    ("options", "external"),
    [
        ({"cgo": False}, False),
        ({"cgo": False, "target": "windows/amd64"}, False),
        ({"cgo": False, "target": "js/wasm"}, False),
        ({"cgo": False, "target": "plan9/amd64"}, False),
        ({"cgo": True, "linkmode": "external"}, True),
        ({"cgo": True, "buildmode": "c-shared"}, True),
    ],
)
def test_only_an_image_of_a_c_linker_is_linked_in_each_session(
    start: Start, tmp_path: Path, options: dict[str, object], external: bool
) -> None:
    start("1")(**options)

    [record] = (tmp_path / "cache" / "slots").glob("*/record.json")
    assert json.loads(record.read_text())["external"] is external
