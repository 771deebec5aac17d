"""What an update writes."""

from __future__ import annotations

from dataclasses import replace

from pytest_golink.lock import Lock, LockEntry, Seen, Tolerance, Update, updated
from tests.lock.entry_factory import entry
from tests.rules import facts_factory as made

A, B, C = (entry(made.STATIC, image=name) for name in "abc")
NEW_A = entry(made.DYNAMIC, image="a")


def update(old: list[LockEntry], seen: list[Seen], images: str, *, complete: bool = True) -> Update:
    return updated(Lock(entries=tuple(old)), seen, frozenset(images), Tolerance(share=0.05), complete=complete)


def seen(*entries: LockEntry) -> list[Seen]:
    return [Seen(image=each.image, entry=each) for each in entries]


def test_a_run_of_all_images_writes_all_entries() -> None:
    done = update([], seen(B, A), "ab")

    assert done == Update(lock=Lock(entries=(A, B)), added=("a", "b"))
    assert done.changes


def test_a_part_of_a_run_leaves_the_other_entries_as_they_are() -> None:
    done = update([A, B, C], seen(NEW_A), "ab")

    assert done.lock.entries == (NEW_A, B, C)
    assert [drift.image for drift in done.drifts] == ["a"]
    assert (done.added, done.removed, done.stale) == ((), (), ("c",))


def test_a_run_of_all_images_takes_out_what_the_policy_does_not_have() -> None:
    done = update([A, C], seen(A), "a")

    assert done == Update(lock=Lock(entries=(A,)), removed=("c",))
    assert done.changes


def test_nothing_is_taken_out_where_a_path_found_nothing() -> None:
    done = update([A, C], seen(A), "a", complete=False)

    assert done.lock.entries == (A, C)
    assert done.stale == ("c",)
    assert not done.changes


def test_an_image_that_could_not_be_read_keeps_its_entry_and_no_entry_is_taken_out() -> None:
    done = update([A, B, C], [Seen(image="a", entry=None), *seen(B)], "ab")

    assert done.lock.entries == (A, B, C)
    assert (done.failed, done.removed, done.stale) == (("a",), (), ("c",))


def test_an_image_that_could_not_be_read_and_has_no_entry_gets_none() -> None:
    done = update([], [Seen(image="a", entry=None)], "a")

    assert done.lock.entries == ()
    assert not done.changes


def test_a_size_within_the_tolerance_stays_as_it_is() -> None:
    grown = entry(made.STATIC, image="a", size=1_560_000)

    assert update([A], seen(grown), "a").lock.entries == (A,)
    assert not update([A], seen(grown), "a").changes


def test_growth_adds_up_until_it_is_agreed_to() -> None:
    done = update([A], seen(entry(made.DYNAMIC, image="a", size=1_560_000)), "a")

    assert dict(done.lock.entries[0].facts)["size", ""] == "1.50 MB"
    assert dict(done.lock.entries[0].facts)["linkage", ""] == "dynamic"


def test_a_size_beyond_it_is_written() -> None:
    grown = entry(made.STATIC, image="a", size=1_700_000)

    assert update([A], seen(grown), "a").lock.entries == (grown,)


def test_an_entry_without_a_size_gets_one() -> None:
    done = update([replace(A, facts=A.facts[:-1])], seen(A), "a")

    assert done.lock.entries == (A,)
    assert done.changes
