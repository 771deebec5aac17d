"""What `golink init` proposes of a rule for a first golink.toml."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """
    One request of a rule for a policy.

    Attributes:
        why: Why a team wants it.
        needs: What a build that does not keep it would have to change; "" for one that is not worth a wish.
        parameters: By hyphenated name.
        ladder: The proposals of one ladder stand in for each other: the first that every image keeps is taken. "" is
            the ladder of the rule itself.
        rung: The place on the ladder; the strictest has the lowest number.
        observed: What is written for the observation of an image that does not keep it; "" for the observation itself.
        of_a_release: Whether it depends on the checkout, so that the next build may not keep it.
    """

    why: str
    needs: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)
    ladder: str = ""
    rung: int = 0
    observed: str = ""
    of_a_release: bool = False


# The ladder of the rules about where a program starts, from "on any Linux" to "with a glibc as old as today's".
STARTS_ANYWHERE = "starts anywhere"
# What a build must change whose C linker was given the flags that break a rule.
C_LINKER = "other flags of the C linker"
