"""The main packages that a pattern of packages finds: "./...", "./cmd/*", "example.com/app/cmd/..."."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pytest_golink.archives.globs import is_glob
from pytest_golink.builder.names import program_name
from pytest_golink.errors import BuildError
from pytest_golink.toolchain.golist import go_list

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_golink.toolchain import GoToolchain

_FIELDS = ("Dir", "ImportPath", "Name", "Error", "GoFiles", "CgoFiles")
# Go's own patterns leave these folders out. Source: `go help packages`.
_LEFT_OUT = ("testdata", "vendor")
_MOST_NAMED = 5
_ANY = "..."


@dataclass(frozen=True, kw_only=True, slots=True)
class MainPackage:
    """
    A main package that a pattern found.

    Attributes:
        import_path: Its import path.
        folder: Its folder.
        package: The package as options of a build name it: its folder from `cwd`, or the import path where the pattern
            has import paths.
    """

    import_path: str
    folder: Path
    package: str

    @property
    def name(self) -> str:
        """The name that Go gives its program."""
        return program_name(self.import_path) or self.folder.name


def main_packages(
    toolchain: GoToolchain, pattern: str, cwd: Path, *, flags: Sequence[str], environment: Mapping[str, str]
) -> tuple[MainPackage, ...]:
    """
    Return the main packages that a pattern finds for one target, sorted by import path.

    "..." is Go's own wildcard: it stays inside one module (or workspace). "*" stands for one folder, also where that
    has its own go.mod. A package of which the target's build constraints leave no file is none.

    Args:
        toolchain: The Go toolchain.
        pattern: The pattern, relative to `cwd`, or of import paths.
        cwd: The folder.
        flags: The build's flags: they decide which files there are.
        environment: The whole environment of the build.

    Raises:
        BuildError: The pattern finds no main package, or a package that it finds cannot be loaded.
    """
    folders = _folders(pattern, cwd)
    searches = {cwd: [pattern]} if folders is None else _by_module(folders)
    found: dict[str, MainPackage] = {}
    wrong: list[str] = []
    count = 0
    for where, arguments in searches.items():
        entries = go_list(
            toolchain.path,
            ["-e", *flags, *arguments],
            fields=_FIELDS,
            version=toolchain.version,
            cwd=where,
            environment=environment,
        )
        for entry in entries:
            has_files = bool(entry.get("GoFiles") or entry.get("CgoFiles"))
            if entry.get("Name") == "main" and has_files:
                # If it has an error, its build will show all of it.
                main = _main(entry, cwd, by_folder=folders is not None)
                found[main.import_path] = main
            elif (error := entry.get("Error")) and not _is_left_out(str(error.get("Err", "")), has_files=has_files):
                wrong.append(f"{entry['ImportPath']}: {error.get('Err', '')}".strip())
            count += has_files
    if wrong:
        raise _error(f'package = "{pattern}": these packages cannot be loaded', wrong)
    if not found:
        what = "no package that it finds is a main package" if count else "it finds no package"
        raise _error(f'package = "{pattern}": {what} in {cwd}')
    return tuple(found[path] for path in sorted(found))


def _is_left_out(error: str, *, has_files: bool) -> bool:
    # Source: go/build, NoGoError; cmd/go/internal/load, NoGoError: a folder of tests, or of files for other targets.
    return not has_files and any(
        text in error
        for text in ("build constraints exclude all Go files", "no Go files in", "no non-test Go files in")
    )


def _main(entry: Mapping[str, Any], cwd: Path, *, by_folder: bool) -> MainPackage:
    folder = Path(entry["Dir"])
    package = str(entry["ImportPath"])
    if by_folder:
        relative = Path(os.path.relpath(folder.resolve(), cwd.resolve())).as_posix()
        package = relative if relative.startswith(".") else f"./{relative}"
    return MainPackage(import_path=str(entry["ImportPath"]), folder=folder, package=package)


def _folders(pattern: str, cwd: Path) -> list[Path] | None:
    """Return the folders that a pattern finds, the last part of each perhaps "..."; None for import paths."""
    path = PurePosixPath(pattern)
    parts = [part for part in path.parts if part != "."]
    if not (pattern.startswith(".") or path.is_absolute()) and not (parts[0] == _ANY or (cwd / parts[0]).is_dir()):
        if is_glob(pattern):
            raise _error(f'package = "{pattern}": there is no folder {cwd / parts[0]}; "..." finds import paths')
        return None
    folders = [Path(parts.pop(0)) if path.is_absolute() else cwd]
    while parts and _ANY not in parts[0]:
        part = parts.pop(0)
        below = [
            each for folder in folders for each in (sorted(folder.glob(part)) if is_glob(part) else [folder / part])
        ]
        folders = [each for each in below if each.is_dir() and not (is_glob(part) and _is_private(each.name))]
    return [folder.joinpath(*parts) for folder in folders if parts or any(folder.glob("*.go"))]


def _is_private(name: str) -> bool:
    return name.startswith((".", "_")) or name in _LEFT_OUT


def _by_module(folders: Sequence[Path]) -> dict[Path, list[str]]:
    """Return the folders by the module that each one is in: the folder to run `go list` in, and its arguments."""
    searches: dict[Path, list[str]] = {}
    for folder in folders:
        start = folder
        while _ANY in start.as_posix():
            start = start.parent
        module = next((each for each in (start, *start.parents) if (each / "go.mod").is_file()), start)
        searches.setdefault(module, []).append(str(folder))
    return searches


def _error(what: str, lines: Sequence[str] = ()) -> BuildError:
    more = [f"and {len(lines) - _MOST_NAMED} more"] if len(lines) > _MOST_NAMED else []
    output = "\n".join([*lines[:_MOST_NAMED], *more])
    return BuildError(what, command=(), status=0, output=output)
