"""The rule about the oldest kernel, on facts; tests/loader/test_kernel.py has the floors themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_golink.rules import evaluate
from tests.rules.facts_factory import ARCHIVE, FOREIGN, STATIC, by_go, subject, target


@pytest.mark.parametrize(
    ("port", "release", "version", "outcome"),
    [
        ("linux/amd64", "go1.24.1", "3.2", "passed"),
        ("linux/amd64", "go1.24.1", "3.2.0", "passed"),
        ("linux/amd64", "go1.24.1", "2.6.32", "violated"),
        ("linux/amd64", "go1.20", "2.6.32", "passed"),
        ("linux/loong64", "go1.22", "4.19", "violated"),
        ("linux/loong64", "go1.22", "5.19", "passed"),
        ("linux/riscv64", "go1.22", "4.14", "violated"),
    ],
)
def test_go_has_a_minimum_by_release_and_port(port: str, release: str, version: str, outcome: str) -> None:
    image = replace(STATIC, target=target(port), go=by_go(release))

    assert evaluate("kernel-at-most", subject(image), {"version": version}).outcome == outcome


def test_a_violation_names_what_needs_the_kernel() -> None:
    image = replace(STATIC, target=target("linux/loong64"), go=by_go("go1.24.1"))

    finding = evaluate("kernel-at-most", subject(image), {"version": "4.19"})

    assert finding.observed == "needs Linux 5.19"
    assert finding.evidence == ("Go's port linux/loong64 needs Linux 5.19", "Go 1.24 needs Linux 3.2")


def test_what_names_no_kernel_does_not_pass() -> None:
    assert evaluate("kernel-at-most", subject(FOREIGN), {"version": "6.1"}).outcome == "undecidable"
    assert evaluate("kernel-at-most", subject(ARCHIVE), {"version": "6.1"}).outcome == "undecidable"
    other = replace(STATIC, target=target("freebsd/amd64"))
    assert evaluate("kernel-at-most", subject(other), {"version": "6.1"}).outcome == "not-applicable"
