"""Entries of images that are written by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_golink.lock import LockEntry, lock_entry
from pytest_golink.report.facts_json import facts_json

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts


def entry(facts: BinaryFacts, *, image: str = "app", **changes: Any) -> LockEntry:
    """The image's entry, as it is read off the image."""
    return lock_entry(image, facts_json(replace(facts, **changes)))


def text_of(entry: LockEntry) -> list[str]:
    """The lines of an entry in the file, without its header."""
    from pytest_golink.lock import lock_text

    return lock_text([entry]).split("\n\n")[1].splitlines()[1:]
