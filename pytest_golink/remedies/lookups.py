"""Remedies for the ways that a program looks up hosts and users: the tags of package net and os/user, and cgo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.remedies.linkage import turn_cgo_on
from pytest_golink.remedies.model import BuildChange, Remedy
from pytest_golink.remedies.tags import PRICES, TAGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.remedies.model import Case

# Package net and os/user call libSystem there, with cgo and without.
_APPLE = frozenset({"darwin", "ios"})


def change_resolver(case: Case) -> Iterator[Remedy]:
    """Yield what makes package net look hosts up in the way that the rule asks for."""
    return _change_lookup(case, "net", seen=case.facts.resolver or (), wanted={*case.finding.names("kind")}, own="go")


def change_user_lookup(case: Case) -> Iterator[Remedy]:
    """Yield what makes os/user look users up in the way that the rule asks for."""
    wanted = {case.finding.text("kind") or ""}
    seen = case.facts.content.user_lookup or ()
    return _change_lookup(case, "os/user", seen=seen, wanted=wanted, own="files")


def _change_lookup(case: Case, package: str, *, seen: tuple[str, ...], wanted: set[str], own: str) -> Iterator[Remedy]:
    goos = case.facts.target.goos if case.facts.target is not None else ""
    if "none" in seen or goos == "windows":
        # No flag brings in what the program does not use; on Windows there is one way.
        return
    if wanted == {own}:
        prices = (PRICES[package],)
        tags = (*case.options.tags, TAGS[package])
        yield Remedy(weight=1, change=BuildChange(options={"tags": tags}), prices=prices)
        if goos not in _APPLE:
            yield Remedy(weight=2, change=BuildChange(options={"cgo": False}), prices=prices)
    elif "system" in wanted and goos in _APPLE:
        # libSystem is called without cgo.
        kept = tuple(tag for tag in case.options.tags if tag != TAGS[package])
        yield Remedy(weight=1, change=BuildChange(options={"tags": kept}))
    elif wanted & {"cgo", "system"}:
        yield from turn_cgo_on(case)
