"""What is said of waivers at the end of a run."""

from __future__ import annotations

import datetime as dt

from pytest_golink.collect.waivers import UnneededWaivers, waiver_property
from pytest_golink.location import Location
from pytest_golink.policy.model import Waiver
from pytest_golink.policy.waiving import today, waiver_text

WAIVER = Waiver(
    binary="agent*",
    rules=("stripped", "no-dwarf"),
    reason="crash reports need symbols",
    until=dt.date(2027, 3, 1),
    place=Location(file="golink.toml", line=14),
)


def test_a_waiver_that_none_of_its_items_needed_is_named() -> None:
    unneeded = UnneededWaivers()
    for item in ("one", "two", "two"):
        unneeded.add(item, [("other", 1), waiver_property(WAIVER, needed=False, items=2)])

    assert unneeded.lines() == [
        "golink.toml:14: stripped, no-dwarf of agent*, until 2027-03-01: nothing violates it any more; remove it"
    ]


def test_nothing_is_said_of_one_that_is_needed_or_whose_items_did_not_all_run() -> None:
    unneeded = UnneededWaivers()
    unneeded.add("one", [waiver_property(WAIVER, needed=False, items=2)])
    assert unneeded.lines() == []

    unneeded.add("two", [waiver_property(WAIVER, needed=True, items=2)])
    assert unneeded.lines() == []


def test_the_text_of_a_waiver_says_how_long_it_holds() -> None:
    assert waiver_text(WAIVER) == "crash reports need symbols (until 2027-03-01)"
    assert today() == dt.datetime.now(dt.timezone.utc).date()
