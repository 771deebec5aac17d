"""What a run writes into a lock, from what its items told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.errors import LockError
from pytest_golink.lock import LockEntry, lock_text
from pytest_golink.plugin.lock_writer import write_update
from tests.lock.entry_factory import entry
from tests.rules import facts_factory as made

if TYPE_CHECKING:
    from pathlib import Path

STATIC, DYNAMIC = made.STATIC, made.DYNAMIC


def told(image: str, seen: LockEntry | None, images: str = "ab", *, complete: bool = True) -> dict[str, Any]:
    """What an item tells, after its way through a user property."""
    facts = None if seen is None else [[*key, value] for key, value in seen.facts]
    return {
        "lock": "golink.lock",
        "image": image,
        "facts": facts,
        "images": [*images],
        "complete": complete,
        "tolerance": "5%",
    }


A, B, OLD = (entry(STATIC, image=image) for image in ("a", "b", "old"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "golink.lock"


def test_a_new_lock_is_written(path: Path) -> None:
    assert write_update(path, [told("b", B), told("a", A)]) == [
        "golink.lock is written: 2 added",
        "  added  a",
        "  added  b",
    ]
    assert path.read_text() == lock_text([A, B])


def test_a_lock_of_an_older_version_is_written_anew_in_a_run_of_all_images(path: Path) -> None:
    lines = [line for line in lock_text([A, B]).splitlines() if not line.startswith("main-package")]
    older = "\n".join(lines).replace("lock = 2", "lock = 1") + "\n"
    path.write_text(older)

    with pytest.raises(
        LockError, match=r"golink\.lock is of an older version: only a run of all images writes it anew"
    ):
        write_update(path, [told("a", A)])
    assert path.read_text() == older

    assert write_update(path, [told("a", A), told("b", B)]) == ["golink.lock is written anew: no image changed"]
    assert path.read_text() == lock_text([A, B])


def test_a_lock_that_says_the_same_is_not_touched(path: Path) -> None:
    path.write_text(lock_text([A, B]).replace("# ", "## ", 1))
    before = path.read_text()

    assert write_update(path, [told("a", A), told("b", B)]) == ["golink.lock: nothing changed"]
    assert path.read_text() == before


def test_a_change_is_told_with_its_lines(path: Path) -> None:
    path.write_text(lock_text([A, B]))

    lines = write_update(path, [told("a", entry(STATIC, image="a", size=1_700_000)), told("b", B)])

    assert lines == [
        "golink.lock is written: 1 changed",
        "  changed  a",
        '- size = "1.50 MB"',
        '+ size = "1.70 MB"   # grew by 13%',
    ]


def test_what_the_policy_does_not_have_goes_in_a_run_of_all_images_alone(path: Path) -> None:
    path.write_text(lock_text([A, B, OLD]))

    kept = ["  not in the policy, and kept: a run that reads all images removes it from golink.lock  old"]
    assert write_update(path, [told("a", A)]) == ["golink.lock: nothing changed", *kept]
    some = [told("a", A, complete=False), told("b", B, complete=False)]
    assert write_update(path, some) == ["golink.lock: nothing changed", *kept]
    assert write_update(path, [told("a", A), told("b", B)]) == ["golink.lock is written: 1 removed", "  removed  old"]
    assert path.read_text() == lock_text([A, B])


def test_what_could_not_be_read_stays_as_it_was(path: Path) -> None:
    path.write_text(lock_text([A, B]))

    assert write_update(path, [told("a", None), told("b", B)]) == [
        "golink.lock: nothing changed",
        "  not written, since golink could not build or read it  a",
    ]


def test_no_lock_is_written_where_no_image_could_be_read(path: Path) -> None:
    assert write_update(path, [told("a", None), told("b", None)]) == [
        "golink.lock: not written: golink could not build or read any image"
    ]
    assert not path.exists()


def test_a_damaged_lock_is_written_anew_by_a_run_of_all_images_alone(path: Path) -> None:
    path.write_text("<<<<<<< HEAD\n")

    with pytest.raises(LockError, match=r"golink\.lock:1: a merge left"):
        write_update(path, [told("a", A)])
    assert path.read_text() == "<<<<<<< HEAD\n"
    assert write_update(path, [told("a", A), told("b", B)])[0] == "golink.lock is written anew: 2 added"
    assert path.read_text() == lock_text([A, B])
