"""Many mutants in a row, each judged; what is wrong of each kind is kept."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.slow.loaders.judge import judge, make_witness, musl, this_machine
from tests.slow.loaders.mutations import find_tables, mutate
from tests.slow.loaders.runner import PLACE, Fence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.slow.loaders.mutations import Mutant

# The musl of Debian 12, which is a judge where it is named.
_MUSL_VERSION = "1.2.3"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wrong:
    """A mutant of which golink says something that is not so."""

    number: int
    seed: str
    mutant: Mutant
    what: str

    @property
    def kind(self) -> str:
        """What it has in common with others: all but addresses and names of files."""
        return self.what.partition("0x")[0].partition("/tmp/")[0]  # noqa: S108 - a name in a message


@dataclass(kw_only=True, slots=True)
class Tally:
    """What came of the mutants, and of those that golink accepted."""

    mutants: int = 0
    accepted: int = 0
    answers: Counter[str] = field(default_factory=Counter)


def wrongs(seeds: Mapping[str, bytes], *, count: int, seed: int, tally: Tally, loader: Path | None) -> Iterator[Wrong]:
    """
    Yield what is wrong, until golink has accepted `count` mutants.

    Args:
        seeds: The images to change, by name.
        count: How many accepted mutants are enough.
        seed: The same number gives the same mutants.
        tally: Is counted on.
        loader: musl's loader, where it is to start them; else the kernel does.
    """
    tables = {name: find_tables(data) for name, data in seeds.items()}
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="golink-loaders-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        make_witness(folder)
        before: tuple[str, ...] = ()
        platform = this_machine()
        if loader is not None:
            shutil.copy(loader, folder / "ld-musl")
            before, platform = (f"{PLACE}/ld-musl",), musl(_MUSL_VERSION)
        with Fence(folder) as fence:
            while tally.accepted < count:
                name = dice.choice(list(seeds))
                mutant = mutate(dice, seeds[name], tables[name])
                tally.mutants += 1
                image = folder / f"app{tally.mutants}"
                image.write_bytes(mutant.data)
                image.chmod(0o755)
                found = judge(image, fence, platform, before, decided=mutant.decided)
                image.unlink()
                tally.accepted += found.read
                tally.answers[f"starts: golink {found.starts}, the loader {found.started}"] += found.read
                if found.wrong is not None:
                    yield Wrong(number=tally.mutants, seed=name, mutant=mutant, what=found.wrong)
