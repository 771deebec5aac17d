"""golink.toml as tests: one item for each binary and rule."""

from __future__ import annotations

from pytest_golink.collect.session import add_named_policies, check_policies, collect_file

__all__ = ["add_named_policies", "check_policies", "collect_file"]
