"""The CPU levels that an image asks for, and who says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_golink.diagnosis.cpu import cpu_levels
from pytest_golink.facts import BuildInfo, CpuLevel
from tests.rules.facts_factory import FOREIGN, STATIC, go, target

NOTE = CpuLevel(setting="GOAMD64", level="v3", via="GNU_PROPERTY_X86_ISA_1_NEEDED")


def test_the_build_setting_stands_before_the_notes() -> None:
    facts = replace(STATIC, go=go(GOAMD64="v2"), cpu_notes=(NOTE,))

    assert cpu_levels(facts) == (CpuLevel(setting="GOAMD64", level="v2", via="build setting"), NOTE)
    assert cpu_levels(replace(FOREIGN, cpu_notes=(NOTE,))) == (NOTE,)
    assert cpu_levels(replace(facts, target=target("linux/s390x"), cpu_notes=())) == ()
    assert cpu_levels(replace(facts, target=None, cpu_notes=())) == ()


@pytest.mark.parametrize(
    ("goarch", "version", "level"),
    [
        ("amd64", "go1.17.13", ("v1", "Go before 1.18 has no other")),
        ("amd64", "devel go1.17-abc", ("v1", "Go before 1.18 has no other")),
        ("amd64", "go1.18", None),
        ("amd64", None, None),
        ("amd64", "unknown", None),
        ("arm64", "go1.22.10", ("v8.0", "Go before 1.23 has no other")),
        ("arm64", "go1.23rc1", None),
        ("riscv64", "go1.22.10", ("rva20u64", "Go before 1.23 has no other")),
        ("arm", "go1.17.13", None),
    ],
)
def test_an_old_go_had_no_choice(goarch: str, version: str | None, level: tuple[str, str] | None) -> None:
    facts = replace(STATIC, target=target(f"linux/{goarch}"), go=BuildInfo(version=version))

    assert [(each.level, each.via) for each in cpu_levels(facts)] == ([level] if level else [])
