"""Rules about cgo: which C is in the image, and who linked it."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from typing import Annotated

from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.diagnosis.origin import cgo_causes
from pytest_golink.errors import ParameterError
from pytest_golink.facts import BinaryFacts, LinkMode, Resolver, UserLookup
from pytest_golink.remedies.linkage import cgo_words, change_link_mode, leave_cgo
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
    causes=cgo_causes,
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
    page="every package with cgo wrappers is in the list (globs); `runtime/cgo` goes with any of them",
    concerns={Concern.CGO_LINKED, Concern.CGO_PACKAGES},
    remedies=leave_cgo,
)
def only_cgo_packages(subject: Subject, *, packages: tuple[Name, ...]) -> Verdict:
    """
    Every package with cgo wrappers is in the list.

    runtime/cgo comes with any package that uses cgo: naming one package allows it, an empty list does not. The main
    package may be named by its import path or as "main".
    """
    facts = subject.facts
    expected = f"cgo only in {listed(packages)}" if packages else "cgo in no package"
    if facts.cgo.used is None:
        return undecidable(facts, expected)
    others = [package for package in facts.cgo.packages if not _is_named(facts, package, packages)]
    if not others and facts.cgo.used and not packages:
        others = [RUNTIME_CGO]
    return Verdict(
        outcome="violated" if others else "passed",
        expected=expected,
        observed=f"{listed(others)} too" if others and packages else listed(others or facts.cgo.packages) or "none",
        evidence=_cgo_lines(facts),
    )


@rule(
    "linkmode",
    group="cgo",
    page="internal or external: how the image was linked, whatever the flags say",
    concerns={Concern.CGO_LINKED, Concern.CGO_MISSING},
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
    cause: tuple[str, ...] = ()
    remedy: tuple[str, ...]
    if mode == "external":
        remedy = ("CGO_ENABLED=1 with a C compiler, and -ldflags '-linkmode external'",)
    else:
        # cmd/link/internal/ld/lib.go (internalpkg): with any other package's cgo the host linker must do it.
        others = [package for package in own_cgo_packages(facts) if package not in _LINKED_INTERNALLY]
        if others:
            cause = (f"{listed(others)}: Go links cgo by itself only for its own packages",)
        remedy = cgo_words(facts) if others else ("build without -linkmode external; CGO_ENABLED=0 rules it out",)
    return Verdict(
        outcome="violated", expected=expected, observed=facts.link_mode, evidence=evidence, cause=cause, remedy=remedy
    )


# Source: cmd/link/internal/ld/lib.go of Go 1.27.
_LINKED_INTERNALLY = frozenset({"crypto/internal/boring", "crypto/x509", "net", "os/user", RUNTIME_CGO})


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
    asked = sorted(set(kind))
    if "none" in asked and len(asked) > 1:
        raise ParameterError("resolver: none excludes the other kinds: an image with a resolver has another kind")
    expected = ", ".join(asked)
    if facts.resolver is None:
        return undecidable(facts, expected)
    seen = sorted(facts.resolver)
    if seen == asked:
        return Verdict(outcome="passed", expected=expected, observed=", ".join(seen), evidence=_resolver_lines(facts))
    return Verdict(
        outcome="violated",
        expected=expected,
        observed=", ".join(seen),
        evidence=_resolver_lines(facts),
        remedy=_change_resolver(facts, set(asked), set(seen)),
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


def _change_resolver(facts: BinaryFacts, asked: set[str], seen: set[str]) -> tuple[str, ...]:
    if "none" in seen:
        return ("none by a flag: the program looks no name up, so the linker dropped the resolver",)
    if asked == {"go"} and seen & {"cgo", "system"}:
        return ("-tags netgo",)
    if "cgo" in asked and "cgo" not in seen and seen <= {"go", "system"}:
        return ("CGO_ENABLED=1 with a C compiler, without -tags netgo",)
    if "system" in asked and seen == {"go"} and facts.target and facts.target.goos in ("darwin", "ios"):
        return ("build without -tags netgo",)
    return ()


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
    remedy: tuple[str, ...] = ()
    goos = facts.target.goos if facts.target else ""
    if kind == "none":
        remedy = ("none by a flag: the program asks os/user for users or groups",)
    elif "none" in seen:
        remedy = ("none by a flag: the program does not use os/user, or the linker dropped it",)
    elif kind == "files":
        remedy = ("none on Windows: accounts are the system's",) if goos == "windows" else ("-tags osusergo",)
    elif goos in ("darwin", "ios"):
        remedy = ("build without -tags osusergo",)
    elif goos not in ("plan9", "js", "wasip1", "android"):
        remedy = ("CGO_ENABLED=1 with a C compiler, without -tags osusergo",)
    return Verdict(outcome="violated", expected=expected, observed=", ".join(seen), evidence=evidence, remedy=remedy)


_USER_LOOKUPS = {
    "files": "os/user reads files only",
    "system": "os/user asks the system",
    "none": "os/user is not linked in",
}


def _user_words(facts: BinaryFacts, path: UserLookup) -> str:
    if path == "none":
        return "no lookup function of os/user"
    if path == "files":
        return "os/user's own lookup functions, which read files such as /etc/passwd"
    if facts.format == "pe":
        return "os/user's functions that ask Windows"
    return "os/user's lookup functions call libc (getpwuid_r and the like)"


def _cgo_lines(facts: BinaryFacts) -> tuple[str, ...]:
    lines = [f"pclntab: cgo wrappers of {package}" for package in own_cgo_packages(facts)[:8]]
    if len(own_cgo_packages(facts)) > 8:
        lines.append(f"… {len(own_cgo_packages(facts)) - 8} more")
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
