"""A remedy keeps the program working: what is tried first, what is never tried, and what is no plain pass."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_golink.builder import Builder, BuildOptions
from pytest_golink.source.trials import Limits, try_remedies

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pytest_golink import GoBinary, GoBuild, GoToolchain
    from pytest_golink.findings import Trial

    Build = Callable[..., GoBinary]

MATH = """
package main

// #cgo LDFLAGS: -lm
// #include <math.h>
// double one(double x) { return log(x); }
import "C"

func main() { println(C.one(1) == 0) }
"""
LOOKUPS = """
package main

// int one(void) { return 1; }
import "C"

import (
	"net"
	"os/user"
)

func main() {
	_, err := net.LookupHost("localhost")
	_, other := user.Current()
	println(C.one(), err == nil, other == nil)
}
"""
# The shape of github.com/mattn/go-sqlite3: C that opens extensions unless a tag says otherwise, and a stub without cgo.
SQLITE = {
    "main.go": """
package main

import "github.com/mattn/go-sqlite3"

func main() {
	version, err := sqlite3.Version()
	println(version, err == nil)
}
""",
    "sqlite/go.mod": "module github.com/mattn/go-sqlite3\n\ngo 1.21\n",
    "sqlite/sqlite3.go": """
//go:build cgo

package sqlite3

/*
#ifndef SQLITE_OMIT_LOAD_EXTENSION
#include <dlfcn.h>
static void *extension(const char *name) { return dlopen(name, RTLD_NOW); }
#else
static void *extension(const char *name) { return 0; }
#endif
static int version(void) { return extension("no.so") == 0 ? 3 : 4; }
*/
import "C"

func Version() (int, error) { return int(C.version()), nil }
""",
    "sqlite/sqlite3_omit_load_extension.go": """
//go:build sqlite_omit_load_extension

package sqlite3

// #cgo CFLAGS: -DSQLITE_OMIT_LOAD_EXTENSION
import "C"
""",
    "sqlite/static_mock.go": """
//go:build !cgo

package sqlite3

import "errors"

func Version() (int, error) { return 0, errors.New("go-sqlite3 requires cgo to work. This is a stub") }
""",
}
DLOPEN = """
package main

// #include <dlfcn.h>
// #include <stdlib.h>
import "C"

func main() { println(C.dlopen(C.CString("libm.so.6"), C.RTLD_NOW) != nil) }
"""
CXX = {
    "main.go": """
package main

// int answer(int);
import "C"

func main() { println(C.answer(3)) }
""",
    "answer.cc": """
