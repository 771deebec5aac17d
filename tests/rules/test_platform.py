"""Rules about the platform."""

from __future__ import annotations

import pytest

from pytest_golink.rules import evaluate
from tests.rules.made import ARCHIVE, MACHO, STATIC, subject


@pytest.mark.parametrize("targets", ["linux/amd64", "linux/*", ["darwin/arm64", "linux/amd64"]])
def test_a_target_that_is_named_passes(targets: object) -> None:
    finding = evaluate("target", subject(STATIC), {"targets": targets})

    assert (finding.outcome, finding.observed) == ("passed", "linux/amd64")
    assert finding.evidence == ("elf executable for linux/amd64",)
    assert finding.remedy == ()


def test_another_target_is_a_violation_with_the_variables_to_set() -> None:
    one = evaluate("target", subject(MACHO), {"targets": "linux/arm64"})
    several = evaluate("target", subject(MACHO), {"targets": ["linux/arm64", "linux/amd64"]})
    glob = evaluate("target", subject(MACHO), {"targets": "linux/*"})

    assert (one.outcome, one.expected, one.observed) == ("violated", "linux/arm64", "darwin/arm64")
    assert one.remedy == ("GOOS=linux GOARCH=arm64",)
    assert (several.expected, several.remedy) == ("one of linux/arm64, linux/amd64", ())
    assert glob.remedy == ()


def test_an_archive_may_have_a_target_too() -> None:
    assert evaluate("target", subject(ARCHIVE), {"targets": "linux/amd64"}).outcome == "passed"


def test_an_image_that_names_no_target_is_undecidable() -> None:
    finding = evaluate("target", subject(ARCHIVE, target=None), {"targets": "linux/amd64"})

    assert (finding.outcome, finding.observed) == (
        "undecidable",
        "neither the headers nor the build info name a target",
    )
    assert finding.evidence == ("ar archive",)
