"""--golink-try-remedies: its optional value, and a line on the terminal for each build that it tries."""

from __future__ import annotations

from contextlib import nullcontext
from copy import copy
from typing import TYPE_CHECKING

import pytest

from pytest_golink.session import TrialBudget
from pytest_golink.text.escape import escape

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


_OPTION = "--golink-try-remedies"


def leave_paths_to_pytest(early_config: pytest.Config, parser: pytest.Parser, args: list[str]) -> None:
    """Keep the option from taking the path behind it for its value: only a number is one."""
    taken = [
        at for at, word in enumerate(args[:-1]) if word == _OPTION and not args[at + 1].replace(".", "", 1).isdigit()
    ]
    for at in taken:
        args[at] = f"{_OPTION}="
    if taken:
        # pytest has read the arguments once already, to find the first conftest.py files.
        early_config.known_args_namespace = parser.parse_known_args(args, namespace=copy(early_config.option))


def trying(config: pytest.Config) -> AbstractContextManager[None]:
    """
    Try the remedies of each violation of this run, at most as many seconds as the user says.

    Raises:
        pytest.UsageError: The value is no number of seconds.
    """
    from pytest_golink.source import trying_remedies

    def tell(line: str) -> None:
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None:
            # A worker of xdist has no terminal.
            return
        capture = config.pluginmanager.get_plugin("capturemanager")
        with nullcontext() if capture is None else capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(f"golink: {escape(line)}")

    return trying_remedies(TrialBudget(seconds=_seconds(config), tell=tell))


def _seconds(config: pytest.Config) -> float | None:
    option, key = config.getoption("golink_try_remedies"), str(config.getini("golink_try_remedies_seconds")).strip()
    text, named_by = (option, _OPTION) if option else (key, "ini key golink_try_remedies_seconds")
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise pytest.UsageError(f"{named_by}: expected a number of seconds, not {text!r}")
    return seconds