#include <string>
extern "C" int answer(int n) {
	try { if (n > 9) throw n; return std::string(n, 'x').size(); } catch (int x) { return x; }
}
""",
}


@pytest.fixture
def build(go_build: GoBuild, tmp_path: Path) -> Build:
    """Return what builds a program of these files; a text is its main.go."""

    def build(files: str | Mapping[str, str], **options: object) -> GoBinary:
        named = {"main.go": files} if isinstance(files, str) else files
        module = "module example.com/app\n\ngo 1.21\n"
        if "sqlite/go.mod" in named:
            module += "\nrequire github.com/mattn/go-sqlite3 v1.14.0\n\n"
            module += "replace github.com/mattn/go-sqlite3 => ./sqlite\n"
        for name, text in {"go.mod": module, **named}.items():
            path = tmp_path / "app" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return go_build(cwd=tmp_path / "app", cgo=True, **options)  # type: ignore[arg-type]

    return build


def outcomes(trials: tuple[Trial, ...]) -> list[tuple[str, str]]:
    return [(trial.remedy, trial.outcome) for trial in trials]


def test_what_keeps_a_third_party_packages_c_comes_before_what_takes_it_away(build: Build) -> None:
    trials = build(SQLITE).remedies({"static": True})

    remedy = "-tags=sqlite_omit_load_extension -ldflags=-extldflags=-static"
    assert outcomes(trials) == [(remedy, "satisfies")]
    assert trials[0].price == "SQLite loads no extensions; libc is inside: its fixes come with a new build"


def test_a_stub_in_place_of_c_is_named_and_is_no_pass_unless_a_rule_runs_the_program(build: Build) -> None:
    binary = build(SQLITE)

    (stub,) = binary.remedies({"no-cgo": True})
    assert (stub.remedy, stub.outcome) == ("CGO_ENABLED=0", "unproven")
    assert stub.detail == (
        "without cgo github.com/mattn/go-sqlite3 has static_mock.go in place of its C "
        '(static_mock.go: "go-sqlite3 requires cgo to work. This is a stub")'
    )
    assert (stub.toml, stub.goreleaser) == ("cgo = false", 'env: ["CGO_ENABLED=0"]')
    assert stub.shell == "CGO_ENABLED=0 go build ."

    (ran,) = binary.remedies({"no-cgo": True, "starts-alone": {"output": "0 false", "seconds": 60}})
    assert ran.outcome == "satisfies"
    (fails,) = binary.remedies({"no-cgo": True, "starts-alone": {"output": "3 true", "seconds": 60}})
    assert fails.outcome == "does-not-start"


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        (
            {"extldflags": "-Wl,-z,noseparate-code"},
            "-ldflags=\"-extldflags '-Wl,-z,noseparate-code -static'\"",
        ),
        (
            {"ldflags": '-X main.v=1 -extldflags "-Wl,--as-needed -Wl,-O1"'},
            "-ldflags=\"-X main.v=1 -extldflags '-Wl,--as-needed -Wl,-O1 -static'\"",
        ),
        (
            {"env": {"GOFLAGS": '"-ldflags=-s -extldflags=-Wl,--as-needed" -tags=foo'}},
            "-ldflags=\"-s -extldflags '-Wl,--as-needed -static'\"",
        ),
    ],
)
def test_a_flag_joins_those_of_the_user(build: Build, options: dict[str, object], remedy: str) -> None:
    assert outcomes(build(MATH, **options).remedies({"static": True})) == [(remedy, "satisfies")]


def test_a_static_pie_is_hardened_by_one_build(build: Build) -> None:
    best = build(LOOKUPS, buildmode="pie").remedies({"static": True, "relro": "full"})[0]

    flags = "-tags=netgo,osusergo -ldflags=\"-extldflags '-static-pie -Wl,-z,relro,-z,now'\""
    assert (best.remedy, best.outcome) == (flags, "satisfies")
    # All of its parts have their price.
    assert [price.split()[0] for price in best.price.split("; ")] == ["Go's", "os/user", "libc"]


def test_the_smaller_change_comes_first_and_takes_the_flags_of_its_own_linker(build: Build) -> None:
    trials = build(MATH).remedies({"static": True, "page-alignment": 16384})

    flags = "-ldflags=\"-extldflags '-static -Wl,-z,max-page-size=0x4000'\""
    assert outcomes(trials) == [(flags, "satisfies")]
    assert trials[0].price == "libc is inside: its fixes come with a new build; a larger file"


def test_nothing_makes_a_program_static_that_calls_dlopen(build: Build) -> None:
    assert build(DLOPEN).remedies({"static": True}) == ()


@pytest.mark.parametrize("mode", ["c-shared", "c-archive", "plugin"])
def test_what_only_the_c_linker_makes_is_not_built_without_cgo(build: Build, mode: str) -> None:
    source = 'package main\n\nimport "C"\n\n//export One\nfunc One() int { return 1 }\n\nfunc main() {}\n'

    assert build(source, buildmode=mode).remedies({"no-cgo": True}) == ()


# It needs g++, which a machine with gcc may not have.
@pytest.mark.long
def test_the_cxx_compilers_own_libraries_are_linked_in(build: Build) -> None:
    libraries = ["libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"]

    best = build(CXX).remedies({"only-needs": libraries})[0]

    flags = "-ldflags=\"-extldflags '-static-libstdc++ -static-libgcc'\""
    assert (best.remedy, best.outcome) == (flags, "satisfies")
    assert best.price.startswith("libstdc++ and libgcc are inside")


def test_what_was_seen_not_to_build_is_not_built_and_the_reason_is_the_line_with_the_cause(
    go_toolchain: GoToolchain, tmp_path: Path
) -> None:
    (tmp_path / "go.mod").write_text("module example.com/app\n\ngo 1.21\n")
    (tmp_path / "main.go").write_text(MATH)
    started: list[str] = []
    builder = Builder(go_toolchain, rootdir=tmp_path, cache=tmp_path / "cache", session="one")
    binary = builder.build(BuildOptions(cgo=True))

    trials = try_remedies(binary, [("no-cgo", {}), ("stripped", {})], limits=Limits(tell=started.append))

    # `go list` shows that nothing is left of the package: no build needs to.
    assert [trial.outcome for trial in trials] == ["does-not-build"]
    assert "build constraints exclude all Go files" in trials[0].detail
    assert started == []


def test_no_build_starts_after_the_time_is_over(build: Build) -> None:
    assert try_remedies(build(MATH), [("static", {})], limits=Limits(deadline=0.0)) == ()


def test_each_build_is_told_before_it_starts_and_a_small_program_needs_few(build: Build) -> None:
    told: list[str] = []

    trials = try_remedies(
        build(LOOKUPS), [("static", {}), ("stripped", {}), ("no-build-paths", {})], limits=Limits(tell=told.append)
    )

    assert trials[0].outcome == "satisfies"
    assert 1 <= len(told) <= 4
    assert told[0].endswith(f": trying {trials[0].remedy}")


def test_a_part_that_is_not_needed_is_left_out(build: Build) -> None:
    binary = build("package main\n\nfunc main() {}\n", target="darwin/amd64")
    policy = {"os-at-most": ["macOS 11"], "runs-on": ["macos 11"]}
    if binary.facts.os_minimum == "11.0":
        pytest.fail("this Go's own minimum is low enough: nothing to mend")

    for trial in binary.remedies(policy):
        assert "-buildmode" not in trial.remedy


def test_the_line_for_a_shell_does_what_it_says(build: Build, tmp_path: Path, go_toolchain: GoToolchain) -> None:
    best = build(MATH).remedies({"static": True})[0]

    line = best.shell.replace("go build", f"{go_toolchain.path} build -o {tmp_path / 'out'}", 1)
    subprocess.run(line, shell=True, cwd=tmp_path / "app", check=True)  # noqa: S602 - the line is for a shell
    assert subprocess.run([tmp_path / "out"], capture_output=True, check=True).stderr == b"true\n"


@pytest.mark.parametrize(
    ("stub", "detail"),
    [
        ('func Version() (int, error) { panic("not here") }', '(static_mock.go: panic("not here"))'),
        ("func Version() (int, error) { panic(nil) }", "(static_mock.go: panic)"),
        ("func Version() (int, error) { return 3, nil }", "has static_mock.go in place of its C"),
    ],
)
def test_what_stands_in_place_of_c_is_named_as_it_is(build: Build, stub: str, detail: str) -> None:
    mock = f"//go:build !cgo\n\npackage sqlite3\n\n// It requires cgo.\n{stub}\n"

    (trial,) = build({**SQLITE, "sqlite/static_mock.go": mock}).remedies({"no-cgo": True})

    assert trial.outcome == "unproven"
    assert trial.detail.endswith(detail)


def test_a_package_that_only_loses_a_file_is_named_too(build: Build) -> None:
    files = {
        "main.go": 'package main\n\nfunc main() { println(name) }\n\nvar name = "app"\n',
        "c.go": 'package main\n\n// int one(void) { return 1; }\nimport "C"\n\n'
        "func init() { name = string(rune(64 + C.one())) }\n",
    }

    (trial,) = build(files).remedies({"no-cgo": True})

    assert (trial.outcome, trial.detail) == ("unproven", "without cgo example.com/app goes without c.go")
