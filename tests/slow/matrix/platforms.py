"""
What runs-on says, held against what happens: a family of images, each started in root folders of real systems.

Run by `make platforms`. A row an image, a column a root folder. A cell is "yes" or "no" where the answer and the run
agree, "YES" or "NO" (the answer) where they do not, "? yes" where runs-on leaves open what then happened.

Debian's suites are made from its packages. Root folders of other systems that stand in PLATFORM_ROOTS/more, named after
the platform and the architecture ("alpine3.20-amd64"), take part too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.archives.roots import open_root
from pytest_golink.facts import Target
from pytest_golink.platforms import PLATFORMS, Platform, parse_platform, platforms_named
from pytest_golink.platforms.root import describe_root, differences
from pytest_golink.reader import read_binary
from pytest_golink.rules.runs_on import start_on
from pytest_golink.rules.subject import Subject
from tests.platforms.debian import MINBASE, SUITES, root_of, version_of
from tests.platforms.running import started

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink import GoBuild
    from tests.slow.matrix.conftest import AddRow

PROGRAMS = Path(__file__).parents[2] / "platforms/programs"
TITLE = "images × root folders ({goarch}): what happened"
# The suites that were out when the tables were written, and what describes them.
_DESCRIBED = {"bullseye": "11", "bookworm": "12", "trixie": "13"}
# Of other architectures an old suite and the newest, where Debian has them.
_SUITES = {
    "386": ("bullseye", "bookworm", "trixie"),
    "arm": ("bullseye", "bookworm", "sid"),
    "mips64le": ("bookworm",),
    "ppc64le": ("bookworm", "sid"),
    "riscv64": ("trixie", "sid"),
    "s390x": ("bookworm", "sid"),
}
# Zig's architecture, and what stands behind the libc's name there.
ZIG_ARCH = {
    "386": ("x86", ""),
    "amd64": ("x86_64", ""),
    "arm": ("arm", "eabihf"),
    "arm64": ("aarch64", ""),
    "ppc64le": ("powerpc64le", ""),
    "riscv64": ("riscv64", ""),
    "s390x": ("s390x", ""),
}
# An x86-64 kernel starts 32-bit programs itself; under qemu-i386 Go's crash.
QEMU = {
    "386": None,
    "arm": "qemu-arm-static",
    "arm64": "qemu-aarch64-static",
    "mips64le": "qemu-mips64el-static",
    "ppc64le": "qemu-ppc64le-static",
    "riscv64": "qemu-riscv64-static",
    "s390x": "qemu-s390x-static",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A root folder, and the platform that describes it."""

    name: str
    root: Path
    platform: Platform


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """A build of the family; `beside` says that its library is shipped with it."""

    name: str
    package: str
    options: dict[str, Any] = field(default_factory=dict)
    beside: bool = False


def zig(libc: str, package: str = "versions", need: int = 0, musl: int = 0, **options: Any) -> dict[str, Any]:
    name, dot, version = libc.partition(".")
    return {
        "package": package,
        "options": {
            "cgo": True,
            "cc": f"zig cc -target {{arch}}-linux-{name}{{abi}}{dot}{version}",
            "linkmode": "external",
            "env": {"CGO_CFLAGS": f"-O1 -DNEED={need} -DMUSL={musl}"},
            **options,
        },
    }


