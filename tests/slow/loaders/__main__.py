"""
Change images, and hold golink against the loaders: `make loaders COUNT=100000 SEED=1`.

Prints each kind of disagreement once, with a mutant of it, and the counts.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tests.slow.loaders.judge import judge, make_witness, musl, this_machine
from tests.slow.loaders.mutations import find_tables, mutate
from tests.slow.loaders.runner import PLACE, Fence
from tests.slow.loaders.seeds import make_seeds

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run until that many mutants were accepted by golink; 1 where one of them is wrong."""
    parser = argparse.ArgumentParser(prog="tests.slow.loaders")
    parser.add_argument("--count", type=int, default=1000, help="mutants that golink accepts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path(".loaders"), help="seeds and what is wrong are kept there")
    parser.add_argument("--only", default="", help="seeds whose name has this")
    parser.add_argument("--musl", type=Path, help="Debian's musl, unpacked: its loader is a judge too")
    asked = parser.parse_args(arguments)
    seeds = {name: data for name, data in make_seeds(asked.folder / "seeds").items() if asked.only in name}
    tables = {name: find_tables(data) for name, data in seeds.items()}
    dice = random.Random(asked.seed)
    counts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="golink-loaders-", dir="/dev/shm") as made:
        folder = Path(made)
        folder.chmod(0o755)
        make_witness(folder)
        before: tuple[str, ...] = ()
        platform = this_machine()
        if asked.musl is not None:
            shutil.copy(next(asked.musl.rglob("ld-musl-x86_64.so.1")).resolve(), folder / "ld-musl")
            before, platform = (f"{PLACE}/ld-musl",), musl("1.2.3")
        with Fence(folder) as fence:
            while counts["accepted"] < asked.count:
                name = dice.choice(list(seeds))
                mutant = mutate(dice, seeds[name], tables[name])
                counts["mutants"] += 1
                image = folder / f"app{counts['mutants']}"
                image.write_bytes(mutant.data)
                image.chmod(0o755)
                found = judge(image, fence, platform, before, decided=mutant.decided)
                counts["accepted"] += found.read
                counts[f"golink {found.starts}, started {found.started}"] += found.read
                if found.wrong is not None:
                    kind = found.wrong.partition("0x")[0]
                    kinds[kind] += 1
                    if kinds[kind] <= 3:
                        kept = asked.folder / "wrong" / f"{asked.seed}-{counts['mutants']}"
                        kept.parent.mkdir(exist_ok=True)
                        kept.write_bytes(mutant.data)
                        print(f"{kept}: {name}: {mutant.words}\n    {found.wrong}", flush=True)
                image.unlink()
    for what, count in [*counts.items(), *kinds.most_common()]:
        print(f"{count:8} {what}")
    return 1 if kinds else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
