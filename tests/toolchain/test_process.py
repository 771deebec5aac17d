"""A program is run to its end, or ended with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_golink.toolchain.process import _interrupts_wait, run

pytestmark = pytest.mark.usefixtures("interruptible")

# Starts a child, tells its process id, and waits for ever; both leave a file behind on SIGINT unless told to ignore it.
_PARENT = """
import pathlib, signal, subprocess, sys, time
if sys.argv[1] == "stubborn":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("child.new").write_text(str(child.pid))
pathlib.Path("child.new").rename("child")
try:
    time.sleep(600)
except KeyboardInterrupt:
    pathlib.Path("cleaned").touch()
"""


def alive(pid: int) -> bool:
    try:
        # A child that nobody waited for is still listed: reaped by init, or by us if we are the subreaper.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_ctrl_c_while_a_program_starts_waits_until_it_is_known() -> None:
    reached = []

    def start() -> None:
        with _interrupts_wait():
            signal.raise_signal(signal.SIGINT)
            reached.append("the end")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert reached == ["the end"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with _interrupts_wait():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_its_status_and_both_outputs_are_told_apart(tmp_path: Path) -> None:
    done = run(
        [sys.executable, "-c", "import os, sys; print(os.environ['WHO']); print('no', file=sys.stderr); sys.exit(3)"],
        cwd=tmp_path,
        environment={**os.environ, "WHO": "golink"},
        timeout_s=60,
    )

    assert (done.status, done.stdout, done.stderr) == (3, "golink\n", "no\n")


def test_it_has_no_standard_input(tmp_path: Path) -> None:
    done = run(
        [sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"],
        cwd=tmp_path,
        environment=os.environ,
        timeout_s=60,
    )

    assert done.stdout == "''\n"


@pytest.mark.parametrize("temper", ["polite", "stubborn"])
def test_one_that_takes_too_long_is_ended_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temper: str
) -> None:
    monkeypatch.setattr("pytest_golink.toolchain.process._GRACE_S", 0.5)
    with pytest.raises(subprocess.TimeoutExpired):
        run([sys.executable, "-c", _PARENT, temper], cwd=tmp_path, environment=os.environ, timeout_s=5)

    pid = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 10
    while alive(pid):
        assert time.monotonic() < deadline
    assert (tmp_path / "cleaned").exists() == (temper == "polite")
