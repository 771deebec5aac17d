"""The main packages of a Go module as `[[binary]]` tables: as .goreleaser.yaml builds them, or as `go build` does."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.commands.init_text import Head, Table
from pytest_golink.commands.surroundings import deciding_options, sightings
from pytest_golink.errors import BuildError, GolinkError
from pytest_golink.text.escape import escape
from pytest_golink.text.toml import toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_golink.builder import Builder
    from pytest_golink.commands.goreleaser_config import ReleaseConfig
    from pytest_golink.rules.subject import Subject
    from pytest_golink.toolchain import GoToolchain

_OPTION_HINTS = """\
# targets = ["linux/amd64", "linux/arm64"]   # one build for each; without it, one for Go's default target
# cgo = false                                # as the release is built: cgo, tags, ldflags, trimpath, buildmode, …
"""
_GATES_BUILDS = (
    "Gates golink's own builds of these packages, not the files that are shipped: compare the flags with those of the "
    'release, or gate its files, by goreleaser = "dist" or path.'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Program:
    """One program: its name, its package as the policy has it, the targets, and the options of its build."""

    name: str
    package: str
    targets: tuple[str, ...]
    options: Mapping[str, object]
    notes: tuple[str, ...] = ()


def tables_of_module(
    folder: Path, project: Path, *, cache: Path, config: ReleaseConfig | None
) -> tuple[Head, tuple[Table, ...]]:
    """
    Build the programs of a module, and return a table for each.

    Args:
        folder: The folder of go.mod.
        project: The folder of the policy.
        cache: Where images are kept.
        config: What goreleaser builds, None where the module has no file of it.

    Raises:
        GolinkError: There is no main package, or none of them builds.
    """
    from pytest_golink.builder import Builder
    from pytest_golink.toolchain import find_go

    if not (folder / "go.mod").is_file():
        raise GolinkError(
            f"{folder}: there is no go.mod: name the module's folder, or --dist a folder of what is shipped"
        )
    if not folder.is_relative_to(project):
        raise GolinkError(f"{folder}: is not in {project}, the folder of the policy; --output puts it elsewhere")
    toolchain = find_go(cache=cache)
    module, packages = _main_packages(toolchain, folder)
    of_shell = deciding_options(os.environ)
    seen = [*sightings(folder, project=project)]
    if of_shell:
        names = ["CGO_ENABLED"] * ("cgo" in of_shell) + ["CC"] * ("cc" in of_shell) + [*_environment(of_shell)]
        seen.append(f"this shell's {', '.join(names)}, written into the binaries below")
    gates = _GATES_BUILDS
    if config is not None and config.builds:
        programs = _released(config, folder, project, of_shell, toolchain)
        gates = f"Built as {config.file} builds them. {_GATES_BUILDS}"
        released = {(project / program.package).resolve() for program in programs}
        others = [path for path in packages.values() if (folder / path).resolve() not in released]
        seen += [*config.notes, *(f"./{path}: {config.file} does not release it; not in this file" for path in others)]
    else:
        target = _target(os.environ)
        programs = [
            _Program(name=name, package=_written(folder, project, path), targets=target, options=of_shell)
            for name, path in packages.items()
        ]
    builder = Builder(toolchain, rootdir=project, cache=cache, session=f"init-{os.getpid()}")
    tables = [_table(program, builder, project) for program in programs]
    if all(table.problem for table in tables):
        raise GolinkError(*(line for table in tables for line in table.problem.splitlines()))
    return Head(title=module, gates=gates, seen=tuple(seen)), tuple(tables)


def _environment(options: Mapping[str, object]) -> Mapping[str, str]:
    variables = options.get("env")
    return variables if isinstance(variables, dict) else {}


def _target(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the target that the shell's GOOS and GOARCH name, both or one; () where it names none."""
    from platform import machine

    goos, goarch = environment.get("GOOS"), environment.get("GOARCH")
    if not goos and not goarch:
        return ()
    own = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine(), machine())
    return (f"{goos or sys.platform}/{goarch or own}",)


