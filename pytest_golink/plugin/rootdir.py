"""
The root folder of a run whose options have their values behind a space: `--golink-report-file out.json`.

pytest looks for its root folder before it loads plugins: it does not know that the option takes a value, and takes
the value for a path to test. Where that file exists, pytest starts from its folder. golink looks once more, by the
arguments that pytest has when it knows the options.
"""

from __future__ import annotations

import inspect
import sys
from copy import copy
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def keep_root(config: pytest.Config, args: list[str], parser: pytest.Parser) -> None:
    """
    Start from the folder that the tests on the command line have, if a value of golink's led pytest elsewhere.

    Args:
        config: The run's, before the first conftest.py is loaded.
        args: Its arguments, which the ini file of the right folder may change.
        parser: What knows all options by now.

    Raises:
        pytest.UsageError: pytest keeps its root folder in a way that golink does not know.
    """
    try:
        _keep_root(config, args, parser)
    except (AttributeError, ImportError, TypeError) as error:
        raise pytest.UsageError(
            f"golink cannot tell this pytest where its root folder is ({error}): write --golink-…=VALUE, with no space"
        ) from error


def _keep_root(config: Any, args: list[str], parser: Any) -> None:
    known = config.known_args_namespace
    root, ini, values, *ignored = _setup(config, known)
    if (root, ini) == (config.rootpath, config.inipath):
        return
    wrong = config.getini("addopts")
    if args[: len(wrong)] == wrong:
        del args[: len(wrong)]
    _set(config, root, ini, values)
    if ignored:
        config._ignored_config_files = ignored[0]  # noqa: SLF001 - pytest has no other way to change it
    parser.extra_info.update(rootdir=str(root), inifile=str(ini))
    added = config.getini("addopts")
    args[:] = [*added, *args]
    config.pluginmanager.consider_preparse(added, exclude_only=False)
    for path in reversed(config.getini("pythonpath")):
        sys.path.insert(0, str(path))
    config.known_args_namespace = parser.parse_known_args(args, namespace=copy(config.option))
    if config.known_args_namespace.confcutdir is None:
        config.known_args_namespace.confcutdir = str(root if ini is None else ini.parent)


def _setup(config: Any, known: Any) -> tuple[Any, ...]:
    """Return the root folder, the ini file and its values, as pytest finds them; newer versions return more."""
    from _pytest.config.findpaths import determine_setup

    given: dict[str, object] = {
        "inifile": known.inifilename,
        "override_ini": known.override_ini,
        "args": known.file_or_dir,
        "rootdir_cmd_arg": known.rootdir or None,
        "invocation_dir": config.invocation_params.dir,
    }
    accepted = inspect.signature(determine_setup).parameters
    found: tuple[Any, ...] = determine_setup(**{name: value for name, value in given.items() if name in accepted})  # type: ignore[arg-type]
    return found


def _set(config: Any, root: Path, ini: Path | None, values: Mapping[str, object]) -> None:
    config._rootpath, config._inipath = root, ini  # noqa: SLF001 - pytest has no other way to change them
    # The values have a plain name in pytest 8.
    name = "_inicfg" if hasattr(config, "_inicfg") else "inicfg"
    if not hasattr(config, name):
        raise AttributeError(name)
    setattr(config, name, values)
    config._inicache.clear()  # noqa: SLF001
