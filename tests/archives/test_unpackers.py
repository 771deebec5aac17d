"""`make unpackers` in small: random archives against GNU tar and Python's zipfile, which every machine has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.slow.unpackers.judges import Files, differences
from tests.slow.unpackers.rounds import Result, one_round

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("family", "judge", "rounds"), [("tar", "tar", 120), ("zip of files", "python", 150), ("tar by tar", "tar", 40)]
)
def test_a_random_archive_is_read_as_it_is_unpacked(family: str, judge: str, rounds: int, tmp_path: Path) -> None:
    total = Result()
    for number in range(rounds):
        total.add(one_round(family, f"small-{number}", tmp_path / str(number), [judge]))

    assert total.different == []
    assert total.equal > rounds / 4
    # What packers make is never refused, and what is refused no unpacker unpacks.
    assert family == "tar" or not total.refused
    assert set(+total.agreed) <= {"replaces the link to …, which GNU tar makes last: it cannot be unpacked"}


def test_a_difference_is_shown_with_both_results() -> None:
    read: Files = {"same": "target", "changed": (b"1", 0o755), "mode": (b"1", 0o755), "more": (b"1", 0o755)}
    there: Files = {"same": "target", "changed": (b"2", 0o755), "mode": (b"1", 0o644), "missed": "target"}

    assert differences("tar", read, there) == [
        "changed: golink (b'1', 493), tar (b'2', 493)",
        "missed: golink nothing, tar 'target'",
        "mode: golink (b'1', 493), tar (b'1', 420)",
        "more: golink (b'1', 493), tar nothing",
    ]
    assert len(differences("unzip", read, there)) == 3