# Every architecture has these; zig stands for the systems that they would be built on.
FAMILY = (
    Image(name="pure", package="resolver", options={"cgo": False}),
    Image(name="pure, PIE", package="resolver", options={"cgo": False, "buildmode": "pie"}),
    Image(name="zig, musl, static", **zig("musl", extldflags="-static")),
    Image(name="zig, musl, dynamic", **zig("musl", extldflags="-dynamic")),
    Image(name="zig, musl 1.2.3", **zig("musl", musl=123, extldflags="-dynamic")),
    Image(name="zig, musl 1.2.5", **zig("musl", musl=125, extldflags="-dynamic")),
    Image(name="zig, glibc 2.28", **zig("gnu.2.28", need=225)),
    Image(name="zig, glibc 2.31", **zig("gnu.2.31", need=230)),
    Image(name="zig, glibc 2.34", **zig("gnu.2.34", need=232)),
    Image(name="zig, glibc 2.36", **zig("gnu.2.36", need=236)),
    Image(name="zig, glibc 2.38", **zig("gnu.2.38", need=238)),
    Image(name="zig, glibc 2.39", **zig("gnu.2.39", need=239)),
    Image(name="zig, glibc 2.41", **zig("gnu.2.41", need=241)),
)
_GLIBC_STATIC = {"cgo": True, "linkmode": "external"}
# What needs this machine's own compiler and libraries.
NATIVE = (
    Image(name="zig, glibc 2.17", **zig("gnu.2.17")),
    Image(name="resolver, gcc", package="resolver", options={"cgo": True, "cc": "gcc"}),
    Image(name="resolver, gcc, PIE", package="resolver", options={"cgo": True, "cc": "gcc", "buildmode": "pie"}),
    Image(name="libm and pthread, gcc", package="versions", options={"cgo": True, "cc": "gcc"}),
    Image(name="C++, gcc", package="plusplus", options={"cgo": True, "cc": "gcc"}),
    Image(name="resolver, static", package="resolver", options={**_GLIBC_STATIC, "cc": "gcc", "extldflags": "-static"}),
    Image(
        name="resolver, static-pie",
        package="resolver",
        options={**_GLIBC_STATIC, "cc": "gcc", "buildmode": "pie", "extldflags": "-static-pie"},
    ),
    Image(
        name="musl's loader, glibc's libraries",
        package="resolver",
        options={"cgo": True, "cc": "gcc", "ldflags": "-I /lib/ld-musl-x86_64.so.1"},
    ),
    Image(name="library of its own, not there", package="shipped"),
    Image(name="library of its own, beside", package="shipped", beside=True),
)


