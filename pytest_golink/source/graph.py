"""What imports what in one build, and the shortest chains of imports."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING

from pytest_golink.findings import ImportStep
from pytest_golink.source.go_files import read_go_file
from pytest_golink.traits import RUNTIME_CGO

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from pytest_golink.toolchain.packages import Package


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
        return tuple(p for p in self.packages.values() if p.uses_cgo and p.name != RUNTIME_CGO)

    def nearest(self, goals: Sequence[Package]) -> Package | None:
        """Return that of several packages whose chain is the shortest, None where the program imports none of them."""
        path = self._shortest(self._main, {goal.name for goal in goals}) if self._main is not None else []
        return path[-1] if path else None

    def path(self, goal: Package) -> list[Package]:
        """Return the packages of the shortest chain to a package, [] where there is none."""
        return self._shortest(self._main, {goal.name}) if self._main is not None else []

    def importers(self, goals: Sequence[Package]) -> list[Package]:
        """Return the other packages of the program that import one of these."""
        names = {goal.name for goal in goals}
        return [p for p in self.packages.values() if p.name not in names and not names.isdisjoint(p.imports)]

    def chain(self, goal: Package) -> tuple[ImportStep, ...]:
        """
        Return the shortest import chain from the main package to another package, with the place of each import.

        Of several shortest ones, that whose packages are imported first. Empty where there is none: the linker adds
        runtime/race by itself, and source that is no program any more since the build has no main package. A package
        that uses cgo is followed by runtime/cgo, which it imports by its `import "C"`.
        """
        path = self.path(goal)
        steps = [
            ImportStep(package=package.name, place=self.place_of(package, {following.name}))
            for package, following in pairwise(path)
        ]
        if path and goal.uses_cgo and goal.name != RUNTIME_CGO:
            steps.append(ImportStep(package=goal.name, place=self.place_of(goal, {"C"})))
            return (*steps, ImportStep(package=RUNTIME_CGO))
        return (*steps, *(ImportStep(package=package.name) for package in path[-1:]))

    def _shortest(self, start: Package, goals: Collection[str]) -> list[Package]:
        came_from: dict[str, Package | None] = {start.name: None}
        waiting = deque([start])
        while waiting:
            package = waiting.popleft()
            if package.name in goals:
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
            for path, line in read_go_file(package.folder / name).imports:
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
