"""The rule over several images: those of one program agree, as far as their platforms let them."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.diagnosis.several import OddImages, why_different
from pytest_golink.facts import BinaryFacts
from pytest_golink.remedies.several import build_alike
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict
from pytest_golink.text.words import listed
from pytest_golink.traits import always_dynamic

_EXPECTED = "the same linkage, libc, cgo and resolver, where the platforms allow it"
# Systems that have no cgo at all. Source: go/build's cgoEnabled, `go tool dist list -json`.
_WITHOUT_CGO = frozenset({"js", "plan9", "wasip1"})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Facet:
    """
    One fact that images are compared by.

    `peers` names the images that an image is compared with, "" for none; `value` is the fact in words, None where the
    image does not say.
    """

    name: str
    peers: Callable[[BinaryFacts], str]
    value: Callable[[BinaryFacts], str | None]


@rule(
    "same-linkage",
    group="platform",
    page=(
        "all images of one `[[binary]]`, its targets or its path's matches, agree in linkage, libc, cgo and "
        "resolver, where their platforms allow it: see below"
    ),
    scope="binary",
    concerns={Concern.CGO_LINKED},
    causes=why_different,
    remedies=build_alike,
)
def same_linkage(subjects: Sequence[Subject]) -> Verdict:
    """All images of one program agree in linkage, libc, cgo and resolver, where their platforms allow it."""
    if len(subjects) < 2:
        return Verdict(outcome="not-applicable", expected=_EXPECTED, observed="one image: nothing to compare it with")
    labels = dict(zip(map(id, subjects), _labels(subjects), strict=True))
    differing: list[tuple[str, list[list[Subject]]]] = []
    unsaid: list[str] = []
    for facet in _FACETS:
        for group in _groups(facet, subjects):
            silent = [labels[id(subject)] for subject in group if facet.value(subject.facts) is None]
            unsaid += [f"{label} does not say its {facet.name}" for label in silent]
            values: dict[str, list[Subject]] = {}
            for subject in group:
                if (value := facet.value(subject.facts)) is not None:
                    values.setdefault(value, []).append(subject)
            if len(values) > 1:
                differing.append((facet.name, list(values.values())))
    evidence = tuple(f"{labels[id(subject)]}: {_line(subject.facts)}" for subject in subjects)
    if differing:
        odd = _odd_ones_out(differing)
        return Verdict(
            outcome="violated",
            expected=_EXPECTED,
            observed="; ".join(
                f"{listed([labels[id(one)] for one in ones])} {'differs' if len(ones) == 1 else 'differ'} "
                f"from the rest in {', '.join(facets)}"
                for ones, facets in odd
            ),
            evidence=evidence,
            details=_details(odd, labels),
        )
    if unsaid:
        return Verdict(outcome="undecidable", expected=_EXPECTED, observed="; ".join(unsaid), evidence=evidence)
    return Verdict(
        outcome="passed", expected=_EXPECTED, observed=f"{len(subjects)} images that agree", evidence=evidence
    )


def _odd_ones_out(differing: Sequence[tuple[str, list[list[Subject]]]]) -> list[tuple[list[Subject], list[str]]]:
    """Return the images that the fewest agree with, and in which facts; where two sides are even, as elsewhere."""
    often: dict[int, int] = {}
    for _, sides in differing:
        largest = max(map(len, sides))
        if [len(side) for side in sides].count(largest) == 1:
            for subject in (subject for side in sides if len(side) < largest for subject in side):
                often[id(subject)] = often.get(id(subject), 0) + 1
    odd: list[tuple[list[Subject], list[str]]] = []
    for facet, sides in differing:
        # The last of several largest sides is the rest: the image that the policy names first is the odd one.
        rest = max(reversed(sides), key=lambda side: (len(side), -sum(often.get(id(one), 0) for one in side)))
        ones = [subject for side in sides if side is not rest for subject in side]
        for known, facets in odd:
            if list(map(id, known)) == list(map(id, ones)):
                facets.append(facet)
                break
        else:
            odd.append((ones, [facet]))
    return odd


def _groups(facet: _Facet, subjects: Sequence[Subject]) -> list[list[Subject]]:
    groups: dict[str, list[Subject]] = {}
    for subject in subjects:
        if peers := facet.peers(subject.facts):
            groups.setdefault(peers, []).append(subject)
    return [group for group in groups.values() if len(group) > 1]


def _system(facts: BinaryFacts) -> str:
    # Without a target the format is what an image is known by.
    return facts.target.goos if facts.target else facts.format


def _system_or_free(facts: BinaryFacts) -> str:
    # Where a program can be static or dynamic, it is a choice; elsewhere the system has made it.
    fixed = always_dynamic(facts) or facts.format in ("wasm", "plan9")
    return _system(facts) if fixed else "free to choose"


def _linkage(facts: BinaryFacts) -> str | None:
    # Whether an image is position independent is another question.
    return "static" if facts.linkage == "static-pie" else facts.linkage


def _libc(facts: BinaryFacts) -> str | None:
    presence = facts.libc.presence
    return {"none": "none", "dynamic": "loaded at run time", "embedded": "linked in"}[presence]


def _libc_kind(facts: BinaryFacts) -> str | None:
    # Whether there is one is compared over all systems; here, which.
    return facts.libc.kind


def _cgo(facts: BinaryFacts) -> str | None:
    return None if facts.cgo.used is None else "in use" if facts.cgo.used else "not in use"


def _resolver(facts: BinaryFacts) -> str | None:
    return None if facts.resolver is None else ", ".join(sorted(facts.resolver))


_FACETS = (
    _Facet(name="linkage", peers=_system_or_free, value=_linkage),
    _Facet(name="libc", peers=_system_or_free, value=_libc),
    _Facet(
        name="kind of libc", peers=lambda facts: "" if facts.libc.kind == "none" else _system(facts), value=_libc_kind
    ),
    _Facet(name="cgo", peers=lambda facts: "" if _system(facts) in _WITHOUT_CGO else "cgo", value=_cgo),
    _Facet(name="resolver", peers=_system_or_free, value=_resolver),
)


def _labels(subjects: Sequence[Subject]) -> list[str]:
    # The shortest that tells them apart.
    targets = [str(subject.facts.target or "") for subject in subjects]
    names = [subject.name for subject in subjects]
    for labels in (targets, names):
        if all(labels) and len(set(labels)) == len(labels):
            return labels
    return [f"{name} ({target})" if target else name for name, target in zip(names, targets, strict=True)]


def _line(facts: BinaryFacts) -> str:
    libc = facts.libc
    words = {"none": "no libc", "dynamic": libc.kind, "embedded": f"{libc.kind} linked in"}[libc.presence]
    cgo = _cgo(facts)
    return ", ".join(
        (
            facts.linkage or f"an {facts.kind}",
            words,
            f"cgo {cgo}" if cgo else "cgo unknown",
            f"resolver {_resolver(facts) or 'unknown'}",
        )
    )


def _details(odd: Sequence[tuple[list[Subject], list[str]]], labels: dict[int, str]) -> OddImages:
    ones = {id(subject): subject for subjects, _ in odd for subject in subjects}
    return OddImages(
        images=tuple((labels[key], subject.facts) for key, subject in ones.items()),
        facets=frozenset(facet for _, facets in odd for facet in facets),
    )
