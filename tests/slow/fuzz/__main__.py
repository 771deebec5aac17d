"""
`python -m tests.slow.fuzz`: damage images for as long as one asks, and see that the readers keep their word.

The same --seed gives the same damage. Each find is written to its own folder: what happened, the recipe of the
damage in its smallest form, and the damaged image.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.slow.fuzz.judge import damage, judge, minimise
from tests.slow.fuzz.seeds import Seed, make_seeds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

# Wall time, on a machine that does other things too; the limit for a read is one of CPU time.
_SILENCE_S = 60.0
_FAMILIES = ("elf", "macho", "pe", "coff", "ar", "xcoff", "plan9", "wasm")
_MOST_OF_A_KIND = 5


@dataclass(kw_only=True, slots=True)
class Worker:
    """One process that reads; `current` is the case that it is at, for when it dies of it."""

    process: Any
    pipe: Connection
    current: Any
    last: float = field(default_factory=time.monotonic)


@dataclass(kw_only=True, slots=True)
class Tally:
    """What has been seen so far."""

    cases: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    finds: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0


def main() -> int:
    """Run; give the exit status: 0, or 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.slow.fuzz", description=__doc__.splitlines()[1])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None, help="give it again to see the same damage again")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--formats", nargs="*", default=(), choices=_FAMILIES)
    parser.add_argument("--start", type=int, default=0, help="the number of the first round")
    parser.add_argument("--folder", type=Path, default=Path(".fuzz"))
    options = parser.parse_args()
    seed = int.from_bytes(os.urandom(4), "big") if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    seeds = make_seeds(options.folder.resolve() / "seeds", tuple(options.formats))
    print(f"{len(seeds)} images: {', '.join(image.name for image in seeds)}", flush=True)
    tally = _run(seeds, seed, options)
    print(
        f"seed {seed}: {tally.cases.total()} cases in {options.seconds:.0f} s, {dict(tally.outcomes)}, "
        f"slowest read {tally.slowest_s:.2f} s of CPU time"
    )
    print("cases by format:", dict(tally.cases))
    print("finds:", dict(tally.finds) or "none")
    return 1 if tally.finds else 0


def _run(seeds: Sequence[Seed], seed: int, options: argparse.Namespace) -> Tally:
    context = multiprocessing.get_context("fork")
    tally = Tally()
    end = time.monotonic() + options.seconds

    def start(first: int) -> Worker:
        ours, theirs = context.Pipe(duplex=False)
        current = context.Array("l", [0, 0], lock=False)
        process = context.Process(
            target=_work, args=(seeds, seed, first, options.jobs, theirs, current, end), daemon=True
        )
        process.start()
        theirs.close()
        return Worker(process=process, pipe=ours, current=current)

    workers = {job: start(options.start + job) for job in range(options.jobs)}
    while workers:
        for job, worker in list(workers.items()):
            alive = worker.process.is_alive()
            while worker.pipe.poll(0 if len(workers) > 1 else 0.1):
                try:
                    message = worker.pipe.recv()
                except EOFError:
                    break
                worker.last = time.monotonic()
                _note(tally, message, seeds, options.folder, seed)
            if not alive:
                del workers[job]
                if worker.process.exitcode:
                    workers[job] = _after_death(tally, worker, seeds, seed, options, start, "crash")
            elif time.monotonic() - worker.last > _SILENCE_S:
                worker.process.kill()
                worker.process.join()
                workers[job] = _after_death(tally, worker, seeds, seed, options, start, "hang")
        time.sleep(0.05)
    return tally


def _after_death(
    tally: Tally, worker: Worker, seeds: Sequence[Seed], seed: int, options: argparse.Namespace, start: Any, kind: str
) -> Worker:  # fmt: skip
    index, number = worker.current
    text = f"{kind}, exit code {worker.process.exitcode}"
    _note(tally, ("find", index, number, kind, text, None), seeds, options.folder, seed)
    return start(number + options.jobs)  # type: ignore[no-any-return]


def _work(seeds: Sequence[Seed], seed: int, first: int, step: int, pipe: Connection, current: Any, end: float) -> None:
    number = first
    known: Counter[str] = Counter()
    while True:
        for index, image in enumerate(seeds):
            if time.monotonic() > end:
                return
            current[0], current[1] = index, number
            mutant = damage(seeds, seed, index, number)
            verdict = judge(image, mutant)
            if verdict.kind == "slow":
                # Not if something else held the machine up.
                verdict = judge(image, mutant)
            pipe.send(("case", image.format, verdict.kind, verdict.cpu_s))
            if verdict.find:
                mark = f"{image.format} {verdict.kind}"
                known[mark] += 1
                small = None
                if known[mark] <= _MOST_OF_A_KIND:
                    if verdict.kind != "slow":
                        small = minimise(image, mutant)
                    pipe.send(("find", index, number, verdict.kind, verdict.text, small))
        number += step


def _note(tally: Tally, message: tuple[Any, ...], seeds: Sequence[Seed], folder: Path, seed: int) -> None:
    if message[0] == "case":
        _, format_, kind, cpu_s = message
        tally.cases[format_] += 1
        tally.slowest_s = max(tally.slowest_s, cpu_s)
        tally.outcomes[kind if kind in ("facts", "error") else "find"] += 1
        if kind not in ("facts", "error"):
            tally.finds[f"{format_} {kind}"] += 1
        return
    _, index, number, kind, text, small = message
    image = seeds[index]
    if kind in ("crash", "hang"):
        tally.finds[f"{image.format} {kind}"] += 1
    mutant = small or damage(seeds, seed, index, number)
    place = folder / "finds" / f"{image.name}-{kind.replace(' ', '-')}-{seed}-{number}"
    place.mkdir(parents=True, exist_ok=True)
    writes = [(hex(offset), new.hex() if len(new) < 4096 else f"{len(new)} bytes") for offset, new in mutant.writes]
    recipe = {"image": image.name, "seed": seed, "number": number, "kind": kind, "mutation": mutant.kind}
    recipe |= {"what": text, "writes": writes, "cut": mutant.cut, "tail": mutant.tail.hex()}
    (place / "find.json").write_text(json.dumps(recipe, indent=2) + "\n", encoding="utf-8")
    (place / "image").write_bytes(mutant.apply(image.data))
    print(f"find: {place.name}: {text[:300]}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
