"""Go's CPU levels and their order."""

from __future__ import annotations

import pytest

from pytest_golink.golang.cpu import cpu_features, cpu_setting, cpu_settings


@pytest.mark.parametrize(
    ("setting", "lower", "higher"),
    [
        ("GOAMD64", "v1", "v2"),
        ("GOAMD64", "v3", "v4"),
        ("GOARM64", "v8.0", "v8.0,lse"),
        ("GOARM64", "v8.0,lse", "v8.1"),
        ("GOARM64", "v8.1", "v8.1,crypto"),
        ("GOARM64", "v8.0,lse,crypto", "v8.1,crypto"),
        ("GOARM64", "v8.5", "v9.0"),
        ("GOARM64", "v8.9", "v9.4"),
        ("GOARM64", "v9.4", "v9.5"),
        ("GOARM", "5", "6"),
        ("GOARM", "6,softfloat", "6"),
        ("GOARM", "5", "5,hardfloat"),
        ("GO386", "softfloat", "387"),
        ("GO386", "387", "sse2"),
        ("GOMIPS", "softfloat", "hardfloat"),
        ("GOMIPS64", "softfloat", "hardfloat"),
        ("GOPPC64", "power8", "power10"),
        ("GORISCV64", "rva20u64", "rva22u64"),
        ("GORISCV64", "rva22u64", "rva23u64"),
    ],
)
def test_a_higher_level_has_all_of_the_lower_one_and_more(setting: str, lower: str, higher: str) -> None:
    low, high = cpu_features(setting, lower), cpu_features(setting, higher)

    assert low is not None
    assert high is not None
    assert low < high


@pytest.mark.parametrize(
    ("setting", "one", "other"),
    [
        ("GOARM64", "v8.0,lse", "v8.0,crypto"),
        ("GOARM64", "v8.6", "v9.0"),
        ("GOARM", "6,softfloat", "5,hardfloat"),
    ],
)
def test_some_levels_stand_beside_each_other(setting: str, one: str, other: str) -> None:
    first, second = cpu_features(setting, one) or frozenset(), cpu_features(setting, other) or frozenset()

    assert first - second
    assert second - first


@pytest.mark.parametrize(
    ("setting", "one", "same"),
    [("GOARM", "7", "7,hardfloat"), ("GOARM", "5", "5,softfloat"), ("GOARM64", "v8.1", "v8.1,lse")],
)
def test_what_is_not_said_goes_without_saying(setting: str, one: str, same: str) -> None:
    assert cpu_features(setting, one) == cpu_features(setting, same)


@pytest.mark.parametrize(
    ("setting", "level"),
    [
        ("GOAMD64", "v5"),
        ("GOAMD64", "2"),
        ("GOARM", "8"),
        ("GOARM", "7,lse"),
        ("GOARM64", "v8"),
        ("GOARM64", "v9.6"),
        ("GOARM64", "v8.0,sve"),
        ("GO386", "mmx"),
        ("GOMIPS", "sse2"),
        ("GOPPC64", "power7"),
        ("GORISCV64", "rva21u64"),
    ],
)
def test_what_go_does_not_know_is_no_level(setting: str, level: str) -> None:
    assert cpu_features(setting, level) is None


def test_each_architecture_has_one_setting_or_one_level() -> None:
    assert cpu_settings() == ("GO386", "GOAMD64", "GOARM", "GOARM64", "GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64")
    assert cpu_setting("mips64le") == "GOMIPS64"
    assert [cpu_setting(goarch) for goarch in ("s390x", "loong64", "wasm")] == [None, None, None]
