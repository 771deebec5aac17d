"""A word of `golink init`, at the end of a run in a Go module that collected nothing."""

from __future__ import annotations

import pytest

from pytest_golink.settings import POLICY_FILE


class FirstSteps:
    """Names `golink init` where there is a go.mod, no policy, and no test."""

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
    ) -> None:
        """Write the line."""
        if exitstatus != pytest.ExitCode.NO_TESTS_COLLECTED or any("::" in argument for argument in config.args):
            return
        folders = dict.fromkeys([config.invocation_params.dir, config.rootpath])
        if any((folder / POLICY_FILE).exists() for folder in folders):
            return
        if any((folder / "go.mod").is_file() for folder in folders):
            terminalreporter.write_line(
                f"golink: there is a go.mod, and no {POLICY_FILE}: `golink init` writes one, whose rules hold today"
            )
