"""
Change images, and hold golink against the loaders: `make loaders COUNT=100000 SEED=1`.

Prints the first mutants of each kind of disagreement, and the counts.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tests.slow.loaders.campaign import Tally, wrongs
from tests.slow.loaders.seeds import make_linker_seeds, make_musl_seeds, make_seeds

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN = 3


def main(arguments: Sequence[str]) -> int:
    """Run until that many mutants were accepted by golink; 1 where one of them is wrong."""
    parser = argparse.ArgumentParser(prog="tests.slow.loaders")
    parser.add_argument("--count", type=int, default=1000, help="mutants that golink accepts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path(".loaders"), help="seeds and what is wrong are kept there")
    parser.add_argument("--only", default="", help="seeds whose name has this")
    parser.add_argument("--musl", type=Path, help="Debian's musl, unpacked: its loader starts them")
    parser.add_argument("--linkers", type=Path, help="Debian's lld and mold, unpacked: seeds by them and by zig")
    asked = parser.parse_args(arguments)
    made = (make_seeds if asked.musl is None else make_musl_seeds)(asked.folder / "seeds")
    if asked.linkers is not None:
        made |= make_linker_seeds(asked.folder / "seeds", asked.linkers.absolute())
    seeds = {name: data for name, data in made.items() if asked.only in name}
    loader = None if asked.musl is None else next(asked.musl.rglob("ld-musl-x86_64.so.1")).resolve()
    tally, kinds = Tally(), Counter[str]()
    for wrong in wrongs(seeds, count=asked.count, seed=asked.seed, tally=tally, loader=loader):
        kinds[wrong.kind] += 1
        if kinds[wrong.kind] <= _SHOWN:
            kept = asked.folder / "wrong" / f"{asked.seed}-{wrong.number}"
            kept.parent.mkdir(exist_ok=True)
            kept.write_bytes(wrong.mutant.data)
            print(f"{kept}: {wrong.seed}: {wrong.mutant.words}\n    {wrong.what}", flush=True)
    print(f"{tally.mutants:8} mutants\n{tally.accepted:8} accepted")
    for what, number in [*tally.answers.most_common(), *kinds.most_common()]:
        print(f"{number:8} {what}")
    return 1 if kinds else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
