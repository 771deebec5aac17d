"""The way of an image to the text of its failure: one stage after another, and none twice."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pytest_golink
from pytest_golink import PolicyViolation, assert_static, source

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from pytest_golink import BinaryFacts, GoBinary
    from pytest_golink.fixtures import GoSample

PACKAGE = Path(pytest_golink.__file__).parent
STAGES = ("reader", "rules", "diagnosis", "source", "remedies", "report")
# The module that hands the finding from stage to stage.
LEADER = Path(source.__file__)


def stages_of(run: Callable[[], object]) -> list[str]:
    """The stages that a call enters, in order; a stage that is entered again after it was left stands there twice."""
    entered: list[str] = []

    def note(frame: FrameType, event: str, _argument: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event != "call" or path == LEADER or not path.is_relative_to(PACKAGE) or frame.f_code.co_name == "<module>":
            return
        stage = path.relative_to(PACKAGE).parts[0]
        if stage in STAGES and entered[-1:] != [stage]:
            entered.append(stage)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return entered


def fail(image: GoBinary | BinaryFacts | str) -> None:
    with pytest.raises(PolicyViolation, match="violates static"):
        assert_static(image)


def test_each_stage_of_a_failure_takes_what_the_one_before_it_made(go_sample: GoSample) -> None:
    binary = go_sample("users", cgo=True)
    assert binary.facts.linkage == "dynamic"

    assert stages_of(lambda: fail(binary)) == ["rules", "diagnosis", "source", "remedies", "report"]


def test_a_file_from_elsewhere_goes_the_same_way_without_a_source(go_sample: GoSample) -> None:
    facts = go_sample("users", cgo=True).facts

    assert stages_of(lambda: fail(facts)) == ["rules", "diagnosis", "remedies", "report"]
    assert stages_of(lambda: fail(facts.path))[:2] == ["reader", "rules"]
