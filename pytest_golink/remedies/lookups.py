"""Remedies for the ways that a program looks up hosts and users: the tags of package net and os/user, and cgo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.findings import BuildChange, Loss, Remedy
from pytest_golink.remedies.cgo_off import why_cgo_is_needed, without_cgo
from pytest_golink.remedies.linkage import turn_cgo_on
from pytest_golink.remedies.static import described
from pytest_golink.remedies.tags import PRICES, TAGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_golink.case import Case
    from pytest_golink.facts import BinaryFacts

# Package net and os/user call libSystem there, with cgo and without.
_APPLE = frozenset({"darwin", "ios"})
# Systems on which os/user has no other way than files.
_ONLY_FILES = frozenset({"android", "js", "plan9", "wasip1"})


def change_resolver(case: Case) -> Iterator[Remedy]:
    """Yield what makes package net look hosts up in the way that the rule wants."""
    seen, wanted = case.facts.resolver or (), {*case.finding.names("kind")}
    found = _change_lookup(case, "net", seen=seen, wanted=wanted, own="go")
    return described(_resolver_words(case.facts, wanted, {*seen}), found)


def _resolver_words(facts: BinaryFacts, wanted: set[str], seen: set[str]) -> str:
    if "none" in seen:
        return "none by a flag: the program looks no name up, so the linker dropped the resolver"
    if wanted == {"go"} and seen & {"cgo", "system"}:
        return "-tags netgo"
    if "cgo" in wanted and "cgo" not in seen and seen <= {"go", "system"}:
        return "CGO_ENABLED=1 with a C compiler, without -tags netgo"
    if "system" in wanted and seen == {"go"} and facts.target and facts.target.goos in _APPLE:
        return "build without -tags netgo"
    return ""


def change_user_lookup(case: Case) -> Iterator[Remedy]:
    """Yield what makes os/user look users up in the way that the rule wants."""
    kind = case.finding.text("kind") or ""
    seen = case.facts.content.user_lookup or ()
    found = _change_lookup(case, "os/user", seen=seen, wanted={kind}, own="files")
    return described(_user_lookup_words(kind, seen, case.facts.target.goos if case.facts.target else ""), found)


def _user_lookup_words(kind: str, seen: Sequence[str], goos: str) -> str:
    if kind == "none":
        return "none by a flag: the program looks users or groups up with os/user"
    if "none" in seen:
        return "none by a flag: the program does not use os/user, or the linker dropped it"
    if kind == "files":
        return "none on Windows: accounts are the system's" if goos == "windows" else "-tags osusergo"
    if goos in _APPLE:
        return "build without -tags osusergo"
    return "" if goos in _ONLY_FILES else "CGO_ENABLED=1 with a C compiler, without -tags osusergo"


def _change_lookup(case: Case, package: str, *, seen: tuple[str, ...], wanted: set[str], own: str) -> Iterator[Remedy]:
    goos = case.facts.target.goos if case.facts.target is not None else ""
    if "none" in seen or goos == "windows":
        # No flag brings in what the program does not use; on Windows there is one way.
        return
    if wanted == {own}:
        prices = (PRICES[package],)
        change = BuildChange(added={"tags": (TAGS[package],)})
        yield Remedy(weight=1, change=change, prices=prices, loss=Loss.EXCHANGED)
        if goos not in _APPLE and not why_cgo_is_needed(case.facts, case.options):
            off, lost, loss = without_cgo(case.facts, case.options)
            yield Remedy(weight=2, change=BuildChange(options=off), prices=(*prices, *lost), loss=loss)
    elif "system" in wanted and goos in _APPLE:
        # libSystem is called without cgo.
        yield Remedy(weight=1, change=BuildChange(dropped={"tags": (TAGS[package],)}))
    elif wanted & {"cgo", "system"}:
        yield from turn_cgo_on(case)
