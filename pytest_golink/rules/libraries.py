"""Rules about what an image names for its loader: libraries, an interpreter, search paths, symbols."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from typing import Annotated

from pytest_golink.case import from_image
from pytest_golink.diagnosis.at_issue import AtIssue
from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.diagnosis.linkage import loaded_by_name, why_imported, why_other_interpreter
from pytest_golink.diagnosis.origin import dynamic_causes
from pytest_golink.facts import BinaryFacts
from pytest_golink.remedies.flags import other_loader, without_flags
from pytest_golink.remedies.linkage import leave_libc, leave_libraries, make_static_or_refuse, turn_cgo_on
from pytest_golink.rules.evidence import (
    interpreter_line,
    interpreter_word,
    matching_libraries,
    needed_lines,
    needed_word,
)
from pytest_golink.rules.parameters import Name, NonEmpty, Path
from pytest_golink.rules.proposal import C_LINKER, Proposal
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked
from pytest_golink.text.words import counted, listed, quoted
from pytest_golink.traits import matching


@rule(
    "needs",
    group="linkage",
    page=(
        "each named library is needed (globs; PE names without case; in a name with `/`, `*` stays within one part of "
        "the path, and `**` crosses them)"
    ),
    concerns={Concern.CGO_MISSING},
    causes=from_image(loaded_by_name),
    remedies=turn_cgo_on,
)
def needs(subject: Subject, *, libraries: Annotated[tuple[Name, ...], NonEmpty]) -> Verdict:
    """Each named library is needed."""
    facts = subject.facts
    expected = f"needs {listed(libraries)}"
    names = [library.name for library in facts.needed]
    missing = [library for library in libraries if not matching_libraries(facts, names, [library])]
    return undecidable_if_unlinked(facts, expected) or Verdict(
        outcome="violated" if missing else "passed",
        expected=expected,
        observed=f"does not need {listed(missing)}" if missing else "needs each",
        evidence=needed_lines(facts, facts.needed) or (f"no {needed_word(facts)}",),
    )


@rule(
    "only-needs",
    group="linkage",
    page="nothing is needed but these",
    concerns={Concern.CGO_LINKED, Concern.IMPORTERS, Concern.IMPORTERS_ANYWHERE, Concern.LIBRARIES},
    causes=from_image(dynamic_causes),
    remedies=leave_libraries,
)
def only_needs(subject: Subject, *, libraries: tuple[Name, ...]) -> Verdict:
    """Nothing is needed but the named libraries."""
    facts = subject.facts
    expected = f"needs nothing but {quoted(libraries)}" if libraries else "needs nothing"
    allowed = set(matching_libraries(facts, [library.name for library in facts.needed], libraries))
    others = tuple(library for library in facts.needed if library.name not in allowed)
    evidence = needed_lines(facts, others or facts.needed) or (f"no {needed_word(facts)}",)
    return undecidable_if_unlinked(facts, expected) or Verdict(
        outcome="violated" if others else "passed",
        expected=expected,
        observed=f"needs {listed([library.name for library in others])}"
        if others
        else f"needs {listed([library.name for library in facts.needed]) or 'nothing'}",
        evidence=evidence + (() if others else loaded_by_name(facts)),
        details=AtIssue(libraries=tuple(library.name for library in others), only=True),
    )


@rule(
    "interpreter",
    group="linkage",
    page="PT_INTERP or LC_LOAD_DYLINKER names this path",
    concerns={Concern.CGO_LINKED, Concern.LINKAGE, Concern.IMPORTERS},
    causes=why_other_interpreter,
    remedies=other_loader,
)
def interpreter(subject: Subject, *, path: Path) -> Verdict:
    """PT_INTERP or LC_LOAD_DYLINKER names this path."""
    facts = subject.facts
    expected = f"{interpreter_word(facts) or 'interpreter'} {path}"
    unanswered = undecidable_if_unlinked(facts, expected) or _not_applicable_if_unnamed(facts, expected)
    if unanswered:
        return unanswered
    if facts.kind == "shared-library" and facts.interpreter is None:
        observed = "a shared library names no interpreter: the program that loads it does"
        return Verdict(outcome="not-applicable", expected=expected, observed=observed)
    if facts.interpreter == path:
        return Verdict(outcome="passed", expected=expected, observed=path, evidence=(interpreter_line(facts),))
    return Verdict(
        outcome="violated",
        expected=expected,
        observed=facts.interpreter or "none",
        evidence=(interpreter_line(facts),),
    )


@rule(
    "no-interpreter",
    group="linkage",
    page="there is none",
    concerns={Concern.CGO_LINKED, Concern.LINKAGE, Concern.IMPORTERS},
    causes=from_image(dynamic_causes),
    remedies=make_static_or_refuse,
)
def no_interpreter(subject: Subject) -> Verdict:
    """There is no interpreter."""
    facts = subject.facts
    expected = f"no {interpreter_word(facts) or 'interpreter'}"
    unanswered = undecidable_if_unlinked(facts, expected) or _not_applicable_if_unnamed(facts, expected)
    if unanswered:
        return unanswered
    if facts.interpreter is None:
        return Verdict(outcome="passed", expected=expected, observed="none", evidence=(interpreter_line(facts),))
    return Verdict(
        outcome="violated",
        expected=expected,
        observed=facts.interpreter,
        evidence=(interpreter_line(facts),),
    )


@rule(
    "no-rpath",
    group="linkage",
    page="no DT_RPATH, DT_RUNPATH, LC_RPATH",
    remedies=without_flags(
        "build without -ldflags '-r …', and without -Wl,-rpath in CGO_LDFLAGS and #cgo LDFLAGS",
        ldflags=r"(?<!\S)--?r(=|\s+)\S+",
        extldflags=r"(?<!\S)-Wl,--?(rpath|R)[,=]\S+",
    ),
    propose=Proposal(why="No folder of the build machine in which libraries are searched.", needs=C_LINKER),
)
def no_rpath(subject: Subject) -> Verdict:
    """There is no DT_RPATH, no DT_RUNPATH and no LC_RPATH."""
    facts = subject.facts
    words = ("LC_RPATH",) if facts.format == "macho" else ("DT_RPATH", "DT_RUNPATH")
    expected = "no " + ", no ".join(words)
    unanswered = undecidable_if_unlinked(facts, expected)
    if unanswered:
        return unanswered
    if facts.rpath is None and facts.runpath is None:
        return Verdict(
            outcome="not-applicable", expected=expected, observed=f"{facts.format} images have no such entry"
        )
    evidence = [f"DT_RPATH {path}" for path in facts.rpath or ()]
    evidence += [f"{words[-1]} {path}" for path in facts.runpath or ()]
    return Verdict(
        outcome="violated" if evidence else "passed",
        expected=expected,
        observed=counted(len(evidence), "entry") if evidence else "none",
        evidence=tuple(evidence) or (expected,),
    )


@rule(
    "imports",
    group="linkage",
    page="each is imported (globs; Mach-O names without the leading underscore)",
    concerns={Concern.CGO_MISSING},
    causes=from_image(loaded_by_name),
    remedies=turn_cgo_on,
)
def imports(subject: Subject, *, symbols: Annotated[tuple[Name, ...], NonEmpty]) -> Verdict:
    """Each named symbol is imported."""
    facts = subject.facts
    expected = f"imports {listed(symbols)}"
    names = [symbol.name for symbol in facts.imports]
    missing = [symbol for symbol in symbols if not matching(facts, names, [symbol])]
    return undecidable_if_unlinked(facts, expected) or Verdict(
        outcome="violated" if missing else "passed",
        expected=expected,
        observed=f"does not import {listed(missing)}" if missing else "imports each",
        evidence=(
            f"{counted(len(names), 'imported symbol')}{f': {listed(names, most=8)}' if missing and names else ''}",
        )
        if missing
        else _import_lines(facts, symbols),
    )


@rule(
    "no-imports",
    group="linkage",
    page="none is",
    concerns={Concern.CGO_LINKED, Concern.IMPORTERS, Concern.IMPORTED_SYMBOLS},
    causes=why_imported,
    remedies=leave_libc,
)
def no_imports(subject: Subject, *, symbols: Annotated[tuple[Name, ...], NonEmpty]) -> Verdict:
    """None of the named symbols is imported."""
    facts = subject.facts
    expected = f"does not import {listed(symbols)}"
    found = matching(facts, [symbol.name for symbol in facts.imports], symbols)
    return undecidable_if_unlinked(facts, expected) or Verdict(
        outcome="violated" if found else "passed",
        expected=expected,
        observed=f"imports {listed(found)}" if found else "imports none of them",
        evidence=_import_lines(facts, symbols)
        if found
        else (counted(len(facts.imports), "imported symbol"), *loaded_by_name(facts)),
    )


def _not_applicable_if_unnamed(facts: BinaryFacts, expected: str) -> Verdict | None:
    if interpreter_word(facts):
        return None
    return Verdict(outcome="not-applicable", expected=expected, observed=f"{facts.format} images name no interpreter")


def _import_lines(facts: BinaryFacts, symbols: tuple[str, ...]) -> tuple[str, ...]:
    found = set(matching(facts, [symbol.name for symbol in facts.imports], symbols))
    by_source: dict[str, list[str]] = {}
    for symbol in facts.imports:
        if symbol.name in found:
            version = f" ({symbol.version})" if symbol.version else ""
            source = f" from {symbol.library}{version}" if symbol.library else version
            by_source.setdefault(source, []).append(symbol.name)
    return tuple(f"imports {listed(names)}{source}" for source, names in by_source.items())
