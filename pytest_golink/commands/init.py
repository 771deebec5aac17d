"""`golink init`: write a first golink.toml, with rules that hold today."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.commands.proposed_rules import proposals
from pytest_golink.errors import GolinkError
from pytest_golink.text.escape import escape
from pytest_golink.text.toml import toml

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_golink.commands.proposed_rules import Proposals, ProposedRule
    from pytest_golink.rules.subject import Subject
    from pytest_golink.toolchain import GoToolchain

_FILE = "golink.toml"
_POLICY = "base"
_OPTION_HINTS = """\
# targets = ["linux/amd64", "linux/arm64"]   # one build for each; without it, one for Go's default target
# cgo = false                                # as the release is built: cgo, tags, ldflags, trimpath, buildmode, …
"""
_PATTERN_HINT = """\
# package = "./..."                          # in one [[binary]]: all programs, those that are added later too
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    """One `[[binary]]`: its lines, the lines under it, the targets that its rules require, and its images."""

    lines: tuple[str, ...]
    hints: str
    targets: tuple[str, ...]
    subjects: tuple[Subject, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = (
        "Write a golink.toml for the Go module at hand, or for a folder of what is shipped, with rules that hold "
        "today. golink builds the main packages for that; it reads images, and does not run them."
    )
    parser.epilog = "Exit status: 0; 2 where nothing was written."
    parser.add_argument("folder", metavar="FOLDER", nargs="?", default=".", help="the folder with go.mod; default .")
    parser.add_argument(
        "--dist", metavar="DIST", help="take the binaries and archives of this folder, and build nothing"
    )
    parser.add_argument("--output", metavar="FILE", help=f"where to write; default FOLDER/{_FILE}; - for stdout")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")


def run(options: argparse.Namespace) -> int:
    """
    Write the file; return 0.

    Raises:
        GolinkError: There is nothing to write, or the place is taken.
        OSError: A file cannot be read or written.
    """
    return _init(Path(options.folder), options.dist, options.output, force=options.force)


def _init(folder: Path, dist: str | None, output: str | None, *, force: bool) -> int:
    if not folder.is_dir():
        raise GolinkError(f"{folder}: no such folder")
    target = folder / _FILE if output is None else Path(output)
    to_stdout = output == "-"
    # Check this before a build of some minutes.
    if not to_stdout and target.exists() and not force:
        raise GolinkError(f"{target}: is there already; --force writes over it, --output FILE writes elsewhere")
    # Paths in a policy are relative to its own folder.
    project = (folder if to_stdout else target.parent).resolve()
    title, tables = _of_module(folder.resolve(), project) if dist is None else _of_dist(folder, dist, project)
    groups = [_by_system(table.subjects) for table in tables]
    found = proposals([subjects for group in groups for subjects in group.values()])
    own = iter(found.own)
    text = _text(title, found, tables, [{system: next(own) for system in group} for group in groups])
    if to_stdout:
        print(text, end="")
        return 0
    target.write_text(text, encoding="utf-8")
    count = "1 binary" if len(tables) == 1 else f"{len(tables)} binaries"
    print(f"wrote {escape(str(target))}: {count}, {len(found.held)} rules that hold today")
    print(f"next: pytest {escape(str(target))}")
    return 0


def _of_dist(folder: Path, dist: str, project: Path) -> tuple[str, tuple[_Table, ...]]:
    from pytest_golink.commands.shipped import shipped

    place = (folder / dist).resolve()
    if not place.is_dir():
        raise GolinkError(f"{folder / dist}: no such folder")
    if not place.is_relative_to(project) or place == project:
        raise GolinkError(
            f"{folder / dist}: is not below {project}, the folder of the policy; --output puts it elsewhere"
        )
    tables = []
    for one in shipped(place, project):
        named = [f"name = {toml(one.name)}"]
        if one.goreleaser is not None:
            named.append(f"goreleaser = {toml(one.goreleaser)}")
        else:
            named.append(_path(one.paths))
        # Only for prebuilt images: for a build the user chooses the targets.
        targets = tuple(sorted({str(subject.facts.target) for subject in one.subjects if subject.facts.target}))
        tables.append(_Table(lines=tuple(named), hints="", targets=targets, subjects=one.subjects))
    return f"what is shipped in {place.relative_to(project).as_posix()}", tuple(tables)


def _path(globs: Sequence[str]) -> str:
    if len(globs) == 1:
        return f"path = {toml(globs[0])}"
    return "\n".join(["path = [", *(f"    {toml(glob)}," for glob in globs), "]"])


def _of_module(folder: Path, project: Path) -> tuple[str, tuple[_Table, ...]]:
    from pytest_golink.builder import Builder, parse_options
    from pytest_golink.rules.subject import Subject
    from pytest_golink.toolchain import find_go

    if not (folder / "go.mod").is_file():
        raise GolinkError(
            f"{folder}: there is no go.mod: name the module's folder, or --dist a folder of what is shipped"
        )
    if not folder.is_relative_to(project):
        raise GolinkError(f"{folder}: is not in {project}, the folder of the policy; --output puts it elsewhere")
    with tempfile.TemporaryDirectory(prefix="golink-", ignore_cleanup_errors=True) as temporary:
        toolchain = find_go(cache=Path(temporary))
        module, packages = _main_packages(toolchain, folder)
        builder = Builder(toolchain, rootdir=project, cache=Path(temporary), session="init")
        tables: list[_Table] = []
        for name, package in packages.items():
            written = _written(folder, project, package)
            print(f"building {escape(written)} …", file=sys.stderr)
            # The folder in which the test run will start: a module below the policy's folder has its own go.mod.
            binary = builder.build(parse_options({"package": written, "cwd": str(project)}))
            subject = Subject(name=name, facts=binary.facts, link_warnings=binary.warnings)
            lines = (f"name = {toml(name)}", f"package = {toml(written)}")
            hints = "" if tables else _OPTION_HINTS + (_PATTERN_HINT if len(packages) > 1 else "")
            tables.append(_Table(lines=lines, hints=hints, targets=(), subjects=(subject,)))
    return module, tuple(tables)


def _written(folder: Path, project: Path, package: str) -> str:
    """Return a package's folder in the policy's form: ./cmd/app."""
    path = (folder / package).relative_to(project).as_posix()
    return "." if path == "." else f"./{path}"


def _main_packages(toolchain: GoToolchain, folder: Path) -> tuple[str, dict[str, str]]:
    """Return the module's path, and the folders of its main packages by a unique name."""
    from pytest_golink.builder.names import program_name
    from pytest_golink.toolchain.golist import go_list

    found = go_list(
        toolchain.path,
        ["./..."],
        fields=("ImportPath", "Name", "Dir", "Module"),
        version=toolchain.version,
        cwd=folder,
        environment={**os.environ, **toolchain.environment},
    )
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


def _by_system(subjects: Sequence[Subject]) -> dict[str, list[Subject]]:
    """Return the images by GOOS: the rules that hold differ between systems."""
    groups: dict[str, list[Subject]] = {}
    for subject in subjects:
        groups.setdefault(subject.facts.target.goos if subject.facts.target else "", []).append(subject)
    return groups


def _text(
    title: str, found: Proposals, tables: Sequence[_Table], own: Sequence[Mapping[str, tuple[ProposedRule, ...]]]
) -> str:
    parts = [
        f"# The linkage policy of {escape(title)}: `pytest` holds every binary below against it.\n"
        "# Written by `golink init` from what holds today; it is yours from now on. The rules are\n"
        "# explained in docs/rules.md of pytest-golink.\n",
        f"[policy.{_POLICY}]\n" + "\n".join(_rule(proposed) for proposed in found.held),
        "# Stricter, and not kept today. Take the # away once the build does what each one needs.\n\n"
        + "\n".join(_wish(proposed) for proposed in found.broken),
    ]
    for table, by_system in zip(tables, own, strict=True):
        parts.append("\n".join(_binary(table, by_system)) + "\n" + table.hints)
    return "\n".join(parts)


def _binary(table: _Table, own: Mapping[str, tuple[ProposedRule, ...]]) -> Iterator[str]:
    """Yield the lines of one binary, with stricter rules than the policy's if all its images of a system keep them."""
    yield from ("[[binary]]", *table.lines, f'policy = "{_POLICY}"')
    everywhere = [proposed.line() for proposed in next(iter(own.values()))] if len(own) == 1 else []
    rules = [f"target = {toml(table.targets)}"] if table.targets else []
    if rules or everywhere:
        yield f"rules = {{ {', '.join([*rules, *everywhere])} }}"
    if len(own) > 1:
        for system, proposals_ in own.items():
            if system and proposals_:
                yield from ("", "[[binary.override]]", f'targets = ["{system}/*"]')
                yield f"rules = {{ {', '.join(proposed.line() for proposed in proposals_)} }}"


def _rule(proposed: ProposedRule) -> str:
    return f"# {proposed.proposal.why}\n{proposed.line()}\n"


def _wish(proposed: ProposedRule) -> str:
    proposal = proposed.proposal
    return f"# {proposal.why}\n#   needs: {proposal.needs}\n#   today: {proposed.observed}\n# {proposed.line()}\n"
