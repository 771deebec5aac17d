"""Remedies for what a file carries: symbols, DWARF, paths, instrumentation, and what came after its build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.diagnosis.claims import BORING, PIE, Contradicted
from pytest_golink.findings import Remedy
from pytest_golink.platforms.standard_imports import STANDARD_IMPORTS
from pytest_golink.remedies.flags import keep_symbols, no_race, strip, trim_paths
from pytest_golink.remedies.gccgo import gccgo_words, is_gccgo
from pytest_golink.remedies.static import STATIC_PIE, described
from pytest_golink.text.words import listed
from pytest_golink.traits import setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.case import Case


def strip_all(case: Case) -> Iterator[Remedy]:
    """Yield what leaves out the symbol table and DWARF."""
    flags = '-ldflags "-s -w"' if case.facts.symtab else '-ldflags "-w"'
    if is_gccgo(case.facts):
        return iter((Remedy(words=gccgo_words("-s")),))
    return described(flags if case.facts.go else "strip it", strip(case))


def leave_dwarf(case: Case) -> Iterator[Remedy]:
    """Yield what leaves out DWARF."""
    if is_gccgo(case.facts):
        return iter((Remedy(words=gccgo_words("-Wl,--strip-debug")),))
    return described('-ldflags "-w"' if case.facts.go else "strip --strip-debug", strip(case))


def keep_all(case: Case) -> Iterator[Remedy]:
    """Yield what keeps the symbol table and DWARF."""
    return described("build without -s and -w in -ldflags, and do not strip the file afterwards", keep_symbols(case))


def make_smaller(case: Case) -> Iterator[Remedy]:
    """Yield what stripping would take away, and whether that is enough."""
    facts = case.facts
    gone = (facts.symtab_size or 0 if facts.symtab else 0) + (facts.dwarf_size or 0 if facts.dwarf else 0)
    words = ""
    if gone:
        over = case.details(int)
        enough = "which is enough" if gone >= over else f"{over - gone:,} bytes too few"
        flags = '-ldflags "-s -w"' if facts.go else "strip"
        flags = gccgo_words("-s") if is_gccgo(facts) else flags
        words = f"{flags} takes away about {gone:,} bytes, {enough}"
    return described(words, () if is_gccgo(facts) else strip(case))


def leave_paths(case: Case) -> Iterator[Remedy]:
    """Yield what keeps the folders of the build machine out of the image."""
    paths = case.finding.details if isinstance(case.finding.details, tuple) else ()
    where = [found.where for found in paths]
    of_loader = [place for place in where if place.startswith("DT_")]
    changes = trim_paths(case)
    if setting(case.facts, "-trimpath") != "true":
        if not of_loader or len(of_loader) < len(where):
            yield from described("-trimpath", changes)
    else:
        if "DWARF" in where:
            yield Remedy(words='-ldflags "-w": what is left is in the DWARF of C code, which -trimpath does not reach')
        if "pclntab" in where:
            yield Remedy(words="none by a flag: the source has //line directives with absolute paths")
        yield from changes
    kept = sorted({place for place in where if place.startswith(("build setting -gcflags", "build setting -asmflags"))})
    if kept:
        settings = listed([place.removeprefix("build setting ") for place in kept])
        yield Remedy(words=f"and without the path in {settings}")
    if of_loader:
        yield Remedy(words="and link libraries by their DT_SONAME, without -rpath of a folder of the build")
    if any(place.startswith("replacement") for place in where):
        yield Remedy(words="and a relative path in the replace directive of go.mod")


def leave_instrumentation(case: Case) -> Iterator[Remedy]:
    """Yield the build without the flags of instrumentation."""
    words = f"build without {listed([f'-{kind}' for kind in case.details(tuple)])}"
    return described(words, no_race(case))


def ship_as_built(case: Case) -> Iterator[Remedy]:
    """Yield what keeps pclntab and build info whole."""
    if packer := case.facts.content.packed:
        yield Remedy(words=f"test the file before it is packed, or unpack a copy ({packer.lower()} -d)")
    elif case.facts.elf and case.facts.elf.crashes:
        yield Remedy(words="ship the file as `go build` wrote it, or link it with -linkmode=external")
    elif case.facts.content.damage:
        yield Remedy(words="ship the file as `go build` wrote it")
    else:
        yield Remedy(words="ship the file as `go build` wrote it; -ldflags '-s -w' strips it and keeps both")


def build_again(case: Case) -> Iterator[Remedy]:
    """Yield what makes the image bear out what its build info claims."""
    claims = case.details(Contradicted).claims
    if BORING in claims:
        yield Remedy(words="GOEXPERIMENT=boringcrypto CGO_ENABLED=1 with a C compiler, for linux/amd64 or linux/arm64")
    if PIE in claims and case.facts.target and case.facts.target.goos == "linux":
        yield Remedy(words=f"a static-pie, with a C compiler: {STATIC_PIE}")
    if claims - {BORING, PIE}:
        yield Remedy(words="build it again from its source: something changed the image or its build info")


def leave_importers(case: Case) -> Iterator[Remedy]:
    """Yield that the packages with such a directive must go: Go obeys it with every flag."""
    facts = case.facts
    # Elsewhere the standard library has such directives too.
    only_theirs = facts.format == "elf" and facts.target is not None and facts.target.goos not in STANDARD_IMPORTS
    if only_theirs and not facts.cgo.used:
        yield Remedy(words="build without the package that has this directive (-ldflags=-d makes it a link error)")
    else:
        yield Remedy(words="build without these packages, or name them in allow")
