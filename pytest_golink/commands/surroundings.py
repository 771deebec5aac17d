"""What a Go module says about its builds beside go.mod, and which variables of the shell decide them."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# What changes the image of a build; the others of Go (GOPROXY, GOCACHE, …) say where it finds things.
_DECIDING = (
    "GOFLAGS", "GOAMD64", "GOARM64", "GOARM", "GO386", "GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64", "GOWASM",
    "GOEXPERIMENT", "GOFIPS140", "GOTOOLCHAIN", "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_LDFLAGS", "CXX",
)  # fmt: skip
_FLAG = re.compile(r"-(?:tags|ldflags|buildmode|trimpath|race|gcflags|mod)\b")
_BUILD_FILES = (
    "Makefile",
    "GNUmakefile",
    "makefile",
    "Taskfile.yml",
    "justfile",
    "build.sh",
    "magefile.go",
    "Dockerfile",
)
_FILE_BYTES = 256 * 1024
_LONGEST_LINE = 160
_MOST_LINES = 3
# A module has few folders with main packages; a monorepo must not be walked whole.
_FOLDERS = 4000


def deciding_options(environment: Mapping[str, str]) -> dict[str, object]:
    """Return the build options that the shell's environment amounts to, by their names in [[binary]]."""
    options: dict[str, object] = {}
    if environment.get("CGO_ENABLED") in ("0", "1"):
        options["cgo"] = environment["CGO_ENABLED"] == "1"
    if environment.get("CC"):
        options["cc"] = environment["CC"]
    variables = {name: environment[name] for name in _DECIDING if environment.get(name)}
    if variables:
        options["env"] = variables
    return options


def sightings(folder: Path, *, project: Path) -> Iterator[str]:
    """Yield, a line each, what a module has that a first policy does not take over."""
    for name in _BUILD_FILES:
        lines = list(_build_lines(folder / name))
        for line in lines[:_MOST_LINES]:
            yield f"{name} builds with flags; compare them with this file: {line}"
        if len(lines) > _MOST_LINES:
            yield f"{name} has {len(lines) - _MOST_LINES} more such lines"
    if (folder / "go.work").is_file():
        yield "go.work: its other modules are not in this file; run init in each"
    nested, tagged = _walk(folder)
    for path in nested:
        yield f"{os.path.relpath(path, project)}: a module of its own, not in this file; run init in it"
    for path, constraint in tagged:
        where = os.path.relpath(path, project)
        yield f"{where}: a main package behind {constraint}; it is not in this file, add it with tags"


def _build_lines(path: Path) -> Iterator[str]:
    text = ""
    with suppress(OSError), path.open("rb") as stream:
        text = stream.read(_FILE_BYTES).decode("utf-8", "replace").replace("\\\n", " ")
    for line in text.splitlines():
        plain = " ".join(line.split())
        builds = (
            "go build" in plain
            or "$(GO) build" in plain
            or re.match(r"(export )?(GOFLAGS|CGO_ENABLED|LDFLAGS)\b", plain)
        )
        if builds and (_FLAG.search(plain) or "=" in plain) and not plain.startswith("#"):
            yield plain[:_LONGEST_LINE]


def _walk(folder: Path) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Return the folders of nested modules, and those whose only main package is behind a build constraint."""
    nested: list[Path] = []
    tagged: list[tuple[Path, str]] = []
    pending = [folder]
    for _count in range(_FOLDERS):
        if not pending:
            break
        place = pending.pop(0)
        try:
            entries = sorted(place.iterdir())
        except OSError:
            continue
        if place != folder and (place / "go.mod").is_file():
            nested.append(place)
            continue
        constraints = [
            _constraint(path) for path in entries if path.suffix == ".go" and not path.name.endswith("_test.go")
        ]
        mains = [constraint for constraint in constraints if constraint is not None]
        if mains and all(mains):
            tagged.append((place, mains[0]))
        pending += [
            path for path in entries
            if path.is_dir() and not path.is_symlink() and path.name not in ("vendor", "testdata", "node_modules")
            and not path.name.startswith((".", "_"))
        ]  # fmt: skip
    return nested, tagged


def _constraint(path: Path) -> str | None:
    """Return the build constraint of a file of a main package, "" where it has none; None for another package."""
    text = ""
    with suppress(OSError), path.open("rb") as stream:
        text = stream.read(_FILE_BYTES).decode("utf-8", "replace")
    package = re.search(r"^package\s+(\w+)", text, re.MULTILINE)
    if package is None or package[1] != "main":
        return None
    found = re.search(r"^//go:build\s+(.+)$", text[: package.start()], re.MULTILINE)
    return f"//go:build {found[1].strip()}" if found else ""
