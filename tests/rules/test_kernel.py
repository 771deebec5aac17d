"""The rule about the oldest Linux that an image starts on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_golink.errors import ParameterError
from pytest_golink.facts import BinaryFacts, Elf, Libc, Loading
from pytest_golink.rules import check
from tests.rules.facts_factory import ARCHIVE, MACHO, STATIC, by_go, subject, target

OLD_GLIBC = replace(
    STATIC,
    go=None,
    libc=Libc(kind="glibc", presence="embedded"),
    elf=Elf(kernel_minimum="3.2.0"),
    loading=Loading(checks_kernel=True),
)


@pytest.mark.parametrize(
    ("facts", "version", "outcome", "observed"),
    [
        (STATIC, "3.2", "passed", "needs Linux 3.2"),
        (STATIC, "2.6.32", "violated", "needs Linux 3.2"),
        (replace(STATIC, go=by_go("go1.23.4")), "2.6.32", "passed", "needs Linux 2.6.32"),
        (replace(STATIC, target=target("linux/loong64")), "4.19", "violated", "needs Linux 5.19"),
        (replace(STATIC, target=target("linux/loong64")), "5.19", "passed", "needs Linux 5.19"),
        (OLD_GLIBC, "3.2", "passed", "needs Linux 3.2.0"),
        (OLD_GLIBC, "2.6.32", "violated", "needs Linux 3.2.0"),
        (replace(STATIC, go=None), "4.19", "undecidable", "the image does not say which Linux it needs"),
        (MACHO, "4.19", "not-applicable", "it is for darwin/arm64, not for Linux"),
        (ARCHIVE, "4.19", "undecidable", "an archive, which is not linked yet"),
    ],
)
def test_the_oldest_kernel_that_starts_it(facts: BinaryFacts, version: str, outcome: str, observed: str) -> None:
    finding = check("kernel-at-most", subject(facts), {"version": version})

    assert (finding.outcome, finding.observed) == (outcome, observed)


def test_each_part_that_asks_is_named() -> None:
    finding = check("kernel-at-most", subject(STATIC, target=target("linux/riscv64")), {"version": "4.4"})

    assert finding.evidence == ("Go's port linux/riscv64: Linux 4.15", "Go 1.27: Linux 3.2")
    assert check("kernel-at-most", subject(STATIC), {"version": "2.6.32"}).remedy == ("an older Go",)


@pytest.mark.parametrize("version", ["4", "new", 4.19, ""])
def test_a_version_has_numbers_and_dots(version: object) -> None:
    with pytest.raises(ParameterError, match="is not a version of Linux"):
        check("kernel-at-most", subject(STATIC), {"version": version})
