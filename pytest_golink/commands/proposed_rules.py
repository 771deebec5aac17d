"""The rules that a first golink.toml starts with: those that hold today, each with why a team wants it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_golink.platforms import PLATFORMS
from pytest_golink.rules.registry import RULES, evaluate
from pytest_golink.text.escape import escape, toml_string

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_golink.findings import Finding
    from pytest_golink.rules.subject import Subject

_LONGEST_OBSERVED = 110


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """
    One rule for a policy.

    Attributes:
        rule: Its name.
        parameters: By hyphenated name.
        why: Why a team wants it.
        needs: What a build that does not keep it would have to change; "" for one that is not worth a wish.
        observed: What an image shows that does not keep it, with the image's name; "" where all keep it.
        of_a_release: Whether it depends on the checkout, and so cannot be promised to hold for the next build.
    """

    rule: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    why: str
    needs: str
    observed: str = ""
    of_a_release: bool = False

    def line(self) -> str:
        """Give the line of a policy."""
        return f"{self.rule} = {toml(self._value())}"

    def _value(self) -> object:
        if not self.parameters:
            return True
        if len(RULES[self.rule].parameters) == 1:
            return next(iter(self.parameters.values()))
        return self.parameters


def toml(value: object) -> str:
    """Write a value in TOML, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    return toml_string(str(value))


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposals:
    """
    The rules for a policy, in its order.

    Attributes:
        held: Those that every image keeps.
        broken: Those that one does not.
        own: By binary, in the order given, of the broken ones those that all of its images keep.
    """

    held: tuple[Proposal, ...]
    broken: tuple[Proposal, ...]
    own: tuple[tuple[Proposal, ...], ...]


def proposals(binaries: Sequence[Sequence[Subject]]) -> Proposals:
    """Ask the rules of the images of several binaries."""
    held: list[Proposal] = []
    broken: list[Proposal] = []
    own: list[list[Proposal]] = [[] for _binary in binaries]
    subjects = [subject for binary in binaries for subject in binary]
    for ladder in _ladders(subjects):
        # Of one ladder a binary gets the first rung that it reaches.
        climbed: set[int] = set()
        for proposal in ladder:
            if proposal.of_a_release:
                broken.append(proposal)
                continue
            kept = [_kept(proposal, binary) for binary in binaries]
            failing = [(subject, finding) for one in kept for subject, finding in one if finding.fails]
            if not failing and any(finding.outcome == "passed" for one in kept for _subject, finding in one):
                held.append(proposal)
                break
            if failing:
                if proposal.needs:
                    broken.append(_broken(proposal, *failing[0], others=len(failing) - 1))
                for number, one in enumerate(kept):
                    if number not in climbed and all(finding.outcome == "passed" for _subject, finding in one):
                        climbed.add(number)
                        own[number].append(proposal)
    return Proposals(held=tuple(held), broken=tuple(broken), own=tuple(tuple(one) for one in own))


def _kept(proposal: Proposal, binary: Sequence[Subject]) -> list[tuple[Subject, Finding]]:
    return [(subject, evaluate(proposal.rule, subject, proposal.parameters)) for subject in binary]


def _broken(proposal: Proposal, subject: Subject, finding: Finding, *, others: int) -> Proposal:
    more = f" (and {others} more)" if others else ""
    # The file goes into a repository: it does not name the folders of this machine.
    seen = "folders of this machine" if proposal.rule == "no-build-paths" else finding.observed
    observed = f"{escape(subject.name)}{more}: {escape(seen, longest=_LONGEST_OBSERVED)}"
    return Proposal(
        rule=proposal.rule, parameters=proposal.parameters, why=proposal.why, needs=proposal.needs, observed=observed
    )


