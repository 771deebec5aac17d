"""Why the build info says what a rule forbids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.traits import setting

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.case import Case


def why_module(_case: Case) -> Iterable[str]:
    """Return what the modules of the build info are."""
    return ("the build info lists the modules of the packages that are linked in, and no others",)


def why_not_clean(case: Case) -> Iterable[str]:
    """Return why a checkout is not clean, or why the build info does not have its state."""
    if setting(case.facts, "vcs.revision") and setting(case.facts, "vcs.modified") == "true":
        return ("files that git does not ignore count too, such as what an earlier step of the build left",)
    return ("-buildvcs=false, a folder outside a checkout, or a checkout without its tool (git) leaves it out",)
