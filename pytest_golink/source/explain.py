"""The cause of a violation, in the source that the image was built from, or in what the image alone shows."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_golink.diagnosis.calls import call_lines
from pytest_golink.diagnosis.imported import importer_lines
from pytest_golink.diagnosis.origin import always_dynamic, own_cgo_packages, setting
from pytest_golink.diagnosis.sizes import module_of, size_lines
from pytest_golink.errors import GolinkError
from pytest_golink.source.candidates import candidates
from pytest_golink.source.graph import Graph, list_packages
from pytest_golink.source.spelling import as_flags
from pytest_golink.text.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pytest_golink.builder.binary import Origin
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Finding
    from pytest_golink.source.graph import Package

# Rules that an image may violate because C is linked in, …
_BY_CGO = frozenset(
    {
        "static", "self-contained", "no-libc", "needs-libc", "only-needs", "interpreter", "no-interpreter",
        "glibc-at-most", "no-imports", "no-getaddrinfo-warning", "no-link-warnings", "no-cgo", "only-cgo-packages",
        "linkmode", "resolver", "user-lookup", "runs-on", "starts-alone", "ignores-preload", "same-linkage",
        "claims-hold",
    }
)  # fmt: skip
# … or because it is not.
_FOR_WANT_OF_CGO = frozenset(
    {"dynamic", "needs-libc", "needs", "imports", "linkmode", "resolver", "user-lookup", "fips"}
)
_ABOUT_LINKAGE = frozenset({"static", "self-contained", "no-interpreter", "interpreter", "no-libc", "starts-alone"})
# More chains than this say the same thing again.
_CHAINS = 4
_REMEDIES = 2
_FILES = 4


def explain(finding: Finding, facts: BinaryFacts, origin: Origin | None = None) -> Finding:
    """
    Give a violated finding with its cause in the source, where there is one; any other as it is.

    Args:
        finding: What a rule answered.
        facts: The image that it was asked of.
        origin: The build of that image, None for one that was not built here: then the image alone is asked.
    """
    if finding.outcome != "violated":
        return finding
    lines = [*finding.cause, *_from_image(finding, facts)]
    if origin is not None:
        lines += _settings(finding, facts, origin)
        if (graph := _graph(origin)) is not None:
            packages = _at_issue(finding, facts, graph)
            lines += [line for package in packages for line in _files(package, graph, origin)]
            lines += _folders(finding, facts, graph)
            finding = replace(
                finding,
                remedy=finding.remedy or _flags(finding, facts, origin),
                chains=tuple(chain for package in packages if (chain := graph.chain(package))),
            )
    return replace(finding, cause=tuple(dict.fromkeys(lines)))


def _flags(finding: Finding, facts: BinaryFacts, origin: Origin) -> tuple[str, ...]:
    """Give the flags that may mend what the rule itself, which does not know the build, has no remedy for."""
    options = origin.job.options
    changes = [as_flags(options, one.applied(options)) for one in candidates(finding, facts, options)]
    return tuple(f"{'or ' if number else ''}{change}" for number, change in enumerate(changes[:_REMEDIES]))


def _from_image(finding: Finding, facts: BinaryFacts) -> list[str]:
    """Say what the image alone shows: the modules of its cgo packages, and what takes the room."""
    if finding.rule == "max-size":
        # The reader is slow to import, and a run in which nothing fails need not.
        from pytest_golink.reader import read_package_sizes

        sizes: Sequence[tuple[str, int]] = ()
        with suppress(GolinkError):
            sizes = read_package_sizes(facts.path)
        return size_lines(facts, sizes)
    if finding.rule in _BY_CGO and facts.cgo.used:
        modules = {package: module_of(facts, package) for package in own_cgo_packages(facts) if package != "main"}
        lines = [f"{package} is of module {module}" for package, module in modules.items() if module]
        return [*lines[:_CHAINS], *call_lines(finding, facts)]
    return importer_lines(finding, facts)


def _settings(finding: Finding, facts: BinaryFacts, origin: Origin) -> list[str]:
    """Say who turned on, or off, what the violation comes from: an option of the build, the environment, go.env."""
    options, toolchain = origin.job.options, origin.builder.toolchain
    if finding.rule == "no-instrumentation":
        return [
            line
            for kind in ("race", "msan", "asan", "cover")
            if setting(facts, f"-{kind}") == "true"
            for line in [_asked_by(origin, f"-{kind}", asked=kind == "race" and options.race)]
        ]
    pie = setting(facts, "-buildmode") == "pie" and facts.hardening.pie
    # Where -msan needs PIE, Go sets it.
    if pie and finding.rule in _ABOUT_LINKAGE and setting(facts, "-msan") != "true":
        return [_asked_by(origin, "-buildmode=pie", asked=options.buildmode == "pie")]
    used = finding.rule in _BY_CGO and facts.cgo.used is True
    unused = finding.rule in _FOR_WANT_OF_CGO and facts.cgo.used is False and facts.cgo.enabled is False
    if not used and not unused:
        return []
    state = "on" if used else "off"
    if options.cgo is not None:
        return [f"cgo is {state} because this build asks for it: cgo = {str(options.cgo).lower()}"]
    if "CGO_ENABLED" in dict(options.env):
        return [f"cgo is {state} because of this build's env: CGO_ENABLED={dict(options.env)['CGO_ENABLED']}"]
    if origin.job.target != toolchain.target:
        return [f"cgo is {state} for {origin.job.target}: off by default where Go cross-compiles"] if unused else []
    return [f"cgo is {state} by default: {toolchain.cgo_reason}"]


def _asked_by(origin: Origin, flag: str, *, asked: bool) -> str:
    if asked:
        return f"{flag} is asked for by this build's options"
    # Go sets none of these flags by itself, and asks its file where the environment has nothing.
    environment = {**os.environ, **origin.job.environment}
    file = environment.get("GOENV") or origin.builder.toolchain.settings.get("GOENV", "go.env")
    return f"{flag} comes from GOFLAGS in {'the environment' if environment.get('GOFLAGS') else file}"


def _at_issue(finding: Finding, facts: BinaryFacts, graph: Graph) -> list[Package]:
    """Give the packages whose imports the violation comes from."""
    if always_dynamic(facts) and finding.rule in _ABOUT_LINKAGE:
        return []
    if finding.rule == "no-modules":
        return _first_of_each_module(graph, finding.names("modules"))
    if finding.rule == "no-dynamic-imports" or (finding.rule in _BY_CGO and not facts.cgo.used):
        return dynamic_importers(graph) if facts.cgo.dynamic_imports else []
    if finding.rule not in _BY_CGO:
        return []
    named = [package for name in own_cgo_packages(facts) if (package := graph.package(name)) is not None]
    packages = named or list(graph.cgo_packages())
    if finding.rule == "only-cgo-packages":
        globs = finding.names("packages")
        packages = [p for p in packages if not any(fnmatchcase(name, glob) for name in _names(p) for glob in globs)]
    return packages[:_CHAINS]


def _names(package: Package) -> tuple[str, ...]:
    return (package.name, "main") if package.main else (package.name,)


def dynamic_importers(graph: Graph) -> list[Package]:
    """Give the packages outside the standard library with a `//go:cgo_import_dynamic` directive."""
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
    """Say which of a package's files link C, under which constraint, and what is left of it without cgo."""
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
    """Say what `CGO_ENABLED=0` leaves of a package: some of its files, or none."""
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


def _folders(finding: Finding, facts: BinaryFacts, graph: Graph) -> list[str]:
    """Say whose folders an image names."""
    if finding.rule != "no-build-paths":
        return []
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
