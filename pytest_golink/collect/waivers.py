"""Waivers: which ones hold today, and which ones are no longer needed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_golink.text.escape import json_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.findings import Finding
    from pytest_golink.policy.model import Waiver

WAIVER = "golink.waiver"


def expired_text(waiver: Waiver, finding: Finding) -> str:
    """Return the message that the waiver of a violation has expired."""
    return (
        f"golink: the waiver of {finding.rule} at {waiver.place} expired on {waiver.until}: {waiver.reason}\n"
        "  mend the image, or agree on a new day and write it there as until"
    )


def waiver_property(waiver: Waiver, *, needed: bool, items: int) -> tuple[str, str]:
    """
    Return the user property by which one item reports on one waiver.

    Args:
        waiver: A waiver that applies to the item, expired or not.
        needed: Whether it waives the item, or would if it had not expired.
        items: How many items of the whole policy the waiver may apply to.
    """
    entry = {
        "place": str(waiver.place),
        "binary": waiver.binary,
        "rules": waiver.rules,
        "until": str(waiver.until),
        "needed": needed,
        "items": items,
    }
    return WAIVER, json_text(entry)


class UnneededWaivers:
    """Gathers in the reporting process what items report on waivers, and lists the waivers that are not needed."""

    def __init__(self) -> None:
        # By place: the text, the number of items, the items that have reported, and whether one needs the waiver.
        self._texts: dict[str, str] = {}
        self._items: dict[str, int] = {}
        self._heard: dict[str, set[str]] = {}
        self._needed: set[str] = set()

    def add(self, nodeid: str, user_properties: Iterable[tuple[str, object]]) -> None:
        """Add a test's user properties."""
        for name, value in user_properties:
            if name == WAIVER and isinstance(value, str):
                entry = json.loads(value)
                place = entry["place"]
                self._texts[place] = f"{', '.join(entry['rules'])} of {entry['binary']}, until {entry['until']}"
                self._items[place] = entry["items"]
                self._heard.setdefault(place, set()).add(nodeid)
                if entry["needed"]:
                    self._needed.add(place)

    def lines(self) -> list[str]:
        """Return a line for each waiver that is not needed; a waiver is left out unless all of its items ran."""
        return [
            f"{place}: {self._texts[place]}: nothing violates it any more; remove it"
            for place in sorted(self._texts, key=_by_line)
            if place not in self._needed and len(self._heard[place]) == self._items[place]
        ]


def _by_line(place: str) -> tuple[str, int]:
    file, _, line = place.rpartition(":")
    return file, int(line)
