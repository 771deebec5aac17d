"""The causes that golink shows, held against `go list -deps` and the sources themselves."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter, deque
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_golink.rules import check, rule_named
from pytest_golink.rules.subject import Subject
from pytest_golink.source import explain
from tests.slow.programs.facts import Check
from tests.slow.programs.sources import plain_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_golink.builder import BuiltImage
    from pytest_golink.findings import Finding, ImportStep

_CGO = "runtime/cgo"
# golink shows the chains of this many packages.
_CHAINS = 4
# So many modules of a program are asked for.
_MODULES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """The packages of a build, by import path, as `go list -deps` prints them; `main` is the main package's path."""

    packages: Mapping[str, Mapping[str, Any]]
    main: str

    @property
    def with_c(self) -> set[str]:
        """The packages with `import "C"`, without runtime/cgo."""
        return {name for name, package in self.packages.items() if package.get("CgoFiles") and name != _CGO}

    def imports(self, name: str) -> list[str]:
        """Return what a package imports; one with `import "C"` imports runtime/cgo by it."""
        package = self.packages[name]
        renamed = package.get("ImportMap") or {}
        found = [renamed.get(path, path) for path in package.get("Imports") or () if path != "C"]
        return [*found, _CGO] if name in self.with_c else found

    def of_module(self, module: str) -> list[str]:
        """Return the packages of a module."""
        return [name for name, one in self.packages.items() if (one.get("Module") or {}).get("Path") == module]

    def largest_modules(self) -> list[str]:
        """Return the modules, except the main one, with the most packages: near and far ones."""
        modules = [one["Module"] for one in self.packages.values() if one.get("Module")]
        counts = Counter(module["Path"] for module in modules if not module.get("Main"))
        return sorted(counts, key=lambda path: (-counts[path], path))[:_MODULES]

    def distance(self, goal: str) -> int:
        """Return how many imports lead from the main package to another one."""
        far = {self.main: 0}
        waiting = deque([self.main])
        while waiting:
            name = waiting.popleft()
            for path in self.imports(name):
                if path not in far and path in self.packages:
                    far[path] = far[name] + 1
                    waiting.append(path)
        return far.get(goal, -1)


def list_packages(image: BuiltImage) -> Listed:
    """List the packages of a build with its own flags, by Go itself."""
    assert image.origin is not None
    job = image.origin.job
    command = [
        "go",
        "list",
        "-deps",
        "-json=ImportPath,Dir,Name,DepOnly,CgoFiles,Imports,ImportMap,Module",
        *job.flags,
        job.package,
    ]
    environment = {**plain_environment(job.options), **job.environment}
    done = subprocess.run(command, cwd=job.folder, env=environment, capture_output=True, text=True, check=True)
    decoder, text, at = json.JSONDecoder(), done.stdout.strip(), 0
    packages = {}
    while at < len(text):
        entry, at = decoder.raw_decode(text, at)
        packages[entry["ImportPath"]] = entry
        at += len(text[at:]) - len(text[at:].lstrip())
    return Listed(packages=packages, main=next(n for n, p in packages.items() if not p.get("DepOnly")))


def check_causes(image: BuiltImage, listed: Listed) -> Iterator[Check]:
    """Yield what is right and wrong in the causes of an image's violations."""
    facts = image.facts
    linked = _CGO in listed.packages
    yield Check(what="cgo used (go list)", ours=facts.cgo.used, theirs=linked)
    own = {listed.main if name == "main" else name for name in facts.cgo.packages} - {_CGO}
    yield Check(what="cgo packages without import C (go list)", ours=sorted(own - listed.with_c), theirs=[])
    for rule, value, wanted in _asked(image, listed):
        finding = _explained(rule, value, image)
        if finding.outcome != "violated":
            continue
        goals = {_goal(chain) for chain in finding.chains}
        yield Check(what=f"{rule}: has a cause", ours=bool(finding.cause or finding.chains), theirs=True)
        if wanted is not None and len(wanted) <= _CHAINS:
            yield Check(what=f"{rule}: packages", ours=sorted(goals), theirs=sorted(wanted))
        elif wanted is not None:
            yield Check(what=f"{rule}: as many packages as are shown", ours=len(goals & wanted), theirs=_CHAINS)
            yield Check(what=f"{rule}: other packages", ours=sorted(goals - wanted), theirs=[])
        for chain in finding.chains:
            yield from _check_chain(rule, chain, listed)
    for module in listed.largest_modules():
        finding = _explained("no-modules", [module], image)
        near = min(listed.distance(name) for name in listed.of_module(module))
        far = [listed.distance(_goal(chain)) for chain in finding.chains]
        yield Check(what=f"no-modules {module}: the nearest package", ours=far, theirs=[near])
        for chain in finding.chains:
            yield from _check_chain(f"no-modules {module}", chain, listed)


def _asked(image: BuiltImage, listed: Listed) -> Iterator[tuple[str, object, set[str] | None]]:
    """Yield rules with the packages that their causes must name, None where several sets of them are right."""
    yield "no-cgo", True, listed.with_c
    yield "static", True, None
    if "cgo" in (image.facts.resolver or ()):
        yield "resolver", ["go"], {"net"}
    if "system" in (image.facts.content.user_lookup or ()):
        yield "user-lookup", "files", {"os/user"}


def _explained(rule: str, value: object, image: BuiltImage) -> Finding:
    subject = Subject(name=image.name, facts=image.facts, link_warnings=image.warnings, may_run=True)
    parameters = rule_named(rule).accept(value)
    return explain(check(rule, subject, parameters or {}), image.facts, image)


def _goal(chain: tuple[ImportStep, ...]) -> str:
    return chain[-2].package if chain[-1].package == _CGO and len(chain) > 1 else chain[-1].package


def _check_chain(rule: str, chain: tuple[ImportStep, ...], listed: Listed) -> Iterator[Check]:
    goal = _goal(chain)
    what = f"{rule}: chain to {goal}"
    length = len(chain) - 1 - (chain[-1].package == _CGO and goal != _CGO)
    yield Check(what=f"{what}: as short as can be", ours=length, theirs=listed.distance(goal))
    wrong = [
        f"{step.package} at {step.place} → {following.package}"
        for step, following in pairwise(chain)
        if not _imports_there(step, following.package, listed)
    ]
    yield Check(what=f"{what}: places", ours=wrong, theirs=[])


def _imports_there(step: ImportStep, imported: str, listed: Listed) -> bool:
    """Whether the line of the source that a step names is the import of the next package."""
    package = listed.packages.get(step.package)
    if package is None or step.place is None:
        return False
    place, _, line = step.place.rpartition(":")
    file = Path(package["Dir"]) / Path(place).name
    try:
        text = file.read_text(encoding="utf-8").splitlines()[int(line) - 1]
    except (OSError, IndexError):
        return False
    written = re.findall(r'["`]([^"`]+)["`]', text)
    renamed = package.get("ImportMap") or {}
    return any(("C" in written and imported == _CGO, *(renamed.get(path, path) == imported for path in written)))
