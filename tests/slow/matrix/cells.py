"""Facts as the short texts of a table, and what Go's own tool says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.oracles import run

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink.facts import BinaryFacts

Row = dict[str, str]


def yes_no(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "-"}[value]


def cells(facts: BinaryFacts) -> Row:
    """The facts of an image, a column each."""
    libc = facts.libc
    return {
        "format": facts.format,
        "kind": facts.kind,
        "target": str(facts.target),
        "linkage": facts.linkage or "-",
        "interpreter": facts.interpreter or "-",
        # The order is the linker's, and says nothing.
        "needed": " ".join(sorted({library.name for library in facts.needed})) or "-",
        "libc": libc.kind if libc.presence in ("none", "dynamic") else f"{libc.kind} {libc.presence}",
        "resolver": "+".join(facts.resolver) if facts.resolver else "-",
        "cgo": " ".join(facts.cgo.packages) or "-",
        "stripped": yes_no(facts.stripped),
        "link mode": facts.link_mode or "-",
        "pclntab": facts.content.pclntab or "-",
        "go": (facts.go.version or "-") if facts.go else "not Go",
        "settings": str(len(facts.go.settings)) if facts.go else "-",
    }


def go_says(go: Path, image: Path) -> tuple[str, dict[str, str]] | None:
    """Version and build settings as `go version -m` prints them; None where Go cannot read the file."""
    said = run(go, "version", "-m", image)
    first, *lines = said.stdout.splitlines() or [""]
    version = re.fullmatch(r".*: (\S+)(?: X:\S+)?(?: .*)?", first)
    if said.returncode or version is None:
        return None
    settings = {}
    for line in lines:
        _, verb, *rest = line.split("\t", 2)
        if verb == "build":
            key, _, value = rest[0].partition("=")
            settings[key] = value.strip('"')
    return version[1], settings


def we_say(facts: BinaryFacts) -> tuple[str, dict[str, str]]:
    """The same of our facts."""
    assert facts.go is not None
    assert facts.go.version is not None
    return facts.go.version, dict(facts.go.settings)
