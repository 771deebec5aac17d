"""The rule about the platforms that an image starts on."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Annotated

from pytest_golink.diagnosis.at_issue import AtIssue
from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.findings import PlatformAnswer
from pytest_golink.forms import Form
from pytest_golink.loader.elf import elf_obstacles
from pytest_golink.loader.kernel import kernel_obstacles
from pytest_golink.loader.macos import macos_obstacles
from pytest_golink.loader.obstacles import Obstacle, cpu_obstacles, target_obstacles, unverified_obstacles
from pytest_golink.loader.windows import windows_obstacles
from pytest_golink.platforms import PLATFORMS, Platform, platforms_named
from pytest_golink.platforms.naming import in_words
from pytest_golink.remedies.linkage import leave_interpreter, older_glibc_words
from pytest_golink.rules.evidence import linkage_lines
from pytest_golink.rules.mode import mode_cautions, mode_of
from pytest_golink.rules.parameters import NonEmpty
from pytest_golink.rules.proposal import Proposal
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked
from pytest_golink.text.versions import numbers
from pytest_golink.text.words import listed

# Whether there is such a platform is known when the rule is asked: a policy may have platforms of its own.
PlatformName = Annotated[
    str,
    Form(
        text='a platform such as "debian12", "alpine" (every release of it) or "scratch"',
        accepts=lambda value: isinstance(value, str) and value.strip() != "",
    ),
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """Whether an image starts on a platform, and all that stands against it; cautions do not."""

    platform: Platform
    obstacles: tuple[Obstacle, ...]

    @property
    def against(self) -> tuple[Obstacle, ...]:
        """What keeps it from starting, or leaves that open."""
        return tuple(each for each in self.obstacles if not each.caution)

    @property
    def starts(self) -> bool | None:
        """None where the image or the description of the platform does not say."""
        if any(each.certain for each in self.against):
            return False
        return None if self.against else True

    @property
    def answer(self) -> PlatformAnswer:
        """The answer with its reason in one line."""
        # What is certain decides; what is not would only blur it.
        decisive = [each.text for each in self.against if each.certain is (self.starts is False)]
        cautions = [each.text for each in self.obstacles if each.caution]
        return PlatformAnswer(
            platform=self.platform.name, starts=self.starts, reason="; ".join(dict.fromkeys(decisive or cautions))
        )


# Where Go programs are asked to start, from the smallest up.
_PROPOSED = ("scratch", "alpine3.22", "debian11", "debian12", "ubuntu22.04", "rhel8", "rhel9", "amazonlinux2023")


def _propose_platforms(subjects: Sequence[Subject]) -> Iterator[Proposal]:
    linux = [subject for subject in subjects if subject.facts.target and subject.facts.target.goos == "linux"]
    kept = [
        platform
        for platform in _PROPOSED
        if platform in PLATFORMS and all(_is_proposed(subject, platform) for subject in linux)
    ]
    if linux and kept:
        yield Proposal(
            parameters={"platforms": kept},
            why="Starts there: interpreter, libraries, glibc and CPU are held against what the platform has.",
        )


def _is_proposed(subject: Subject, platform: str) -> bool:
    return not subject.facts.content.packed and runs_on(subject, platforms=(platform,)).outcome == "passed"


@rule(
    "runs-on",
    group="platform",
    page=(
        "the image starts on each platform: its loader, libraries, symbol versions, CPU and OS minimum are "
        "there. See [platforms](platforms.md)"
    ),
    concerns={Concern.CGO_LINKED, Concern.IMPORTERS, Concern.GLIBC_FLOOR, Concern.PLATFORMS, Concern.LIBRARIES},
    remedies=leave_interpreter,
    propose=_propose_platforms,
)
def runs_on(subject: Subject, *, platforms: Annotated[tuple[PlatformName, ...], NonEmpty]) -> Verdict:
    """Each named platform starts the image: its loader, libraries, versions, CPU and OS minimum are there."""
    chosen = {platform.name: platform for name in platforms for platform in platforms_named(name, subject.platforms)}
    expected = f"starts on {listed(platforms)}"
    unlinked = undecidable_if_unlinked(subject.facts, expected)
    if unlinked:
        return unlinked
    starts = [start_on(subject, platform) for platform in chosen.values()]
    failing = [start for start in starts if start.starts is False]
    unsaid = [start for start in starts if start.starts is None]
    against = list(chain.from_iterable(start.against for start in (failing or unsaid)))
    glibc = [each.glibc for each in against if each.glibc]
    remedy = list(chain.from_iterable(each.remedy for each in against))
    if glibc and not remedy:
        # What the oldest one takes, the others take too; what mends a missing loader mends this as well.
        remedy += older_glibc_words(subject.facts, min(glibc, key=numbers))
    return Verdict(
        outcome="violated" if failing else "undecidable" if unsaid else "passed",
        expected=expected,
        observed=_observed(failing, unsaid, len(starts)),
        evidence=(*linkage_lines(subject.facts), *_reasons(failing), *_reasons(unsaid)),
        cause=tuple(dict.fromkeys(chain.from_iterable(each.cause for each in against))),
        remedy=tuple(dict.fromkeys(remedy)),
        caution=(
            *dict.fromkeys(each.text for start in starts for each in start.obstacles if each.caution),
            *mode_cautions(mode_of(subject.facts)),
        ),
        platforms=tuple(start.answer for start in starts),
        details=AtIssue(
            libraries=tuple(dict.fromkeys(each.library for each in against if each.library)),
            only=all(each.library for each in against),
        ),
    )


def start_on(subject: Subject, platform: Platform) -> Start:
    """Return whether the image starts on the platform, and why not: all reasons, in the order of a start."""
    return Start(platform=platform, obstacles=tuple(_obstacles(subject, platform)))


def _obstacles(subject: Subject, platform: Platform) -> Iterator[Obstacle]:
    facts = subject.facts
    foreign = tuple(target_obstacles(facts, platform))
    yield from foreign
    if foreign and any(each.certain for each in foreign):
        # Another system or CPU: nothing more can be said of it.
        return
    if facts.format == "elf":
        # A member of an archive is extracted alone; its name has a "!".
        yield from elf_obstacles(facts, platform, packed="!" in subject.name)
    elif facts.format == "macho":
        yield from macos_obstacles(facts, platform)
    elif facts.format == "pe":
        yield from windows_obstacles(facts, platform)
    yield from cpu_obstacles(facts, platform)
    yield from kernel_obstacles(facts, platform)
    yield from unverified_obstacles(facts, platform)


def _observed(failing: Sequence[Start], unsaid: Sequence[Start], count: int) -> str:
    if failing:
        return f"does not start on {in_words([start.platform for start in failing])}"
    if unsaid:
        return f"may not start on {in_words([start.platform for start in unsaid])}"
    return "starts there" if count == 1 else f"starts on each of {count}"


def _reasons(starts: Iterable[Start]) -> Iterator[str]:
    # Platforms with one reason have a line together.
    by_reason: dict[str, list[Platform]] = {}
    for start in starts:
        by_reason.setdefault(start.answer.reason, []).append(start.platform)
    for reason, platforms in by_reason.items():
        yield f"{in_words(platforms)}: {reason}"
