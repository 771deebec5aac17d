"""What is derived from the declared rules is up to date, and no other module knows a rule by its name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import pytest_golink
from pytest_golink.rules import RULES, Rule
from tests.api import written

PACKAGE = Path(pytest_golink.__file__).parent
GENERATED = {"assertions.py"}
# Rules whose names are words of their own in other rooms: keys of facts, of build options and of reports.
WORDS = {
    "exports",
    "dynamic",
    "imports",
    "interpreter",
    "linkmode",
    "needs",
    "nx",
    "pie",
    "relro",
    "resolver",
    "signed",
}
WORDS |= {"subsystem", "static", "stripped", "target", "user-lookup"}


@pytest.mark.parametrize("file", written(), ids=lambda path: path.name)
def test_what_make_api_writes_is_up_to_date(file: Path) -> None:
    assert file.read_text(encoding="utf-8") == written()[file]


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_a_rule_declares_everything_about_itself(rule: Rule) -> None:
    assert rule.summary.endswith(".")
    assert rule.page
    # Either functions that yield remedies, or the reason why no change of a build mends it.
    assert (rule.remedies is None) == bool(rule.no_remedies)
    assert rule.check.__module__.startswith("pytest_golink.rules.")


def literals(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_no_rule_is_known_by_its_name_outside_its_own_module() -> None:
    homes = {
        name: Path(PACKAGE.parent, *rule.check.__module__.split(".")).with_suffix(".py") for name, rule in RULES.items()
    }
    found = {
        f"{path.relative_to(PACKAGE)}: {name}"
        for path in PACKAGE.rglob("*.py")
        if path.name not in GENERATED
        for name in literals(path) & RULES.keys() - WORDS
        if homes[name] != path
    }

    assert found == set()


def test_the_rooms_that_once_had_tables_of_rules_have_none() -> None:
    # Here not even a word that is a rule's name as well stands for the rule.
    for room in ("diagnosis", "source", "commands"):
        for path in (PACKAGE / room).rglob("*.py"):
            compared = [
                ast.unparse(node)
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                if isinstance(node, ast.Compare) and ast.unparse(node.left).endswith(".rule")
            ]
            assert compared == [], path
