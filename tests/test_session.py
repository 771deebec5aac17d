"""The process's switch: what holds inside, and beside what."""

from __future__ import annotations

import pytest

from pytest_golink.session import Session, current, within


def test_the_innermost_setting_holds_and_the_others_stay() -> None:
    before = current()
    outer, inner = Session(trials={}), Session(crosscheck=True, trials={("app", "[]"): ()})

    with within(outer):
        with within(inner):
            assert current().crosscheck
            assert current().trials is inner.trials
            assert current().sink is before.sink
        assert current().trials is outer.trials
        assert current().crosscheck is before.crosscheck

    assert current() == before


def test_settings_are_left_in_any_order() -> None:
    # A test's threads do not wait for each other.
    before = current()
    outer, inner = within(Session(trials={("outer", ""): ()})), within(Session(trials={("inner", ""): ()}))

    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    assert current().trials == {("inner", ""): ()}
    inner.__exit__(None, None, None)

    assert current() == before


def test_an_exception_ends_it_too() -> None:
    before = current()

    with pytest.raises(KeyError), within(Session(crosscheck=True)):
        raise KeyError

    assert current() == before
