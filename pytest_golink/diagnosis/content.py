"""Why a file carries what a rule forbids, or lacks what it wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.facts import BinaryFacts


def why_paths(facts: BinaryFacts) -> Iterable[str]:
    """Return why stripping an image does not remove the paths in it."""
    in_pclntab = any(found.where == "pclntab" for found in facts.content.build_paths or ())
    return ("stripping leaves them: the pclntab stays in every Go image",) if in_pclntab else ()


def why_not_intact(facts: BinaryFacts) -> Iterable[str]:
    """Return what changed an image after its build."""
    if facts.content.packed:
        return ("a packed image shows its unpacker, not the program: no other rule sees what will run",)
    if facts.elf and facts.elf.crashes:
        return ("a tool changed the file after it was linked: patchelf before 0.18 does so with Go's own links",)
    if facts.content.damage:
        return (facts.content.damage,)
    return ("a tool cut it out or overwrote it, or a linker with --gc-sections dropped it (golang/go#58222)",)
