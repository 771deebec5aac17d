"""
Copies of a package's sources: its module, the modules beside it that go.mod or go.work name, its repository.

golink does not copy the module cache or GOROOT, which are the same for every build on this machine.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_MOST_FILES = 200_000
_MOST_BYTES = 4 << 30
# The parts of a git folder that `go build` reads through git, except objects, which git reads in the original.
_GIT_FILES = ("HEAD", "config", "index", "packed-refs", "shallow")
_GIT_FOLDERS = ("refs", "info", "reftable")
# The mark of a cache folder, by the "Cache Directory Tagging Specification"; pytest's cache folder has it.
_CACHE_TAG = "CACHEDIR.TAG"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """The files to copy: whole folders, none inside another, single files, and go.work, None where none applies."""

    folders: tuple[Path, ...]
    files: tuple[Path, ...]
    work: Path | None

    @property
    def common(self) -> Path:
        """The folder that holds all of them."""
        return Path(os.path.commonpath([*self.folders, *(file.parent for file in self.files)]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Copied:
    """A copy: of the folder in which `go build` runs, of go.work, None where none applies; and what `common` holds."""

    folder: Path
    work: Path | None
    common: Path


def copy_sources(
    source: Path, destination: Path, run_go: Callable[[Sequence[str]], str], *, modfile: Path | None = None
) -> Copied:
    """
    Copy the sources of a build, and keep the folders' positions to each other.

    If git knows the module, golink copies the whole repository, since the build info records its state, except the
    files of cache folders (CACHEDIR.TAG) and git's objects. It copies symbolic links as links.

    Args:
        source: The folder in which `go build` runs.
        destination: The folder of the copy, which golink makes.
        run_go: Runs `go` there with these words, for the package, and returns its output.
        modfile: The file in place of go.mod, None where there is none.

    Raises:
        BuildError: There is no module, or more than a bound of files or bytes.
    """
    plan = _plan(source, run_go, modfile)
    common = plan.common
    budget = _Budget(common)
    for folder in plan.folders:
        _copy_tree(folder, destination / folder.relative_to(common), budget)
    for file in plan.files:
        _copy_file(file, destination / file.relative_to(common), budget)
    work = None if plan.work is None else destination / plan.work.relative_to(common)
    return Copied(folder=destination / source.relative_to(common), work=work, common=common)


def _plan(source: Path, run_go: Callable[[Sequence[str]], str], modfile: Path | None) -> _Plan:
    known = json.loads(run_go(("env", "-json", "GOMOD", "GOWORK", "GOMODCACHE", "GOROOT")))
    if not known["GOMOD"] or known["GOMOD"] == os.devnull:
        raise BuildError(f"{source} is in no Go module: it cannot be copied", command=(), status=0, output="")
    module = Path(known["GOMOD"]).resolve().parent
    work = None if known["GOWORK"] in ("", "off") else Path(known["GOWORK"]).resolve()
    wanted = {_repository(module) or module, source}
    wanted |= _imported_modules(run_go, outside=(known["GOMODCACHE"], known["GOROOT"]))
    module_files = {module / "go.mod"}
    if work is not None:
        used = _used_modules(work, run_go)
        wanted |= used
        module_files |= {work, *(folder / "go.mod" for folder in used)}
        if (work.parent / "vendor").is_dir():
            wanted.add(work.parent / "vendor")
    # Go reads a replacement's go.mod even if the package imports nothing of it.
    for file in module_files:
        wanted |= _replacements(file, file.parent, run_go, is_work=file == work)
    if modfile is not None:
        wanted |= _replacements(modfile, module, run_go, is_work=False)
    return _Plan(
        folders=tuple(folder for folder in wanted if not any(other in folder.parents for other in wanted)),
        files=tuple(file for file in (work, work.with_suffix(".work.sum")) if file.is_file()) if work else (),
        work=work,
    )


def _imported_modules(run_go: Callable[[Sequence[str]], str], *, outside: Sequence[str]) -> set[Path]:
    """Return the folders of the modules that the package imports, except those that every build shares."""
    listed = run_go(("list", "-deps", "-f", "{{with .Module}}{{.Dir}}{{end}}")).splitlines()
    modules = {Path(line).resolve() for line in listed if line}
    shared = [Path(folder).resolve() for folder in outside]
    return {module for module in modules if not any(module.is_relative_to(folder) for folder in shared)}


def _used_modules(work: Path, run_go: Callable[[Sequence[str]], str]) -> set[Path]:
    entries = json.loads(run_go(("work", "edit", "-json", str(work)))).get("Use") or ()
    return {(work.parent / entry["DiskPath"]).resolve() for entry in entries}


def _replacements(file: Path, base: Path, run_go: Callable[[Sequence[str]], str], *, is_work: bool) -> set[Path]:
    """Return the folders, relative to `base`, with which a go.mod or go.work replaces modules."""
    entries = json.loads(run_go(("work" if is_work else "mod", "edit", "-json", str(file)))).get("Replace") or ()
    folders = [base / entry["New"]["Path"] for entry in entries if entry["New"]["Path"].startswith(".")]
    return {folder.resolve() for folder in folders if folder.is_dir()}


class _Budget:
    def __init__(self, what: Path) -> None:
        self._what = what
        self._files = 0
        self._bytes = 0

    def take(self, size: int) -> None:
        self._files += 1
        self._bytes += size
        if self._files > _MOST_FILES or self._bytes > _MOST_BYTES:
            what = (
                f"{self._what} has more than {_MOST_FILES} files or {_MOST_BYTES >> 30} GiB to copy for a second "
                "build: build a module that has its own folder"
            )
            raise BuildError(what, command=(), status=0, output="")


def _repository(module: Path) -> Path | None:
    # Source: cmd/go/internal/vcs: a git root is a folder with a folder .git; a work tree's file .git does not count.
    return next((folder for folder in (module, *module.parents) if (folder / ".git").is_dir()), None)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from sorted(entries, key=lambda entry: entry.name)


def _copy_tree(source: Path, place: Path, budget: _Budget) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for entry in _entries(source):
        path, target = Path(entry.path), place / entry.name
        if entry.is_symlink():
            budget.take(0)
            target.symlink_to(os.readlink(path))  # noqa: PTH115 - its text, as it is
        elif entry.is_dir():
            if entry.name == ".git":
                _copy_git(path, target, budget)
            elif not (path / _CACHE_TAG).is_file():
                _copy_tree(path, target, budget)
        elif entry.is_file():
            _copy_file(path, target, budget)


def _copy_file(source: Path, place: Path, budget: _Budget) -> None:
    budget.take(source.stat().st_size)
    place.parent.mkdir(parents=True, exist_ok=True)
    # With its times: git reads every file whose time differs from the index.
    shutil.copy2(source, place)


def _copy_git(source: Path, place: Path, budget: _Budget) -> None:
    # The larger part of a split index; see git-update-index(1).
    for name in (*_GIT_FILES, *sorted(file.name for file in source.glob("sharedindex.*"))):
        if (source / name).is_file():
            _copy_file(source / name, place / name, budget)
    for name in _GIT_FOLDERS:
        if (source / name).is_dir():
            _copy_tree(source / name, place / name, budget)
    if (source / "modules").is_dir():
        # A submodule's file .git names its folder in here.
        (place / "modules").symlink_to((source / "modules").resolve())
    borrowed = place / "objects" / "info"
    borrowed.mkdir(parents=True)
    # Source: gitrepository-layout(5), objects/info/alternates.
    (borrowed / "alternates").write_text(f"{(source / 'objects').resolve()}\n", encoding="utf-8")
