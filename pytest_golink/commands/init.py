"""`python -m pytest_golink init`: a first golink.toml, with rules that hold today."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.commands.parser import Parser
from pytest_golink.commands.proposed_rules import proposals, toml
from pytest_golink.errors import GolinkError, ToolchainError
from pytest_golink.text.escape import escape, escape_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_golink.commands.proposed_rules import Proposal, Proposals
    from pytest_golink.rules.subject import Subject
    from pytest_golink.toolchain import GoToolchain

_FILE = "golink.toml"
_POLICY = "base"
_ERROR_STATUS = 2
_LIST_TIMEOUT_S = 300.0
_OPTION_HINTS = """\
# targets = ["linux/amd64", "linux/arm64"]   # one build for each; without it, one for Go's default target
# cgo = false                                # as the release is built: cgo, tags, ldflags, trimpath, buildmode, …
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    """One `[[binary]]`: its lines, what is written under it, the targets that it must be of, and its images."""

    lines: tuple[str, ...]
    hints: str
    targets: tuple[str, ...]
    subjects: tuple[Subject, ...]


def main(arguments: Sequence[str]) -> int:
    """Write the file; give the exit status: 0, or 2 where there is nothing to write or a place that is taken."""
    parser = Parser(
        prog="python -m pytest_golink init",
        description="Write a golink.toml for the Go module at hand, or for a folder of what is shipped, with rules "
        "that hold today. The main packages are built for that; images are read, not run.",
        epilog="Exit status: 0; 2 where nothing was written.",
    )
    parser.add_argument("folder", metavar="FOLDER", nargs="?", default=".", help="the folder with go.mod; default .")
    parser.add_argument(
        "--dist", metavar="DIST", help="take the binaries and archives of this folder, and build nothing"
    )
    parser.add_argument("--output", metavar="FILE", help=f"where to write; default FOLDER/{_FILE}; - for stdout")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    options = parser.parse_args(list(arguments))
    try:
        return _init(Path(options.folder), options.dist, options.output, force=options.force)
    except BrokenPipeError:
        # The reader of the pipe has seen enough: no error of ours.
        raise
    except (GolinkError, OSError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        print(
            *(escape_error(line) for line in (f"golink: {lines[0]}", *lines[1:])),
            sep="\n",
            file=sys.stderr,
        )
        return _ERROR_STATUS


def _init(folder: Path, dist: str | None, output: str | None, *, force: bool) -> int:
    if not folder.is_dir():
        raise GolinkError(f"{folder}: no such folder")
    target = folder / _FILE if output is None else Path(output)
    to_stdout = output == "-"
    # Before minutes of building.
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
        # Not of a build: there the targets are asked for.
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
            # Where the test run will start from: a module below the policy's folder has a go.mod of its own.
            binary = builder.build(parse_options({"package": written, "cwd": str(project)}))
            subject = Subject(name=name, facts=binary.facts, link_warnings=binary.warnings)
            lines = (f"name = {toml(name)}", f"package = {toml(written)}")
            tables.append(
                _Table(lines=lines, hints=_OPTION_HINTS if not tables else "", targets=(), subjects=(subject,))
            )
    return module, tuple(tables)


def _written(folder: Path, project: Path, package: str) -> str:
    """Give a package's folder as the policy names it: ./cmd/app."""
    path = (folder / package).relative_to(project).as_posix()
    return "." if path == "." else f"./{path}"


def _main_packages(toolchain: GoToolchain, folder: Path) -> tuple[str, dict[str, str]]:
    """Give the module's path, and the folders of its main packages by a name of their own."""
    found = _go_list(toolchain, folder)
    mains = {str(one["ImportPath"]): str(one["Dir"]) for one in found if one.get("Name") == "main"}
    if not mains:
        raise GolinkError(f"{folder}: none of its {len(found)} packages is a main package: there is nothing to link")
    of = found[0].get("Module")
    module = of.get("Path") if isinstance(of, dict) else None
    last = [_last(path) for path in mains]
    packages = {}
    for path, directory in sorted(mains.items()):
        relative = Path(directory).resolve().relative_to(folder).as_posix()
        name = _last(path)
        packages[name if last.count(name) == 1 else relative] = relative
    return str(module or folder.name), packages


def _last(path: str) -> str:
    """Give the last part of an import path, as `go build` names the file: not its major version."""
    parts = path.split("/")
    major = len(parts) > 1 and parts[-1][:1] == "v" and parts[-1][1:].isdigit()
    return parts[-2] if major else parts[-1]


def _go_list(toolchain: GoToolchain, folder: Path) -> list[Mapping[str, object]]:
    from pytest_golink.toolchain.process import run

    command = [str(toolchain.path), "list", "-json=ImportPath,Name,Dir,Module", "./..."]
    try:
        done = run(command, cwd=folder, environment={**os.environ, **toolchain.environment}, timeout_s=_LIST_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolchainError(f"go list does not answer: {error}") from error
    if done.status:
        raise ToolchainError(f"go list ./... in {folder} fails:", *done.stderr.strip().splitlines())
    decoder, text, found = json.JSONDecoder(), done.stdout.strip(), []
    while text:
        one, end = decoder.raw_decode(text)
        found.append(one)
        text = text[end:].lstrip()
    return found


def _by_system(subjects: Sequence[Subject]) -> dict[str, list[Subject]]:
    """Give the images by GOOS: what one system allows, another does not."""
    groups: dict[str, list[Subject]] = {}
    for subject in subjects:
        groups.setdefault(subject.facts.target.goos if subject.facts.target else "", []).append(subject)
    return groups


def _text(
    title: str, found: Proposals, tables: Sequence[_Table], own: Sequence[Mapping[str, tuple[Proposal, ...]]]
) -> str:
    parts = [
        f"# The linkage policy of {escape(title)}: `pytest` holds every binary below against it.\n"
        "# Written by `python -m pytest_golink init` from what holds today; it is yours from now on. The rules are\n"
        "# explained in docs/rules.md of pytest-golink.\n",
        f"[policy.{_POLICY}]\n" + "\n".join(_rule(proposal) for proposal in found.held),
        "# Stricter, and not kept today. Take the # away once the build does what each one needs.\n\n"
        + "\n".join(_wish(proposal) for proposal in found.broken),
    ]
    for table, by_system in zip(tables, own, strict=True):
        parts.append("\n".join(_binary(table, by_system)) + "\n" + table.hints)
    return "\n".join(parts)


def _binary(table: _Table, own: Mapping[str, tuple[Proposal, ...]]) -> Iterator[str]:
    """Yield the lines of one binary: stricter rules than the policy's where all of its images of a system keep them."""
    yield from ("[[binary]]", *table.lines, f'policy = "{_POLICY}"')
    everywhere = [proposal.line() for proposal in next(iter(own.values()))] if len(own) == 1 else []
    rules = [f"target = {toml(table.targets)}"] if table.targets else []
    if rules or everywhere:
        yield f"rules = {{ {', '.join([*rules, *everywhere])} }}"
    if len(own) > 1:
        for system, proposals_ in own.items():
            if system and proposals_:
                yield from ("", "[[binary.override]]", f'targets = ["{system}/*"]')
                yield f"rules = {{ {', '.join(proposal.line() for proposal in proposals_)} }}"


def _rule(proposal: Proposal) -> str:
    return f"# {proposal.why}\n{proposal.line()}\n"


def _wish(proposal: Proposal) -> str:
    return f"# {proposal.why}\n#   needs: {proposal.needs}\n#   today: {proposal.observed}\n# {proposal.line()}\n"
