"""The rule about the CPU level that an image needs."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from collections.abc import Iterator, Sequence
from typing import Annotated

from pytest_golink.diagnosis.cpu import OverLimit, why_newer_cpu
from pytest_golink.errors import ParameterError
from pytest_golink.facts import BinaryFacts, CpuLevel
from pytest_golink.forms import Form
from pytest_golink.golang.cpu import cpu_features, cpu_setting, cpu_settings
from pytest_golink.golang.cpu_levels import cpu_levels
from pytest_golink.remedies.cpu import allow_older_cpu
from pytest_golink.rules.parameters import NonEmpty
from pytest_golink.rules.proposal import Proposal
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked


def _settings_of(value: str) -> list[tuple[str, str]]:
    """Return what a level may mean, as (setting, level) pairs: "GOARM=7" one, "v2" too, "softfloat" several."""
    setting, equals, level = value.partition("=")
    candidates = [setting] if equals else cpu_settings()
    level = level if equals else value
    return [(name, level) for name in candidates if name in cpu_settings() and cpu_features(name, level) is not None]


def _hint(value: str) -> str:
    meant = " or ".join(f'"{setting}={level}"' for setting, level in _settings_of(value))
    return f"; did you mean {meant}?" if meant else ""


LevelName = Annotated[
    str,
    Form(
        text='a level in Go\'s words with its setting, such as "GOAMD64=v2" or "GOARM64=v8.0,lse"; only the level '
        'where one setting has it, such as "v2"',
        accepts=lambda value: isinstance(value, str) and len(_settings_of(value)) == 1,
        hint=_hint,
    ),
]


# What Go takes by itself. An image whose architecture the rule does not name would be an error.
_LOWEST = {"amd64": "GOAMD64=v1", "arm64": "GOARM64=v8.0", "arm": "GOARM=7", "386": "GO386=sse2"}


def _propose_lowest(subjects: Sequence[Subject]) -> Iterator[Proposal]:
    if all(subject.facts.target and subject.facts.target.goarch in _LOWEST for subject in subjects):
        yield Proposal(
            parameters={"level": list(_LOWEST.values())},
            why="Starts on every CPU of its architecture.",
            needs="the lowest GOAMD64, GOARM64, …",
        )


@rule(
    "cpu-at-most",
    group="platform",
    page="GOAMD64, GOARM64, GOARM, … at or under the level named for the image's architecture: see below",
    causes=why_newer_cpu,
    remedies=allow_older_cpu,
    propose=_propose_lowest,
)
def cpu_at_most(subject: Subject, *, level: Annotated[tuple[LevelName, ...], NonEmpty]) -> Verdict:
    """CPU level at or under the one named for the image's architecture."""
    facts = subject.facts
    limits = _limits(level)
    expected = ", ".join(f"{name}={limit} or under" for name, limit in limits.items())
    unlinked = undecidable_if_unlinked(facts, expected)
    if unlinked:
        return unlinked
    if facts.target is None:
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="neither the headers nor the build info name an architecture",
            evidence=(f"{facts.format} {facts.kind}",),
        )
    setting = cpu_setting(facts.target.goarch)
    if setting is None:
        return Verdict(
            outcome="not-applicable",
            expected=expected,
            observed=f"Go has one CPU level on {facts.target.goarch}",
        )
    if setting not in limits:
        # Neither a pass nor a violation: the policy forgot a target.
        raise ParameterError(
            f"cpu-at-most: level: {', '.join(f'{name}={limit}' for name, limit in limits.items())} has no level for "
            f"{facts.target}; add a level of {setting}"
        )
    return _held(facts, setting, limits[setting])


def _limits(levels: tuple[str, ...]) -> dict[str, str]:
    limits: dict[str, str] = {}
    for value in levels:
        ((setting, limit),) = _settings_of(value)
        if setting in limits:
            raise ParameterError(f"cpu-at-most: level: {setting} is named twice: {limits[setting]} and {limit}")
        limits[setting] = limit
    return limits


def _held(facts: BinaryFacts, setting: str, limit: str) -> Verdict:
    expected = f"{setting}={limit} or under"
    allowed = cpu_features(setting, limit) or frozenset()
    found = cpu_levels(facts)
    evidence = tuple(f"{each.setting}={each.level} ({each.via})" for each in found)
    over = [each for each in found if (cpu_features(setting, each.level) or frozenset()) - allowed]
    if over:
        return Verdict(
            outcome="violated",
            expected=expected,
            observed=_names(over),
            evidence=evidence,
            details=OverLimit(levels=tuple(over), limit=limit),
        )
    of_go = [each for each in found if each not in facts.cpu_notes]
    unknown = [each for each in found if cpu_features(setting, each.level) is None]
    if of_go and not unknown:
        return Verdict(outcome="passed", expected=expected, observed=_names(of_go), evidence=evidence)
    if unknown:
        observed = f"{_names(unknown)}, which is no level that is known"
    elif facts.go is None:
        observed = "Go did not make this image, and C compilers do not record their level"
    else:
        observed = f"the build info does not record {setting}"
    return Verdict(outcome="undecidable", expected=expected, observed=observed, evidence=evidence)


def _names(levels: Sequence[CpuLevel]) -> str:
    return ", ".join(dict.fromkeys(f"{each.setting}={each.level}" for each in levels))
