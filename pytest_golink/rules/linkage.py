"""Rules about linkage: what the loader must find before the program starts."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

import re
from typing import Annotated

from pytest_golink.diagnosis.evidence import (
    interpreter_line,
    interpreter_word,
    linkage_lines,
    matching,
    matching_libraries,
    needed_lines,
    needed_word,
)
from pytest_golink.diagnosis.origin import always_dynamic, cgo_causes, dynamic_causes, dynamic_import_causes
from pytest_golink.diagnosis.remedies import EXTERNAL_STATIC, make_static, without_cgo
from pytest_golink.facts import BinaryFacts
from pytest_golink.platforms.system_libraries import is_system_interpreter, outside_system, system_words
from pytest_golink.rules.parameters import Name, NonEmpty, Path
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, not_linked
from pytest_golink.text.words import listed, quoted

_UNSAID = "the image does not say how it is linked"


def static(subject: Subject) -> Verdict:
    """Linkage is static or static-pie."""
    facts = subject.facts
    word = interpreter_word(facts)
    expected = f"no {word}, no {needed_word(facts)}" if facts.format == "elf" else f"static: no {needed_word(facts)}"
    unanswered = not_linked(facts, expected) or _without_linkage(facts, expected)
    if unanswered:
        return unanswered
    if facts.linkage != "dynamic":
        return Verdict(outcome="passed", expected=expected, observed=str(facts.linkage), evidence=linkage_lines(facts))
    platform = always_dynamic(facts)
    return Verdict(
        outcome="violated",
        expected=expected,
        observed="dynamic",
        evidence=linkage_lines(facts),
        cause=dynamic_causes(facts),
        remedy=("none: no program is static there; ask self-contained of this target instead",)
        if platform
        else make_static(facts),
    )


def dynamic(subject: Subject) -> Verdict:
    """Linkage is dynamic."""
    facts = subject.facts
    expected = f"{interpreter_word(facts)} or {needed_word(facts)}" if facts.format == "elf" else "dynamic"
    unanswered = not_linked(facts, expected) or _without_linkage(facts, expected)
    if unanswered:
        return unanswered
    if facts.linkage == "dynamic":
        return Verdict(outcome="passed", expected=expected, observed="dynamic", evidence=linkage_lines(facts))
    embedded = facts.libc.presence == "embedded"
    if embedded:
        cause, remedy = f"{facts.libc.kind} is linked into the image", "build without -extldflags -static"
    elif facts.cgo.used is False:
        cause, remedy = "runtime/cgo is not linked in", "CGO_ENABLED=1 with a C compiler, and a package that uses cgo"
    else:
        cause, remedy = "", ""
    return Verdict(
        outcome="violated",
        expected=expected,
        observed=str(facts.linkage),
        evidence=linkage_lines(facts),
        cause=(cause,) if cause else (),
        remedy=(remedy,) if remedy else (),
    )


def self_contained(subject: Subject) -> Verdict:
    """Nothing is needed beyond what every installation of its operating system has."""
    facts = subject.facts
    words = system_words(facts.target) if facts.target else None
    expected = f"nothing but {words}" if words else "static or static-pie"
    unanswered = not_linked(facts, expected) or _without_linkage(facts, expected)
    if unanswered:
        return unanswered
    if facts.linkage != "dynamic":
        return Verdict(outcome="passed", expected=expected, observed=str(facts.linkage), evidence=linkage_lines(facts))
    if facts.target is None:
        return Verdict(
            outcome="undecidable",
            expected="nothing but what its operating system has",
            observed="dynamic, and the image does not name its operating system",
            evidence=linkage_lines(facts),
        )
    if not words:
        return Verdict(
            outcome="violated",
            expected=expected,
            observed="dynamic",
            evidence=linkage_lines(facts),
            cause=dynamic_causes(facts),
            remedy=make_static(facts),
        )
    outside = outside_system(facts.target, facts.needed)
    foreign_loader = not is_system_interpreter(facts.target, facts.interpreter)
    if not outside and not foreign_loader:
        return Verdict(
            outcome="passed",
            expected=expected,
            observed=f"needs {_count(len(facts.needed))} of the system",
            evidence=linkage_lines(facts),
        )
    names = [library.name for library in outside] + ([facts.interpreter or ""] if foreign_loader else [])
    return Verdict(
        outcome="violated",
        expected=expected,
        observed=f"needs {listed(names)}",
        evidence=((interpreter_line(facts),) if foreign_loader else ()) + needed_lines(facts, outside),
        cause=tuple(cgo_causes(facts) + dynamic_import_causes(facts, of=lambda symbol: symbol.library in names)),
        remedy=_link_in(names),
    )


def needs(subject: Subject, *, libraries: Annotated[tuple[Name, ...], NonEmpty]) -> Verdict:
    """Each named library is needed."""
    facts = subject.facts
    expected = f"needs {listed(libraries)}"
    names = [library.name for library in facts.needed]
    missing = [library for library in libraries if not matching_libraries(facts, names, [library])]
    return not_linked(facts, expected) or Verdict(
        outcome="violated" if missing else "passed",
        expected=expected,
        observed=f"does not need {listed(missing)}" if missing else "needs each",
        evidence=needed_lines(facts, facts.needed) or (f"no {needed_word(facts)}",),
        cause=_loaded_by_name(facts) if missing else (),
    )


def only_needs(subject: Subject, *, libraries: tuple[Name, ...]) -> Verdict:
    """Nothing is needed but the named libraries."""
    facts = subject.facts
    expected = f"needs nothing but {quoted(libraries)}" if libraries else "needs nothing"
    allowed = set(matching_libraries(facts, [library.name for library in facts.needed], libraries))
    others = tuple(library for library in facts.needed if library.name not in allowed)
    evidence = needed_lines(facts, others or facts.needed) or (f"no {needed_word(facts)}",)
    return not_linked(facts, expected) or Verdict(
        outcome="violated" if others else "passed",
        expected=expected,
        observed=f"needs {listed([library.name for library in others])}"
        if others
        else f"needs {listed([library.name for library in facts.needed]) or 'nothing'}",
        evidence=evidence + (() if others else _loaded_by_name(facts)),
        cause=dynamic_causes(facts) if others else (),
        remedy=without_cgo(facts) if others and facts.cgo.used else (),
    )


def interpreter(subject: Subject, *, path: Path) -> Verdict:
    """PT_INTERP or LC_LOAD_DYLINKER names this path."""
    facts = subject.facts
    expected = f"{interpreter_word(facts) or 'interpreter'} {path}"
    unanswered = not_linked(facts, expected) or _without_interpreter(facts, expected)
    if unanswered:
        return unanswered
    if facts.interpreter == path:
        return Verdict(outcome="passed", expected=expected, observed=path, evidence=(interpreter_line(facts),))
    cause, remedy = _other_loader(facts, path)
    return Verdict(
        outcome="violated",
        expected=expected,
        observed=facts.interpreter or "none",
        evidence=(interpreter_line(facts),),
        cause=cause,
        remedy=remedy,
    )


def no_interpreter(subject: Subject) -> Verdict:
    """There is no interpreter."""
    facts = subject.facts
    expected = f"no {interpreter_word(facts) or 'interpreter'}"
    unanswered = not_linked(facts, expected) or _without_interpreter(facts, expected)
    if unanswered:
        return unanswered
    if facts.interpreter is None:
        return Verdict(outcome="passed", expected=expected, observed="none", evidence=(interpreter_line(facts),))
    return Verdict(
        outcome="violated",
        expected=expected,
        observed=facts.interpreter,
        evidence=(interpreter_line(facts),),
        cause=dynamic_causes(facts),
        remedy=make_static(facts),
    )


def no_rpath(subject: Subject) -> Verdict:
    """There is no DT_RPATH, no DT_RUNPATH and no LC_RPATH."""
    facts = subject.facts
    words = ("LC_RPATH",) if facts.format == "macho" else ("DT_RPATH", "DT_RUNPATH")
    expected = "no " + ", no ".join(words)
    unanswered = not_linked(facts, expected)
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
        observed=_count(len(evidence), "entry") if evidence else "none",
        evidence=tuple(evidence) or (expected,),
        remedy=("build without -ldflags '-r …', and without -Wl,-rpath in CGO_LDFLAGS and #cgo LDFLAGS",)
        if evidence
        else (),
    )


def imports(subject: Subject, *, symbols: Annotated[tuple[Name, ...], NonEmpty]) -> Verdict:
    """Each named symbol is imported."""
    facts = subject.facts
    expected = f"imports {listed(symbols)}"
    names = [symbol.name for symbol in facts.imports]
    missing = [symbol for symbol in symbols if not matching(facts, names, [symbol])]
    return not_linked(facts, expected) or Verdict(
        outcome="violated" if missing else "passed",
        expected=expected,
        observed=f"does not import {listed(missing)}" if missing else "imports each",
        evidence=(
            f"{_count(len(names), 'imported symbol')}{f': {listed(names, most=8)}' if missing and names else ''}",
        )
        if missing
        else _import_lines(facts, symbols),
        cause=_loaded_by_name(facts) if missing else (),
    )


def no_imports(subject: Subject, *, symbols: Annotated[tuple[Name, ...], NonEmpty]) -> Verdict:
    """None of the named symbols is imported."""
    facts = subject.facts
    expected = f"does not import {listed(symbols)}"
    found = matching(facts, [symbol.name for symbol in facts.imports], symbols)
    at_issue = frozenset(found)
    return not_linked(facts, expected) or Verdict(
        outcome="violated" if found else "passed",
        expected=expected,
        observed=f"imports {listed(found)}" if found else "imports none of them",
        evidence=_import_lines(facts, symbols)
        if found
        else (_count(len(facts.imports), "imported symbol"), *_loaded_by_name(facts)),
        cause=tuple(cgo_causes(facts) + dynamic_import_causes(facts, of=lambda symbol: symbol.name in at_issue))
        if found
        else (),
    )


def _without_linkage(facts: BinaryFacts, expected: str) -> Verdict | None:
    if facts.linkage is not None:
        return None
    return Verdict(outcome="undecidable", expected=expected, observed=_UNSAID)


def _without_interpreter(facts: BinaryFacts, expected: str) -> Verdict | None:
    if interpreter_word(facts):
        return None
    return Verdict(outcome="not-applicable", expected=expected, observed=f"{facts.format} images name no interpreter")


def _other_loader(facts: BinaryFacts, path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    # Cause and remedy of a loader that is not the one at `path`.
    if facts.format != "elf" or facts.interpreter is None:
        return (), ()
    musl = "ld-musl" in path
    if musl == ("ld-musl" in facts.interpreter):
        cause: tuple[str, ...] = ()
    elif facts.needed:
        # Another libc's loader cannot load this image's libc: the flags below would break it.
        return (f"the image is linked to {facts.libc.kind}",), ("link it to the libc that this loader belongs to",)
    else:
        # cmd/link/internal/ld/elf.go asks the build machine's file system.
        cause = ("Go's linker names musl's loader where the build machine has that one alone",)
    if facts.link_mode == "external":
        return cause, (f"-ldflags '-linkmode external -extldflags \"-Wl,--dynamic-linker={path}\"'",)
    return cause, (f'-ldflags "-I {path}"',)


# What gcc for Windows links to by itself: libgcc_s_seh-1.dll, libstdc++-6.dll, libwinpthread-1.dll, …
_COMPILER_DLL = re.compile(r"lib(atomic|gcc_s|gomp|quadmath|ssp|stdc\+\+|winpthread)[^/\\]*\.dll", re.IGNORECASE)


def _link_in(names: list[str]) -> tuple[str, ...]:
    if all(_COMPILER_DLL.fullmatch(name) for name in names):
        return (f"link the C compiler's own libraries in: {EXTERNAL_STATIC}",)
    return ("leave out the package that links to it, or link its static archive in",)


def _loaded_by_name(facts: BinaryFacts) -> tuple[str, ...]:
    # golang.org/x/sys/windows and package syscall: NewLazyDLL. Such a DLL is in no directory of the image.
    if facts.format == "pe" and facts.go is not None:
        return ("DLLs that Go loads by name while the program runs stand in no import directory",)
    return ()


def _import_lines(facts: BinaryFacts, symbols: tuple[str, ...]) -> tuple[str, ...]:
    found = set(matching(facts, [symbol.name for symbol in facts.imports], symbols))
    lines = [
        f"imports {symbol.name}"
        + (f" from {symbol.library}" if symbol.library else "")
        + (f" ({symbol.version})" if symbol.version else "")
        for symbol in facts.imports
        if symbol.name in found
    ]
    return tuple(lines[:8]) + ((f"… {len(lines) - 8} more",) if len(lines) > 8 else ())


def _count(number: int, noun: str = "library") -> str:
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"
