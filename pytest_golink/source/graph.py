"""The packages of a build and what imports what, as `go list` prints it with the build's own flags and environment."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_golink.errors import BuildError
from pytest_golink.findings import ImportStep
from pytest_golink.source.go_files import GoFile, read_go_file
from pytest_golink.toolchain.golist import go_list
from pytest_golink.traits import RUNTIME_CGO

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_FIELDS = (
    "Dir", "ImportPath", "Name", "Standard", "DepOnly", "Module", "Imports", "ImportMap", "GoFiles", "CgoFiles"
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """
    One package of a build.

    `name` is its import path, of the main package too, which the image calls "main". `go_files` are those that the
    build compiles without cgo, `cgo_files` those with `import "C"`; all in `folder`. `module` is "path@version" of a
    package outside the standard library and the main module, else "".
    """

    name: str
    folder: Path
    standard: bool
    main: bool
    module: str
    imports: tuple[str, ...]
    go_files: tuple[str, ...]
    cgo_files: tuple[str, ...]

    def file(self, name: str) -> GoFile:
        """Read the top of one of its files."""
        return read_go_file(self.folder / name)


class Graph:
    """
    What imports what in one build.

    Args:
        packages: The main package and all that it imports, directly or not.
        folder: The folder that places are shown relative to.
    """

    def __init__(self, packages: Sequence[Package], folder: Path) -> None:
        self.packages: Mapping[str, Package] = {package.name: package for package in packages}
        self._folder = folder
        self._main = next((package for package in packages if package.main), None)

    def package(self, name: str) -> Package | None:
        """Return a package by its import path; the image calls the main package "main"."""
        return self._main if name == "main" else self.packages.get(name)

    def cgo_packages(self) -> tuple[Package, ...]:
        """Return the packages with `import "C"` that are compiled, in the order of `go list`, without runtime/cgo."""
        return tuple(p for p in self.packages.values() if p.cgo_files and p.name != RUNTIME_CGO)

    def chain(self, goal: Package) -> tuple[ImportStep, ...]:
        """
        Return the shortest import chain from the main package to one of these packages, with the place of each import.

        Of several shortest ones, that whose packages are imported first. Empty where there is none: the linker adds
        runtime/race by itself, and source that is no program any more since the build has no main package. A package
        that uses cgo is followed by runtime/cgo, which it imports by its `import "C"`.
        """
        if self._main is None:
            return ()
        path = self._shortest(self._main, goal)
        steps = [
            ImportStep(package=package.name, place=self.place_of(package, {following.name}))
            for package, following in pairwise(path)
        ]
        if path and goal.cgo_files and goal.name != RUNTIME_CGO:
            steps.append(ImportStep(package=goal.name, place=self.place_of(goal, {"C"})))
            return (*steps, ImportStep(package=RUNTIME_CGO))
        return (*steps, *(ImportStep(package=package.name) for package in path[-1:]))

    def _shortest(self, start: Package, goal: Package) -> list[Package]:
        came_from: dict[str, Package | None] = {start.name: None}
        waiting = deque([start])
        while waiting:
            package = waiting.popleft()
            if package.name == goal.name:
                path = [package]
                while (before := came_from[path[-1].name]) is not None:
                    path.append(before)
                return path[::-1]
            for name in package.imports:
                if name not in came_from and (imported := self.packages.get(name)) is not None:
                    came_from[name] = package
                    waiting.append(imported)
        return []

    def place_of(self, package: Package, imported: Collection[str]) -> str | None:
        """Return the first "file:line" where a package imports one of these, None where no file spells it."""
        for name in (*package.go_files, *package.cgo_files):
            for path, line in package.file(name).imports:
                # A vendored package is imported only by the end of its path.
                if path in imported or any(whole.endswith(f"/vendor/{path}") for whole in imported):
                    return self.shown(package, name, line)
        return None

    def shown(self, package: Package, file: str, line: int) -> str:
        """Return a place as texts show it: relative to the folder; in the standard library and modules, by package."""
        path = package.folder / file
        if path.is_relative_to(self._folder):
            return f"{path.relative_to(self._folder).as_posix()}:{line}"
        return f"{package.name}/{file}:{line}"


def list_packages(
    go: Path, package: str, flags: Sequence[str], *, version: str, cwd: Path, environment: Mapping[str, str]
) -> tuple[Package, ...]:
    """
    Return, from `go list`, a package and all that it imports.

    Args:
        go: The go binary.
        package: The package, as the build names it.
        flags: The build's own flags: they decide which files there are.
        version: The toolchain's version ("go1.27.3").
        cwd: The folder that the build ran in.
        environment: The whole environment of the build.

    Raises:
        BuildError: It fails, does not end, or answers what cannot be read.
    """
    # -e: a package of which a constraint leaves nothing is listed too.
    arguments = ("-e", "-deps", *flags, package)
    entries = go_list(go, arguments, fields=_FIELDS, version=version, cwd=cwd, environment=environment)
    try:
        return tuple(_package(entry) for entry in entries)
    except (KeyError, TypeError, AttributeError) as error:
        command = (str(go), "list", *arguments)
        raise BuildError("`go list` cannot be read", command=command, status=0, output=str(error)) from error


def _package(entry: dict[str, Any]) -> Package:
    renamed: dict[str, str] = entry.get("ImportMap") or {}
    imports = [renamed.get(path, path) for path in entry.get("Imports") or () if path != "C"]
    cgo_files = tuple(entry.get("CgoFiles") or ())
    if cgo_files and entry["ImportPath"] != RUNTIME_CGO:
        # What cmd/cgo makes of `import "C"`, though no file spells it.
        imports.append(RUNTIME_CGO)
    module = entry.get("Module") or {}
    foreign = module and not module.get("Main")
    return Package(
        name=entry["ImportPath"],
        folder=Path(entry.get("Dir", "")),
        standard=bool(entry.get("Standard")),
        main=entry.get("Name") == "main" and not entry.get("DepOnly"),
        module=f"{module['Path']}@{module.get('Version', '')}" if foreign else "",
        imports=tuple(imports),
        go_files=tuple(entry.get("GoFiles") or ()),
        cgo_files=cgo_files,
    )
