"""The rules: facts → findings."""

from __future__ import annotations

from pytest_golink.rules.registry import RULES, Rule, evaluate, evaluate_together, rule_named

__all__ = ["RULES", "Rule", "evaluate", "evaluate_together", "rule_named"]
