"""The message of a build that fails because cgo is off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoBuild

CGO = 'package {package}\n\n// int one(void) {{ return 1; }}\nimport "C"\n\nfunc One() int {{ return int(C.one()) }}\n'


@pytest.fixture
def module(tmp_path: Path) -> Path:
    (tmp_path / "go.mod").write_text("module example.com/app\n\ngo 1.21\n")
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "one.go").write_text(CGO.format(package="one"))
    (tmp_path / "main.go").write_text(
        'package main\n\nimport "example.com/app/one"\n\nfunc main() { println(one.One()) }\n'
    )
    return tmp_path


def message(go_build: GoBuild, folder: Path, **options: object) -> str:
    with pytest.raises(BuildError) as caught:
        go_build(".", cwd=folder, **options)  # type: ignore[arg-type]
    return str(caught.value).splitlines()[0]


def test_a_cross_build_without_cgo_names_it(go_build: GoBuild, module: Path) -> None:
    text = message(go_build, module, target="windows/arm64")

    assert "it needs cgo, and Go turns cgo off where it cross-compiles: " in text
    assert "cgo = true needs a C compiler for windows/arm64, such as zig" in text


def test_a_build_with_cgo_off_names_it(go_build: GoBuild, module: Path) -> None:
    text = message(go_build, module, cgo=False)

    assert "; it needs cgo, which is off (CGO_ENABLED=0): build it with cgo = true (exit status 1)" in text


def test_a_function_of_a_left_out_file_names_it_too(go_build: GoBuild, module: Path) -> None:
    (module / "main.go").write_text("package main\n\nfunc main() { println(One()) }\n")
    (module / "c.go").write_text(CGO.format(package="main"))

    assert "it needs cgo, and Go turns cgo off" in message(go_build, module, target="linux/riscv64")


def test_another_reason_does_not(go_build: GoBuild, module: Path) -> None:
    (module / "one" / "one.go").write_text("//go:build plan9\n\npackage one\n\nfunc One() int { return 1 }\n")
    assert "cgo" not in message(go_build, module, target="windows/arm64")
    (module / "main.go").write_text("package main\n\nfunc main() { missing() }\n")
    assert "cgo" not in message(go_build, module, cgo=False)
    assert "cgo" not in message(go_build, module, cgo=True)
