"""Rules about the symbols that an image offers to others: what a program that loads the library can call."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Annotated

from pytest_golink.case import Case
from pytest_golink.facts import BinaryFacts
from pytest_golink.findings import Remedy
from pytest_golink.rules.parameters import Name, NonEmpty
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked
from pytest_golink.text.words import counted, listed, quoted
from pytest_golink.traits import EXPORTED_BY_CGO

_SHOWN = 8


@rule(
    "exports",
    group="linkage",
    page=(
        "each is exported: globs, with case; Mach-O names without the leading underscore. For a library that "
        "`-buildmode=c-shared` makes; an executable that exports nothing violates it"
    ),
    no_remedies="A function is exported when its source has an //export comment, and its package is main.",
)
def exports(subject: Subject, *, symbols: Annotated[tuple[Name, ...], NonEmpty]) -> Verdict:
    """Each named symbol is exported."""
    facts = subject.facts
    expected = f"exports {listed(symbols)}"
    answer = _undecidable_if_unread(facts, expected)
    if answer:
        return answer
    missing = [symbol for symbol in symbols if not _matching(facts.exports or (), [symbol])]
    return Verdict(
        outcome="violated" if missing else "passed",
        expected=expected,
        observed=f"does not export {listed(missing)}" if missing else "exports each",
        evidence=_lines(facts.exports or () if missing else _matching(facts.exports or (), symbols)),
    )


def _symbols_of_cgo(case: Case) -> Iterator[str]:
    names = case.details(tuple)
    if names:
        yield f"{counted(len(names), 'symbol')} of cgo's own: {listed(names, most=3)}"


def _allow_symbols_of_cgo(case: Case) -> Iterator[Remedy]:
    """Yield what allows the symbols of cgo itself."""
    if case.details(tuple):
        yield Remedy(words=f"to allow cgo's own symbols, add {', '.join(EXPORTED_BY_CGO)}")


@rule(
    "only-exports",
    group="linkage",
    page=(
        "nothing is exported but these (globs, as in exports). A C linker exports the symbols of Go's own C code too, "
        "such as `crosscall2` and `_cgo_*`, unless a version script hides them"
    ),
    causes=_symbols_of_cgo,
    remedies=_allow_symbols_of_cgo,
)
def only_exports(subject: Subject, *, symbols: tuple[Name, ...]) -> Verdict:
    """Nothing is exported but the named symbols."""
    facts = subject.facts
    expected = f"exports nothing but {quoted(symbols)}" if symbols else "exports nothing"
    answer = _undecidable_if_unread(facts, expected)
    if answer:
        return answer
    allowed = set(_matching(facts.exports or (), symbols))
    others = [name for name in facts.exports or () if name not in allowed]
    # What the user wrote comes first: cgo's own symbols are the same in every library.
    of_cgo = _matching(others, EXPORTED_BY_CGO)
    others.sort(key=of_cgo.__contains__)
    return Verdict(
        outcome="violated" if others else "passed",
        expected=expected,
        observed=f"exports {listed(others)}" if others else f"exports {listed(facts.exports or ()) or 'nothing'}",
        evidence=_lines(others or facts.exports or ()),
        details=tuple(of_cgo),
    )


def _undecidable_if_unread(facts: BinaryFacts, expected: str) -> Verdict | None:
    unlinked = undecidable_if_unlinked(facts, expected)
    if unlinked or facts.exports is not None:
        return unlinked
    return Verdict(
        outcome="undecidable", expected=expected, observed=f"golink does not read what {facts.format} images export"
    )


def _matching(names: Iterable[str], globs: Iterable[str]) -> list[str]:
    patterns = tuple(globs)
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _lines(names: Iterable[str]) -> tuple[str, ...]:
    found = tuple(names)
    more = (f"… {len(found) - _SHOWN} more",) if len(found) > _SHOWN else ()
    return (counted(len(found), "exported symbol"), *(f"exports {name}" for name in found[:_SHOWN]), *more)