@pytest.fixture(scope="session")
def cache() -> Path:
    folder = Path(os.environ.get("PLATFORM_ROOTS", ".platform-roots")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def tally(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """Count cells by what came out, and print the counts under the matrix."""
    counts: Counter[str] = Counter()
    yield counts
    from tests.slow.matrix.conftest import _TABLES

    order = ("cells", "agreements", "left open", "disagreements")
    request.config.stash[_TABLES]["runs-on against real systems"] = [{name: str(counts[name]) for name in order}]


def places(cache: Path, goarch: str) -> list[Place]:
    """The root folders of an architecture, made where they are not there yet."""
    empty = cache / "empty"
    empty.mkdir(exist_ok=True)
    found = [Place(name="scratch", root=empty, platform=PLATFORMS["scratch"])]
    for suite in _SUITES.get(goarch, SUITES):
        full = root_of(cache, suite, goarch, MINBASE)
        version = version_of(cache, suite, goarch, "libc6")
        release = _DESCRIBED.get(suite)
        platform = PLATFORMS[f"debian{release}"] if release else described(suite, version)
        found.append(Place(name=f"{suite} {version}", root=full, platform=platform))
        if release:
            small = root_of(cache, suite, goarch, ("libc6",))
            platform = PLATFORMS[f"distroless-base-debian{release}"]
            if Target(goos="linux", goarch=goarch) in platform.targets:
                found.append(Place(name=f"{suite}, libc6 alone", root=small, platform=platform))
        if suite != "bullseye":
            musl = version_of(cache, suite, goarch, "musl")
            table = {"targets": [f"linux/{goarch}"], "libc": "musl", "libc-version": musl}
            root = root_of(cache, suite, goarch, ("musl",))
            found.append(Place(name=f"musl {musl}", root=root, platform=parse_platform(f"musl{musl}", table)))
    # A run here says nothing of the CPUs that a system has elsewhere: emulated ones have all levels.
    others = [replace(place, platform=replace(place.platform, cpu={})) for place in more(cache, goarch)]
    return [*found, *others]


def more(cache: Path, goarch: str | None = None) -> list[Place]:
    """The root folders of other systems that somebody put there."""
    found = []
    for root in sorted((cache / "more").glob(f"*-{goarch or '*'}")):
        (platform,) = platforms_named(root.name.rpartition("-")[0])
        found.append(Place(name=root.name, root=root, platform=platform))
    return found


def described(suite: str, version: str) -> Platform:
    """A suite that has no release yet: the last one, with a newer glibc."""
    return parse_platform(suite, {"extends": "debian13", "libc-version": version})


def compare(image: Path, places: list[Place], tally: Counter[str], **options: Any) -> tuple[dict[str, str], list[str]]:
    """Start an image everywhere; give its cells, and a line for each that does not agree."""
    subject = Subject(name=image.name, facts=read_binary(image))
    cells, wrong = {}, []
    for place in places:
        start = start_on(subject, place.platform)
        said = started(place.root, image, **options)
        happened = not said
        word = "yes" if happened else "no"
        tally["cells"] += 1
        if start.starts is None:
            tally["left open"] += 1
            cells[place.name] = f"? {word}"
        elif start.starts == happened:
            tally["agreements"] += 1
            cells[place.name] = word
        else:
            tally["disagreements"] += 1
            cells[place.name] = "YES" if start.starts else "NO"
            wrong.append(f"{place.name}: runs-on: {start.starts} ({start.answer.reason}); then: {said or 'started'}")
    return cells, wrong


def built(go_build: GoBuild, image: Image, goarch: str, tmp_path: Path) -> tuple[Path, tuple[Path, ...]]:
    """Build one of the family, into its own folder; with it the libraries to be shipped."""
    options = dict(image.options)
    beside: tuple[Path, ...] = ()
    if "cc" in options:
        arch, abi = ZIG_ARCH[goarch]
        options["cc"] = options["cc"].format(arch=arch, abi=abi)
    if image.package == "shipped":
        # The linker is told where the library is; the loader looks only beside the image.
        library = tmp_path / "libgolinktwice.so.1"
        flags = ["-shared", "-fPIC", f"-Wl,-soname,{library.name}", "-x", "c"]
        source = PROGRAMS / "shipped/twice.c.txt"
        subprocess.run(["gcc", *flags, str(source), "-o", str(library)], check=True)
        (tmp_path / "libgolinktwice.so").symlink_to(library.name)
        options = {"cgo": True, "cc": "gcc", "extldflags": "-Wl,-rpath,$ORIGIN"}
        options["env"] = {"CGO_LDFLAGS": f"-L{tmp_path}"}
        beside = (library,) if image.beside else ()
    binary = go_build(f"./{image.package}", cwd=PROGRAMS, target=f"linux/{goarch}", **options)
    folder = tmp_path / "app"
    folder.mkdir()
    for file in (binary.path, *beside):
        shutil.copy(file, folder / file.name)
    return folder / binary.path.name, beside


@pytest.mark.parametrize("image", [*FAMILY, *NATIVE], ids=lambda image: image.name)
def test_an_image_for_this_machine_starts_where_runs_on_says_so(
    image: Image, go_build: GoBuild, cache: Path, tally: Counter[str], add_row: AddRow, tmp_path: Path
) -> None:
    path, beside = built(go_build, image, "amd64", tmp_path)

    cells, wrong = compare(path, places(cache, "amd64"), tally, beside=beside)

    add_row(TITLE.format(goarch="amd64"), {"image": image.name, **cells})
    assert wrong == []


# Where Go's own linker makes no PIE.
# Source: Go's internal/platform/supported.go, InternalLinkPIESupported.
_NO_PIE = ("386", "arm", "mips64le", "riscv64")
# Zig does not know the flags that Go gives a C compiler for MIPS, and its C for ppc64le calls what glibc 2.32 brought.
_NO_ZIG = {"mips64le": "zig", "ppc64le": r"zig, glibc 2\.(28|31)$"}


def has(image: Image, goarch: str) -> bool:
    """Whether the image can be built for an architecture here."""
    if image.name == "pure, PIE":
        return goarch not in _NO_PIE
    return re.match(_NO_ZIG.get(goarch, "(?!)"), image.name) is None


OTHERS = [(image, goarch) for goarch in QEMU for image in FAMILY if has(image, goarch)]


@pytest.mark.parametrize(("image", "goarch"), OTHERS, ids=lambda part: getattr(part, "name", part))
def test_an_image_for_another_architecture_starts_where_runs_on_says_so(
    image: Image, goarch: str, go_build: GoBuild, cache: Path, tally: Counter[str], add_row: AddRow, tmp_path: Path
) -> None:
    path, _ = built(go_build, image, goarch, tmp_path)
    name = QEMU[goarch]
    qemu = root_of(cache, "bookworm", "amd64", ("qemu-user-static",)) / "usr/bin"
    emulator = (qemu / name,) if name else None

    cells, wrong = compare(path, places(cache, goarch), tally, emulator=emulator)

    add_row(TITLE.format(goarch=goarch), {"image": image.name, **cells})
    assert wrong == []


def described_as_read(place: Place) -> list[str]:
    """Where a description promises what the files do not have; what it leaves out only makes it say no."""
    with open_root(place.root) as root:
        read = parse_platform("read", describe_root(root))
    (target,) = read.targets
    # A version that libgcc has only on some architectures: where it is not, nothing can need it.
    # musl takes any name of libc for itself, and Alpine's armhf and armv7 call it differently.
    elsewhere = "versions.GCC:" if target.goarch != "amd64" else "-"
    return [
        line
        for line in differences(place.platform, read)
        if " is missing, " not in line and not line.startswith((elsewhere, "libraries: libc.musl-"))
    ]


BASES = [(goarch, suite) for goarch in ("amd64", *QEMU) for suite in _SUITES.get(goarch, SUITES) if suite in _DESCRIBED]


@pytest.mark.parametrize(("goarch", "suite"), BASES)
def test_a_debian_is_described_as_its_packages_are(goarch: str, suite: str, cache: Path) -> None:
    root = root_of(cache, suite, goarch, MINBASE)
    place = Place(name=suite, root=root, platform=PLATFORMS[f"debian{_DESCRIBED[suite]}"])

    assert described_as_read(place) == []


def test_other_systems_are_described_as_their_files_are(cache: Path) -> None:
    wrong = {place.name: described_as_read(place) for place in more(cache)}

    assert {name: lines for name, lines in wrong.items() if lines} == {}


# qemu's models of a CPU, and the level of each.
CPUS = {"qemu64": "v1", "Nehalem": "v2", "Haswell": "v3"}


@pytest.mark.parametrize("level", ["v1", "v2", "v3"])
def test_a_cpu_below_the_level_of_an_image_does_not_start_it(
    level: str, go_build: GoBuild, cache: Path, tally: Counter[str], add_row: AddRow, tmp_path: Path
) -> None:
    image = Image(name=f"GOAMD64={level}", package="resolver", options={"cgo": False, "env": {"GOAMD64": level}})
    path, _ = built(go_build, image, "amd64", tmp_path)
    qemu = root_of(cache, "bookworm", "amd64", ("qemu-user-static",)) / "usr/bin/qemu-x86_64-static"
    row, wrong = {}, []
    for model, has in CPUS.items():
        platform = parse_platform(f"cpu-{has}", {"targets": ["linux/amd64"], "cpu": {"amd64": has}})
        place = Place(name=model, root=cache / "empty", platform=platform)
        cells, disagreements = compare(path, [place], tally, emulator=(qemu, Path("-cpu"), Path(model)))
        row.update(cells)
        wrong += disagreements

    add_row("GOAMD64 × CPU", {"image": image.name, **row})
    assert wrong == []
