"""Who made an image as large as it is."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink import read_binary
from pytest_golink.diagnosis.sizes import size_lines
from pytest_golink.facts import Module
from pytest_golink.rules import evaluate
from pytest_golink.rules.subject import Subject
from pytest_golink.source import explain
from tests.rules.facts_factory import STATIC

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink.facts import BuildInfo

SQLITE = "modernc.org/sqlite"


def test_a_package_is_of_the_module_with_the_longest_path() -> None:
    assert STATIC.go is not None
    modules = (Module(path=SQLITE, version="v1.0.0"), Module(path=f"{SQLITE}/lib", version="v2.0.0"))
    main = Module(path="example.com/app", version="(devel)")
    image = replace(STATIC, symtab=False, dwarf=False, go=replace(STATIC.go, modules=modules, module=main))
    sizes = [(f"{SQLITE}/lib/deep", 3000), (SQLITE, 2000), ("main", 1500), ("runtime", 1000), (f"{SQLITE}x", 5)]

    assert size_lines(image, sizes)[0] == (
        f"code by module: {SQLITE}/lib v2.0.0 3.0 kB, {SQLITE} v1.0.0 2.0 kB, example.com/app (main module) 1.5 kB, "
        "the standard library 1.0 kB, no known module 5 B"
    )


@pytest.mark.parametrize("build_info", [None, STATIC.go])
def test_what_is_of_no_known_module_is_not_taken_for_the_standard_library(build_info: BuildInfo | None) -> None:
    image = replace(STATIC, go=build_info, symtab=False, dwarf=False)

    assert size_lines(image, [("example.com/lib", 2000), ("net/http", 1000), ("main", 500)]) == [
        "code by module: no known module 2.5 kB, the standard library 1.0 kB",
        "largest packages: example.com/lib 2.0 kB, net/http 1.0 kB, main 500 B",
    ]


def test_of_a_program_in_c_only_what_stripping_takes_off_is_told(tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text("int main(void) { return 0; }\n")
    subprocess.run(["cc", "-g", "-o", "app", "main.c"], cwd=tmp_path, check=True)
    facts = read_binary(tmp_path / "app")

    finding = explain(evaluate("max-size", Subject(name="app", facts=facts), {"size": 1000}), facts)

    assert len(finding.cause) == 1
    assert finding.cause[0].startswith("it has a symbol table of ")
    assert finding.cause[0].endswith(", which -s -w leaves out")
