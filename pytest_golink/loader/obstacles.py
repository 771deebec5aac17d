"""Why an image does not start on a platform, whatever its format: the port, the CPU, the kernel."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.golang.cpu import LOWEST_CPU, cpu_features, cpu_setting
from pytest_golink.golang.cpu_levels import BUILD_SETTING, cpu_levels
from pytest_golink.golang.versions import release_of
from pytest_golink.text.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_golink.facts import BinaryFacts
    from pytest_golink.platforms import Platform

# A 64-bit kernel may also run the programs of these 32-bit ports.
_RUNS_ALSO: Mapping[str, str] = MappingProxyType({"386": "amd64", "arm": "arm64"})
# The ports that every current system is offered for, whatever else is in doubt.
_COMMON = frozenset({"amd64", "arm64"})
# The facts of a platform in words, by key.
_WORDS: Mapping[str, str] = MappingProxyType(
    {"targets": "ports", "libc": "C library", "libc-version": "C library's version", "versions": "symbol versions"}
    | {"cpu": "CPU level"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Obstacle:
    """
    One reason why an image does not start on a platform.

    `certain` is false where the image or the platform's description does not say; `caution` marks an obstacle that
    does not keep the image from starting, but may make it fail later. `glibc` is the lowest version that would do.
    `library` is the library that is missing, or too old, where the obstacle is about one beside the C library.
    """

    text: str
    cause: tuple[str, ...] = ()
    remedy: tuple[str, ...] = ()
    certain: bool = True
    caution: bool = False
    glibc: str | None = None
    library: str | None = None


def target_obstacles(facts: BinaryFacts, platform: Platform) -> Iterator[Obstacle]:
    """Yield why the port of the image is not one of the platform's."""
    target = facts.target
    if target is None:
        yield Obstacle(text=f"the image does not say what system and CPU it is for: {facts.format}", certain=False)
    elif target not in platform.targets:
        also = _RUNS_ALSO.get(target.goarch)
        wide = next((each for each in platform.targets if (each.goos, each.goarch) == (target.goos, also)), None)
        if wide is not None and target.goos == "linux" and facts.linkage in ("static", "static-pie"):
            yield Obstacle(
                text=f"it is for {target}; whether the kernel for {wide.goarch} runs 32-bit programs is its own choice",
                remedy=(f"GOARCH={wide.goarch}",),
                certain=False,
            )
        else:
            offered = [each.goarch for each in platform.targets if each.goos == target.goos]
            known = f"not for {listed(offered)}" if offered else f"not for {platform.goos}"
            yield Obstacle(
                text=f"it is for {target}, {known}",
                remedy=(f"GOARCH={' or '.join(offered)}",) if offered else (),
            )


def cpu_obstacles(facts: BinaryFacts, platform: Platform) -> Iterator[Obstacle]:
    """Yield the CPU levels that not every machine of the platform has."""
    setting = cpu_setting(facts.target.goarch) if facts.target else None
    if setting is None or facts.target is None:
        return
    limit = platform.cpu.get(facts.target.goarch, LOWEST_CPU[setting])
    allowed = cpu_features(setting, limit) or frozenset()
    levels = cpu_levels(facts)
    for each in levels:
        features = cpu_features(setting, each.level)
        if features is None:
            yield Obstacle(text=f"{setting}={each.level} is no level that is known", certain=False)
        elif features - allowed:
            yield Obstacle(
                text=f"needs {setting}={each.level}; {platform.name} runs on {limit}",
                cause=("on a CPU below that level it does not start, or crashes",),
                remedy=(f"{setting}={limit}",)
                if each.via == BUILD_SETTING
                else ("compile the C code for the platform's CPU level",),
            )
    if facts.go is not None and not levels:
        yield Obstacle(text=f"the build info does not record {setting}: its CPU level is not known", caution=True)


def unverified_obstacles(facts: BinaryFacts, platform: Platform) -> Iterator[Obstacle]:
    """Yield a caution where the answer rests on unverified facts of the platform."""
    used = set()
    if facts.target is not None and (facts.target.goos != platform.goos or facts.target.goarch not in _COMMON):
        used.add("targets")
    if facts.linkage == "dynamic" and facts.needed:
        used |= {"libc", "libraries"}
    if facts.version_needs:
        used |= {"libc-version", "versions"}
    if any(each.level != LOWEST_CPU.get(each.setting) for each in cpu_levels(facts)):
        used.add("cpu")
    doubtful = [_WORDS.get(fact, fact) for fact in platform.unverified if fact in used]
    if doubtful:
        yield Obstacle(text=f"not verified: the {listed(doubtful)} of {platform.name}", caution=True)


def go_minor(facts: BinaryFacts) -> int | None:
    """Return the "27" of "go1.27.3", None where the image does not say."""
    release = go_release(facts)
    return None if release is None else release[0]


def go_release(facts: BinaryFacts) -> tuple[int, int] | None:
    """Return (27, 3) for "go1.27.3", (27, 0) for "go1.27", None where the image does not say."""
    return release_of(facts.go.version) if facts.go else None
