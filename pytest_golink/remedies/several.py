"""Remedies for images of one program that differ: the same options for each target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.diagnosis.several import OddImages
from pytest_golink.findings import Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.case import Case


def build_alike(case: Case) -> Iterator[Remedy]:
    """Yield what makes the images agree."""
    facets = case.details(OddImages).facets
    if "cgo" in facets:
        yield Remedy(words="CGO_ENABLED=0 for every target, or CGO_ENABLED=1 with a C compiler for each")
    elif facets == {"resolver"}:
        yield Remedy(words="build every target with the same -tags")
    else:
        yield Remedy(words="build every target with the same flags, and link it to the same libc")