def _ladders(subjects: Sequence[Subject]) -> Iterator[tuple[Proposal, ...]]:
    """Yield the rules in the order of the policy; of a ladder the first that holds is taken."""
    yield (
        Proposal(
            rule="static",
            why="Starts on any Linux, in an empty container and on Alpine too: no interpreter, no shared library.",
            needs="cgo = false (CGO_ENABLED=0), or C code that is linked statically",
        ),
        Proposal(
            rule="self-contained",
            why="Needs nothing but what every installation of its operating system has.",
            needs="cgo = false (CGO_ENABLED=0)",
        ),
        *_libc(subjects),
    )
    yield tuple(_platforms(subjects))
    yield (
        Proposal(
            rule="no-getaddrinfo-warning",
            why="No name lookup of glibc in a static program: it would crash, or not resolve, on another glibc.",
            needs='tags = ["netgo", "osusergo"], or a dynamic link',
        ),
    )
    yield (
        Proposal(
            rule="no-cgo",
            why="cgo switches itself on where a C compiler is found: a new CI runner would change the release.",
            needs="cgo = false (CGO_ENABLED=0)",
        ),
    )
    if any(subject.facts.linkage == "dynamic" for subject in subjects):
        # A static image imports nothing; and with cgo, of which no-cgo tells, the rule has no answer.
        yield (
            Proposal(
                rule="no-dynamic-imports",
                why="No package that loads shared libraries behind CGO_ENABLED=0 (//go:cgo_import_dynamic).",
                needs="",
            ),
        )
    yield (
        Proposal(
            rule="no-rpath", why="No folder of the build machine in which libraries are searched.", needs=_C_LINKER
        ),
    )
    yield (
        Proposal(
            rule="claims-hold",
            why="The image is what its build info says: Go version, target, cgo, tags, link flags.",
            needs="a build that nothing changes afterwards",
        ),
    )
    yield (
        Proposal(
            rule="intact",
            why="Nothing packed or broke the image after the build: scanners and stack traces work.",
            needs="no upx and no strip after the build",
        ),
    )
    yield (
        Proposal(
            rule="no-instrumentation",
            why="No -race, -msan, -asan or -cover in a release.",
            needs="a build without these flags",
        ),
    )
    yield (
        Proposal(
            rule="no-build-paths",
            why="No user name and no folder of the build machine in the image.",
            needs="trimpath = true (-trimpath)",
        ),
    )
    yield (
        Proposal(
            rule="stripped",
            why="No symbol table and no DWARF: a third smaller. Stack traces do not need them.",
            needs='ldflags = "-s -w"',
        ),
    )
    yield (Proposal(rule="nx", why="No executable stack.", needs=_C_LINKER),)
    yield (Proposal(rule="no-writable-code", why="No memory that is both writable and executable.", needs=_C_LINKER),)
    yield (
        Proposal(
            rule="relro",
            parameters={"level": "full"},
            why="What the loader fills in is read-only afterwards.",
            needs="",
        ),
        Proposal(rule="relro", parameters={"level": "partial"}, why="What the loader fills in is read-only.", needs=""),
    )
    yield (
        Proposal(
            rule="pie",
            why="The program's own code is loaded at a random address too.",
            needs='buildmode = "pie"; on Linux a pie of Go names an interpreter, and is not static any more',
        ),
    )
    if all(subject.facts.target and subject.facts.target.goarch in _LEVEL_OF for subject in subjects):
        yield (
            Proposal(
                rule="cpu-at-most",
                parameters={"level": list(_LEVEL_OF.values())},
                why="Starts on every CPU of its architecture.",
                needs="the lowest GOAMD64, GOARM64, …",
            ),
        )
    yield (
        Proposal(
            rule="vcs-clean",
            why="Built from a commit, without local changes.",
            needs="a clean checkout: for a release, not for a developer's machine",
            observed="depends on the checkout",
            of_a_release=True,
        ),
    )


_C_LINKER = "other flags of the C linker"


# What Go takes by itself. An image whose architecture the rule does not name would be an error.
_LEVEL_OF = {"amd64": "GOAMD64=v1", "arm64": "GOARM64=v8.0", "arm": "GOARM=7", "386": "GO386=sse2"}
# Where Go programs are asked to start, from the smallest up.
_PLATFORMS = ("scratch", "alpine3.22", "debian11", "debian12", "ubuntu22.04", "rhel8", "rhel9", "amazonlinux2023")


def _platforms(subjects: Sequence[Subject]) -> Iterator[Proposal]:
    """Yield the rule that names the platforms on which every Linux image starts today."""
    linux = [subject for subject in subjects if subject.facts.target and subject.facts.target.goos == "linux"]
    kept = [
        platform
        for platform in _PLATFORMS
        if platform in PLATFORMS
        and all(evaluate("runs-on", subject, {"platforms": [platform]}).outcome == "passed" for subject in linux)
    ]
    if linux and kept:
        yield Proposal(
            rule="runs-on",
            parameters={"platforms": kept},
            why="Starts there: interpreter, libraries, glibc and CPU are held against what the platform has.",
            needs="",
        )


def _libc(subjects: Sequence[Subject]) -> Iterator[Proposal]:
    """Yield what can be said of images that load a libc: today's glibc floor, so that it does not rise unseen."""
    libcs = [subject.facts.libc for subject in subjects]
    floors = [libc.floor for libc in libcs if libc.kind == "glibc" and libc.floor]
    why = "Does not start to need a newer glibc than today: the machines it must run on may be older than CI."
    if floors:
        highest = max(floors, key=lambda version: [int(part) for part in version.split(".")])
        if len(floors) == len(libcs):
            yield Proposal(rule="needs-libc", parameters={"kind": "glibc", "at-most": highest}, why=why, needs="")
        yield Proposal(rule="glibc-at-most", parameters={"version": highest}, why=why, needs="")
    kinds = {libc.kind for libc in libcs if libc.presence == "dynamic"}
    if len(kinds) == 1 and not floors:
        yield Proposal(
            rule="needs-libc", parameters={"kind": kinds.pop()}, why="Loads that libc, and no other.", needs=""
        )
