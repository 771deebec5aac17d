"""The rules: facts → findings."""

from __future__ import annotations

from pytest_golink.rules.registry import RULES, check, evaluate, evaluate_together, not_go, rule_named
from pytest_golink.rules.rule import Rule

__all__ = ["RULES", "Rule", "check", "evaluate", "evaluate_together", "not_go", "rule_named"]
