"""At the end of a run, what it did not look at: policies that it leaves out, a Go module without a policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.fixtures import RUN
from pytest_golink.settings import POLICY_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable


class Reminders:
    """Names policies that norecursedirs or --ignore leaves out, and `golink init` where nothing was collected."""

    def __init__(self) -> None:
        self._passed_over: dict[str, None] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Add the policies that this process leaves out."""
        self._add(session.config.stash[RUN].passed_over)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Add those of an xdist worker."""
        self._add(getattr(node, "workeroutput", {}).get("golink_passed_over", ()))

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
    ) -> None:
        """List the policies, and name the first step."""
        if self._passed_over:
            terminalreporter.section("golink: policies that this run does not check", yellow=True)
            for line in self._passed_over:
                terminalreporter.write_line(line)
            terminalreporter.write_line("--golink-policy=PATH checks one of them")
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and _is_new_module(config):
            terminalreporter.write_line(
                f"golink: there is a go.mod, and no {POLICY_FILE}: `golink init` writes one, whose rules hold today"
            )

    def _add(self, lines: Iterable[str]) -> None:
        self._passed_over.update(dict.fromkeys(lines))


def _is_new_module(config: pytest.Config) -> bool:
    folders = {config.invocation_params.dir, config.rootpath}
    if any("::" in argument for argument in config.args) or any((folder / POLICY_FILE).exists() for folder in folders):
        return False
    return any((folder / "go.mod").is_file() for folder in folders)
