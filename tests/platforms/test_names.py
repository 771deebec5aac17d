"""Platforms by the names that people give them, and those that a golink.toml describes."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_golink.errors import ParameterError
from pytest_golink.facts import Target
from pytest_golink.platforms import PLATFORMS, parse_platform, platforms_named
from pytest_golink.platforms.naming import in_words

AMD64 = Target(goos="linux", goarch="amd64")


def names(name: str) -> list[str]:
    return [platform.name for platform in platforms_named(name)]


@pytest.mark.parametrize(
    "name", ["debian12", "debian:12", "debian-12", "Debian_12", "debian 12", "debian:bookworm", "debian:bookworm-slim"]
)
def test_a_release_has_many_spellings(name: str) -> None:
    assert names(name) == ["debian12"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("ubuntu:jammy", "ubuntu22.04"),
        ("amazonlinux2023", "amazonlinux2023"),
        ("oraclelinux9", "oracle9"),
        ("almalinux:9", "alma9"),
        ("ubi9", "rhel9"),
        ("manylinux_2_28", "manylinux_2_28"),
        ("manylinux2014", "manylinux2014"),
        ("provided.al2023", "lambda-provided.al2023"),
        ("aws-lambda-al2", "lambda-provided.al2"),
        ("server2019", "windows-server2019"),
        ("nanoserver:ltsc2022", "nanoserver-ltsc2022"),
        ("busybox:musl", "busybox-musl"),
        ("leap:15.6", "opensuse-leap15.6"),
        ("darwin13", "macos13"),
        ("termux30", "android30"),
        ("scratch", "scratch"),
    ],
)
def test_a_platform_is_found_by_its_other_names(name: str, found: str) -> None:
    assert names(name) == [found]


def test_a_family_alone_means_every_release_oldest_first() -> None:
    assert names("debian") == ["debian10", "debian11", "debian12", "debian13"]
    assert names("almalinux") == ["alma8", "alma9", "alma10"]
    assert names("centos") == ["centos7", "centos8"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("debain12", 'unknown platform "debain12"; did you mean "debian12"?'),
        ("rhel11", 'unknown platform "rhel11"; of rhel there are rhel7, rhel8, rhel9, rhel10'),
        ("almalinux7", 'unknown platform "almalinux7"; of alma there are alma8, alma9, alma10'),
        ("xyzzy", 'unknown platform "xyzzy"; your own platform is a table [platform.NAME] of golink.toml'),
    ],
)
def test_an_unknown_name_is_an_error_that_helps(name: str, message: str) -> None:
    with pytest.raises(ParameterError) as error:
        platforms_named(name)

    assert str(error.value) == message


def test_a_platform_of_ones_own_extends_one_that_is_known() -> None:
    own = parse_platform(
        "appliance",
        {
            "extends": "debian:11",
            "libc-version": "2.33",
            "libraries": ["libpcap.so.1"],
            "without": ["libz.so.1"],
            "loaders": {"amd64": "/opt/ld.so"},
            "cpu": {"amd64": "v3"},
        },
    )

    assert (own.name, own.family, own.libc, own.libc_version) == ("appliance", "appliance", "glibc", "2.33")
    assert own.has_library("libpcap.so.1", "amd64")
    assert own.has_library("libc.so.6", "amd64")
    assert not own.has_library("libz.so.1", "amd64")
    assert own.loaders["amd64"] == ("/lib64/ld-linux-x86-64.so.2", "/opt/ld.so")
    assert own.versions == {**PLATFORMS["debian11"].versions, "GLIBC": "2.33"}
    assert own.versions["GLIBCXX"] == "3.4.28"
    assert own.cpu == {"amd64": "v3", "arm": "7"}
    assert PLATFORMS["debian11"].libc_version == "2.31"


def test_a_platform_of_ones_own_stands_alone_and_goes_before_one_of_that_name() -> None:
    own = parse_platform("debian12", {"targets": ["linux/amd64"], "libc": "musl"})

    assert platforms_named("debian:12", {"debian12": own}) == (own,)
    assert platforms_named("debian:11", {"debian12": own}) == (PLATFORMS["debian11"],)
    assert own.targets == (AMD64,)
    assert own.loaders == {"amd64": ("/lib/ld-musl-x86_64.so.1",)}
    assert not own.has_library("libz.so.1", "amd64")


def test_an_empty_list_of_loaders_takes_the_usual_one_away() -> None:
    own = parse_platform("bare", {"extends": "debian12", "loaders": {"amd64": []}})

    assert "amd64" not in own.loaders
    assert own.loaders["arm64"] == ("/lib/ld-linux-aarch64.so.1",)


def test_a_platform_of_ones_own_extends_another_of_ones_own() -> None:
    first = parse_platform("first", {"targets": ["linux/amd64"], "kernel": "4.4"})
    second = parse_platform("second", {"extends": "first", "os-version": "1"}, {"first": first})

    assert (second.kernel, second.os_version, second.targets) == ("4.4", "1", (AMD64,))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, 'platform own: targets is missing: a list such as ["linux/amd64"], or extends'),
        ({"libary": []}, 'platform own: unknown key "libary"; did you mean "libraries"?'),
        (
            {"targets": ["linux"]},
            "platform own: targets: 'linux' is not GOOS/GOARCH such as \"linux/amd64\"",
        ),
        ({"targets": [1]}, 'platform own: targets: 1 is not GOOS/GOARCH such as "linux/amd64"'),
        (
            {"extends": "debian"},
            "platform own: extends: debian is several platforms: debian10, debian11, debian12, debian13",
        ),
        ({"extends": "debian12", "libc": "newlib"}, "platform own: libc: 'newlib' is not one of glibc, musl, uclibc, "),
        ({"extends": "debian12", "kernel": 5}, 'platform own: kernel: 5 is not a version such as "2.17"'),
        ({"extends": "debian12", "usrmerge": "yes"}, "platform own: usrmerge: 'yes' is not true or false"),
        ({"extends": "debian12", "title": ""}, "platform own: title: '' is not a string"),
        ({"extends": "debian12", "cpu": {"amd64": "v9"}}, "platform own: cpu.amd64: 'v9' is not a level of GOAMD64"),
        (
            {"extends": "debian12", "cpu": {"s390x": "z"}},
            "platform own: cpu.s390x: 'z' is not a level of a GOARCH that",
        ),
        ({"extends": "debian12", "cpu": "v2"}, "platform own: cpu: 'v2' is not a table"),
        ({"extends": "debian12", "directories": ["lib"]}, "platform own: directories: 'lib' is not an absolute path"),
        (
            {"extends": "debian12", "loaders": {"amd64": "ld.so"}},
            "platform own: loaders.amd64: 'ld.so' is not an abs",
        ),
        ({"extends": "debian12", "libraries": ["x"] * 10_001}, "platform own: libraries: ["),
    ],
)
def test_a_table_of_the_wrong_form_is_an_error_that_says_where(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError) as error:
        parse_platform("own", table)

    assert str(error.value).startswith(message)


def test_a_name_of_ones_own_is_lower_case() -> None:
    with pytest.raises(ParameterError, match='platform "My Box": a name is lower case'):
        parse_platform("My Box", {"extends": "debian12"})


def test_usrmerge_leads_from_both_spellings_to_one_loader() -> None:
    merged, apart = PLATFORMS["debian12"], PLATFORMS["debian10"]

    assert merged.has_loader("/usr/lib64/ld-linux-x86-64.so.2", "amd64")
    assert not apart.has_loader("/usr/lib64/ld-linux-x86-64.so.2", "amd64")
    assert not merged.has_loader("/lib64/ld-linux-x86-64.so.2", "arm64")


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (["debian10", "debian11", "debian12"], "debian 10–12"),
        (["debian10", "debian11", "debian13"], "debian 10 11 13"),
        (["scratch", "debian12", "busybox-musl"], "scratch, debian12, busybox-musl"),
        (["rhel7", "rhel8", "alma8", "alma9", "alma10"], "rhel 7 8, alma 8–10"),
    ],
)
def test_releases_of_a_family_are_named_together(chosen: list[str], words: str) -> None:
    assert in_words([PLATFORMS[name] for name in chosen]) == words
