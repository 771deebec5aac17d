"""Why an image contradicts what its build info claims."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.traits import setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.case import Case

BORING = "GOEXPERIMENT=boringcrypto"
PIE = "-buildmode=pie"


@dataclass(frozen=True, kw_only=True, slots=True)
class Contradicted:
    """The claims that the image contradicts, as the build info writes them."""

    claims: frozenset[str]


def why_contradicted(case: Case) -> Iterator[str]:
    """Yield why the build did not do what its build info claims."""
    claims = case.details(Contradicted).claims
    if BORING in claims and case.facts.cgo.enabled is False:
        yield "BoringCrypto is C: with CGO_ENABLED=0 Go silently does without it (golang/go#68588)"
    if PIE in claims and "-static" in setting(case.facts, "-ldflags"):
        yield "-extldflags -static makes the C linker write an ordinary executable, whatever -buildmode says"
