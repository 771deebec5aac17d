"""The tables of platforms are consistent: what no reader of one table would notice."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from pytest_golink.platforms import PLATFORMS, Platform, platforms_named
from pytest_golink.platforms.reading import LOADERS
from pytest_golink.text.versions import numbers

ALL = [pytest.param(platform, id=name) for name, platform in PLATFORMS.items()]
# What users asked for by name.
ASKED = """
scratch distroless-static distroless-base distroless-cc manylinux_2_39 android27 macos27 alpine3.24
busybox:glibc busybox:musl busybox:uclibc alpine3.15 alpine3.20 alpine3.22
debian10 debian11 debian12 debian13 ubuntu18.04 ubuntu20.04 ubuntu22.04 ubuntu24.04 ubuntu26.04 rhel7 rhel8 rhel9 rhel10
centos7 centos-stream9 centos-stream10 rocky8 rocky9 rocky10 alma8 alma9 alma10 oracle7 oracle8 oracle9 amazonlinux2
amazonlinux2023 fedora40 fedora44 opensuse-leap15.6 opensuse-leap16.0 opensuse-tumbleweed sles12 sles15 sles16
manylinux2014 manylinux_2_28 nixos termux android aws-lambda provided.al2 provided.al2023 macos11 macos12 macos13
macos14 macos15 macos26 windows10 windows11 windows-server2012 windows-server2016 windows-server2019 windows-server2022
windows-server2025 nanoserver freebsd13 freebsd14 freebsd15 openbsd7.5 openbsd
"""
# How a libc's version grows with a family's releases.
FAMILIES = sorted({platform.family for platform in PLATFORMS.values()})


def facts_of(platform: Platform) -> dict[str, bool]:
    return {
        "targets": True,
        "loaders": bool(platform.loaders),
        "libraries": any(platform.libraries.values()),
        "libc-version": platform.libc_version is not None,
        "versions": bool(platform.versions),
        "directories": bool(platform.directories),
        "cpu": bool(platform.cpu),
        "kernel": platform.kernel is not None,
        "os-version": platform.os_version is not None,
    }


@pytest.mark.parametrize("name", ASKED.split())
def test_every_platform_that_was_asked_for_is_there(name: str) -> None:
    assert platforms_named(name)


def test_there_are_no_fewer_platforms_than_there_were() -> None:
    # A family that a file no longer reads would be missed by nobody else.
    assert len(PLATFORMS) == 119
    assert len(FAMILIES) == 29


@pytest.mark.parametrize("platform", ALL)
def test_a_name_is_lower_case_and_holds_family_and_release(platform: Platform) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*", platform.name)
    assert platform.name == platform.family + ("-" if platform.release[:1].isalpha() else "") + platform.release
    assert platform.title
    assert platforms_named(platform.name) == (platform,)
    assert platform in platforms_named(platform.family)


@pytest.mark.parametrize("platform", ALL)
def test_each_fact_has_its_source_and_no_source_is_an_address(platform: Platform) -> None:
    facts = facts_of(platform)

    assert [fact for fact, there in facts.items() if there and not platform.sources.get(fact)] == []
    assert [source for source in platform.sources.values() if "://" in source or "www." in source] == []
    assert set(platform.unverified) | set(platform.proven) <= set(facts) | {"libc"}
    assert set(platform.unverified) & set(platform.proven) == set()


def test_the_page_says_how_far_the_facts_are_proven() -> None:
    page = (Path(__file__).parents[2] / "docs/platforms.md").read_text(encoding="utf-8")
    unverified: dict[str, list[str]] = {}
    total = proven = 0
    for platform in PLATFORMS.values():
        facts = {"libc", *(fact for fact, there in facts_of(platform).items() if there)}
        total += len(facts)
        proven += len(facts & set(platform.proven))
        for fact in facts & set(platform.unverified):
            unverified.setdefault(fact, []).append(platform.name)
    count = sum(map(len, unverified.values()))

    assert " ".join(
        f"Of {total} facts of {len(PLATFORMS)} platforms, {proven} are proven, {total - proven - count} are documented "
        f"and {count} are unverified".split()
    ) in " ".join(page.split())
    for fact, names in unverified.items():
        (row,) = (line for line in page.splitlines() if line.startswith(f"| {fact} | "))
        assert re.findall(r"[a-z-]+[0-9][\w.-]*|[a-z]+-[a-z]+[\w.-]*", re.sub(r"\(.*?\)", "", row)) == names


@pytest.mark.parametrize("platform", ALL)
def test_loaders_are_absolute_and_only_for_architectures_that_are_offered(platform: Platform) -> None:
    paths = [path for loaders in platform.loaders.values() for path in loaders]

    assert [path for path in (*paths, *platform.directories) if not re.fullmatch(r"(/[\w.+-]+)+", path)] == []
    assert set(platform.loaders) <= {target.goarch for target in platform.targets}
    if platform.libc in LOADERS:
        # A libc without its loader starts nothing.
        assert set(platform.loaders) == {target.goarch for target in platform.targets}
        assert any(platform.libraries.values())
    else:
        assert platform.libc not in ("glibc", "musl", "bionic")


@pytest.mark.parametrize("platform", ALL)
def test_libraries_are_plain_names_and_versions_are_numbers(platform: Platform) -> None:
    for names in platform.libraries.values():
        assert [name for name in names if "/" in name or name != name.strip()] == []
    assert set(platform.libraries) <= {"", *LOADERS["glibc"], *LOADERS["musl"]}
    for version in (platform.libc_version, platform.kernel, platform.os_version, *platform.versions.values()):
        assert version is None or re.fullmatch(r"\d+(\.\d+)*", version)
    if platform.libc == "glibc":
        assert platform.versions["GLIBC"] == platform.libc_version


@pytest.mark.parametrize("family", FAMILIES)
def test_versions_never_fall_from_a_release_to_the_next(family: str) -> None:
    for older, newer in pairwise(platforms_named(family)):
        for prefix in older.versions.keys() & newer.versions.keys():
            assert numbers(older.versions[prefix]) <= numbers(newer.versions[prefix]), (older.name, newer.name, prefix)
        for before, after in ((older.kernel, newer.kernel), (older.os_version, newer.os_version)):
            if before and after:
                assert numbers(before) <= numbers(after), (older.name, newer.name)


@pytest.mark.parametrize("platform", ALL)
def test_libstdcxx_and_libgcc_have_versions_where_they_are_there_with_glibc(platform: Platform) -> None:
    # Without them every need of a C++ program would be open.
    if platform.libc == "glibc":
        assert platform.has_library("libstdc++.so.6", "amd64") == ("GLIBCXX" in platform.versions)
        assert platform.has_library("libgcc_s.so.1", "amd64") == ("GCC" in platform.versions)


def test_what_follows_rhel_has_its_versions_and_its_own_image() -> None:
    rhel = PLATFORMS["rhel9"]
    for follower in ("alma9", "rocky9", "oracle9", "centos-stream9"):
        platform = PLATFORMS[follower]
        assert (platform.libc_version, platform.versions, platform.kernel, platform.loaders["amd64"]) == (
            rhel.libc_version,
            rhel.versions,
            rhel.kernel,
            rhel.loaders["amd64"],
        )
        assert platform.cpu["amd64"] == "v2"
        for library in ("libgcc_s.so.1", "libstdc++.so.6", "libz.so.1", "libssl.so.3", "libcrypt.so.2"):
            assert platform.has_library(library, "amd64")
        assert not platform.has_library("libnsl.so.1", "amd64")
    assert [target.goarch for target in PLATFORMS["oracle9"].targets] == ["amd64", "arm64"]
    assert PLATFORMS["rocky9"].targets == rhel.targets


def test_the_facts_that_decide_most_are_these() -> None:
    glibc = {name: PLATFORMS[name].libc_version for name in ("rhel7", "rhel8", "rhel9", "rhel10", "amazonlinux2")}
    cpu = {name: PLATFORMS[name].cpu.get("amd64") for name in ("rhel8", "rhel9", "rhel10", "windows11", "windows10")}

    assert glibc == {"rhel7": "2.17", "rhel8": "2.28", "rhel9": "2.34", "rhel10": "2.39", "amazonlinux2": "2.26"}
    assert cpu == {"rhel8": None, "rhel9": "v2", "rhel10": "v3", "windows11": "v2", "windows10": None}
    assert PLATFORMS["nixos"].loaders == {}
    assert PLATFORMS["scratch"].libraries == {}
