"""The description of a platform: its loaders, libraries and versions, and the machine under it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.facts import Target

PlatformLibc = Literal["glibc", "musl", "uclibc", "bionic", "libSystem", "bsd", "windows", "none"]

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """
    A system that starts programs: its smallest usual form, without added packages.

    `name` is the family with the release after it ("debian12"), `title` the same for people. `targets` are the ports
    of Go that it is offered for. `loaders` are the paths that PT_INTERP may name, by GOARCH; `libraries` what the
    loader finds by a plain name, under "" for every architecture and under a GOARCH for that one. `libc_version` is
    None where the system has no C library, or one without version. `versions` are the highest symbol versions by
    their prefix ("GLIBCXX": "3.4.30"), glibc's own included. `directories` is where the loader looks, in order.
    `cpu` is the CPU level that every machine of that platform has, in Go's words by GOARCH; a GOARCH that is not named
    has Go's lowest (of arm: 7). `kernel` is the oldest Linux that it is installed with, None where that is the host's.
    `os_version` is the version of macOS, Windows, Android's API or a BSD. `note` is for people, where a loader is
    missing.

    `sources` says where each fact was found. `proven` names the facts that a run or the system's own files showed,
    `unverified` those that no opened source says, or says only in part; the rest stands in documents. A release has
    what its family names.
    """

    name: str
    family: str
    release: str
    title: str
    targets: tuple[Target, ...]
    libc: PlatformLibc
    libc_version: str | None = None
    loaders: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    libraries: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    versions: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    directories: tuple[str, ...] = ()
    usrmerge: bool = False
    cpu: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    kernel: str | None = None
    os_version: str | None = None
    note: str = ""
    sources: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    proven: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()

    @property
    def goos(self) -> str:
        """The GOOS of its ports."""
        return self.targets[0].goos

    def has_library(self, name: str, goarch: str) -> bool:
        """Whether its loader finds a library by that plain name."""
        return any(name in self.libraries.get(key, ()) for key in ("", goarch))

    def has_loader(self, path: str, goarch: str) -> bool:
        """Whether there is a loader for that architecture at that path."""
        paths = self.loaders.get(goarch, ())
        # /lib is a link to /usr/lib there, and so on: both spellings lead to the same file.
        return path in paths or (self.usrmerge and _without_usr(path) in map(_without_usr, paths))


def _without_usr(path: str) -> str:
    return re.sub(r"^/usr(?=/(lib|lib32|lib64|libx32|bin|sbin)/)", "", path)
