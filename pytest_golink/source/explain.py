"""What the source of an image shows of the cause of a violation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pytest_golink.builder.listing import listing
from pytest_golink.diagnosis.at_issue import AtIssue
from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.source.go_files import read_go_file
from pytest_golink.source.graph import Graph
from pytest_golink.source.libraries import asked_lines
from pytest_golink.source.switches import switch_lines
from pytest_golink.source.without_cgo import WithoutCgo, as_it_compiles
from pytest_golink.text.words import counted, listed
from pytest_golink.traits import always_dynamic, own_cgo_packages, setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_golink.builder.binary import Origin
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Finding, ImportStep
    from pytest_golink.toolchain.packages import Package

# More chains than this say the same thing again.
_CHAINS = 4
_FILES = 4
# With one of these the build needs cgo, whatever its packages do.
_NEEDS_CGO = ("-race", "-msan", "-asan")


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceCauses:
    """
    What the source shows: `lines` of prose, and the import chains behind them.

    `whole` is whether these lines say all of the cause, so that the packages which the image shows besides have nothing
    to do with it. `needs_cgo` is whether the program does not compile without cgo.
    """

    lines: tuple[str, ...] = ()
    chains: tuple[tuple[ImportStep, ...], ...] = ()
    whole: bool = False
    needs_cgo: bool = False


def source_causes(
    finding: Finding, facts: BinaryFacts, concerns: frozenset[Concern], lookups: Sequence[str], origin: Origin
) -> SourceCauses:
    """
    Return what the source of an image shows of the cause of a violation.

    Args:
        finding: The violation.
        facts: The image that shows it.
        concerns: What its rule is about.
        lookups: The packages of the standard library that it is about, of a rule about lookups.
        origin: The build of that image.
    """
    lines = switch_lines(facts, concerns, origin)
    listed_packages = listing(origin.job, origin.builder.toolchain)
    if not listed_packages.packages:
        if concerns and listed_packages.unknown:
            lines.append(f"the packages of the build are not known: go list answers: {listed_packages.unknown}")
        return SourceCauses(lines=tuple(lines))
    if listed_packages.unknown:
        lines.append(f"not all packages of the build are known: go list answers: {listed_packages.unknown}")
    graph = Graph(listed_packages.packages, origin.builder.rootdir)
    names = _libraries(finding, facts, concerns)
    asked, asking = asked_lines(names, graph, origin)
    whole = bool(asking) and isinstance(finding.details, AtIssue) and finding.details.only
    packages = asking[:_CHAINS] if whole else _at_issue(finding, facts, concerns, lookups, graph)
    lines += asked
    lines += [line for package in packages for line in _files(package, graph)]
    off = WithoutCgo()
    if facts.cgo.used and not lookups and not any(setting(facts, flag) == "true" for flag in _NEEDS_CGO):
        off = as_it_compiles(packages, origin)
        lines += () if whole else off.lines
    if Concern.BUILD_PATHS in concerns:
        lines += _folders(facts, graph)
    lines += _other_importers(packages, graph, by_module=Concern.MODULES in concerns)
    chains = tuple(chain for package in packages if (chain := graph.chain(package)))
    return SourceCauses(lines=tuple(lines), chains=chains, whole=whole, needs_cgo=off.error != "")


def _libraries(finding: Finding, facts: BinaryFacts, concerns: frozenset[Concern]) -> tuple[str, ...]:
    if isinstance(finding.details, AtIssue) and finding.details.only:
        return finding.details.libraries
    return tuple(library.name for library in facts.needed) if Concern.LIBRARIES in concerns else ()


def _at_issue(
    finding: Finding, facts: BinaryFacts, concerns: frozenset[Concern], lookups: Sequence[str], graph: Graph
) -> list[Package]:
    """Return the packages whose imports the violation comes from."""
    if always_dynamic(facts) and Concern.LINKAGE in concerns:
        return []
    if Concern.MODULES in concerns:
        return _nearest_of_each_module(graph, finding.names("modules"))
    if lookups:
        return [package for name in lookups if (package := graph.package(name)) is not None]
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
        if not package.standard and any(read_go_file(package.folder / name).dynamic_import for name in package.go_files)
    ][:_CHAINS]


def _nearest_of_each_module(graph: Graph, globs: Iterable[str]) -> list[Package]:
    modules: dict[str, list[Package]] = {}
    for package in graph.packages.values():
        path = package.module.partition("@")[0]
        if path and any(fnmatchcase(name, glob) for name in (path, package.module) for glob in globs):
            modules.setdefault(path, []).append(package)
    nearest = [graph.nearest(packages) for packages in modules.values()]
    return [package for package in nearest if package is not None][:_CHAINS]


def _other_importers(packages: Sequence[Package], graph: Graph, *, by_module: bool) -> list[str]:
    """Return how many more packages import these, or their modules: one import less may not be enough."""
    found = []
    for package in packages:
        alike = [p for p in graph.packages.values() if p.module == package.module] if by_module else [package]
        chain = graph.path(package)
        importers = [each for each in graph.importers(alike) if each.name != chain[-2].name] if len(chain) > 1 else []
        if importers:
            shown = package.module if by_module else package.name
            found.append(f"{shown} by {counted(len(importers), 'other package')}")
    return [f"imported elsewhere too: {', '.join(found)}"] if found else []


def _files(package: Package, graph: Graph) -> list[str]:
    """Return which of a package's files link C, and under which constraint."""
    for name in package.go_files:
        if (line := read_go_file(package.folder / name).dynamic_import) is not None:
            return [f"{graph.shown(package, name, line)} has a //go:cgo_import_dynamic directive"]
    lines = [f"{package.name}/{name} is an object file, which is linked in as it is" for name in package.syso_files]
    constraints = {name: read_go_file(package.folder / name).constraint for name in package.cgo_files}
    # One that only names the port is no switch.
    constrained = [(name, constraint) for name, constraint in constraints.items() if _is_switch(constraint)]
    if constrained:
        name, constraint = constrained[0]
        lines.append(f"{package.name}/{name} is compiled under its constraint: {constraint}")
    return lines


# Words of a constraint that the port, the compiler and cgo decide, not a tag.
# Source: `go help buildconstraint`; internal/syslist of Go 1.27.
_DECIDED = frozenset(
    """
    cgo gc gccgo unix aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris
    wasip1 windows zos 386 amd64 arm arm64 loong64 mips mipsle mips64 mips64le ppc64 ppc64le riscv64 s390x wasm
    """.split()  # noqa: SIM905 - names read better without quotes
)


def _is_switch(constraint: str) -> bool:
    return any(word not in _DECIDED and not word.startswith("go1.") for word in re.findall(r"[\w.]+", constraint))


def _folders(facts: BinaryFacts, graph: Graph) -> list[str]:
    """Return the owners of the folders that an image names."""
    lines = []
    for path in dict.fromkeys(found.path for found in facts.content.build_paths or () if found.where == "pclntab"):
        inside = [p for p in graph.packages.values() if p.folder.as_posix().startswith((f"{path}/", path))]
        modules = sorted({p.module for p in inside if p.module})
        if any(p.standard for p in inside):
            lines.append(f"{path} is Go's own distribution (GOROOT)")
        elif modules:
            lines.append(f"{path} holds {listed(modules, most=2)}")
        elif len(inside) > 1:
            lines.append(f"{path} holds {len(inside)} packages of the main module")
        elif inside:
            lines.append(f"{path} holds {inside[0].name}")
    return lines
