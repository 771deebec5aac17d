"""What Android and OpenBSD require of an ELF image beside its libraries, and how they number library versions."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.diagnosis.origin import cgo_causes
from pytest_golink.loader.obstacles import Obstacle, go_release
from pytest_golink.remedies.linkage import cgo_words
from pytest_golink.text.versions import numbers
from pytest_golink.text.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_golink.facts import BinaryFacts, NeededLibrary
    from pytest_golink.platforms import Platform

# Versions of Android's libraries are named after its releases, each with an API level, or after the level itself.
# Source: bionic's libc/libc.map.txt and libdl/libdl.map.txt; Android's liblog.map.txt.
_ANDROID_VERSION = re.compile(r"LIB(?:C|DL|M|LOG)(?:_(?P<release>[A-Z][A-Z0-9]*)|_(?P<level>[0-9]+))?")
_ANDROID_RELEASES: Mapping[str | None, int] = MappingProxyType(
    {None: 1, "L": 21, "M": 23, "N": 24, "O": 26, "OMR1": 27, "P": 28, "Q": 29, "R": 30, "S": 31, "T": 33, "U": 34}
    | {"V": 35}
)
_ANDROID_PIE_API = 21
# Since Android 8, seccomp kills an app's process at a system call outside its allowlist.
_ANDROID_FILTER_API = 26
_ANDROID_64_ONLY_API = 33
_32_BIT = ("386", "arm")
_FUTEX_GO, _FUTEX_MENDED, _FUTEX_API = 26, 3, 30
_FACCESSAT2_GO = 20
_ANDROID_16K_API = 35
_ANDROID_PAGE = 16384
# From this OpenBSD on, a static program has to name its system calls.
_OPENBSD_PINNED = (7, 5)
# From this OpenBSD on, libc has no syscall(2).
# Source: OpenBSD's lib/libc/shlib_version, 98.0 (2023-12): syscall is removed; golang/go#63900.
_OPENBSD_NO_SYSCALL = (7, 5)
# The first Go whose standard library does not call it. Source: golang/go#63900, in Go 1.22.
_WITHOUT_SYSCALL_GO = 22
# From this OpenBSD on, a process has one libc: the one that its program needs.
_OPENBSD_ONE_LIBC = (7, 5)
# How OpenBSD's ld.so splits a library's name and version. Source: libexec/ld.so/sod.c, _dl_build_sod.
_OPENBSD_NAME = re.compile(r"(lib[^/]*?\.so)((?:\.[0-9]{1,9}){0,2})")


def system_obstacles(facts: BinaryFacts, platform: Platform) -> Iterator[Obstacle]:
    """Yield why the kernel or the loader of Android or OpenBSD refuses an image, whatever libraries it needs."""
    version = _os_version(platform)
    if platform.goos == "openbsd" and facts.linkage != "dynamic" and version >= _OPENBSD_PINNED:
        yield _pinned(facts)
    elif platform.goos == "openbsd" and version >= _OPENBSD_NO_SYSCALL:
        if any(symbol.name == "syscall" and not symbol.weak for symbol in facts.imports):
            yield _syscall(facts)
    elif platform.goos == "android" and version:
        yield from _on_android(facts, version[0])
        yield from _filtered(facts, version[0])


def _on_android(facts: BinaryFacts, api: int) -> Iterator[Obstacle]:
    goos, goarch = (facts.target.goos, facts.target.goarch) if facts.target else ("", "")
    if goos == "android" and goarch in _32_BIT and api >= _ANDROID_64_ONLY_API:
        # Source: Google's "Pixel 7 … the first Android phones to support only 64-bit apps", Android 13.
        yield Obstacle(
            text=f"it is for {facts.target}: 64-bit-only devices start no 32-bit program",
            certain=False,
            remedy=("GOARCH=arm64 or GOARCH=amd64",),
        )
    if goos == "linux" and facts.resolver and "go" in facts.resolver:
        # Source: Go's net/dnsconfig_unix.go: without /etc/resolv.conf the servers are those of the machine itself.
        yield Obstacle(text="Android has no /etc/resolv.conf: Go's resolver finds no name server", caution=True)
    if facts.interpreter and facts.hardening.pie is False and api >= _ANDROID_PIE_API:
        # Source: bionic's linker_main.cpp: "only position independent executables (PIE) are supported".
        yield Obstacle(text="Android's loader accepts only position-independent programs", remedy=("-buildmode=pie",))
    loads = [header.alignment for header in facts.program_headers if header.type == "PT_LOAD"]
    if api >= _ANDROID_16K_API and loads and min(loads) < _ANDROID_PAGE:
        text = f"a PT_LOAD is aligned to {min(loads)}: on devices with pages of 16 kB it does not start"
        yield Obstacle(text=text, caution=True)


def _filtered(facts: BinaryFacts, api: int) -> Iterator[Obstacle]:
    """
    Yield the system calls at which Android kills a program of an app, such as Termux.

    Source: bionic's libc/SECCOMP_ALLOWLIST_APP.TXT and SYSCALLS.TXT of Android 8 to 15.
    """
    if api < _ANDROID_FILTER_API or facts.target is None:
        return
    if facts.target.goos == "linux" and facts.libc.presence == "embedded" and facts.libc.kind == "glibc":
        # Source: glibc's sysdeps/nptl/dl-tls_init_tp.c.
        yield Obstacle(
            text="a static glibc calls set_robust_list at its start, for which Android ends the program of an app",
            cause=tuple(cgo_causes(facts)),
            remedy=cgo_words(facts) if facts.go is not None else ("link it with a static musl",),
        )
    release = go_release(facts)
    if release is None:
        return
    minor, patch = release
    if minor == _FUTEX_GO and patch < _FUTEX_MENDED and facts.target.goarch in _32_BIT and api < _FUTEX_API:
        # Source: golang/go#77621.
        text = f"Go 1.{minor}.{patch} calls futex_time64 at its start, for which Android ends it before API level 30"
        yield Obstacle(text=text, remedy=("Go 1.26.3 or newer",))
    if facts.target.goos == "linux" and minor >= _FACCESSAT2_GO:
        # Source: golang/go#57393, golang/go#60125.
        text = "os/exec's search for a program calls faccessat2, for which Android ends the program of an app"
        yield Obstacle(text=text, caution=True, remedy=("GOOS=android",))


def _os_version(platform: Platform) -> tuple[int, ...]:
    return numbers(platform.os_version) if platform.os_version else ()


def _pinned(facts: BinaryFacts) -> Obstacle:
    # On every architecture the kernel kills the program at the first system call that no PT_OPENBSD_SYSCALLS names.
    # Go's own linker writes no such segment, OpenBSD's does.
    # Source: OpenBSD 7.5's sys/sys/syscall_mi.h, pin_check; sys/kern/exec_elf.c, elf_read_pintable.
    text = "OpenBSD ends a static program that pins no system calls (pinsyscalls)"
    if facts.go is None or facts.link_mode != "internal":
        return Obstacle(text=f"{text}; whether it does is not known here", certain=False)
    # Source: the release notes of Go 1.16 (amd64, arm64) and 1.17 (386, arm).
    return Obstacle(text=text, remedy=("Go 1.17 or newer, which calls the system through libc",))


def _syscall(facts: BinaryFacts) -> Obstacle:
    # ld.so binds it at the first call, and ends the program there: showwin/speedtest-go#233.
    release = go_release(facts)
    newer = release is None or release[0] >= _WITHOUT_SYSCALL_GO
    return Obstacle(
        text="calls syscall, which OpenBSD's libc does not have from 7.5 on",
        remedy=("a newer golang.org/x/sys",) if newer else ("Go 1.22 or newer, and a newer golang.org/x/sys",),
    )


def android_level(version: str) -> int | None:
    """Return the first API level whose Android has a version, None where that is not known."""
    match = _ANDROID_VERSION.fullmatch(version)
    if match is None:
        return None
    return int(match["level"]) if match["level"] else _ANDROID_RELEASES.get(match["release"])


def openbsd_has(name: str, platform: Platform, goarch: str) -> bool:
    """Whether OpenBSD's ld.so finds a library by a name, with a version or without."""
    stem, asked = _split_version(name)
    versions = _openbsd_versions(stem, platform, goarch)
    # It needs the same major, and the same minor or a larger one; without a version, any will do.
    return any(not asked or (has[:1] == asked[:1] and has[1:] >= asked[1:]) for has in versions)


