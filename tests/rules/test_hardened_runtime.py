"""The rule about the hardened runtime."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink.facts import MachO
from pytest_golink.rules import evaluate
from tests.rules.facts_factory import ARCHIVE, MACHO, STATIC, subject

if TYPE_CHECKING:
    from pytest_golink import GoSample


@pytest.mark.parametrize(
    ("flags", "hardened", "outcome", "observed"),
    [
        (0x10000, True, "passed", "it has it"),
        (0x20002, False, "violated", "a signature without it"),
        (None, None, "violated", "no signature"),
    ],
)
def test_each_code_directory_must_have_the_flag(
    flags: int | None, hardened: bool | None, outcome: str, observed: str
) -> None:
    image = replace(MACHO, macho=MachO(code_flags=flags, hardened_runtime=hardened))
    finding = evaluate("hardened-runtime", subject(image), {})

    assert (finding.outcome, finding.observed) == (outcome, observed)


def test_go_s_own_signature_does_not_have_it(go_sample: GoSample) -> None:
    image = go_sample("static", target="darwin/arm64", cgo=False).facts

    assert evaluate("hardened-runtime", subject(image), {}).outcome == "violated"


def test_other_formats_have_none() -> None:
    assert evaluate("hardened-runtime", subject(STATIC), {}).outcome == "not-applicable"
    assert evaluate("hardened-runtime", subject(ARCHIVE), {}).outcome == "undecidable"
