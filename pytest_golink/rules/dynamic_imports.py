"""The rule about symbols that a program imports from shared libraries without cgo."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from collections.abc import Iterator, Sequence

from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.diagnosis.linkage import why_imported_without_cgo
from pytest_golink.facts import BinaryFacts, ImportedSymbol, NeededLibrary
from pytest_golink.platforms.standard_imports import STANDARD_IMPORTS
from pytest_golink.remedies.content import leave_importers
from pytest_golink.rules.evidence import matching_libraries
from pytest_golink.rules.parameters import Name
from pytest_golink.rules.proposal import Proposal
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable
from pytest_golink.text.words import listed
from pytest_golink.traits import matching

_SHOWN = 12


def _propose_where_dynamic(subjects: Sequence[Subject]) -> Iterator[Proposal]:
    # A static image imports nothing; and for an image with cgo the rule has no answer.
    if any(subject.facts.linkage == "dynamic" for subject in subjects):
        yield Proposal(why="No package that loads shared libraries behind CGO_ENABLED=0 (//go:cgo_import_dynamic).")


@rule(
    "no-dynamic-imports",
    group="cgo",
    page=(
        "nothing outside the standard library imports shared-library symbols without cgo, but for packages or"
        " symbols that match `allow` (globs). Undecidable where cgo's own imports hide others"
    ),
    concerns={Concern.IMPORTERS, Concern.IMPORTERS_ANYWHERE, Concern.DYNAMIC_IMPORTS},
    causes=why_imported_without_cgo,
    remedies=leave_importers,
    propose=_propose_where_dynamic,
)
def no_dynamic_imports(subject: Subject, *, allow: tuple[Name, ...] = ()) -> Verdict:
    """
    Nothing outside the standard library imports shared-library symbols without cgo, but for `allow`.

    An entry of `allow` is a glob for packages ("golang.org/x/sys/unix") or for symbols. On systems whose standard
    library imports by itself (macOS, Windows, OpenBSD, Solaris, AIX) a package that imports what the standard library
    imports too is seen only by its trampolines, which are named as golang.org/x/sys and purego name them.
    """
    facts = subject.facts
    expected = "no symbol imported without cgo outside the standard library"
    if allow:
        expected += f", but for {listed(allow)}"
    importers = facts.content.importers
    if facts.cgo.used is None or importers is None:
        return undecidable(facts, expected)
    packages = [package for package in importers if not matching(facts, [package], allow)]
    symbols, libraries = _foreign(facts, allow), _libraries(facts, allow)
    if packages or symbols or libraries:
        names = [symbol.name for symbol in symbols] or [library.name for library in libraries]
        return Verdict(
            outcome="violated",
            expected=expected,
            observed=listed(packages) or f"imports of {listed(names)}",
            evidence=tuple(_lines(packages, symbols, libraries)),
        )
    if facts.cgo.used and facts.imports and facts.format != "pe":
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="cgo is linked in, and what it imports hides what others import",
            evidence=(f"{len(facts.imports)} imported symbols",),
            remedy=("check a build with CGO_ENABLED=0, or check this one with only-needs or no-imports",),
        )
    return Verdict(
        outcome="passed",
        expected=expected,
        observed=_allowed(facts, some=bool(importers or allow)),
        evidence=(f"{len(facts.imports)} imported symbols",),
    )


def _allowed(facts: BinaryFacts, *, some: bool) -> str:
    if not facts.imports:
        return "no imported symbol"
    if facts.cgo.used:
        return "no package outside the standard library that calls shared libraries by itself"
    return f"only {'what is allowed, and ' if some else ''}the standard library's imports"


def _lines(packages: list[str], symbols: list[ImportedSymbol], libraries: list[NeededLibrary]) -> Iterator[str]:
    yield from (f"pclntab: {package} calls shared libraries by itself" for package in packages)
    yield from map(_line, symbols[:_SHOWN])
    if len(symbols) > _SHOWN:
        yield f"… {len(symbols) - _SHOWN} more"
    yield from (f"{library.via} {library.name}, without cgo" for library in libraries)


def _foreign(facts: BinaryFacts, allow: tuple[str, ...]) -> list[ImportedSymbol]:
    """Return the symbols that no version of the standard library imports."""
    goos = facts.target.goos if facts.target else ""
    standard = STANDARD_IMPORTS.get(goos, frozenset())
    # A package that is allowed may import what it wants; which symbol is whose the image does not say.
    allowed = bool(matching(facts, facts.content.importers or (), allow))
    return [
        symbol
        for symbol in facts.cgo.dynamic_imports
        if symbol.name not in standard and not allowed and not matching(facts, [symbol.name], allow)
    ]


def _libraries(facts: BinaryFacts, allow: tuple[str, ...]) -> list[NeededLibrary]:
    """Return the libraries that a directive can name without a symbol, where the standard library needs none."""
    goos = facts.target.goos if facts.target else None
    if facts.format != "elf" or facts.cgo.used or goos is None or goos in STANDARD_IMPORTS or facts.imports:
        return []
    return [library for library in facts.needed if not matching_libraries(facts, [library.name], allow)]


def _line(symbol: ImportedSymbol) -> str:
    return f"imports {symbol.name}{f' from {symbol.library}' if symbol.library else ''}, without cgo"
