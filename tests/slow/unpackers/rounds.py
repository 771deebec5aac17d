"""One archive after another, made by chance, held against the unpackers that are to judge it."""

from __future__ import annotations

import gzip
import re
import shutil
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from pytest_golink.errors import ArchiveError
from tests.archives.packing import rpm
from tests.slow.unpackers import recipes
from tests.slow.unpackers.judges import JUDGES, differences, golink, judged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# "tar by tar" and "zip of files" are those of `make test`: what every machine can pack and unpack.
FAMILIES = ("tar", "zip", "deb", "rpm", "layers", "tar as packed", "zip as packed", "rpm as packed", "layers as built")


# Python writes through what is there, and makes no links of a zip. What is made by hand is no package for rpm.
_NO_JUDGES: dict[bool, dict[str, tuple[str, ...]]] = {
    False: {"tar": ("python",), "zip": ("python",), "rpm": ("rpm2cpio", "bsdtar")},
    True: {"rpm": ("cpio",)},
}


@dataclass(kw_only=True, slots=True)
class Result:
    """What came of the archives of one family."""

    archives: int = 0
    members: int = 0
    equal: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    # Of the refused: those that every unpacker unpacked to the same tree.
    agreed: Counter[str] = field(default_factory=Counter)
    different: list[str] = field(default_factory=list)

    def add(self, other: Result) -> None:
        self.archives += other.archives
        self.members += other.members
        self.equal += other.equal
        self.refused += other.refused
        self.agreed += other.agreed
        self.different += other.different


def one_round(family: str, seed: str, work: Path, judges: Sequence[str] | None = None) -> Result:
    """Make one archive, and hold what golink reads in it against what unpackers leave."""
    result = Result()
    work.mkdir()
    try:
        archive = work / "archive"
        made = _made(family, Random(f"{family} {seed}"), archive, work)
        if made is None:
            return result
        result.archives, result.members = 1, made
        kind = family.split()[0]
        names = [
            name
            for name in JUDGES[kind]
            if name not in _NO_JUDGES[bool({"as", "by", "of"} & set(family.split()))].get(kind, ())
        ]
        there = judged(archive, kind, work, [name for name in names if judges is None or name in judges])
        trees = list(there.values())
        try:
            read = golink(archive)
        except ArchiveError as error:
            reason = re.sub(r'"[^"]*"|\(.*?\)|\b[0-9]+\b', "…", error.reason)
            result.refused[reason] += 1
            result.agreed[reason] += trees[0] is not None and all(tree == trees[0] for tree in trees)
            return result
        found = [
            difference
            for judge, files in there.items()
            if files is not None
            for difference in differences(judge, read, files)
        ]
        first = next(iter(there))
        if there[first] is None and (kind != "zip" or all(files is None for files in there.values())):
            found.append(f"{first} fails, and golink reads it")
        result.different = [f"{family} {seed}: {one}" for one in found]
        result.equal = not found
        return result
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _made(family: str, chance: Random, archive: Path, work: Path) -> int | None:
    """Write an archive, and return how many members it has; None where a packer cannot pack what it is given."""
    if family == "layers":
        layers = [recipes.entries(chance, layer=True) for _ in range(chance.randint(1, 3))]
    elif family == "layers as built":
        layers = recipes.harmless_layers(chance)
    elif family.endswith(("as packed", "by tar")):
        recipes.write_files(chance, work / "files")
        if family.startswith("rpm"):
            if not recipes.build_rpm(work / "files", work):
                return None
            (work / "a.rpm").rename(archive)
            return sum(1 for _ in (work / "files").rglob("*"))
        command = chance.choice(recipes.packers(family.split()[0], only="tar" if family == "tar by tar" else None))
        suffix = archive.with_suffix(f".{family.split()[0]}")
        if not recipes.pack_with(command, work / "files", suffix):
            return None
        suffix.rename(archive)
        return sum(1 for _ in (work / "files").rglob("*"))
    else:
        members = recipes.entries(chance)
        packed = {
            "tar": lambda: recipes.compressed(recipes.pack_tar(members, chance), chance),
            "zip": lambda: recipes.pack_zip(members, chance),
            "deb": lambda: recipes.pack_deb(members, chance),
            "zip of files": lambda: recipes.pack_zip(recipes.of_files(members), chance, tricks=False),
            "rpm": lambda: rpm(gzip.compress(recipes.pack_cpio(members))),
        }[family]()
        archive.write_bytes(packed)
        archive.with_suffix(".start").write_text(str(packed.find(b"\x1f\x8b")))
        return len(members)
    recipes.write_layout([recipes.pack_tar(layer, chance, tricks=False) for layer in layers], archive)
    return sum(map(len, layers))
