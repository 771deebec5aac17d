"""--golink-try-remedies: its optional value, and a line on the terminal for each build that it tries."""

from __future__ import annotations

from contextlib import nullcontext
from copy import copy
from typing import TYPE_CHECKING

from pytest_golink.session import TrialBudget
from pytest_golink.text.escape import escape

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import pytest

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


def trying(config: pytest.Config, seconds: float | None) -> AbstractContextManager[None]:
    """Try the remedies of each violation of this run, so many seconds at most."""
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

    return trying_remedies(TrialBudget(seconds=seconds, tell=tell))
