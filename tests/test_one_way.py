"""The way of an image to the text of its failure: one stage after another, and none twice."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pytest_golink
from pytest_golink import PolicyViolation, source
from pytest_golink.checking import check_image

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType

    from pytest_golink import BinaryFacts, GoBinary
    from pytest_golink.fixtures import GoSample

PACKAGE = Path(pytest_golink.__file__).parent
STAGES = ("reader", "rules", "diagnosis", "source", "remedies", "report")
# The module that hands the finding from stage to stage.
LEADER = Path(source.__file__)


def stages_of(run: Callable[[], object], stages: Sequence[str] = STAGES) -> list[str]:
    """The stages that a call enters, in order; a stage that is entered again after it was left stands there twice."""
    entered: list[str] = []

    def note(frame: FrameType, event: str, _argument: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event != "call" or path == LEADER or not path.is_relative_to(PACKAGE) or frame.f_code.co_name == "<module>":
            return
        stage = path.relative_to(PACKAGE).parts[0]
        if stage in stages and entered[-1:] != [stage]:
            entered.append(stage)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return entered


def fail(rule: str, parameters: Mapping[str, object], image: GoBinary | BinaryFacts | str) -> None:
    with pytest.raises(PolicyViolation, match=f"violates {rule}"):
        check_image(image, rule, parameters)


# Rules that a dynamic program with cgo violates, of each subject.
VIOLATED: Mapping[str, Mapping[str, object]] = {
    "static": {},
    "self-contained": {},
    "no-cgo": {},
    "no-libc": {},
    "glibc-at-most": {"version": "2.2.5"},
    "needs-libc": {"kind": "musl"},
    "only-needs": {"libraries": []},
    "no-imports": {"symbols": ["*"]},
    "interpreter": {"path": "/lib/ld-musl-x86_64.so.1"},
    "linkmode": {"mode": "external"},
    "resolver": {"kind": "windows"},
    "user-lookup": {"kind": "files"},
    "stripped": {},
    "no-build-paths": {},
    "max-size": {"size": 1000},
    "pie": {},
    "relro": {"level": "full"},
    "target": {"targets": ["plan9/386"]},
    "go-version": {"at-most": "1.2"},
}


@pytest.mark.parametrize(("rule", "parameters"), VIOLATED.items(), ids=VIOLATED)
def test_each_stage_of_a_failure_takes_what_the_one_before_it_made(
    go_sample: GoSample, rule: str, parameters: Mapping[str, object]
) -> None:
    binary = go_sample("users", cgo=True)
    assert binary.facts.linkage == "dynamic"

    # The image was read before; only the cause of max-size is read from the file, the sizes of its packages.
    stages = stages_of(lambda: fail(rule, parameters, binary), STAGES[1:])

    # Where no package of the source is at issue, there is nothing in diagnosis/ or source/ to call.
    assert stages == [stage for stage in STAGES if stage in stages]
    assert {"rules", "remedies", "report"} <= {*stages}


def test_a_file_from_elsewhere_goes_the_same_way_without_a_source(go_sample: GoSample) -> None:
    facts = go_sample("users", cgo=True).facts

    assert stages_of(lambda: fail("static", {}, facts)) == ["rules", "diagnosis", "remedies", "report"]
    assert stages_of(lambda: fail("static", {}, facts.path))[:2] == ["reader", "rules"]


# Their causes come from the loader, or from a run of the program, and are found together with the answer.
ANSWER_WITH_CAUSE = {"behaviour", "os_version", "preload", "runs_on"}


@pytest.mark.parametrize("path", sorted((PACKAGE / "rules").glob("*.py")), ids=lambda path: path.stem)
def test_the_check_of_a_rule_names_no_cause_and_no_remedy_of_a_violation(path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    verdicts = [{one.arg: ast.unparse(one.value) for one in call.keywords} for call in calls if is_verdict(call)]
    named = [given for given in verdicts if "violated" in given["outcome"] and given.keys() & {"cause", "remedy"}]

    if path.stem not in ANSWER_WITH_CAUSE:
        assert named == []


def is_verdict(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "Verdict"