def _released(
    config: ReleaseConfig, folder: Path, project: Path, of_shell: Mapping[str, object], toolchain: GoToolchain
) -> list[_Program]:
    programs: list[_Program] = []
    for build in config.builds:
        place = Path(os.path.normpath(folder / build.folder / build.package))
        if not place.exists():
            place = Path(os.path.normpath(folder / build.package))
        path = place.relative_to(project).as_posix() if place.is_relative_to(project) else build.package
        targets = []
        notes = list(build.notes)
        for target in build.targets:
            try:
                toolchain.parse_target(target)
            except GolinkError:
                continue
            targets.append(target)
        variables = {**_environment(of_shell), **_environment(build.options)}
        options = {**of_shell, **build.options, **({"env": variables} if variables else {})}
        names = [program.name for program in programs]
        name = build.name if build.name not in names else f"{build.name}-{len(names) + 1}"
        programs.append(
            _Program(
                name=name,
                package="." if path == "." else f"./{path}",
                targets=tuple(targets),
                options=options,
                notes=tuple(notes),
            )
        )
    return programs


def _table(program: _Program, builder: Builder, project: Path) -> Table:
    """Build a program for each of its targets, and return its table, without the targets that do not build."""
    subjects: list[Subject] = []
    built: list[str] = []
    failures: list[str] = []
    for target in program.targets or (None,):
        found = _subject(program, target, builder, project)
        if isinstance(found, str):
            failures.append(found if target is None else f"{target}: {found}")
        else:
            subjects.append(found)
            built += [target] if target else []
    lines = [f"name = {toml(program.name)}", f"package = {toml(program.package)}"]
    if targets := built or list(program.targets):
        lines.append(f"targets = {toml(targets)}")
    lines += [f"{name} = {toml(value)}" for name, value in program.options.items()]
    notes = (*program.notes, *(f"not gated: {failure}" for failure in failures))
    return Table(
        lines=tuple(lines),
        hints="" if program.targets or program.options else _OPTION_HINTS,
        subjects=tuple(subjects),
        notes=notes if subjects else (),
        problem="" if subjects else "\n".join(failures),
    )


def _subject(program: _Program, target: str | None, builder: Builder, project: Path) -> Subject | str:
    """Return the image of a program for a target, or why it does not build."""
    from pytest_golink.builder import parse_options
    from pytest_golink.rules.subject import Subject

    print(f"building {escape(program.package)}{f' for {target}' if target else ''} …", file=sys.stderr)
    # The folder in which the test run will start: a module below the policy's folder has its own go.mod.
    values = {"package": program.package, "cwd": str(project), **program.options}
    try:
        binary = builder.build(parse_options(values | ({"target": target} if target else {})))
    except GolinkError as error:
        return str(error)
    return Subject(name=program.name, facts=binary.facts, link_warnings=binary.warnings)


def _written(folder: Path, project: Path, package: str) -> str:
    """Return a package's folder in the policy's form: ./cmd/app."""
    path = (folder / package).relative_to(project).as_posix()
    return "." if path == "." else f"./{path}"


def _main_packages(toolchain: GoToolchain, folder: Path) -> tuple[str, dict[str, str]]:
    """Return the module's path, and the folders of its main packages by a unique name."""
    from pytest_golink.builder.names import program_name

    found = _listed(toolchain, folder)
    mains = {str(one["ImportPath"]): str(one["Dir"]) for one in found if one.get("Name") == "main"}
    if not mains:
        raise GolinkError(f"{folder}: none of its {len(found)} packages is a main package: there is nothing to link")
    of = found[0].get("Module")
    module = of.get("Path") if isinstance(of, dict) else None
    names = [program_name(path) or path for path in mains]
    packages = {}
    for path, directory in sorted(mains.items()):
        relative = Path(directory).resolve().relative_to(folder).as_posix()
        name = program_name(path) or path
        packages[name if names.count(name) == 1 else relative] = relative
    return str(module or folder.name), packages


def _listed(toolchain: GoToolchain, folder: Path) -> tuple[dict[str, object], ...]:
    from pytest_golink.toolchain.golist import go_list

    def listed(arguments: Iterable[str]) -> tuple[dict[str, object], ...]:
        return go_list(
            toolchain.path,
            [*arguments],
            fields=("ImportPath", "Name", "Dir", "Module"),
            version=toolchain.version,
            cwd=folder,
            environment={**os.environ, **toolchain.environment},
        )

    try:
        return listed(["./..."])
    except BuildError:
        # One package that does not parse hides the others, unless Go is to go on.
        found = listed(["-e", "./..."])
        if not any(one.get("Name") == "main" for one in found):
            raise
        return found
