"""Lines of a report as pytest's terminal writer takes them: pieces of text, each with its markup."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.findings import Outcome

    Segment = tuple[str, Mapping[str, bool]]
    Line = tuple[Segment, ...]

# What fails stands first.
OUTCOMES: tuple[Outcome, ...] = ("violated", "undecidable", "waived", "passed", "not-applicable")

# Stands for a blank that is no place to break a line, until the line is broken.
NO_BREAK = "\u00a0"

PLAIN: Mapping[str, bool] = MappingProxyType({})
FAINT: Mapping[str, bool] = MappingProxyType({"light": True})
BOLD: Mapping[str, bool] = MappingProxyType({"bold": True})
# Of outcomes, and of what has none.
MARKUP: Mapping[str, Mapping[str, bool]] = MappingProxyType(
    {
        "error": MappingProxyType({"red": True, "bold": True}),
        "violated": MappingProxyType({"red": True, "bold": True}),
        "undecidable": MappingProxyType({"yellow": True, "bold": True}),
        "waived": MappingProxyType({"yellow": True}),
        "passed": MappingProxyType({"green": True}),
        "not-applicable": FAINT,
    }
)
