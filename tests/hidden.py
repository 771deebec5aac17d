"""A Python in which some packages are not installed: the others, in a folder of links, and no site-packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_golink

# What coverage's .pth file does, which is not read here.
_COVERAGE = """
try:
    import coverage
except ImportError:
    pass
else:
    coverage.process_startup()
"""


def run_without(*hidden: str, script: str, cwd: Path, path: str, arguments: tuple[str, ...] = ()) -> list[str]:
    """
    Run a script where some packages are hidden, and return the lines that it prints.

    Args:
        hidden: Their names as they stand in site-packages, without versions.
        script: Python source.
        cwd: The folder to run in.
        path: PATH.
        arguments: The script's arguments.
    """
    packages = cwd / "packages"
    packages.mkdir()
    # pytest_golink itself may be installed editable, that is, from somewhere else.
    (packages / "pytest_golink").symlink_to(Path(pytest_golink.__file__).parent)
    for there in Path(pytest.__file__).parent.parent.iterdir():
        if there.name.partition("-")[0] not in {*hidden, "pytest_golink"} or there.name.startswith("pytest_golink-"):
            (packages / there.name).symlink_to(there)
    done = subprocess.run(
        # -S: no site-packages, and none of its .pth files.
        [sys.executable, "-S", "-c", _COVERAGE + script, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(packages), "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()
