"""Binaries whose package is a pattern: one for each main package that it finds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_golink.errors import GolinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pytest_golink.builder import BuildOptions
    from pytest_golink.builder.mains import MainPackage
    from pytest_golink.policy.model import PlannedBuild, Policy, PolicyBinary

    Search = Callable[[BuildOptions], tuple[MainPackage, ...]]


def expanded(policy: Policy, search: Search) -> Iterator[tuple[PolicyBinary, tuple[GolinkError, ...]]]:
    """
    Yield the binaries of a policy, for a pattern one for each main package, with the errors of their search.

    A main package with its own [[binary]] for a target is left to that one.

    Args:
        policy: The policy.
        search: Finds the main packages of a pattern for one target.
    """
    own = {key for binary in policy.binaries if not binary.pattern for key in _own(binary, policy)}
    taken = {binary.name: binary for binary in policy.binaries}
    for binary in policy.binaries:
        if not binary.pattern:
            yield binary, ()
            continue
        found, errors = _mains(binary, policy, search)
        for name, builds in _by_name(binary, found, own).items():
            other = taken.setdefault(name, binary)
            if other is not binary:
                package = builds[0].options.package
                text = f'{binary.place}: the program of {package} is called "{name}", as the binary in {other.place}: '
                errors.append(GolinkError(f"{text}give one of them a name"))
                continue
            yield replace(binary, name=name, builds=builds), ()
        if errors:
            yield replace(binary, builds=()), tuple(errors)


def _own(binary: PolicyBinary, policy: Policy) -> Iterator[tuple[str | None, str]]:
    for build in binary.builds:
        folder = policy.folder / (build.options.cwd or ".") / build.options.package
        yield build.target, str(folder.resolve()) if folder.is_dir() else build.options.package


def _mains(
    binary: PolicyBinary, policy: Policy, search: Search
) -> tuple[list[tuple[PlannedBuild, MainPackage]], list[GolinkError]]:
    found: list[tuple[PlannedBuild, MainPackage]] = []
    errors: dict[str, GolinkError] = {}
    for build in binary.builds:
        options = replace(build.options, cwd=str(policy.folder / (build.options.cwd or ".")))
        try:
            found += [(build, main) for main in search(options)]
        except GolinkError as error:
            # Most of them are the same for each target.
            errors.setdefault(str(error), error.with_traceback(None))
    return found, [*errors.values()]


def _by_name(
    binary: PolicyBinary,
    found: Iterable[tuple[PlannedBuild, MainPackage]],
    own: set[tuple[str | None, str]],
) -> Mapping[str, tuple[PlannedBuild, ...]]:
    mains = {main.import_path: main for _build, main in found}
    names = [main.name for main in mains.values()]
    builds: dict[str, tuple[PlannedBuild, ...]] = {}
    for build, main in found:
        if own & {(build.target, str(main.folder.resolve())), (build.target, main.import_path)}:
            continue
        # Two programs of one name are told apart by their packages.
        name = main.name if names.count(main.name) == 1 else main.package.removeprefix("./")
        name = f"{binary.name}/{name}" if binary.named else name
        build = replace(build, options=replace(build.options, package=main.package))
        builds[name] = (*builds.get(name, ()), build)
    return builds
