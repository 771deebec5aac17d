"""Rules about what a build leaves behind: its folders, its instrumentation, its own records."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

import re
from collections.abc import Iterator

from pytest_golink.case import from_image
from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.diagnosis.content import why_not_intact, why_paths
from pytest_golink.facts import BinaryFacts, BuildPath, Instrumentation
from pytest_golink.remedies.content import leave_instrumentation, leave_paths, ship_as_built
from pytest_golink.rules.proposal import Proposal
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable
from pytest_golink.text.words import listed
from pytest_golink.traits import setting

_SHOWN = 12
# So many paths of one folder share a line.
_FEWEST_FOLDED = 3
# Where systems have libraries, and where people and CI services build.
_OF_THE_SYSTEM = re.compile(
    r"/(usr/|nix/store/)?lib(32|64|x32)?/|/usr/local/lib|/opt/|/nix/store/|/system/|/gnu/store/"
)
_OF_BUILDERS = re.compile(r"/(home|root|Users|tmp|build|builds|github|workspace|go|src|var/lib/jenkins)(/|$)")


@rule(
    "no-build-paths",
    group="content",
    page=("no absolute path of the build machine in pclntab, DWARF or build info; GOROOT and the module cache count"),
    concerns={Concern.BUILD_PATHS},
    causes=from_image(why_paths),
    remedies=leave_paths,
    propose=Proposal(
        why="No user name and no folder of the build machine in the image.",
        needs="trimpath = true (-trimpath)",
        # The file goes into a repository: it does not name the folders of this machine.
        observed="folders of this machine",
    ),
)
def no_build_paths(subject: Subject) -> Verdict:
    """
    There is no absolute path of the build machine in pclntab, DWARF or build info.

    GOROOT and the module cache count. What is the same on every machine does not: Go's stand-ins "/tmp/go-build" and
    "/_", and the C compiler's own headers under /usr/include and /usr/lib.
    """
    facts = subject.facts
    expected = "no absolute path of the build machine"
    paths = facts.content.build_paths
    if paths is None:
        return undecidable(facts, expected)
    paths = (*paths, *_looked_for(facts, paths))
    if not paths:
        searched = "pclntab and build info" if facts.dwarf is not True else "pclntab, DWARF and build info"
        return Verdict(outcome="passed", expected=expected, observed="none", evidence=(f"none in {searched}",))
    evidence = _folded(paths)
    if len(evidence) > _SHOWN:
        evidence[_SHOWN:] = [f"… {len(evidence) - _SHOWN} more"]
    return Verdict(
        outcome="violated",
        expected=expected,
        observed=listed(list(dict.fromkeys(found.path for found in paths)), most=3),
        evidence=tuple(evidence),
        details=tuple(paths),
    )


def _folded(paths: tuple[BuildPath, ...]) -> list[str]:
    """Return a line for each place that has paths, and one for each folder with many of them."""
    by_folder: dict[tuple[str, str], list[str]] = {}
    for found in paths:
        by_folder.setdefault((found.where, found.path.rstrip("/").rpartition("/")[0]), []).append(found.path)
    lines = []
    single: dict[str, list[str]] = {}
    for (where, folder), below in by_folder.items():
        if len(below) < _FEWEST_FOLDED or not folder:
            single.setdefault(where, []).extend(below)
        else:
            names = [path.removeprefix(f"{folder}/") for path in below]
            lines.append(f"{where}: {len(below)} paths in {folder}: {listed(names)}")
    by_paths: dict[tuple[str, ...], list[str]] = {}
    for where, found_there in single.items():
        by_paths.setdefault(tuple(found_there), []).append(where)
    return [*(f"{', '.join(places)}: {listed(same, most=_SHOWN)}" for same, places in by_paths.items()), *lines]


def _looked_for(facts: BinaryFacts, paths: tuple[BuildPath, ...]) -> Iterator[BuildPath]:
    """
    Yield where the loader is to look for libraries in folders of the build machine (golang/go#17807).

    A library without DT_SONAME is needed by the path that it was linked from. A folder of DT_RUNPATH is one of the
    target machine, unless other parts of the image name it too, or users build there.
    """
    known = [each.path for each in paths]
    for library in facts.needed if facts.format == "elf" else ():
        if library.name.startswith("/") and not _OF_THE_SYSTEM.match(library.name):
            yield BuildPath(path=library.name, where=library.via)
    for where, entries in (("DT_RPATH", facts.rpath), ("DT_RUNPATH", facts.runpath)):
        for entry in entries or () if facts.format == "elf" else ():
            if _OF_BUILDERS.match(entry) or any(f"{entry}/".startswith(f"{each}/") for each in known):
                yield BuildPath(path=entry, where=where)


_INSTRUMENTED = {
    "race": "the race detector's run-time support",
    "msan": "the memory sanitizer's run-time support",
    "asan": "the address sanitizer's run-time support",
    "cover": "the hook that writes coverage data",
}


@rule(
    "no-instrumentation",
    group="content",
    page=(
        "not built with -race, -msan, -asan or -cover, by the code and by the build settings; `allow` names "
        "some of `race`, `msan`, `asan`, `cover`"
    ),
    concerns={Concern.INSTRUMENTATION},
    remedies=leave_instrumentation,
    propose=Proposal(why="No -race, -msan, -asan or -cover in a release.", needs="a build without these flags"),
)
def no_instrumentation(subject: Subject, *, allow: tuple[Instrumentation, ...] = ()) -> Verdict:
    """Image is not built with -race, -msan, -asan or -cover, but for those in `allow`."""
    facts = subject.facts
    expected = f"no instrumentation{f' but {listed(allow)}' if allow else ''}"
    linked = facts.content.instrumentation
    if linked is None:
        return undecidable(facts, expected)
    # Both the code and the record count: either may be hidden, by a linker or by a tool that changed the build info.
    claimed = [kind for kind in _INSTRUMENTED if setting(facts, f"-{kind}") == "true"]
    found = [kind for kind in _INSTRUMENTED if (kind in linked or kind in claimed) and kind not in allow]
    evidence = tuple(f"pclntab: {_INSTRUMENTED[kind]}" for kind in linked)
    evidence += tuple(f"build setting -{kind}=true" for kind in claimed)
    if not found:
        observed = f"{listed(linked)}, which is allowed" if linked else "none"
        return Verdict(outcome="passed", expected=expected, observed=observed, evidence=evidence)
    return Verdict(
        outcome="violated",
        expected=expected,
        observed=listed(found),
        evidence=evidence,
        details=tuple(found),
    )


@rule(
    "intact",
    group="content",
    page="pclntab and build info are there and parse: nothing packed, stripped away or broke them afterwards",
    causes=from_image(why_not_intact),
    remedies=ship_as_built,
    propose=Proposal(
        why="Nothing packed or broke the image after the build: scanners and stack traces work.",
        needs="no upx and no strip after the build",
    ),
)
def intact(subject: Subject) -> Verdict:
    """
    Pclntab and build info are there and parse: nothing packed, stripped away or broke them afterwards.

    A pclntab that is there and damaged is no violation but an error that names the damage: no rule can check such
    an image.
    """
    facts = subject.facts
    expected = "pclntab and build info, both whole"
    content = facts.content
    if content.packed:
        return Verdict(
            outcome="violated",
            expected=expected,
            observed=f"packed by {content.packed}",
            evidence=(f"{content.packed}'s mark in the headers",),
        )
    if facts.elf and facts.elf.crashes:
        return Verdict(
            outcome="violated",
            expected=expected,
            observed="a program that does not start",
            evidence=facts.elf.crashes,
        )
    if facts.go is None or facts.kind in ("object", "archive"):
        return undecidable(facts, expected)
    evidence = [f"pclntab of Go {content.pclntab}'s layout" if content.pclntab else "no pclntab"]
    evidence.append(f"build info: {facts.go.version}" if _has_build_info(facts) else "no build info")
    if content.damage:
        return Verdict(
            outcome="violated",
            expected=expected,
            observed="no pclntab that Go writes",
            evidence=tuple(evidence),
        )
    if content.pclntab is None:
        # gccgo's images have none, and the facts do not say whether something else is missing.
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="no pclntab: another compiler than gc made this image",
            evidence=tuple(evidence),
        )
    if not _has_build_info(facts):
        return Verdict(
            outcome="violated",
            expected=expected,
            observed="no build info",
            evidence=tuple(evidence),
        )
    return Verdict(outcome="passed", expected=expected, observed="both are there", evidence=tuple(evidence))


def _has_build_info(facts: BinaryFacts) -> bool:
    # WebAssembly's does not name the version.
    return facts.go is not None and (facts.go.version is not None or facts.go.path is not None)
