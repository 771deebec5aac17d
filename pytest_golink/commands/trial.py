"""A run of pytest with a policy, as the user's next one: what is not green, and where the images are kept."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.errors import GolinkError
from pytest_golink.report.json_reading import read_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_golink.report.model import Report

# The builds of all targets, from an empty cache of Go.
_TIMEOUT_S = 3600.0
_GREEN = 0
_FAILED = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """
    What a run with a policy showed.

    Attributes:
        green: Whether pytest ended well.
        report: Its report.
        output: What it printed.
    """

    green: bool
    report: Report
    output: str


def tried(policy: Path, folder: Path) -> Trial:
    """
    Run pytest with a policy.

    Args:
        policy: The policy file.
        folder: Where pytest starts.

    Raises:
        GolinkError: pytest did not come to a report.
    """
    with tempfile.TemporaryDirectory(prefix="golink-") as temporary:
        file = Path(temporary) / "report.json"
        done = _pytest([f"--golink-policy={policy}", f"--golink-report-file=json:{file}", str(policy)], folder)
        if done.returncode not in (_GREEN, _FAILED) or not file.is_file():
            lines = (done.stdout + done.stderr).strip().splitlines()[-20:]
            raise GolinkError("pytest does not take the policy:", *(f"  {line}" for line in lines))
        report = read_report(file.read_text(encoding="utf-8"), name=str(file))
    return Trial(green=done.returncode == _GREEN, report=report, output=done.stdout)


def image_cache(folder: Path) -> Path | None:
    """Return the folder where the next run of pytest keeps its images; None where it keeps none."""
    done = _pytest(["--cache-show=golink-init-asks-for-the-folder"], folder)
    match = re.search(r"^cachedir: (.+)$", done.stdout, re.MULTILINE)
    # Source: _pytest/cacheprovider.py, Cache.mkdir.
    return None if match is None else Path(folder, match[1].strip(), "d", "golink")


def _pytest(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "--color=no", *arguments]
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GolinkError(f"pytest cannot be run: {error}") from error
