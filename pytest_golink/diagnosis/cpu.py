"""Why an image needs a newer CPU than a rule allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.golang.cpu_levels import BUILD_SETTING
from pytest_golink.golang.paths import is_standard
from pytest_golink.text.words import listed
from pytest_golink.traits import own_cgo_packages, setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.case import Case
    from pytest_golink.facts import CpuLevel


@dataclass(frozen=True, kw_only=True, slots=True)
class OverLimit:
    """The levels of an image that are above the limit of a rule for its architecture."""

    levels: tuple[CpuLevel, ...]
    limit: str


def why_newer_cpu(case: Case) -> Iterator[str]:
    """Yield what needs each level that is above the limit."""
    for over in case.details(OverLimit).levels:
        if over.via == BUILD_SETTING:
            yield f"it was built with {over.setting}={over.level}: on a CPU below that it does not start, or crashes"
        else:
            yield _who_compiled(case)


def _who_compiled(case: Case) -> str:
    # The C compiler and the linker write this note; the linker's flag -z x86-64-v3 sets it, whatever the code is.
    if "x86-64-v" in setting(case.facts, "-ldflags"):
        return "-z x86-64-v… in -ldflags makes the linker ask for that level"
    toolchain = "the C toolchain's own start files or libc"
    own = [package for package in own_cgo_packages(case.facts) if package == "main" or not is_standard(package)]
    if own:
        return f"C code of {listed(own, most=3)}, or {toolchain}, was compiled for that level"
    return f"{toolchain} were compiled for that level: no package has C but Go's own"
