"""The rule about the subsystem of Windows, on a build and on facts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink.facts import Pe
from pytest_golink.rules import evaluate
from tests.rules.facts_factory import ARCHIVE, PE, STATIC, subject

if TYPE_CHECKING:
    from pytest_golink import GoSample


@pytest.mark.parametrize(("ldflags", "kind"), [("", "console"), ("-H=windowsgui", "gui")])
def test_go_s_linker_chooses_the_subsystem(ldflags: str, kind: str, go_sample: GoSample) -> None:
    image = go_sample("static", target="windows/amd64", cgo=False, ldflags=ldflags).facts

    assert evaluate("subsystem", subject(image), {"kind": kind}).outcome == "passed"


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [("gui", ("-ldflags -H=windowsgui",)), ("console", ("build without -ldflags -H=windowsgui",))],
)
def test_the_other_one_is_violated(kind: str, remedy: tuple[str, ...]) -> None:
    other = "console" if kind == "gui" else "gui"
    finding = evaluate("subsystem", subject(replace(PE, pe=Pe(subsystem=other))), {"kind": kind})

    assert (finding.outcome, finding.observed, finding.remedy) == ("violated", other, remedy)


def test_a_subsystem_without_a_flag_has_no_remedy() -> None:
    finding = evaluate("subsystem", subject(replace(PE, pe=Pe(subsystem="efi application"))), {"kind": "console"})

    assert (finding.outcome, finding.remedy) == ("violated", ())


def test_other_formats_have_none() -> None:
    assert evaluate("subsystem", subject(STATIC), {"kind": "gui"}).outcome == "not-applicable"
    assert evaluate("subsystem", subject(ARCHIVE), {"kind": "gui"}).outcome == "undecidable"
