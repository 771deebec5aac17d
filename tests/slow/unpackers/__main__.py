"""
`python -m tests.slow.unpackers`: hold golink's reading of random archives against real unpackers, file by file.

The same --seed makes the same archives. The exit status is 1 where a tree differs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
from functools import partial
from math import ceil
from pathlib import Path

from tests.slow.unpackers.judges import missing
from tests.slow.unpackers.rounds import FAMILIES, Result, one_round

_SHARES = {
    "tar": 4,
    "zip": 4,
    "deb": 1,
    "rpm": 2,
    "layers": 3,
    "tar as packed": 3,
    "zip as packed": 2,
    "rpm as packed": 0.1,
}
_MOST_SHOWN = 20


def _one(work: str, task: tuple[str, int], seed: int) -> tuple[str, Result]:
    family, number = task
    name = f"{seed}-{number}"
    return family, one_round(family, name, Path(work) / f"{family.replace(' ', '-')}-{name}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.slow.unpackers", description=__doc__)
    parser.add_argument("--archives", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--families", nargs="*", default=FAMILIES, choices=FAMILIES)
    options = parser.parse_args()
    if absent := missing():
        sys.exit(
            f"not here: {', '.join(absent)} (Debian packages: libarchive-tools unzip p7zip-full cpio rpm umoci zip)"
        )
    shares = sum(_SHARES.get(family, 1) for family in options.families)
    tasks = [
        (family, number)
        for family in options.families
        for number in range(ceil(options.archives * _SHARES.get(family, 1) / shares))
    ]
    results = {family: Result() for family in options.families}
    with tempfile.TemporaryDirectory(prefix="golink-unpackers-") as work, multiprocessing.Pool(options.jobs) as pool:
        run = partial(_one, work, seed=options.seed)
        for family, result in pool.imap_unordered(run, tasks, chunksize=8):
            results[family].add(result)
    print(f"{'':16}{'archives':>10}{'members':>10}{'equal':>8}{'refused':>9}{'agreed':>8}{'different':>11}")
    for family, result in results.items():
        numbers = (result.archives, result.members, result.equal, result.refused.total(), result.agreed.total())
        print(
            f"{family:16}{numbers[0]:>10}{numbers[1]:>10}{numbers[2]:>8}{numbers[3]:>9}{numbers[4]:>8}{_count(result):>11}"
        )
    for family, result in results.items():
        for reason, count in result.refused.most_common():
            print(f"{family}: refused {count}, of which all unpackers agree on {result.agreed[reason]}: {reason}")
    for result in results.values():
        for line in result.different[:_MOST_SHOWN]:
            print(line)
    return any(result.different for result in results.values())


def _count(result: Result) -> int:
    return result.archives - result.equal - result.refused.total()


if __name__ == "__main__":
    sys.exit(main())
