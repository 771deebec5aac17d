"""Rules about the C library."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from collections.abc import Iterator, Sequence
from typing import Literal

from pytest_golink.case import from_image
from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.diagnosis.linkage import why_newer_glibc, why_other_libc
from pytest_golink.diagnosis.origin import libc_causes
from pytest_golink.errors import ParameterError
from pytest_golink.facts import BinaryFacts
from pytest_golink.reader.libc import ABI_VERSIONS
from pytest_golink.remedies.linkage import load_libc, older_glibc, unload_libc
from pytest_golink.rules.evidence import libc_line, linkage_lines, needed_lines
from pytest_golink.rules.parameters import Version
from pytest_golink.rules.proposal import STARTS_ANYWHERE, Proposal
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked
from pytest_golink.text.versions import numbers
from pytest_golink.text.words import listed
from pytest_golink.traits import GLIBC_PRIVATE

LoadedLibc = Literal["glibc", "musl", "bionic", "libSystem", "bsd", "solaris", "aix", "ucrt", "msvcrt"]


_FLOOR_WHY = "Does not start to need a newer glibc than today: the machines it must run on may be older than CI."


def _highest_floor(subjects: Sequence[Subject]) -> str | None:
    """Return the highest glibc floor of the images, None where none has one."""
    floors = [subject.facts.libc.floor for subject in subjects if subject.facts.libc.kind == "glibc"]
    return max(filter(None, floors), key=numbers, default=None)


def _propose_libc(subjects: Sequence[Subject]) -> Iterator[Proposal]:
    libcs = [subject.facts.libc for subject in subjects]
    floor = _highest_floor(subjects)
    kinds = {libc.kind for libc in libcs if libc.presence == "dynamic"}
    if floor and all(libc.kind == "glibc" and libc.floor for libc in libcs):
        glibc = {"kind": "glibc", "at-most": floor}
        yield Proposal(parameters=glibc, why=_FLOOR_WHY, ladder=STARTS_ANYWHERE, rung=2)
    if len(kinds) == 1 and not floor:
        kind = {"kind": kinds.pop()}
        yield Proposal(parameters=kind, why="Loads that libc, and no other.", ladder=STARTS_ANYWHERE, rung=2)


@rule(
    "needs-libc",
    group="linkage",
    page="a libc is loaded at run time, of that kind, with a floor at or under that version",
    concerns={Concern.CGO_LINKED, Concern.CGO_MISSING, Concern.GLIBC_FLOOR},
    causes=why_other_libc,
    remedies=load_libc,
    propose=_propose_libc,
)
def needs_libc(subject: Subject, *, kind: LoadedLibc | None = None, at_most: Version | None = None) -> Verdict:
    """
    At run time a libc is loaded, of that kind, with a floor at or under that version.

    A floor is glibc's: `at-most` without `kind` means glibc.
    """
    if at_most is not None:
        if kind not in (None, "glibc"):
            raise ParameterError(f"needs-libc: at-most is a version of glibc; {kind} has no floor")
        kind = "glibc"
    facts = subject.facts
    expected = f"loads {kind or 'a libc'}{f' {at_most} or older' if at_most else ''}"
    unanswered = undecidable_if_unlinked(facts, expected)
    if unanswered:
        return unanswered
    libc = facts.libc
    if libc.presence != "dynamic":
        return Verdict(outcome="violated", expected=expected, observed=libc_line(facts), evidence=linkage_lines(facts))
    evidence = needed_lines(facts, facts.needed) or linkage_lines(facts)
    if kind is not None and libc.kind == "unknown":
        return Verdict(outcome="undecidable", expected=expected, observed="a libc that is not known", evidence=evidence)
    if kind is not None and libc.kind != kind:
        return Verdict(outcome="violated", expected=expected, observed=libc_line(facts), evidence=evidence)
    if at_most is not None:
        return _floor(facts, at_most, expected)
    return Verdict(outcome="passed", expected=expected, observed=libc_line(facts), evidence=evidence)


@rule(
    "no-libc",
    group="linkage",
    page="no libc is loaded at run time (one may be embedded)",
    concerns={Concern.CGO_LINKED, Concern.LINKAGE, Concern.IMPORTERS, Concern.LIBRARIES},
    causes=from_image(libc_causes),
    remedies=unload_libc,
)
def no_libc(subject: Subject) -> Verdict:
    """No libc is loaded at run time; one may be embedded."""
    facts = subject.facts
    expected = "no libc is loaded"
    unanswered = undecidable_if_unlinked(facts, expected)
    if unanswered:
        return unanswered
    if facts.libc.presence == "dynamic":
        return Verdict(
            outcome="violated",
            expected=expected,
            observed=libc_line(facts),
            evidence=needed_lines(facts, facts.needed) or linkage_lines(facts),
        )
    if facts.libc.kind == "unknown" and facts.libc.presence == "none":
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="the image does not say whether a libc is among what it needs",
            evidence=linkage_lines(facts),
        )
    return Verdict(outcome="passed", expected=expected, observed=libc_line(facts), evidence=linkage_lines(facts))


def _propose_floor(subjects: Sequence[Subject]) -> Iterator[Proposal]:
    if floor := _highest_floor(subjects):
        yield Proposal(parameters={"version": floor}, why=_FLOOR_WHY, ladder=STARTS_ANYWHERE, rung=3)


# What glibc's own libraries share among each other.


@rule(
    "glibc-at-most",
    group="linkage",
    page="the glibc floor is at or under it; an image that loads no glibc passes",
    concerns={Concern.CGO_LINKED, Concern.IMPORTERS, Concern.GLIBC_FLOOR, Concern.LIBRARIES},
    causes=why_newer_glibc,
    remedies=older_glibc,
    propose=_propose_floor,
)
def glibc_at_most(subject: Subject, *, version: Version) -> Verdict:
    """Glibc's floor is at or under this version; an image that loads no glibc passes."""
    facts = subject.facts
    expected = f"glibc {version} or older, or none"
    unanswered = undecidable_if_unlinked(facts, expected)
    if unanswered:
        return unanswered
    libc = facts.libc
    if libc.kind == "unknown" and libc.presence != "embedded":
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="the image does not say which libc it loads",
            evidence=linkage_lines(facts),
        )
    if libc.presence == "dynamic" and libc.kind == "glibc":
        return _floor(facts, version, expected)
    return Verdict(outcome="passed", expected=expected, observed=libc_line(facts), evidence=linkage_lines(facts))


