"""Why images of one program differ from the rest of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.diagnosis.origin import dynamic_causes
from pytest_golink.traits import always_dynamic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.case import Case
    from pytest_golink.facts import BinaryFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class OddImages:
    """The images that differ from the rest, with the names that the finding calls them by, and in which facts."""

    images: tuple[tuple[str, BinaryFacts], ...]
    facets: frozenset[str]


def why_different(case: Case) -> Iterator[str]:
    """Yield what switches cgo, and why each of these images is dynamic."""
    odd = case.details(OddImages)
    if "cgo" in odd.facets:
        # Source: cmd/cgo, "Using cgo with the go command"; golang/go#47251.
        yield (
            "unless CGO_ENABLED says otherwise, cgo is on where Go builds for its own platform and finds a C compiler, "
            "and off where it builds for another"
        )
    for label, facts in odd.images:
        if facts.linkage == "dynamic" and not always_dynamic(facts):
            yield from (f"{label}: {cause}" for cause in dynamic_causes(facts))
