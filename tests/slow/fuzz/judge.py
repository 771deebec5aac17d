"""What a reader may do with a damaged image: give facts or the typed error, soon, in little memory; hide nothing."""

from __future__ import annotations

import json
import random
import resource
import time
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.errors import ParameterError, ReaderDisagreement, UnreadableBinaryError
from pytest_golink.reader.crosscheck import crosscheck
from pytest_golink.report.fact_sheet import fact_sheet
from pytest_golink.report.facts_json import facts_json
from tests.slow.fuzz.mutations import Mutant, mutate
from tests.slow.fuzz.seeds import Seed, read, read_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_golink.facts import BinaryFacts

LONGEST_READ_CPU_S = 1.0
# Twenty times the image, and what an interpreter with LIEF in it takes for itself.
_MEMORY_TIMES = 20
_MEMORY_BYTES = 256 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What happened: `kind` is "facts", "error", or the kind of a find, of which `text` tells more."""

    kind: str
    text: str
    cpu_s: float = 0.0

    @property
    def find(self) -> bool:
        """It is something that must not happen."""
        return self.kind not in ("facts", "error")


def damage(seeds: Sequence[Seed], seed: int, index: int, number: int) -> Mutant:
    """Return damage number `number` of one image, always the same for the same seed."""
    image = seeds[index]
    dice = random.Random(zlib.crc32(f"{seed}:{image.name}:{number}".encode()))
    others = [(other.data, other.places) for other in seeds if other.format == image.format]
    return mutate(dice, image.data, image.places, others)


def judge(seed: Seed, mutant: Mutant) -> Verdict:
    """Read a damaged image and say what happened."""
    data = mutant.apply(seed.data)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_in_use() + _MEMORY_TIMES * len(data) + _MEMORY_BYTES, limits[1]))
    start = time.process_time()
    try:
        facts = read(data)
        read_sizes(data)
    except (UnreadableBinaryError, ParameterError) as error:
        kind, text = "error", str(error)
        facts = None
    except Exception as error:
        kind, text = f"exception {type(error).__name__}", _trace(error)
        facts = None
    else:
        kind, text = "facts", ""
    spent = time.process_time() - start
    resource.setrlimit(resource.RLIMIT_AS, limits)
    if spent > LONGEST_READ_CPU_S:
        return Verdict(kind="slow", text=f"{spent:.2f} s of CPU time; {kind} {text}", cpu_s=spent)
    if facts is not None:
        try:
            json.dumps([facts_json(image) for image in facts])
            for image in facts:
                fact_sheet(image, width=80, colour=False)
        except Exception as error:
            return Verdict(kind=f"report exception {type(error).__name__}", text=_trace(error), cpu_s=spent)
        hidden = _hidden(seed, mutant, data, facts)
        if hidden:
            return Verdict(kind="hidden", text=hidden, cpu_s=spent)
    return Verdict(kind=kind, text=text, cpu_s=spent)


def _hidden(seed: Seed, mutant: Mutant, data: bytes, facts: tuple[BinaryFacts, ...]) -> str:
    """
    Return what is hidden: a part of the file is lost, and the facts do not tell.

    A write may have made another image of it, which is read as the one that it is. A hole is nobody's table.
    """
    if mutant.cut is not None:
        # Without section headers, nothing tells of what stood behind the last segment, and no loader misses it.
        same = [replace(image, size=0) for image in facts] == [replace(image, size=0) for image in seed.facts]
        if same and len(data) >= max(place.offset + place.size for place in seed.places):
            return ""
        # Nor does a WebAssembly module tell of the custom sections that may follow its last one.
        if seed.format == "wasm" and _linked(facts) == _linked(seed.facts):
            return ""
        return f"cut to {len(data)} of {len(seed.data)} bytes, and read: {_summary(facts)}"
    if not mutant.hollow:
        return _contradicted(data, facts) if _needed(facts) < _needed(seed.facts) else ""
    if len(facts) < len(seed.facts):
        return f"{len(seed.facts) - len(facts)} slices are gone"
    for before, after in zip(seed.facts, facts, strict=True):
        if before.linkage != after.linkage or before.interpreter != after.interpreter:
            return f"a hole: {_summary((before,))} became {_summary((after,))}"
        lost = set(before.needed) - set(after.needed) or set(before.imports) - set(after.imports)
        # What is renamed by the hole stands among the new ones; what is fewer is lost.
        if lost and (len(after.needed) < len(before.needed) or len(after.imports) < len(before.imports)):
            return f"a hole: without {sorted(str(one.name) for one in lost)[:5]}"
    return ""


def _needed(facts: tuple[BinaryFacts, ...]) -> int:
    return sum(len(image.needed) + (image.interpreter is not None) for image in facts)


def _contradicted(data: bytes, facts: tuple[BinaryFacts, ...]) -> str:
    """Return which libraries or loader another reader still finds; its own errors about the damage do not count."""
    try:
        crosscheck(facts, memoryview(data))
    except UnreadableBinaryError:
        return ""
    except ReaderDisagreement as error:
        for fact in ("PT_INTERP", "DT_NEEDED", "LC_LOAD_DYLINKER", "libraries"):
            ours, theirs = error.differences.get(fact, ("", ""))
            if len(str(ours or "").split(",")) < len(str(theirs or "").split(",")) or (theirs and not ours):
                return f"{error.reader} finds more {fact}: {theirs!r}, not {ours!r}"
    return ""


def _linked(facts: tuple[BinaryFacts, ...]) -> list[object]:
    return [(image.kind, image.linkage, image.needed, image.imports) for image in facts]


def _summary(facts: tuple[BinaryFacts, ...]) -> str:
    return "; ".join(
        f"{image.format} {image.kind} {image.linkage} interpreter {image.interpreter} "
        f"{len(image.needed)} libraries {len(image.imports)} imports go {image.go is not None}"
        for image in facts
    )


def minimise(seed: Seed, mutant: Mutant) -> Mutant:
    """Remove what the same kind of find does not need."""
    kind = judge(seed, mutant).kind

    def still(candidate: Mutant) -> bool:
        return judge(seed, candidate).kind == kind

    if mutant.tail and still(replace(mutant, tail=b"")):
        mutant = replace(mutant, tail=b"")
    changed = [
        (offset + place, new[place : place + 1])
        for offset, new in mutant.writes
        for place in range(min(len(new), max(0, len(seed.data) - offset)))
        if seed.data[offset + place] != new[place]
    ]
    # By halves, then quarters, …: the bytes that are not needed keep their old values.
    step = len(changed)
    while step >= 1 and len(changed) <= 1 << 14:
        at = 0
        while at < len(changed):
            fewer = changed[:at] + changed[at + step :]
            if still(replace(mutant, writes=tuple(fewer))):
                changed = fewer
            else:
                at += step
        step //= 2
    small = replace(mutant, writes=tuple(_joined(changed)))
    return small if still(small) else mutant


def _joined(single: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    joined: list[tuple[int, bytes]] = []
    for offset, byte in sorted(single):
        if joined and joined[-1][0] + len(joined[-1][1]) == offset:
            joined[-1] = (joined[-1][0], joined[-1][1] + byte)
        else:
            joined.append((offset, byte))
    return joined


def _in_use() -> int:
    # The first field is the address space in pages.
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def _trace(error: BaseException) -> str:
    frames = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{Path(code.co_filename).name}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return f"{error!r} at {' > '.join(frames[-4:])}"