def _floor(facts: BinaryFacts, version: str, expected: str) -> Verdict:
    # The one comparison of a glibc floor: numbers, not text, for "2.9" is older than "2.17".
    evidence = needed_lines(facts, facts.needed)
    floor = facts.libc.floor
    special = sorted({need.version for need in facts.version_needs if need.version.startswith("GLIBC_ABI_")})
    needs = [ABI_VERSIONS[name] for name in special if name in ABI_VERSIONS] + ([floor] if floor else [])
    highest = max(needs, key=numbers, default=None)
    evidence += tuple(f"version need {name}" for name in special)
    private = [need.library for need in facts.version_needs if need.version == GLIBC_PRIVATE]
    if private:
        # No version of glibc is enough: it changes with every build of it.
        return Verdict(
            outcome="violated",
            expected=expected,
            observed=f"needs {GLIBC_PRIVATE} of {listed(private)}, which only the very same glibc has",
            evidence=(*evidence, f"version need {GLIBC_PRIVATE} in {facts.path}"),
        )
    if highest is not None and numbers(highest) > numbers(version):
        return Verdict(
            outcome="violated",
            expected=expected,
            observed=f"needs glibc {highest}",
            evidence=evidence,
        )
    unknown = [name for name in special if name not in ABI_VERSIONS]
    if unknown:
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed=f"needs {listed(unknown)}, and golink does not know which glibc has that",
            evidence=evidence,
        )
    # Symbols without a version bind to whatever the library on the machine has.
    observed = f"needs glibc {highest}" if highest else "glibc, with no GLIBC_x.y version need"
    return Verdict(outcome="passed", expected=expected, observed=observed, evidence=evidence)
