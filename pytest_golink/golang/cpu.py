"""
Go's CPU levels: the settings, and how their values compare.

A level is the set of features that it may use, so that "at or under" means "a subset of": Go's levels have no total
order ("v8.0,lse" is above "v8.0" and beside "v8.0,crypto"; "6,softfloat" is beside "5,hardfloat").

Source: Go 1.27's internal/buildcfg/cfg.go; what is recorded: cmd/go/internal/load/pkg.go, setBuildInfo.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


# GOARCH → its setting. loong64 and s390x have one level; wasm's features are all always on.
_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "386": "GO386",
        "amd64": "GOAMD64",
        "arm": "GOARM",
        "arm64": "GOARM64",
        "mips": "GOMIPS",
        "mipsle": "GOMIPS",
        "mips64": "GOMIPS64",
        "mips64le": "GOMIPS64",
        "ppc64": "GOPPC64",
        "ppc64le": "GOPPC64",
        "riscv64": "GORISCV64",
    }
)

# The level of every CPU that Go runs on, for platforms that name no level; for arm the level that Go builds for by
# default and that container images are made for (linux/arm/v7).
LOWEST_CPU: Mapping[str, str] = MappingProxyType(
    {
        "GO386": "sse2",
        "GOAMD64": "v1",
        "GOARM": "7",
        "GOARM64": "v8.0",
        "GOMIPS": "hardfloat",
        "GOMIPS64": "hardfloat",
        "GOPPC64": "power8",
        "GORISCV64": "rva20u64",
    }
)


def cpu_setting(goarch: str) -> str | None:
    """Return the setting that holds an architecture's level ("amd64": "GOAMD64"), None where Go has only one level."""
    return _SETTINGS.get(goarch)


def cpu_settings() -> tuple[str, ...]:
    """Return the names of all settings."""
    return tuple(dict.fromkeys(_SETTINGS.values()))


def cpu_features(setting: str, level: str) -> frozenset[str] | None:
    """Return the features that a level may use, None if the setting has no such level."""
    return _FEATURES[setting](level)


def _chain(*levels: str) -> Callable[[str], frozenset[str] | None]:
    """Return the reader of levels each of which has all features of those before it."""
    return lambda level: frozenset(levels[: levels.index(level) + 1]) if level in levels else None


def _arm(level: str) -> frozenset[str] | None:
    match = re.fullmatch(r"([567])(?:,(softfloat|hardfloat))?", level)
    if match is None:
        return None
    version, floats = match.groups()
    # 5 defaults to softfloat, 6 and 7 to hardfloat.
    hard = floats == "hardfloat" or (floats is None and version != "5")
    return frozenset(f"v{number}" for number in range(5, int(version) + 1)) | ({"hardfloat"} if hard else set())


# v9.0 diverged from v8.5.
_ARM64_8_IN_9_0 = 5
_ARM64_LAST_8 = 9


def _arm64(level: str) -> frozenset[str] | None:
    match = re.fullmatch(r"v(?:8\.(\d)|9\.([0-5]))((?:,lse|,crypto)*)", level)
    if match is None:
        return None
    minor8, minor9, options = match.groups()
    last8 = int(minor8) if minor8 else min(int(minor9) + _ARM64_8_IN_9_0, _ARM64_LAST_8)
    features = {f"v8.{minor}" for minor in range(last8 + 1)} | {option for option in options.split(",") if option}
    if minor9:
        features |= {f"v9.{minor}" for minor in range(int(minor9) + 1)}
    # The atomics are mandatory from v8.1 on.
    return frozenset(features | {"lse"}) if last8 else frozenset(features)


def _floats(level: str) -> frozenset[str] | None:
    return {"softfloat": frozenset[str](), "hardfloat": frozenset({"hardfloat"})}.get(level)


def _go386(level: str) -> frozenset[str] | None:
    # Up to Go 1.15 there was 387.
    return frozenset[str]() if level == "softfloat" else _chain("387", "sse2")(level)


_FEATURES: Mapping[str, Callable[[str], frozenset[str] | None]] = MappingProxyType(
    {
        "GO386": _go386,
        "GOAMD64": _chain("v1", "v2", "v3", "v4"),
        "GOARM": _arm,
        "GOARM64": _arm64,
        "GOMIPS": _floats,
        "GOMIPS64": _floats,
        "GOPPC64": _chain("power8", "power9", "power10"),
        "GORISCV64": _chain("rva20u64", "rva22u64", "rva23u64"),
    }
)
