"""Which packages have C in an image that golink built, also where the image itself does not show it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_golink import PolicyViolation, assert_no_cgo, assert_only_cgo_packages
from pytest_golink.reader import read_binary
from pytest_golink.rules import check
from pytest_golink.rules.subject import Subject
from tests.source.test_explain import explained, module

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoBuild

MAIN = 'package main\n\nimport _ "example.com/app/quiet"\n\nfunc main() {}\n'
CONSTRUCTOR = (
    "package quiet\n\n// static int on;\n// __attribute__((constructor)) static void start(void) { on = 1; }\n"
    'import "C"\n'
)
ADDRESS = (
    'package quiet\n\n// #include <stdlib.h>\nimport "C"\n\nimport "unsafe"\n\nvar Getenv = unsafe.Pointer(C.getenv)\n'
)
USES_ADDRESS = 'package main\n\nimport "example.com/app/quiet"\n\nfunc main() { println(quiet.Getenv != nil) }\n'


@pytest.mark.parametrize(
    ("main", "quiet"), [(MAIN, CONSTRUCTOR), (USES_ADDRESS, ADDRESS)], ids=["a constructor", "an address"]
)
def test_a_package_whose_c_leaves_no_wrapper_is_named_by_the_source(
    go_build: GoBuild, tmp_path: Path, main: str, quiet: str
) -> None:
    folder = module(tmp_path, {"main.go": main, "quiet/quiet.go": quiet})
    binary = go_build(".", cwd=folder, cgo=True)
    name = "example.com/app/quiet"

    assert binary.facts.cgo.from_source == (name,)
    assert name in binary.facts.cgo.packages
    with pytest.raises(PolicyViolation, match=f"observed  {name} too\n  evidence  go list: C of ./quiet"):
        assert_only_cgo_packages(binary, ["net"])
    assert_only_cgo_packages(binary, [name])
    with pytest.raises(PolicyViolation, match="has C without a wrapper in the image") as caught:
        assert_no_cgo(binary)
    assert [step.package for step in caught.value.finding.chains[0]] == ["example.com/app", name, "runtime/cgo"]


def test_from_an_image_it_is_said_that_such_packages_may_exist(go_build: GoBuild, tmp_path: Path) -> None:
    folder = module(tmp_path, {"main.go": USES_ADDRESS, "quiet/quiet.go": ADDRESS})
    facts = read_binary(go_build(".", cwd=folder, cgo=True).path)
    finding = check("only-cgo-packages", Subject(name="app", facts=facts), {"packages": ["net"]})

    assert facts.cgo.from_source is None
    assert finding.outcome == "passed"
    assert "does not show in an image" in finding.caution[0]
    with pytest.raises(PolicyViolation, match="a package whose C has none"):
        assert_no_cgo(facts)


def test_c_of_tests_is_not_linked_in(go_build: GoBuild, tmp_path: Path) -> None:
    files = {
        "main.go": 'package main\n\nimport _ "os/user"\n\nfunc main() {}\n',
        "app_test.go": 'package main\n\nimport _ "example.com/app/quiet"\n',
        "quiet/quiet.go": CONSTRUCTOR,
    }
    binary = go_build(".", cwd=module(tmp_path, files), cgo=True)

    assert "example.com/app/quiet" not in binary.facts.cgo.packages
    assert binary.facts.cgo.from_source == ()


def test_a_list_that_go_does_not_give_is_no_list_without_the_package(go_build: GoBuild, tmp_path: Path) -> None:
    folder = module(tmp_path, {"main.go": MAIN, "quiet/quiet.go": CONSTRUCTOR})
    binary = go_build(".", cwd=folder, cgo=True, ldflags="-s")
    (folder / "quiet/quiet.go").write_text('package elsewhere_\n\nimport _ "example.com/gone"\n')

    assert "no required module provides package example.com/gone" in binary.facts.cgo.source_error
    with pytest.raises(PolicyViolation, match="go list does not say which packages of the build use cgo") as caught:
        assert_only_cgo_packages(binary, ["net"])
    assert caught.value.finding.outcome == "undecidable"
    assert any(line.startswith("not all packages of the build are known") for line in explained(binary, "no-cgo").cause)


@pytest.mark.parametrize("flags", ["-json -f={{.Dir}}", "-test", "-find"])
def test_flags_of_go_list_in_goflags_change_nothing(go_build: GoBuild, tmp_path: Path, flags: str) -> None:
    folder = module(tmp_path, {"main.go": MAIN, "quiet/quiet.go": CONSTRUCTOR})
    binary = go_build(".", cwd=folder, cgo=True, env={"GOFLAGS": flags})

    assert binary.facts.cgo.from_source == ("example.com/app/quiet",)


def test_an_error_of_go_list_is_no_absence(go_build: GoBuild, tmp_path: Path) -> None:
    files = {
        "main.go": 'package main\n\nimport "example.com/app/b"\n\nfunc main() { b.Hello() }\n',
        "b/c.go": 'package b\n\n// static void hello(void) {}\nimport "C"\n\nfunc Hello() { C.hello() }\n',
        "b/b.go": "package b\n",
    }
    binary = go_build(".", cwd=module(tmp_path, files), cgo=True, linkmode="external")
    cause = explained(binary, "no-cgo").cause

    unknown = "what is left of the program without cgo is not known: go list answers: -linkmode"
    assert any(line.startswith(unknown) and "requires external (cgo) linking" in line for line in cause)
    assert [line for line in cause if "nothing imports" in line] == []


def test_an_object_file_is_named(go_build: GoBuild, tmp_path: Path) -> None:
    files = {
        "main.go": 'package main\n\n// static int one(void) { return 1; }\nimport "C"\n\n'
        'import _ "example.com/app/thing"\n\nfunc main() { println(C.one()) }\n',
        "thing/thing.go": "package thing\n",
        "one.c": "int unused_thing;\n",
    }
    folder = module(tmp_path, files)
    source = folder / "one.c"
    subprocess.run(["gcc", "-c", str(source), "-o", str(folder / "thing/thing_linux.syso")], check=True)
    source.unlink()
    binary = go_build(".", cwd=folder, cgo=True)

    assert binary.facts.cgo.from_source == ("example.com/app/thing",)
    assert "example.com/app/thing/thing_linux.syso is an object file, which is linked in as it is" in (
        explained(binary, "no-cgo").cause
    )
