"""`golink rules`: list every rule, with one sentence on what it checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.commands import status
from pytest_golink.commands.output import print_text, width_of_stdout
from pytest_golink.text.wrap import wrap

if TYPE_CHECKING:
    import argparse

_INDENT = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = "List the rules, by group. `golink explain RULE` shows the parameters of one."
    parser.epilog = "Exit status: 0; 4 the command line is wrong."
    parser.add_argument("--json", action="store_true", help="print a list, one object a rule")


def run(options: argparse.Namespace) -> int:
    """Print the rules; return 0."""
    from pytest_golink.rules import RULES

    if options.json:
        from pytest_golink.commands.explain import rule_json
        from pytest_golink.text.escape import json_text

        print(json_text([rule_json(rule) for rule in RULES.values()], indent=2))
        return status.HOLDS
    width = width_of_stdout()
    lines: list[str] = []
    for group in dict.fromkeys(rule.group for rule in RULES.values()):
        lines += ["", group] if lines else [group]
        for rule in RULES.values():
            if rule.group == group:
                lines.append(f"  {rule.name}")
                lines += [" " * _INDENT + line for line in wrap(rule.summary, width - _INDENT)]
    print_text("\n".join(lines))
    return status.HOLDS
