"""Why an image is not linked as a rule wants it: the libraries, loader, symbols and libc at issue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.diagnosis.origin import cgo_causes, dynamic_causes, dynamic_import_causes
from pytest_golink.platforms.system_libraries import names_outside_system, system_words
from pytest_golink.text.words import listed
from pytest_golink.traits import always_dynamic, matching, own_cgo_packages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.case import Case
    from pytest_golink.facts import BinaryFacts

_NO_CGO = "runtime/cgo is not linked in"


def why_not_dynamic(case: Case) -> Iterable[str]:
    """Return why nothing is loaded."""
    if case.facts.libc.presence == "embedded":
        return (f"{case.facts.libc.kind} is linked into the image",)
    return (_NO_CGO,) if case.facts.cgo.used is False else ()


def why_not_self_contained(case: Case) -> Iterable[str]:
    """Return what made the image need what its system does not always have."""
    facts = case.facts
    if facts.target is None or not system_words(facts.target):
        return dynamic_causes(facts)
    names = names_outside_system(facts)
    return cgo_causes(facts) + dynamic_import_causes(facts, of=lambda symbol: symbol.library in names)


def why_imported(case: Case) -> Iterable[str]:
    """Return what imports the symbols that the rule names."""
    facts = case.facts
    found = matching(facts, [symbol.name for symbol in facts.imports], case.finding.names("symbols"))
    return cgo_causes(facts) + dynamic_import_causes(facts, of=lambda symbol: symbol.name in found)


def loaded_by_name(facts: BinaryFacts) -> tuple[str, ...]:
    """Return that an image may load libraries which it does not name; () where its format has no such way."""
    # golang.org/x/sys/windows and package syscall: NewLazyDLL. Such a DLL is in no directory of the image.
    if facts.format == "pe" and facts.go is not None:
        return ("DLLs that Go loads by name while the program runs stand in no import directory",)
    return ()


def why_other_interpreter(case: Case) -> Iterable[str]:
    """Return why the image names another loader than the one at the rule's path."""
    facts = case.facts
    if facts.format != "elf" or facts.interpreter is None:
        return ()
    if ("ld-musl" in (case.finding.text("path") or "")) == ("ld-musl" in facts.interpreter):
        return ()
    if facts.needed:
        return (f"the image is linked to {facts.libc.kind}",)
    # cmd/link/internal/ld/elf.go looks into the build machine's file system.
    return ("Go's linker names musl's loader where the build machine has only that one",)


def why_other_libc(case: Case) -> Iterable[str]:
    """Return why the image does not load the libc that the rule wants."""
    facts = case.facts
    if facts.libc.presence != "dynamic":
        return (_NO_CGO,) if facts.cgo.used is False and not always_dynamic(facts) else ()
    kind = "glibc" if case.finding.text("at-most") else case.finding.text("kind")
    return why_newer_glibc(case) if facts.libc.kind == kind else ()


def why_newer_glibc(case: Case) -> Iterable[str]:
    """Return what calls glibc."""
    return cgo_causes(case.facts) + dynamic_import_causes(case.facts)


# Go links cgo by itself only for these. Source: cmd/link/internal/ld/lib.go of Go 1.27 (internalpkg).
_LINKED_INTERNALLY = frozenset({"crypto/internal/boring", "crypto/x509", "net", "os/user", "runtime/cgo"})


def linked_externally(facts: BinaryFacts) -> list[str]:
    """Return the packages whose cgo needs the C compiler's linker."""
    return [package for package in own_cgo_packages(facts) if package not in _LINKED_INTERNALLY]


def why_other_link_mode(case: Case) -> Iterable[str]:
    """Return which packages made the C compiler link the image, where that is at issue."""
    others = linked_externally(case.facts) if case.finding.text("mode") == "internal" else []
    return (f"{listed(others)}: Go links cgo by itself only for its own packages",) if others else ()


def why_imported_without_cgo(_case: Case) -> Iterable[str]:
    """Return that no setting of cgo keeps such imports out."""
    return ("//go:cgo_import_dynamic needs no cgo: CGO_ENABLED=0 does not rule it out",)
