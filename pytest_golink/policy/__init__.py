"""golink.toml → typed, validated policy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.errors import ParameterError, PolicyError
from pytest_golink.location import Location
from pytest_golink.policy import keys
from pytest_golink.policy.binaries import read_binaries
from pytest_golink.policy.document import Document, read_document, shown
from pytest_golink.policy.model import DEFAULT_SIZE_TOLERANCE, PlannedBuild, Policy, PolicyBinary, RuleRequest, Waiver
from pytest_golink.policy.rulesets import Rulesets
from pytest_golink.policy.tables import known_values
from pytest_golink.policy.waivers import read_waivers

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from pytest_golink.platforms import Platform

# The lock of a policy has the same name with this suffix.
LOCK_SUFFIX = ".lock"

__all__ = ["Location", "PlannedBuild", "Policy", "PolicyBinary", "RuleRequest", "Waiver", "read_policy"]


def read_policy(path: str | os.PathLike[str], *, file: str | None = None, files_are_named: bool = False) -> Policy:
    """
    Read a golink.toml, and check all of it that can be checked without a Go toolchain and without the files it names.

    Args:
        path: The policy file.
        file: Its name in locations; its base name by default.
        files_are_named: Whether the caller names the files to check: the policy need not have a [[binary]].

    Raises:
        PolicyError: The file has errors: all of them, each with its line.
    """
    path = Path(path)
    name = path.name if file is None else file
    if path.suffix == LOCK_SUFFIX:
        text = f"a policy cannot be called *{LOCK_SUFFIX}: golink would write its lock over it"
        raise PolicyError([(Location(file=name, line=1), text)])
    document = read_document(path, name)
    folder = path.absolute().parent
    optional = tuple(replace(key, required=False) for key in keys.TOP) if files_are_named else keys.TOP
    known_values(document, (), optional, kind="golink.toml")
    platforms = _platforms(document)
    rulesets = Rulesets(document, platforms)
    # runs-on does not know a platform that is wrong; that must not count as a second mistake.
    before = document.error_count
    binaries = read_binaries(document, folder, rulesets)
    if not files_are_named:
        rulesets.check_use()
    all_known = document.error_count == before == 0 and not files_are_named
    waivers = read_waivers(document, binaries, all_binaries_known=all_known)
    tolerance = _size_tolerance(document)
    document.raise_errors()
    return Policy(
        file=path,
        folder=folder,
        binaries=tuple(binaries),
        rulesets=rulesets.requests(),
        waivers=tuple(waivers),
        size_tolerance=tolerance,
        platforms=platforms,
    )


def _platforms(document: Document) -> dict[str, Platform]:
    tables = document.values.get("platform")
    platforms: dict[str, Platform] = {}
    if not isinstance(tables, dict):
        return platforms
    for name, table in tables.items():
        platform = _platform(document, name, table, platforms)
        if platform is not None:
            platforms[name] = platform
    return platforms


def _platform(document: Document, name: str, table: object, before: Mapping[str, Platform]) -> Platform | None:
    from pytest_golink.platforms import parse_platform

    if not isinstance(table, dict):
        document.add_error(("platform", name), f"platform.{name}: expected a table, not {shown(table)}")
        return None
    try:
        return parse_platform(name, table, before)
    except ParameterError as error:
        path = ("platform", name) if error.parameter is None else ("platform", name, error.parameter)
        document.add_error(path, str(error))
        return None


def _size_tolerance(document: Document) -> str:
    if not isinstance(document.values.get("lock"), dict):
        return DEFAULT_SIZE_TOLERANCE
    values = known_values(document, ("lock",), keys.LOCK, kind="[lock]")
    return str(values.get("size-tolerance", DEFAULT_SIZE_TOLERANCE)).strip()
