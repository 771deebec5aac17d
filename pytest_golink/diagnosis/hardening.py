"""Why an image is not hardened as a rule wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.traits import setting

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.case import Case
    from pytest_golink.facts import BinaryFacts, LinkWarning

# GNU ld from 2.39 on warns so of an object file without .note.GNU-stack, or with an executable one. lld does not warn
# of the former, and makes the stack executable only for a flag.
_STACK_WARNING = ".note.GNU-stack"


def stack_warnings(warnings: Iterable[LinkWarning]) -> list[str]:
    """Return the linker's warnings about object files that want an executable stack."""
    return [warning.text for warning in warnings if _STACK_WARNING in warning.text]


def why_executable_stack(case: Case) -> Iterable[str]:
    """Return what wants an executable stack."""
    facts = case.facts
    if stack_warnings(case.warnings):
        return ("an object file wants it: the linker names the file above",)
    if "execstack" in setting(facts, "-ldflags"):
        return ("-z execstack in -ldflags sets it",)
    if facts.format == "elf" and all(header.type != "PT_GNU_STACK" for header in facts.program_headers):
        return ("without PT_GNU_STACK the system's default holds, which here is an executable stack",)
    if facts.format == "elf" and facts.link_mode == "external":
        return ("an object file wants it, most often one assembled from a .S file without .note.GNU-stack",)
    return ()


def why_unsigned(facts: BinaryFacts) -> Iterable[str]:
    """Return why an image has no signature."""
    if facts.format != "macho" or facts.go is None or facts.signed != "none":
        return ()
    if facts.target is not None and facts.target.goarch == "arm64":
        return ("Go signs a program for arm64 itself: something took the signature away afterwards",)
    return ("Go's own linker signs only for arm64",)


def why_less_relro(facts: BinaryFacts) -> Iterable[str]:
    """Return why an image has no RELRO, or only a part of it."""
    found = facts.hardening.relro or "none"
    if facts.go is None:
        return ()
    if found == "none" and facts.link_mode == "internal" and not facts.hardening.pie:
        return ("Go's own linker makes PT_GNU_RELRO only with -buildmode=pie",)
    if found == "partial":
        return ("functions are bound when they are first called, so the table of their addresses stays writable",)
    return ()


def why_writable_code(_case: Case) -> Iterable[str]:
    """Return what makes code writable."""
    return ("Go and C linkers do so only for a flag (-N, --omagic); a packer such as UPX does it too",)


def why_misaligned(case: Case) -> Iterable[str]:
    """Return what else does not fit the pages, after what the check observed."""
    problems: tuple[str, ...] = case.details(tuple)
    return problems[1:]
