"""
-buildmode=shared: the standard library as a shared library, and a program that was linked against it.

Run by `make versions`. Only GOPATH mode can build it, into the toolchain's own folder: a copy is made.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_golink.reader import read_binary, read_package_sizes
from tests.slow.matrix.cells import cells
from tests.slow.matrix.fetch_go import go_of

if TYPE_CHECKING:
    from tests.slow.matrix.conftest import AddRow

TITLE = "-buildmode=shared × facts (linux/amd64)"
PROGRAM = Path(__file__).parents[3] / "sample_go/lookup/main.go"


@pytest.mark.parametrize("version", ["1.15", "1.19", "1.21.13", "1.27.3"])
def test_the_code_of_a_program_may_be_in_a_library_of_go_s(version: str, tmp_path: Path, add_row: AddRow) -> None:
    root = tmp_path / "goroot"
    # Debian's are made of links.
    shutil.copytree(go_of(Path(os.environ["GO_VERSIONS"]).resolve(), version).parents[1], root)
    source = tmp_path / "gopath/src/hello"
    source.mkdir(parents=True)
    shutil.copy(PROGRAM, source)
    environment = {
        **os.environ,
        "GOROOT": str(root),
        "GOPATH": str(tmp_path / "gopath"),
        "GOCACHE": str(tmp_path / "cache"),
        "GO111MODULE": "off",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "",
        "CGO_ENABLED": "1",
    }

    def go(*arguments: str) -> None:
        command = [str(root / "bin/go"), *arguments]
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=1200)

    go("install", "-buildmode=shared", "std")
    go("build", "-linkshared", "-o", "program", "hello")
    library = read_binary(root / "pkg/linux_amd64_dynlink/libstd.so")
    program = read_binary(tmp_path / "program")

    assert (library.kind, library.linkage, library.link_mode) == ("shared-library", "dynamic", "external")
    assert (library.cgo.used, library.resolver, library.content.user_lookup) == (True, ("cgo", "go"), ("system",))
    assert {"net", "os/user", "runtime/cgo"} <= set(library.cgo.packages)
    assert (program.kind, program.linkage, program.link_mode) == ("executable", "dynamic", "external")
    assert "libstd.so" in [needed.name for needed in program.needed]
    assert program.runpath == (f"{root}/pkg/linux_amd64_dynlink/",)
    # The program itself does not say what is linked in: most of its code is in the library.
    assert (program.cgo.used, program.resolver, program.content.user_lookup) == (None, None, None)
    assert [package for package, _ in read_package_sizes(tmp_path / "program")] == ["main"]
    assert dict(read_package_sizes(library.path))["net/http"] > 300_000
    for name, facts in (("libstd.so", library), ("-linkshared", program)):
        assert facts.go is not None
        # Before Go 1.21 no build info is in the library, nor in a program whose runtime is there.
        assert facts.go.version == (f"go{version}" if version.count(".") == 2 else None)
        add_row(TITLE, {"version": version, "image": name, **cells(facts)})
