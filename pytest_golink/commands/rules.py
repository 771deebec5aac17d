"""`golink rules`: list every rule, with one sentence on what it checks."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pytest_golink.commands.output import print_text
from pytest_golink.text.wrap import wrap

if TYPE_CHECKING:
    import argparse

_WIDEST = 120
_INDENT = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = "List the rules, by group. `golink explain RULE` shows the parameters of one."


def run(_options: argparse.Namespace) -> int:
    """Print the rules; return 0."""
    from pytest_golink.rules import RULES

    width = min(shutil.get_terminal_size().columns, _WIDEST)
    lines: list[str] = []
    for group in dict.fromkeys(rule.group for rule in RULES.values()):
        lines += ["", group] if lines else [group]
        for rule in RULES.values():
            if rule.group == group:
                lines.append(f"  {rule.name}")
                lines += [" " * _INDENT + line for line in wrap(rule.summary, width - _INDENT)]
    print_text("\n".join(lines))
    return 0
