"""
Platforms by name: what a program finds on debian12, alpine3.20, macos13 or scratch.

The descriptions are data, in `tables/`; golink reads them when it first needs a platform.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_golink.errors import ParameterError
from pytest_golink.platforms.model import Platform, PlatformLibc
from pytest_golink.text.suggest import suggestion

if TYPE_CHECKING:
    from pytest_golink.platforms.tables import Tables

__all__ = ["PLATFORMS", "Platform", "PlatformLibc", "parse_platform", "platforms_named"]


class _Platforms(Mapping[str, Platform]):
    """Every platform of the tables by its name, in their order; nothing is read before the first access."""

    def __getitem__(self, name: str) -> Platform:
        return _tables().platforms[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_tables().platforms)

    def __len__(self) -> int:
        return len(_tables().platforms)


PLATFORMS: Mapping[str, Platform] = _Platforms()


@cache
def _tables() -> Tables:
    from pytest_golink.platforms.tables import read_tables  # only when a platform is needed

    return read_tables()


def platforms_named(name: str, own: Mapping[str, Platform] | None = None) -> tuple[Platform, ...]:
    """
    Return the platforms that a name means: one release, or every release of a family, oldest first.

    Case does not count, nor does what stands between family and release: "debian12", "debian:12", "Debian-12"; a
    release may be called by its code name where it has one ("debian:bookworm").

    Args:
        name: The name, as a policy writes it.
        own: The policy's own platforms, by name; they replace golink's of the same name.

    Raises:
        ParameterError: No platform has that name; the message names the nearest.
    """
    from pytest_golink.platforms.tables import spelling

    own = own or {}
    key = spelling(name)
    for known in own.values():
        if spelling(known.name) == key:
            return (known,)
    tables = _tables()
    if key in tables.names:
        return (tables.platforms[tables.names[key]],)
    if key in tables.families:
        family = tables.families[key]
        return tuple(platform for platform in tables.platforms.values() if platform.family == family)
    raise ParameterError(f'unknown platform "{name}"{_instead(key, name, own, tables)}')


def _instead(key: str, name: str, own: Mapping[str, Platform], tables: Tables) -> str:
    # The longest family that the name begins with: "debian14" is a release that is not known.
    families = [each for each in tables.families if re.fullmatch(rf"{re.escape(each)}(\d.*)?", key)]
    if families:
        family = tables.families[max(families, key=len)]
        releases = [platform.name for platform in tables.platforms.values() if platform.family == family]
        return f"; of {family} there are {', '.join(releases)}"
    known = [*own, *tables.platforms, *tables.families]
    return suggestion(name, known) or "; your own platform is a table [platform.NAME] of golink.toml"


def parse_platform(name: str, table: Mapping[str, Any], own: Mapping[str, Platform] | None = None) -> Platform:
    """
    Return the platform that a golink.toml describes in `[platform.NAME]`.

    Args:
        name: NAME; it may be the name of one of golink's platforms, which it replaces then.
        table: The table's value, as TOML gives it.
        own: The platforms of the policy before it, for `extends`.

    Raises:
        ParameterError: A key or a value is not of the accepted form.
    """
    from pytest_golink.platforms.reading import platform_of

    parent = None
    if isinstance(table.get("extends"), str):
        try:
            parents = platforms_named(table["extends"], own)
        except ParameterError as error:
            raise ParameterError(f"platform {name}: extends: {error.reason}", parameter="extends") from None
        if len(parents) > 1:
            names = ", ".join(each.name for each in parents)
            reason = f"platform {name}: extends: {table['extends']} is several platforms: {names}"
            raise ParameterError(reason, parameter="extends")
        parent = parents[0]
    return platform_of(name, table, parent)
