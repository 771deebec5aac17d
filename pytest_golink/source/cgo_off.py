"""What a build with cgo off would be: whether Go has files for each package, and what stands in place of the C."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_golink.remedies.tags import TAGS
from pytest_golink.text.words import listed
from pytest_golink.toolchain.golist import go_list

if TYPE_CHECKING:
    from pytest_golink.builder.binary import Origin
    from pytest_golink.builder.job import BuildJob
    from pytest_golink.builder.options import BuildOptions

_FIELDS = ("ImportPath", "Dir", "Standard", "Name", "GoFiles", "CgoFiles", "Error")
_FILES = 3
_LONGEST_FILE = 1_000_000
_CALL = re.compile(
    r"""(?P<call>panic|errors\.New|fmt\.Errorf|log\.(?:Fatal|Panic)\w*|Fprint\w*)\(.*?(?P<text>"(?:[^"\\\n]|\\.)*"|`[^`\n]*`)"""
)
_TEXT = re.compile(r""""(?:[^"\\\n]|\\.)*"|`[^`\n]*`""")
_CGO = re.compile(r"\bcgo\b|CGO_ENABLED", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class WithoutCgo:
    """
    What a build with cgo off would be.

    `error` says why there is none, "" where Go has files for each package; `lost` are lines, one for each package
    outside the standard library that goes without its C, with what it says in place of it.
    """

    error: str = ""
    lost: tuple[str, ...] = ()


def without_cgo(origin: Origin, options: BuildOptions) -> WithoutCgo:
    """
    Return what `go list` shows of a build with cgo off, which so needs no build.

    Raises:
        GolinkError: There is no such build, or `go list` does not answer.
    """
    before = _packages(origin, origin.job)
    after = _packages(origin, origin.builder.resolve(options))
    for path, entry in after.items():
        failed = (entry.get("Error") or {}).get("Err", "").strip()
        if failed and not (before.get(path) or {}).get("Error"):
            return WithoutCgo(error=f"package {path}: {failed.splitlines()[0]}")
    lost = [entry for entry in before.values() if entry.get("CgoFiles") and not entry.get("Standard")]
    return WithoutCgo(lost=tuple(_line(entry, after.get(entry["ImportPath"])) for entry in lost))


def cgo_packages(origin: Origin) -> tuple[str, ...]:
    """
    Return every package with `import "C"` that a build compiles, as an image names them.

    Of the standard library only net and os/user are among them: the others have C for a flag of the build.

    Raises:
        GolinkError: `go list` does not answer.
    """
    found = [entry for entry in _packages(origin, origin.job).values() if entry.get("CgoFiles")]
    names = [entry["ImportPath"] for entry in found if not entry.get("Standard") or entry["ImportPath"] in TAGS]
    main = next((entry["ImportPath"] for entry in found if entry.get("Name") == "main"), None)
    return tuple("main" if name == main else name for name in names)


def _packages(origin: Origin, job: BuildJob) -> dict[str, dict[str, Any]]:
    toolchain = origin.builder.toolchain
    whole = {**os.environ, **job.environment}
    return _listed(toolchain.path, toolchain.version, job.folder, job.package, job.flags, tuple(sorted(whole.items())))


@lru_cache(maxsize=16)
def _listed(
    go: Path, version: str, folder: Path, package: str, flags: tuple[str, ...], environment: tuple[tuple[str, str], ...]
) -> dict[str, dict[str, Any]]:
    # -e: a package of which nothing is left is listed too, with its error.
    arguments = ("-e", "-deps", *flags, package)
    entries = go_list(go, arguments, fields=_FIELDS, version=version, cwd=folder, environment=dict(environment))
    return {entry["ImportPath"]: entry for entry in entries if "ImportPath" in entry}


def _line(before: dict[str, Any], after: dict[str, Any] | None) -> str:
    """Return what a package is without its C, in one line."""
    name = before["ImportPath"]
    if after is None:
        return f"without cgo nothing imports {name}"
    new = [file for file in after.get("GoFiles") or () if file not in (before.get("GoFiles") or ())]
    if not new:
        return f"{name} goes without {listed(before['CgoFiles'], most=_FILES)}"
    stubs = [stub for file in new if (stub := _stub(Path(after["Dir"]) / file))]
    said = f" ({'; '.join(stubs[:_FILES])})" if stubs else ""
    return f"{name} has {listed(new, most=_FILES)} in place of its C{said}"


def _stub(file: Path) -> str:
    """Return what a file that replaces C does in place of it: what it says about cgo, else its first panic."""
    try:
        text = file.read_bytes()[:_LONGEST_FILE].decode(errors="replace")
    except OSError:
        return ""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("//")]
    for line in lines:
        for literal in _TEXT.findall(line):
            if _CGO.search(literal):
                return f"{file.name}: {literal}"
    for line in lines:
        if call := _CALL.search(line):
            return f"{file.name}: {call['call']}({call['text']})"
    return next((f"{file.name}: panic" for line in lines if re.search(r"\bpanic\(", line)), "")
