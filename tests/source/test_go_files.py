from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pytest_golink.source.go_files import GoFile, read_go_file
from pytest_golink.toolchain.packages import list_packages

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoToolchain

SOURCE = """// Copyright: import "no/such"

//go:build cgo && !netgo

/* package hidden
import "no/such" */
package main // import "vanity.example"

import "fmt"; import net "net/http"
import (
	// "no/comment"
	_ "embed"; . `raw/path`
	type_ "go/types"
)

import "C"

//go:cgo_import_dynamic libc_puts puts "libc.so.6"

const text = `import "no/string"`
"""


def written(folder: Path, source: str) -> Path:
    path = folder / "main.go"
    path.write_text(source, encoding="utf-8")
    return path


def test_imports_are_read_with_their_lines(tmp_path: Path) -> None:
    assert read_go_file(written(tmp_path, SOURCE)) == GoFile(
        imports=(("fmt", 9), ("net/http", 9), ("embed", 12), ("raw/path", 12), ("go/types", 13), ("C", 16)),
        constraint="cgo && !netgo",
        dynamic_import=18,
        dynamic_libraries=(("libc.so.6", 18),),
    )


def test_constraints_of_old_hold_together(tmp_path: Path) -> None:
    source = "// +build linux darwin\n// +build cgo\n\npackage main\n"

    assert read_go_file(written(tmp_path, source)).constraint == "linux darwin && cgo"


def test_a_constraint_after_the_package_clause_is_a_comment(tmp_path: Path) -> None:
    assert read_go_file(written(tmp_path, "package main\n\n//go:build cgo\n")) == GoFile()


def test_a_file_that_is_not_there_or_not_go_tells_nothing(tmp_path: Path) -> None:
    assert read_go_file(tmp_path / "none.go") == GoFile()
    assert read_go_file(written(tmp_path, "\0\xff#!/bin/sh\n")) == GoFile()


def test_every_package_of_the_standard_library_imports_what_go_list_says(go_toolchain: GoToolchain) -> None:
    environment = {**os.environ, **go_toolchain.environment, "CGO_ENABLED": "1"}
    packages = list_packages(
        go_toolchain.path,
        "std",
        (),
        version=go_toolchain.version,
        cwd=go_toolchain.goroot / "src",
        environment=environment,
    )
    unspelled = {"C", "runtime/cgo"}
    differing = [
        package.name
        for package in packages
        if {
            path
            for name in (*package.go_files, *package.cgo_files)
            for path, _ in read_go_file(package.folder / name).imports
        }
        - unspelled
        != {path.removeprefix("vendor/") for path in package.imports} - unspelled
    ]

    assert len(packages) > 300
    assert differing == []
