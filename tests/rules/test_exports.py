"""The rules about exported symbols, on a library of Go and on facts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink.rules import evaluate
from tests.rules.facts_factory import ARCHIVE, DYNAMIC, STATIC, subject

if TYPE_CHECKING:
    from pytest_golink import GoSample
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Finding

LIBRARY = replace(DYNAMIC, kind="shared-library", exports=("crosscall2", "Add", "_cgo_panic", "Sub"))


def ask(rule: str, *symbols: str, facts: BinaryFacts = LIBRARY) -> Finding:
    return evaluate(rule, subject(facts), {"symbols": list(symbols)})


def test_a_c_shared_library_exports_what_its_comments_name(go_sample: GoSample) -> None:
    library = go_sample("shared", cgo=True, buildmode="c-shared").facts

    assert ask("exports", "GolinkAnswer", facts=library).outcome == "passed"
    assert ask("exports", "golinkanswer", facts=library).observed == "does not export golinkanswer"
    own = ask("only-exports", "GolinkAnswer", facts=library)
    assert own.outcome == "violated"
    assert own.remedy == (
        "to allow cgo's own symbols, add _cgo*, x_cgo_*, x_crosscall2_ptr, crosscall*, fatalf, threadentry",
    )
    cgo = ("_cgo*", "x_cgo_*", "x_crosscall2_ptr", "crosscall*", "fatalf", "threadentry")
    assert ask("only-exports", "GolinkAnswer", *cgo, facts=library).outcome == "passed"


def test_what_is_missing_is_shown_with_what_is_there() -> None:
    finding = ask("exports", "Add", "Mul*")

    assert finding.observed == "does not export Mul*"
    assert finding.evidence == (
        "4 exported symbols",
        "exports crosscall2",
        "exports Add",
        "exports _cgo_panic",
        "exports Sub",
    )


def test_the_user_s_own_symbols_stand_before_those_of_cgo() -> None:
    finding = ask("only-exports", "Add")

    assert finding.observed == "exports Sub, crosscall2, _cgo_panic"
    assert finding.cause == ("2 symbols of cgo's own: crosscall2, _cgo_panic",)


def test_a_long_list_is_cut() -> None:
    finding = ask("only-exports", facts=replace(LIBRARY, exports=tuple(f"F{number}" for number in range(11))))

    assert finding.evidence[0] == "11 exported symbols"
    assert finding.evidence[-1] == "… 3 more"
    assert (finding.cause, finding.remedy) == ((), ())


def test_a_program_that_exports_nothing_keeps_only_exports() -> None:
    program = replace(STATIC, exports=())

    assert ask("only-exports", facts=program).observed == "exports nothing"
    assert ask("exports", "Add", facts=program).outcome == "violated"


@pytest.mark.parametrize("rule", ["exports", "only-exports"])
def test_what_golink_does_not_read_is_undecidable(rule: str) -> None:
    assert ask(rule, "Add", facts=replace(STATIC, exports=None)).outcome == "undecidable"
    assert ask(rule, "Add", facts=ARCHIVE).outcome == "undecidable"
