"""The rule about the oldest Linux kernel that an image starts on."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from collections.abc import Iterator

from pytest_golink.case import Case
from pytest_golink.findings import Remedy
from pytest_golink.loader.kernel import kernel_floors
from pytest_golink.rules.parameters import Version
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked
from pytest_golink.text.versions import comparable


def _ask_for_older_kernel(case: Case) -> Iterator[Remedy]:
    """Yield what makes the image need no newer kernel than the rule allows."""
    for floor in case.details(tuple):
        yield from (Remedy(words=line) for line in floor.remedy)


@rule(
    "kernel-at-most",
    group="platform",
    page=(
        "the oldest Linux on which the image starts is at or under it: Go's own minimum by port and release, and the "
        "one that a static glibc checks when the program starts"
    ),
    remedies=_ask_for_older_kernel,
)
def kernel_at_most(subject: Subject, *, version: Version) -> Verdict:
    """Oldest Linux kernel that the image starts on is at or under this version."""
    facts = subject.facts
    expected = f"Linux {version} is enough"
    unlinked = undecidable_if_unlinked(facts, expected)
    if unlinked:
        return unlinked
    if facts.target is not None and facts.target.goos not in ("linux", "android"):
        observed = f"an image for {facts.target.goos} starts on no Linux kernel"
        return Verdict(outcome="not-applicable", expected=expected, observed=observed)
    floors = kernel_floors(facts)
    if not floors:
        return Verdict(outcome="undecidable", expected=expected, observed="the image does not name its kernel")
    above = [floor for floor in floors if comparable(floor.version) > comparable(version)]
    return Verdict(
        outcome="violated" if above else "passed",
        expected=expected,
        observed=f"needs Linux {floors[0].version}",
        evidence=tuple(f"{floor.reason} needs Linux {floor.version}" for floor in floors),
        details=tuple(above),
    )
