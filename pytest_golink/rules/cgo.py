"""Rules about cgo: which C is in the image, and who linked it."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from typing import Annotated

from pytest_golink.case import from_image
from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.diagnosis.linkage import why_other_link_mode
from pytest_golink.diagnosis.origin import cgo_causes
from pytest_golink.errors import ParameterError
from pytest_golink.facts import BinaryFacts, LinkMode, Resolver, UserLookup
from pytest_golink.remedies.linkage import change_link_mode, leave_cgo
from pytest_golink.remedies.lookups import change_resolver, change_user_lookup
from pytest_golink.rules.parameters import Name, NonEmpty
from pytest_golink.rules.proposal import Proposal
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable
from pytest_golink.text.words import listed
from pytest_golink.traits import RUNTIME_CGO, matching, own_cgo_packages


@rule(
    "no-cgo",
    group="cgo",
    page="`runtime/cgo` is not linked in",
    concerns={Concern.CGO_LINKED},
    causes=from_image(cgo_causes),
    remedies=leave_cgo,
    propose=Proposal(
        why="cgo switches itself on where a C compiler is found: a new CI runner would change the release.",
        needs="cgo = false (CGO_ENABLED=0)",
    ),
)
def no_cgo(subject: Subject) -> Verdict:
    """runtime/cgo is not linked in."""
    facts = subject.facts
    expected = "runtime/cgo is not linked in"
    if facts.cgo.used is None:
        return undecidable(facts, expected)
    if not facts.cgo.used:
        return Verdict(outcome="passed", expected=expected, observed="no runtime/cgo", evidence=_cgo_lines(facts))
    return Verdict(
        outcome="violated",
        expected=expected,
        observed="runtime/cgo is linked in",
        evidence=_cgo_lines(facts),
    )


@rule(
    "only-cgo-packages",
    group="cgo",
    page=(
        "every package with cgo wrappers, and of an image that golink built every package with C, is in the list "
        "(globs); `runtime/cgo` goes with any of them"
    ),
    concerns={Concern.CGO_LINKED, Concern.CGO_PACKAGES},
    remedies=leave_cgo,
)
def only_cgo_packages(subject: Subject, *, packages: tuple[Name, ...]) -> Verdict:
    """
    Every package with cgo wrappers is in the list.

    Where golink built the image, so is every other package of the build that has C. runtime/cgo comes with any
    package that uses cgo: naming one package allows it, an empty list does not. The main package may be named by its
    import path or as "main".
    """
    facts = subject.facts
    expected = f"cgo only in {listed(packages)}" if packages else "cgo in no package"
    if facts.cgo.used is None:
        return undecidable(facts, expected)
    others = [package for package in facts.cgo.packages if not _is_named(facts, package, packages)]
    if not others and facts.cgo.used and not packages:
        others = [RUNTIME_CGO]
    if not others and facts.cgo.source_error:
        observed = f"go list does not say which packages of the build use cgo: {facts.cgo.source_error}"
        return Verdict(outcome="undecidable", expected=expected, observed=observed, evidence=_cgo_lines(facts))
    return Verdict(
        outcome="violated" if others else "passed",
        expected=expected,
        observed=f"{listed(others)} too" if others and packages else listed(others or facts.cgo.packages) or "none",
        evidence=_cgo_lines(facts),
        caution=(_HIDDEN,) if facts.cgo.used and facts.cgo.from_source is None and not others else (),
    )


# The fact sheet has the whole list.
_MOST_PACKAGES = 8
_HIDDEN = (
    "a package whose C is only a constructor, a variable or a function whose address is taken does not show in an "
    "image: golink knows of it only where it builds the program"
)


@rule(
    "linkmode",
    group="cgo",
    page="internal or external: how the image was linked, whatever the flags say",
    concerns={Concern.CGO_LINKED, Concern.CGO_MISSING},
    causes=why_other_link_mode,
    remedies=change_link_mode,
)
def linkmode(subject: Subject, *, mode: LinkMode) -> Verdict:
    """Link mode is internal or external, whatever the flags of the build say."""
    facts = subject.facts
    expected = f"{mode} link mode"
    if facts.link_mode is None:
        return undecidable(facts, expected)
    where = "lies inside" if facts.link_mode == "internal" else "lies outside"
    evidence = (f"the entry point {where} Go's own text",)
    if facts.link_mode == mode:
        return Verdict(outcome="passed", expected=expected, observed=facts.link_mode, evidence=evidence)
    return Verdict(outcome="violated", expected=expected, observed=facts.link_mode, evidence=evidence)


@rule(
    "resolver",
    group="cgo",
    page="the DNS paths that the program can take are exactly these",
    concerns={Concern.CGO_LINKED, Concern.CGO_MISSING, Concern.RESOLVER},
    remedies=change_resolver,
)
def resolver(subject: Subject, *, kind: Annotated[tuple[Resolver, ...], NonEmpty]) -> Verdict:
    """DNS paths that the program can take are exactly these."""
    facts = subject.facts
    wanted = sorted(set(kind))
    if "none" in wanted and len(wanted) > 1:
        raise ParameterError("resolver: none excludes the other kinds: an image with a resolver has another kind")
    expected = ", ".join(wanted)
    if facts.resolver is None:
        return undecidable(facts, expected)
    seen = sorted(facts.resolver)
    if seen == wanted:
        return Verdict(outcome="passed", expected=expected, observed=", ".join(seen), evidence=_resolver_lines(facts))
    return Verdict(
        outcome="violated",
        expected=expected,
        observed=", ".join(seen),
        evidence=_resolver_lines(facts),
    )


_RESOLVER_WORDS = {
    "cgo": "cgo: libc's getaddrinfo, through package net's cgo wrappers",
    "go": "go: Go's own resolver",
    "system": "system: libSystem's getaddrinfo, without cgo",
    "windows": "windows: the system's GetAddrInfoW",
    "none": "none: no resolver code is linked in",
}


def _resolver_lines(facts: BinaryFacts) -> tuple[str, ...]:
    return tuple(_RESOLVER_WORDS[path] for path in facts.resolver or ())


@rule(
    "user-lookup",
    group="cgo",
    page=("os/user reads `files` only, or goes through libc or Windows (`system`), or is not linked in (`none`)"),
    concerns={Concern.CGO_LINKED, Concern.CGO_MISSING, Concern.USER_LOOKUP},
    remedies=change_user_lookup,
)
def user_lookup(subject: Subject, *, kind: UserLookup) -> Verdict:
    """os/user reads files only, goes through the system's libc, or is not linked in."""
    facts = subject.facts
    expected = _USER_LOOKUPS[kind]
    seen = facts.content.user_lookup
    if seen is None:
        return undecidable(facts, expected)
    evidence = tuple(f"pclntab: {_user_words(facts, path)}" for path in seen)
    if seen == (kind,):
        return Verdict(outcome="passed", expected=expected, observed=", ".join(seen), evidence=evidence)
    return Verdict(outcome="violated", expected=expected, observed=", ".join(seen), evidence=evidence)


