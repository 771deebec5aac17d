"""The rules: facts → findings."""

from __future__ import annotations

from pytest_golink.rules.registry import RULES, Rule, evaluate, rule_named

__all__ = ["RULES", "Rule", "evaluate", "rule_named"]
