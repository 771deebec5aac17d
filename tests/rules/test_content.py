"""Rules about symbol tables and DWARF."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink.rules import evaluate
from tests.rules.facts_factory import ARCHIVE, FOREIGN, STATIC, subject

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts

STRIPPED = replace(STATIC, symtab=False, dwarf=False)
NO_DWARF = replace(STATIC, dwarf=False)
DWARF_ALONE = replace(STATIC, symtab=False)
PLAN9 = replace(STATIC, format="plan9", dwarf=None)
WASM = replace(STATIC, format="wasm", symtab=None, dwarf=None)
UNLINKED = (ARCHIVE, "undecidable", "an archive, which is not linked yet")


@pytest.mark.parametrize(
    ("rule", "facts", "outcome", "observed"),
    [
        ("stripped", STRIPPED, "passed", "stripped"),
        ("stripped", STATIC, "violated", "a symbol table and DWARF"),
        ("stripped", NO_DWARF, "violated", "a symbol table"),
        ("stripped", DWARF_ALONE, "violated", "DWARF"),
        ("stripped", PLAN9, "violated", "a symbol table"),
        ("stripped", WASM, "not-applicable", "wasm images have neither"),
        ("stripped", *UNLINKED),
        ("not-stripped", STATIC, "passed", "a symbol table and DWARF"),
        ("not-stripped", PLAN9, "passed", "a symbol table"),
        ("not-stripped", STRIPPED, "violated", "neither"),
        ("not-stripped", NO_DWARF, "violated", "a symbol table"),
        ("not-stripped", DWARF_ALONE, "violated", "DWARF"),
        ("not-stripped", WASM, "not-applicable", "wasm images have neither"),
        ("not-stripped", *UNLINKED),
        ("no-dwarf", STRIPPED, "passed", "none"),
        ("no-dwarf", NO_DWARF, "passed", "none"),
        ("no-dwarf", STATIC, "violated", "DWARF"),
        ("no-dwarf", PLAN9, "not-applicable", "plan9 images have no DWARF"),
        ("no-dwarf", WASM, "not-applicable", "wasm images have neither"),
        ("no-dwarf", *UNLINKED),
    ],
)
def test_what_each_rule_says(rule: str, facts: BinaryFacts, outcome: str, observed: str) -> None:
    finding = evaluate(rule, subject(facts), {})

    assert (finding.outcome, finding.observed) == (outcome, observed)


def test_the_evidence_names_both() -> None:
    assert evaluate("stripped", subject(STATIC), {}).evidence == ("symbol table", "DWARF")
    assert evaluate("stripped", subject(STRIPPED), {}).evidence == ("no symbol table", "no DWARF")
    assert evaluate("stripped", subject(PLAN9), {}).evidence == ("symbol table",)
    assert evaluate("no-dwarf", subject(replace(STATIC, symtab=None)), {}).evidence == ("DWARF",)


@pytest.mark.parametrize(
    ("rule", "facts", "remedy"),
    [
        ("stripped", STATIC, '-ldflags "-s -w"'),
        ("stripped", DWARF_ALONE, '-ldflags "-w"'),
        ("stripped", FOREIGN, "strip it"),
        ("not-stripped", STRIPPED, "build without -s and -w in -ldflags, and do not strip the file afterwards"),
        ("no-dwarf", STATIC, '-ldflags "-w"'),
        ("no-dwarf", FOREIGN, "strip --strip-debug"),
    ],
)
def test_the_remedy_is_one_flag(rule: str, facts: BinaryFacts, remedy: str) -> None:
    assert evaluate(rule, subject(facts), {}).remedy == (remedy,)
