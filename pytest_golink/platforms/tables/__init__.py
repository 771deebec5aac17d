"""
The tables of platforms: a file a group of systems.

A table is a family; its `release` table holds the releases, oldest first, and each inherits what the family says, and
that what it extends. `also` lists other names of a family, or of a release. `abstract` marks what is there to be
extended alone.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pytest_golink.platforms.reading import platform_of

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover - Python 3.10
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.platforms.model import Platform

# In the order of the matrix; a table may extend those of the files before it.
_FILES = (
    "empty",
    "debian",
    "ubuntu",
    "redhat",
    "fedora",
    "amazon",
    "manylinux",
    "suse",
    "musl",
    "android",
    "macos",
    "windows",
    "bsd",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tables:
    """
    All that the tables hold: platforms by name, in order.

    `names` gives the platform of every spelling, `families` the family; spellings stand without what separates their
    parts.
    """

    platforms: Mapping[str, Platform]
    names: Mapping[str, str]
    families: Mapping[str, str]


def spelling(name: str) -> str:
    """Give a name without what separates family and release: "debian:12", "Debian-12" and "debian12" are one."""
    return re.sub(r"[-:_ ]", "", name.lower())


def read_tables() -> Tables:
    """Read the tables of the package."""
    known: dict[str, Platform] = {}
    platforms: dict[str, Platform] = {}
    names: dict[str, str] = {}
    families: dict[str, str] = {}
    for file in _FILES:
        text = files(__name__).joinpath(f"{file}.toml").read_text(encoding="utf-8")
        for family, table in tomllib.loads(text).items():
            abstract = table.pop("abstract", False)
            others = [family, *table.pop("also", ())]
            for platform, releases in _family(family, table, known):
                known[platform.name] = platform
                if not abstract:
                    platforms[platform.name] = platform
                    names |= {spelling(f"{each}{release}"): platform.name for each in others for release in releases}
                    families |= {spelling(each): family for each in others}
    return Tables(
        platforms=MappingProxyType(platforms), names=MappingProxyType(names), families=MappingProxyType(families)
    )


def _family(family: str, table: dict[str, Any], known: Mapping[str, Platform]) -> list[tuple[Platform, list[str]]]:
    """Give the family's platforms, each with all names of its release."""
    releases = table.pop("release", {"": {}})
    title = table.pop("title", family)
    found = []
    for release, own in releases.items():
        spellings = [release, *own.pop("also", ())]
        extends = own.pop("extends", table.get("extends"))
        common = {key: value for key, value in table.items() if key != "extends"}
        base = platform_of(family, common, known[extends] if extends else None)
        # "debian12", and "nanoserver-ltsc2022".
        joint = "-" if release[:1].isalpha() else ""
        described = {"title": f"{title} {release}".strip(), **own}
        platform = platform_of(f"{family}{joint}{release}", described, base, family=family, release=release)
        found.append((platform, spellings))
    return found
