"""`make fuzz` in small: the images that are made by hand, a few hundred times damaged."""

from __future__ import annotations

import pytest

from tests.slow.fuzz.judge import damage, judge, minimise
from tests.slow.fuzz.mutations import Mutant
from tests.slow.fuzz.seeds import Seed, handmade, look

_ROUNDS = 150


@pytest.fixture(scope="module")
def seeds() -> list[Seed]:
    found = []
    for name, data in handmade():
        facts, places = look(data)
        found.append(Seed(name=name, data=data, facts=facts, places=places))
    return found


def test_damage_gives_facts_or_the_typed_error(seeds: list[Seed]) -> None:
    verdicts = set()
    for index, seed in enumerate(seeds):
        for number in range(_ROUNDS):
            verdict = judge(seed, damage(seeds, 1, index, number))
            assert not verdict.find, f"{seed.name} {number}: {verdict}"
            verdicts.add(verdict.kind)
    assert verdicts == {"facts", "error"}


def test_the_same_seed_gives_the_same_damage(seeds: list[Seed]) -> None:
    again = [damage(seeds, 7, 0, number) for number in range(50)]

    assert again == [damage(seeds, 7, 0, number) for number in range(50)]
    assert again != [damage(seeds, 8, 0, number) for number in range(50)]


def test_a_find_is_made_small(seeds: list[Seed], monkeypatch: pytest.MonkeyPatch) -> None:
    def read(data: bytes) -> None:
        assert data[100] != 0xAA, "a byte"

    monkeypatch.setattr("tests.slow.fuzz.judge.read", read)
    mutant = Mutant(kind="byte", writes=((90, b"\xaa" * 20), (200, b"\xaa")), tail=b"tail")

    assert judge(seeds[0], mutant).kind == "exception AssertionError"
    assert minimise(seeds[0], mutant).writes == ((100, b"\xaa"),)
    assert minimise(seeds[0], mutant).tail == b""
