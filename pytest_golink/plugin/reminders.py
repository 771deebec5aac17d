"""At the end of a run, what it did not do: policies that it leaves out, a Go module without one, remedies to try."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.fixtures import RUN
from pytest_golink.settings import POLICY_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable


# As report/properties.py has them: importing that takes what an idle run does not need.
_IMAGE, _FINDING = "golink.image", "golink.finding"


class Reminders:
    """Names policies that the run leaves out, `golink init` where nothing was collected, and --golink-try-remedies."""

    def __init__(self) -> None:
        self._passed_over: dict[str, None] = {}
        self._remedies_to_try = False

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Add the policies that this process leaves out."""
        self._add(session.config.stash[RUN].passed_over)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Add those of an xdist worker."""
        self._add(getattr(node, "workeroutput", {}).get("golink_passed_over", ()))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notice the first violation of an image that golink built, with remedies that it did not try."""
        if report.failed and report.when == "call" and not self._remedies_to_try:
            self._remedies_to_try = _has_remedies_to_try(report.user_properties)

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
        if self._remedies_to_try and not config.stash[RUN].settings.try_remedies:
            terminalreporter.write_line("golink: --golink-try-remedies shows which remedies keep every rule")

    def _add(self, lines: Iterable[str]) -> None:
        self._passed_over.update(dict.fromkeys(lines))


def _has_remedies_to_try(properties: Iterable[tuple[str, object]]) -> bool:
    read = [(name, json.loads(str(text))) for name, text in properties if name in (_IMAGE, _FINDING)]
    is_built = any(name == _IMAGE and entry["build"] is not None for name, entry in read)
    return is_built and any(
        name == _FINDING and entry["outcome"] == "violated" and entry["remedy"] for name, entry in read
    )


def _is_new_module(config: pytest.Config) -> bool:
    folders = {config.invocation_params.dir, config.rootpath}
    if any("::" in argument for argument in config.args) or any((folder / POLICY_FILE).exists() for folder in folders):
        return False
    return any((folder / "go.mod").is_file() for folder in folders)