_USER_LOOKUPS = {
    "files": "os/user reads files only",
    "system": "os/user goes through the system",
    "none": "os/user is not linked in",
}


def _user_words(facts: BinaryFacts, path: UserLookup) -> str:
    if path == "none":
        return "no lookup function of os/user"
    if path == "files":
        return "os/user's own lookup functions, which read files such as /etc/passwd"
    if facts.format == "pe":
        return "os/user's functions that call Windows"
    return "os/user's lookup functions call libc (getpwuid_r and the like)"


def _cgo_lines(facts: BinaryFacts) -> tuple[str, ...]:
    hidden = facts.cgo.from_source or ()
    own = own_cgo_packages(facts)
    with_wrappers = [package for package in own if package not in hidden]
    lines = [f"pclntab: cgo wrappers of {listed(with_wrappers, most=_MOST_PACKAGES)}"] if with_wrappers else []
    lines += [f"go list: C of {listed(hidden, most=_MOST_PACKAGES)}"] if hidden else []
    lines.append(f"pclntab: {'_cgo_topofstack' if facts.cgo.used else 'no _cgo_topofstack'}, runtime/cgo's mark")
    if facts.cgo.enabled is not None:
        lines.append(f"build setting CGO_ENABLED={int(facts.cgo.enabled)}")
    return tuple(lines)


def _is_named(facts: BinaryFacts, package: str, packages: tuple[str, ...]) -> bool:
    if package == RUNTIME_CGO:
        return bool(packages)
    names = [package]
    if package == "main" and facts.go is not None and facts.go.path:
        names.append(facts.go.path)
    return bool(matching(facts, names, packages))
