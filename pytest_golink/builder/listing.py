"""The packages of a build that was made: what Go lists with its own flags, and what its source adds to an image."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_golink.errors import BuildError
from pytest_golink.toolchain.packages import compile_error, list_packages, unknown_part, words_of
from pytest_golink.traits import RUNTIME_CGO

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink.builder.job import BuildJob
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.toolchain import GoToolchain
    from pytest_golink.toolchain.packages import Package

    # Names and values of environment variables.
    Variables = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """The packages of a build; `unknown` is Go's words where they are not all known, else ""."""

    packages: tuple[Package, ...] = ()
    unknown: str = ""


def listing(job: BuildJob, toolchain: GoToolchain, changed: Variables = ()) -> Listing:
    """Return the packages of a build, or of the same build with some variables of its environment changed."""
    environment = environment_of(job, toolchain, changed)
    return _listed(toolchain.path, toolchain.version, job.folder, job.package, job.flags, environment)


def error_with(job: BuildJob, toolchain: GoToolchain, changed: Variables) -> str | None:
    """
    Return the first compile error of a build whose environment is changed, None where all of it compiles.

    Raises:
        BuildError: Go did not answer.
    """
    environment = environment_of(job, toolchain, changed)
    return _compiled(toolchain.path, job.folder, job.package, job.flags, environment)


def environment_of(job: BuildJob, toolchain: GoToolchain, changed: Variables = ()) -> Variables:
    """Return the whole environment of a build, sorted, with some variables changed."""
    # GOFLAGS of Go's own file counts too; the environment's comes before it.
    flags = toolchain.settings.get("GOFLAGS", "")
    file = {"GOFLAGS": flags} if flags else {}
    return tuple(sorted({**file, **os.environ, **job.environment, **dict(changed)}.items()))


@lru_cache(maxsize=64)
def _listed(
    go: Path, version: str, folder: Path, package: str, flags: tuple[str, ...], environment: Variables
) -> Listing:
    try:
        packages = list_packages(go, package, flags, version=version, cwd=folder, environment=dict(environment))
    except BuildError as error:
        return Listing(unknown=words_of(error))
    return Listing(packages=packages, unknown=unknown_part(packages))


@lru_cache(maxsize=64)
def _compiled(go: Path, folder: Path, package: str, flags: tuple[str, ...], environment: Variables) -> str | None:
    return compile_error(go, package, flags, cwd=folder, environment=dict(environment))


def with_source(facts: BinaryFacts, job: BuildJob, toolchain: GoToolchain) -> BinaryFacts:
    """
    Return the facts of an image with the packages of its build whose C leaves no wrapper in it.

    Such C is only a constructor, a variable, or a function whose address is taken. Go's own linker drops the C of a
    package of the standard library that nothing reaches; the C compiler's linker keeps all.
    """
    if not facts.cgo.used:
        return facts
    listed = listing(job, toolchain)
    if listed.unknown or not listed.packages:
        unknown = listed.unknown or "no packages"
        return replace(facts, cgo=replace(facts.cgo, source_error=unknown))
    external = facts.link_mode == "external"
    names = {
        "main" if package.main else package.name
        for package in listed.packages
        if _links_c(package, facts) and (external if package.standard else True)
    }
    found = tuple(sorted(names - {*facts.cgo.packages}))
    packages = tuple(sorted({*facts.cgo.packages, *found}))
    return replace(facts, cgo=replace(facts.cgo, packages=packages, from_source=found))


def _links_c(package: Package, facts: BinaryFacts) -> bool:
    if package.name == RUNTIME_CGO or (package.standard and package.name.startswith("runtime/")):
        return False
    # For Windows an object file most often holds only resources, such as an icon.
    return package.uses_cgo or bool(package.syso_files and not package.standard and facts.format != "pe")
