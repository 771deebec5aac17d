"""The rule about symbols that a program imports from shared libraries without cgo."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from collections.abc import Iterator, Sequence

from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.facts import BinaryFacts, ImportedSymbol, NeededLibrary
from pytest_golink.platforms.standard_imports import STANDARD_IMPORTS
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
    no_remedies="A directive of a package is obeyed with every flag: the package must go.",
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
    symbols = _foreign(facts, allow)
    evidence = tuple(f"pclntab: {package} calls shared libraries by itself" for package in packages)
    if symbols:
        evidence += tuple(_line(symbol) for symbol in symbols[:_SHOWN])
        if len(symbols) > _SHOWN:
            evidence += (f"… {len(symbols) - _SHOWN} more",)
    libraries = _libraries(facts, allow)
    evidence += tuple(f"{library.via} {library.name}, without cgo" for library in libraries)
    if packages or symbols or libraries:
        return Verdict(
            outcome="violated",
            expected=expected,
            observed=listed(packages)
            or f"imports of {listed([symbol.name for symbol in symbols] or [library.name for library in libraries])}",
            evidence=evidence,
            cause=("//go:cgo_import_dynamic needs no cgo: CGO_ENABLED=0 does not rule it out",),
            remedy=(_remedy(facts),),
        )
    if facts.cgo.used and facts.imports and facts.format != "pe":
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="cgo is linked in, and what it imports hides what others import",
            evidence=(f"{len(facts.imports)} imported symbols",),
            remedy=("ask it of a build with CGO_ENABLED=0, or ask only-needs or no-imports of this one",),
        )
    if not facts.imports:
        observed = "no imported symbol"
    elif facts.cgo.used:
        observed = "no package outside the standard library that calls shared libraries by itself"
    elif importers or allow:
        observed = "only what is allowed, and the standard library's imports"
    else:
        observed = "only the standard library's imports"
    return Verdict(
        outcome="passed", expected=expected, observed=observed, evidence=(f"{len(facts.imports)} imported symbols",)
    )


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
    """Return the libraries that a directive can ask for without a symbol, where the standard library needs none."""
    goos = facts.target.goos if facts.target else None
    if facts.format != "elf" or facts.cgo.used or goos is None or goos in STANDARD_IMPORTS or facts.imports:
        return []
    return [library for library in facts.needed if not matching_libraries(facts, [library.name], allow)]


def _line(symbol: ImportedSymbol) -> str:
    return f"imports {symbol.name}{f' from {symbol.library}' if symbol.library else ''}, without cgo"


def _remedy(facts: BinaryFacts) -> str:
    if facts.format == "elf" and not facts.cgo.used and facts.target and facts.target.goos not in STANDARD_IMPORTS:
        return "build without the package that has this directive (-ldflags=-d makes it a link error)"
    return "build without these packages, or name them in allow"
