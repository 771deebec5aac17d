"""Which line of a build asks for a library that its image needs."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_golink.source.libraries import asks_for
from tests.source.test_explain import explained, module

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoBuild
    from pytest_golink.fixtures import GoSample

USE = "// int answer(void);\n"
DB = (
    "package db\n\n// #cgo linux LDFLAGS: -L${SRCDIR} -lanswer\n// #cgo windows LDFLAGS: -lother\n"
    + USE
    + 'import "C"\n\nfunc Open() int { return int(C.answer()) }\n'
)
MAIN = (
    'package main\n\nimport (\n\t"net"\n\n\t"example.com/app/db"\n)\n\n'
    'func main() {\n\t_, _ = net.LookupHost("a")\n\tprintln(db.Open())\n}\n'
)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A folder with a module whose package db needs libanswer.so.1, and that library."""
    folder = module(tmp_path, {"main.go": MAIN, "db/db.go": DB})
    (tmp_path / "answer.c").write_text("int answer(void) { return 42; }\n")
    command = ["gcc", "-shared", "-fPIC", "-Wl,-soname,libanswer.so.1", "-o", "db/libanswer.so", "answer.c"]
    subprocess.run(command, cwd=tmp_path, check=True)
    (tmp_path / "answer.c").unlink()
    return folder


def test_a_library_is_traced_to_the_cgo_line_that_asks_for_it(go_build: GoBuild, library: Path) -> None:
    finding = explained(go_build(".", cwd=library, cgo=True), "only-needs", libraries=["libc.so.6", "libresolv.so.2"])
    line = next(line for line in finding.cause if line.startswith("libanswer.so.1 comes from "))

    assert line.startswith("libanswer.so.1 comes from #cgo linux LDFLAGS: -lanswer at ")
    assert line.endswith("db/db.go:3")
    assert [line for line in finding.cause if line.startswith("net")] == []
    assert [chain[-2].package for chain in finding.chains] == ["example.com/app/db"]


def test_one_line_at_several_places_stands_there_once(go_build: GoBuild, library: Path) -> None:
    (library / "more").mkdir()
    more = DB.replace("package db", "package more").replace("${SRCDIR}", "${SRCDIR}/../db")
    (library / "more/more.go").write_text(more)
    main = MAIN.replace('"example.com/app/db"', '"example.com/app/db"\n\t"example.com/app/more"')
    (library / "main.go").write_text(main.replace("db.Open()", "db.Open(), more.Open()"))
    finding = explained(go_build(".", cwd=library, cgo=True), "only-needs", libraries=["libc.so.6", "libresolv.so.2"])
    line = next(line for line in finding.cause if line.startswith("libanswer.so.1 comes from "))

    assert line.count("#cgo linux LDFLAGS: -lanswer at ") == 1
    assert line.endswith("more/more.go:3")


def test_a_directive_that_imports_without_cgo_is_named(go_sample: GoSample) -> None:
    finding = explained(go_sample("importdynamic", cgo=False), "only-needs", libraries=[])

    assert any(
        line.startswith("libc.so.6 comes from //go:cgo_import_dynamic at ") and "importdynamic/main.go:" in line
        for line in finding.cause
    )


def test_on_a_platform_without_it_the_line_is_named_too(go_build: GoBuild, library: Path) -> None:
    finding = explained(go_build(".", cwd=library, cgo=True), "runs-on", platforms=["alpine3.20"])

    assert any(line.startswith("libanswer.so.1 comes from #cgo linux LDFLAGS: -lanswer") for line in finding.cause)


def test_pkg_config_is_asked_for_its_flags(go_build: GoBuild, library: Path) -> None:
    config = library / "config"
    config.write_text(f'#!/bin/sh\ncase "$*" in *--libs*) echo "-L{library}/db -lanswer";; *) echo;; esac\n')
    config.chmod(0o755)
    source = DB.replace("#cgo linux LDFLAGS: -L${SRCDIR} -lanswer", "#cgo pkg-config: answers")
    (library / "db/db.go").write_text(source)
    binary = go_build(".", cwd=library, cgo=True, env={"PKG_CONFIG": str(config)})
    finding = explained(binary, "only-needs", libraries=["libc.so.6", "libresolv.so.2"])

    assert any(
        line.startswith("libanswer.so.1 comes from #cgo pkg-config: answers at ") and line.endswith("db/db.go:3")
        for line in finding.cause
    )


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"env": {"CGO_LDFLAGS": "-LFOLDER/db -lanswer"}}, "CGO_LDFLAGS of this build's env: -lanswer"),
        ({"linkmode": "external", "extldflags": "-LFOLDER/db -lanswer"}, "-extldflags: -lanswer"),
    ],
    ids=["CGO_LDFLAGS", "-extldflags"],
)
def test_flags_of_the_build_are_named(go_build: GoBuild, library: Path, options: dict[str, object], where: str) -> None:
    (library / "db/db.go").write_text(DB.replace("// #cgo linux LDFLAGS: -L${SRCDIR} -lanswer\n", ""))
    given = {
        name: {key: text.replace("FOLDER", str(library)) for key, text in value.items()}
        if isinstance(value, dict)
        else str(value).replace("FOLDER", str(library))
        for name, value in options.items()
    }
    if "env" not in given:
        # cmd/cgo links each package by itself, to learn what it imports.
        given["env"] = {"CGO_LDFLAGS": "-Wl,--unresolved-symbols=ignore-all"}
    finding = explained(
        go_build(".", cwd=library, cgo=True, **given),  # type: ignore[arg-type]
        "only-needs",
        libraries=["libc.so.6", "libresolv.so.2"],
    )

    assert f"libanswer.so.1 comes from {where}" in finding.cause


def test_cgo_ldflags_of_the_environment_are_named(
    go_build: GoBuild, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (library / "db/db.go").write_text(DB.replace("// #cgo linux LDFLAGS: -L${SRCDIR} -lanswer\n", ""))
    monkeypatch.setitem(os.environ, "CGO_LDFLAGS", f"-L{library}/db -lanswer")
    finding = explained(go_build(".", cwd=library, cgo=True), "only-needs", libraries=["libc.so.6", "libresolv.so.2"])

    assert "libanswer.so.1 comes from CGO_LDFLAGS of the environment: -lanswer" in finding.cause


@pytest.mark.parametrize(
    ("words", "name", "found"),
    [
        (["-lsqlite3"], "libsqlite3.so.0", "-lsqlite3"),
        (["-l", "sqlite3"], "libsqlite3.so.0", "-l sqlite3"),
        (["-l:libsqlite3.so.0"], "libsqlite3.so.0", "-l:libsqlite3.so.0"),
        (["-lgtk-3"], "libgtk-3.so.0", "-lgtk-3"),
        (["/opt/lib/libz.so"], "libz.so.1", "/opt/lib/libz.so"),
        (["-framework", "Cocoa"], "/System/Library/Frameworks/Cocoa.framework/Versions/A/Cocoa", "-framework Cocoa"),
        (["-lz"], "/usr/lib/libz.1.dylib", "-lz"),
        (["-lsqlite3"], "libsqlite3-0.dll", "-lsqlite3"),
        (["-lsqlite", "-L/x", "-l"], "libsqlite3.so.0", None),
    ],
)
def test_a_word_asks_for_the_library_that_it_names(words: list[str], name: str, found: str | None) -> None:
    assert asks_for(words, name) == found
