"""
The policies that a whole run does not reach.

pytest collects no folder called build or dist, and with the ini file's `testpaths` no folder but those: a policy in
another one would check nothing, and the run would end well.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import pytest

from pytest_golink.settings import POLICY_FILE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

# A policy stands beside go.mod, near the root; a run that has none must not wait for the search.
_DEPTH = 4
_FOLDERS = 1000
_NEVER = (".*", "node_modules", "__pycache__", "vendor", "testdata", "venv")
# Of pytest's default for `norecursedirs`, the folders that a release has.
_HIDDEN_BY_DEFAULT = ("build", "dist")


def unreached_policies(config: pytest.Config, collected: Collection[Path]) -> tuple[list[Path], tuple[str, ...]]:
    """
    Return the policies that a whole run has not collected.

    Args:
        config: The run's.
        collected: The policies that it has collected.

    Returns:
        Those that only a default of pytest or the ini file's `testpaths` hides, to collect; and, as texts, those that
        an option or the ini file leaves out by choice.
    """
    hidden: list[Path] = []
    by_choice: list[str] = []
    for base in _bases(config):
        for path in _policies(base):
            if path in collected or path in hidden:
                continue
            reason = _reason(config, path, base)
            if reason:
                by_choice.append(f"{os.path.relpath(path, config.rootpath)}: {reason}")
            else:
                hidden.append(path)
    return hidden, tuple(dict.fromkeys(by_choice))


def _bases(config: pytest.Config) -> list[Path]:
    """Return the folders that the run is about; none where the command line names something else than folders."""
    source = pytest.Config.ArgsSource
    if config.args_source is source.TESTPATHS:
        return [config.rootpath]
    folders = [config.invocation_params.dir / argument for argument in config.args if "::" not in argument]
    return [folder for folder in folders if folder.is_dir()]


def _policies(base: Path) -> Iterator[Path]:
    pending = [(base, 0)]
    for _count in range(_FOLDERS):
        if not pending:
            return
        folder, depth = pending.pop(0)
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in found:
            if entry.name == POLICY_FILE and entry.is_file():
                yield folder / entry.name
            elif depth < _DEPTH and entry.is_dir(follow_symlinks=False) and not _is_one(entry.name, _NEVER):
                pending.append((folder / entry.name, depth + 1))


def _is_one(name: str, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _reason(config: pytest.Config, path: Path, base: Path) -> str:
    """Return which choice leaves a policy out, "" where none does."""
    patterns: list[str] = config.getini("norecursedirs")
    # An ini file that lists folders itself has chosen them.
    is_default = all(name in patterns for name in (*_HIDDEN_BY_DEFAULT, "{arch}"))
    ignored = [os.path.abspath(folder) for folder in config.getoption("ignore") or ()]  # noqa: PTH100 - as pytest reads them
    for place in (path, *path.parents):
        if place == base:
            break
        if is_default and place.name in _HIDDEN_BY_DEFAULT and str(place) not in ignored:
            continue
        # What pytest itself asks; a conftest.py may answer too.
        if config.hook.pytest_ignore_collect(collection_path=place, config=config):
            return "norecursedirs, --ignore, --ignore-glob or a conftest.py leaves it out"
    return ""
