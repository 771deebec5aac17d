"""
The CPU levels that an image needs, and where it says so.

Source: Go's release notes; what is recorded: cmd/go/internal/load/pkg.go, setBuildInfo.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.facts import CpuLevel
from pytest_golink.golang.cpu import cpu_setting
from pytest_golink.golang.versions import release_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.facts import BinaryFacts

# The minor version of Go that brought a setting, and the only level before it.
# Source: the release notes of Go 1.18 (GOAMD64) and 1.23 (GOARM64, GORISCV64).
_BEFORE: Mapping[str, tuple[int, str]] = MappingProxyType(
    {"GOAMD64": (18, "v1"), "GOARM64": (23, "v8.0"), "GORISCV64": (23, "rva20u64")}
)

BUILD_SETTING = "build setting"


def cpu_levels(facts: BinaryFacts) -> tuple[CpuLevel, ...]:
    """
    Return the levels that an image needs, and where it says so: its build info, then its notes.

    The build info describes only Go's code, a note the linked C code. A Go version from before the setting had only
    one level, which then counts.
    """
    setting = cpu_setting(facts.target.goarch) if facts.target else None
    if setting is None or facts.go is None:
        return facts.cpu_notes
    recorded = facts.go.settings.get(setting)
    if recorded:
        return (CpuLevel(setting=setting, level=recorded, via=BUILD_SETTING), *facts.cpu_notes)
    go = release_of(facts.go.version)
    if setting in _BEFORE and go and go[0] < _BEFORE[setting][0]:
        since, level = _BEFORE[setting]
        via = f"Go before 1.{since} has no other"
        return (CpuLevel(setting=setting, level=level, via=via), *facts.cpu_notes)
    return facts.cpu_notes