def _split_version(name: str) -> tuple[str, tuple[int, ...]]:
    """Split a name as OpenBSD's ld.so does: "libc.so.97.1" is version 97.1 of "libc.so"; () without a version."""
    match = _OPENBSD_NAME.fullmatch(name)
    if match is None:
        return name, ()
    return match[1], numbers(match[2].removeprefix(".")) if match[2] else ()


def _openbsd_versions(stem: str, platform: Platform, goarch: str) -> list[tuple[int, ...]]:
    """Return the known versions of a library, the lowest first; () for a library known without a version."""
    names = {name for key in ("", goarch) for name in platform.libraries.get(key, ())}
    return sorted(version for has, version in map(_split_version, names) if has == stem)


def openbsd_other_version(
    facts: BinaryFacts, library: NeededLibrary, platform: Platform, goarch: str
) -> Obstacle | None:
    """
    Return the obstacle that OpenBSD has another version of a library; None where it has no library of that name.

    Source: OpenBSD's libexec/ld.so: library_subr.c, _dl_match_file and _dl_load_shlib (try_any_minor); loader.c,
    _dl_load_dep_libs.
    """
    stem, asked = _split_version(library.name)
    versions = _openbsd_versions(stem, platform, goarch)
    known = [version for version in versions if version]
    if not versions:
        return None
    if not known:
        text = f"{library.name}: which version of it {platform.name} has is not known here"
        return Obstacle(text=text, certain=False)
    has = f"{platform.name} has {listed(['.'.join([stem, *map(str, version)]) for version in known])}"
    if any(version[0] == asked[0] for version in known):
        text = f"{library.name}: {has}, which ld.so takes with a warning: what is newer is missing"
        return Obstacle(text=text, certain=False)
    if stem == "libc.so" and facts.kind == "shared-library" and _os_version(platform) >= _OPENBSD_ONE_LIBC:
        text = f"{library.name}: {has}; a library gets the libc that its program needs"
        return Obstacle(text=text, certain=False)
    return Obstacle(
        text=f"{library.name} is not there: {has}",
        remedy=("CGO_ENABLED=0, which needs no version of a library", f"or link it on {platform.title}"),
    )
