"""What the source of an image shows of the cause of a violation."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.errors import GolinkError
from pytest_golink.source.graph import Graph, list_packages
from pytest_golink.source.switches import switch_lines
from pytest_golink.text.words import listed
from pytest_golink.traits import always_dynamic, own_cgo_packages

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_golink.builder.binary import Origin
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Finding, ImportStep
    from pytest_golink.source.graph import Package

# More chains than this say the same thing again.
_CHAINS = 4
_FILES = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceCauses:
    """What the source shows: `lines` of prose, and the import chains behind them."""

    lines: tuple[str, ...] = ()
    chains: tuple[tuple[ImportStep, ...], ...] = ()


def source_causes(finding: Finding, facts: BinaryFacts, concerns: frozenset[Concern], origin: Origin) -> SourceCauses:
    """
    Return what the source of an image shows of the cause of a violation.

    Args:
        finding: The violation.
        facts: The image that shows it.
        concerns: What its rule is about.
        origin: The build of that image.
    """
    lines = switch_lines(facts, concerns, origin)
    graph = _graph(origin)
    if graph is None:
        return SourceCauses(lines=tuple(lines))
    packages = _at_issue(finding, facts, concerns, graph)
    lines += [line for package in packages for line in _files(package, graph, origin)]
    if Concern.BUILD_PATHS in concerns:
        lines += _folders(facts, graph)
    chains = tuple(chain for package in packages if (chain := graph.chain(package)))
    return SourceCauses(lines=tuple(lines), chains=chains)


def _at_issue(finding: Finding, facts: BinaryFacts, concerns: frozenset[Concern], graph: Graph) -> list[Package]:
    """Return the packages whose imports the violation comes from."""
    if always_dynamic(facts) and Concern.LINKAGE in concerns:
        return []
    if Concern.MODULES in concerns:
        return _first_of_each_module(graph, finding.names("modules"))
    by_cgo = Concern.CGO_LINKED in concerns
    if Concern.DYNAMIC_IMPORTS in concerns or (by_cgo and not facts.cgo.used):
        return dynamic_importers(graph) if facts.cgo.dynamic_imports else []
    if not by_cgo:
        return []
    named = [package for name in own_cgo_packages(facts) if (package := graph.package(name)) is not None]
    packages = named or list(graph.cgo_packages())
    if Concern.CGO_PACKAGES in concerns:
        globs = finding.names("packages")
        packages = [p for p in packages if not any(fnmatchcase(name, glob) for name in _names(p) for glob in globs)]
    return packages[:_CHAINS]


def _names(package: Package) -> tuple[str, ...]:
    return (package.name, "main") if package.main else (package.name,)


def dynamic_importers(graph: Graph) -> list[Package]:
    """Return the packages outside the standard library with a `//go:cgo_import_dynamic` directive."""
    return [
        package
        for package in graph.packages.values()
        if not package.standard and any(package.file(name).dynamic_import for name in package.go_files)
    ][:_CHAINS]


def _first_of_each_module(graph: Graph, globs: Iterable[str]) -> list[Package]:
    found: dict[str, Package] = {}
    for package in reversed(list(graph.packages.values())):
        path = package.module.partition("@")[0]
        if path and any(fnmatchcase(name, glob) for name in (path, package.module) for glob in globs):
            # `go list` puts what is imported first: from the end, the first one is the nearest to the program.
            found.setdefault(path, package)
    return list(found.values())[:_CHAINS]


def _files(package: Package, graph: Graph, origin: Origin) -> list[str]:
    """Return which of a package's files link C, under which constraint, and what is left of it without cgo."""
    for name in package.go_files:
        if (line := package.file(name).dynamic_import) is not None:
            return [f"{graph.shown(package, name, line)} has a //go:cgo_import_dynamic directive"]
    if not package.cgo_files:
        return []
    constraints = {name: package.file(name).constraint for name in package.cgo_files}
    constrained = [(name, constraint) for name, constraint in constraints.items() if constraint]
    lines = []
    if constrained:
        name, constraint = constrained[0]
        lines.append(f"{package.name}/{name} is compiled under its constraint: {constraint}")
    if not package.standard:
        lines += without_cgo_lines(package, origin)
    return lines


def without_cgo_lines(package: Package, origin: Origin) -> list[str]:
    """Return what `CGO_ENABLED=0` leaves of a package: some of its files, or none."""
    packages = _packages(origin, (("CGO_ENABLED", "0"),))
    if not packages:
        # With -race there is no build without cgo to list.
        return []
    left = next((other for other in packages if other.name == package.name), None)
    if left is None:
        return [f"with CGO_ENABLED=0 nothing imports {package.name}"]
    whole = len(package.go_files) + len(package.cgo_files)
    files = left.go_files
    if not files:
        need = "its only Go file needs" if whole == 1 else f"all of its {whole} Go files need"
        return [f"with CGO_ENABLED=0 nothing is left of {package.name}: {need} cgo"]
    if new := [name for name in files if name not in package.go_files]:
        return [f"with CGO_ENABLED=0 {package.name} is {listed(files, most=_FILES)}: {listed(new)} in place of the C"]
    return [f"with CGO_ENABLED=0 {package.name} loses {listed(package.cgo_files, most=_FILES)} of its {whole} Go files"]


def _folders(facts: BinaryFacts, graph: Graph) -> list[str]:
    """Return the owners of the folders that an image names."""
    lines = []
    for path in dict.fromkeys(found.path for found in facts.content.build_paths or () if found.where == "pclntab"):
        inside = [p for p in graph.packages.values() if p.folder.as_posix().startswith((f"{path}/", path))]
        modules = sorted({p.module for p in inside if p.module})
        if any(p.standard for p in inside):
            lines.append(f"{path} is Go's own distribution (GOROOT)")
        elif modules:
            lines.append(f"{path} holds {listed(modules, most=_FILES)}")
        elif inside:
            lines.append(f"{path} holds {listed([p.name for p in inside], most=_FILES)}")
    return lines


def _graph(origin: Origin) -> Graph | None:
    packages = _packages(origin, ())
    return Graph(packages, origin.builder.rootdir) if packages else None


def _packages(origin: Origin, environment: tuple[tuple[str, str], ...]) -> tuple[Package, ...]:
    job, toolchain = origin.job, origin.builder.toolchain
    whole = {**os.environ, **job.environment, **dict(environment)}
    return _listed(toolchain.path, toolchain.version, job.folder, job.package, job.flags, tuple(sorted(whole.items())))


@lru_cache(maxsize=64)
def _listed(
    go: Path, version: str, folder: Path, package: str, flags: tuple[str, ...], environment: tuple[tuple[str, str], ...]
) -> tuple[Package, ...]:
    # The image is there, so its packages are; a cause that cannot be found is no reason to lose the finding.
    with suppress(GolinkError):
        return list_packages(go, package, flags, version=version, cwd=folder, environment=dict(environment))
    return ()
