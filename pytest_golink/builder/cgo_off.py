"""Why a package does not build while cgo is off: Go leaves out its files that import "C"."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.toolchain.ccompiler import identify

if TYPE_CHECKING:
    from pytest_golink.builder.job import BuildJob
    from pytest_golink.toolchain import GoToolchain

# Source: cmd/go/internal/load and go/build, NoGoError: "package P: build constraints exclude all Go files in DIR".
_EXCLUDED = re.compile(r"build constraints exclude all Go files in (.+)$", re.MULTILINE)
_IMPORTS_C = re.compile(r'^\s*(?:import\s+)?"C"', re.MULTILINE)
# The import stands near a file's top, behind its preamble in C.
_SOURCE_BYTES = 1024 * 1024


def cgo_hint(job: BuildJob, output: str, toolchain: GoToolchain) -> str:
    """
    Return what to do about a failed build whose package needs cgo while cgo is off; "" where that is not the reason.

    Args:
        job: The build.
        output: What Go printed.
        toolchain: The toolchain, which tells Go's default.
    """
    whole = {**os.environ, **job.environment}
    switch = whole.get("CGO_ENABLED", "")
    crosses = job.target != toolchain.target
    if switch == "1" or (not switch and not crosses and toolchain.cgo):
        return ""
    folders = [Path(folder.strip()) for folder in _EXCLUDED.findall(output)]
    if "undefined: " in output and job.package == ".":
        folders.append(job.folder)
    if not any(_uses_cgo(folder) for folder in folders):
        return ""
    if switch == "0":
        return "; it needs cgo, which is off (CGO_ENABLED=0): build it with cgo = true"
    if not crosses:
        return "; it needs cgo, which is off without a C compiler: install one, and build it with cgo = true"
    command = whole.get("CC") or toolchain.cc.command
    fits = identify(command, whole, toolchain.path.parent).fits(job.target)
    wants = "build it with cgo = true" if fits else f"cgo = true needs a C compiler for {job.target}, such as zig"
    return f"; it needs cgo, and Go turns cgo off where it cross-compiles: {wants}"


def _uses_cgo(folder: Path) -> bool:
    with suppress(OSError):
        for file in sorted(folder.glob("*.go")):
            with file.open("rb") as stream:
                if _IMPORTS_C.search(stream.read(_SOURCE_BYTES).decode("utf-8", "replace")):
                    return True
    return False
