"""The packages of a build and what imports what, as `go list` answers with the build's own flags and environment."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_golink.errors import BuildError
from pytest_golink.toolchain.golist import go_list
from pytest_golink.toolchain.process import run
from pytest_golink.traits import RUNTIME_CGO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_FIELDS = (
    "Dir", "ImportPath", "Name", "Standard", "DepOnly", "Module", "Imports", "ImportMap", "GoFiles", "CgoFiles",
    "IgnoredGoFiles", "SwigFiles", "SwigCXXFiles", "SysoFiles", "CgoLDFLAGS", "CgoPkgConfig", "Error", "Incomplete",
)  # fmt: skip
# Flags that GOFLAGS may hold for `go list` only: each would change the form of the answer, or what is listed.
# Source: `go help list` of Go 1.27.
_LIST_FLAGS = frozenset({"f", "json", "m", "u", "e", "find", "test", "deps", "export", "compiled", "versions", "reuse"})
# A type check of a large program on a slow machine; what takes longer stays unknown.
_COMPILE_TIMEOUT_S = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """
    One package of a build.

    Attributes:
        name: Its import path, also that of the main package, which the image calls "main".
        folder: Where its files are.
        standard: Whether it is of the standard library.
        main: Whether it is the program.
        module: "path@version" of a package outside the standard library and the main module, else "".
        imports: The packages that it imports.
        go_files: The Go files that the build compiles without cgo.
        cgo_files: Those with `import "C"`.
        swig_files: Those of which SWIG makes C.
        syso_files: The object files that the linker adds as they are.
        ld_flags: The flags of its `#cgo LDFLAGS` lines that hold for the build.
        pkg_config: The names of its `#cgo pkg-config` lines that hold for the build.
        empty: Whether build constraints leave none of its Go files.
        error: Go's words where its files or imports are not all known, else "".
    """

    name: str
    folder: Path
    standard: bool
    main: bool
    module: str
    imports: tuple[str, ...]
    go_files: tuple[str, ...]
    cgo_files: tuple[str, ...]
    swig_files: tuple[str, ...] = ()
    syso_files: tuple[str, ...] = ()
    ld_flags: tuple[str, ...] = ()
    pkg_config: tuple[str, ...] = ()
    empty: bool = False
    error: str = ""

    @property
    def uses_cgo(self) -> bool:
        """Whether cgo, or SWIG through cgo, makes C of its files."""
        return bool(self.cgo_files or self.swig_files)


def list_packages(
    go: Path, package: str, flags: Sequence[str], *, version: str, cwd: Path, environment: Mapping[str, str]
) -> tuple[Package, ...]:
    """
    Return, from `go list`, a package and all that it imports; `Package.error` where Go does not know it whole.

    Args:
        go: The go binary.
        package: The package, as the build names it.
        flags: The build's own flags: they decide which files there are.
        version: The toolchain's version ("go1.27.3").
        cwd: The folder that the build ran in.
        environment: The whole environment of the build.

    Raises:
        BuildError: It fails, does not end, or answers what cannot be read.
    """
    # -e: a package of which a constraint leaves nothing is listed too.
    arguments = ("-e", "-deps", *flags, package)
    environment = _for_list(environment)
    entries = go_list(go, arguments, fields=_FIELDS, version=version, cwd=cwd, environment=environment)
    try:
        return tuple(_package(entry) for entry in entries)
    except (KeyError, TypeError, AttributeError) as error:
        command = (str(go), "list", *arguments)
        raise BuildError("`go list` cannot be read", command=command, status=0, output=str(error)) from error


def compile_error(
    go: Path, package: str, flags: Sequence[str], *, cwd: Path, environment: Mapping[str, str]
) -> str | None:
    """
    Return the first error that Go's compiler has with a package and all that it imports, None where it has none.

    Nothing is linked, and what was compiled stays in Go's build cache.

    Raises:
        BuildError: It cannot be started, or does not end in time.
    """
    command = (str(go), "list", "-export", "-f", "{{.ImportPath}}", *flags, package)
    try:
        done = run(command, cwd=cwd, environment=_for_list(environment), timeout_s=_COMPILE_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        what = f"`go list -export` did not end within {_COMPILE_TIMEOUT_S:.0f} seconds"
        raise BuildError(what, command=command, status=-1, output="") from error
    except OSError as error:
        raise BuildError(f"`go list -export` cannot be started: {error}", command=command, status=-1, output="") from (
            error
        )
    return None if done.status == 0 else first_error(done.stderr) or f"exit status {done.status}"


def first_error(output: str) -> str:
    """Return the first error in Go's output, with the package that its heading names; "" where there is none."""
    heading = ""
    lines = output.splitlines()
    for number, line in enumerate(lines):
        # The way to the package at fault, a line each; the last one has the error.
        way = [*takewhile(lambda step: step.startswith("\timports "), lines[number + 1 :])]
        if line.startswith("package ") and way:
            return way[-1].removeprefix("\timports ").strip()
        if line.startswith("# "):
            heading = line[2:].strip()
        elif text := line.strip():
            text = text.removeprefix("go: ")
            return f"{text} ({heading})" if heading else text
    return ""


def words_of(error: BuildError) -> str:
    """Return Go's words of a `go list` that failed, or golink's where Go had none."""
    return first_error(error.output) or str(error).partition("\n")[0]


def unknown_part(packages: Iterable[Package]) -> str:
    """Return Go's words where a list of packages is not whole, "" where it is."""
    return next((package.error for package in packages if package.error), "")


def _for_list(environment: Mapping[str, str]) -> Mapping[str, str]:
    flags = environment.get("GOFLAGS", "")
    try:
        words = shlex.split(flags)
    except ValueError:
        return environment
    kept = [word for word in words if word.lstrip("-").partition("=")[0] not in _LIST_FLAGS]
    return environment if kept == words else {**environment, "GOFLAGS": shlex.join(kept)}


def _package(entry: dict[str, Any]) -> Package:
    renamed: dict[str, str] = entry.get("ImportMap") or {}
    imports = [renamed.get(path, path) for path in entry.get("Imports") or () if path != "C"]
    cgo_files = tuple(entry.get("CgoFiles") or ())
    swig_files = (*(entry.get("SwigFiles") or ()), *(entry.get("SwigCXXFiles") or ()))
    if (cgo_files or swig_files) and entry["ImportPath"] != RUNTIME_CGO:
        # What cmd/cgo makes of `import "C"`, though no file spells it.
        imports.append(RUNTIME_CGO)
    module = entry.get("Module") or {}
    foreign = module and not module.get("Main")
    go_files = tuple(entry.get("GoFiles") or ())
    empty = not go_files and not cgo_files and bool(entry.get("IgnoredGoFiles"))
    error = entry.get("Error") or {}
    return Package(
        name=entry["ImportPath"],
        folder=Path(entry.get("Dir", "")),
        standard=bool(entry.get("Standard")),
        main=entry.get("Name") == "main" and not entry.get("DepOnly"),
        module=f"{module['Path']}@{module.get('Version', '')}" if foreign else "",
        imports=tuple(imports),
        go_files=go_files,
        cgo_files=cgo_files,
        swig_files=swig_files,
        syso_files=tuple(entry.get("SysoFiles") or ()),
        ld_flags=tuple(entry.get("CgoLDFLAGS") or ()),
        pkg_config=tuple(entry.get("CgoPkgConfig") or ()),
        empty=empty,
        # Of a package that constraints leave nothing of, Go says just that.
        error="" if empty else str(error.get("Err", "")).strip().partition("\n")[0],
    )
