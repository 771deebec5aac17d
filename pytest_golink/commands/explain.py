"""`golink explain RULE`: show what a rule checks, and how to use it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pytest_golink.commands.output import print_text
from pytest_golink.text.wrap import wrap

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pytest_golink.rules.rule import Rule

_WIDEST = 120
_HANGING = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = "Explain a rule: what must hold, its parameters, and its name in golink.toml and in Python."
    parser.epilog = "Exit status: 0; 2 for an unknown rule."
    parser.add_argument("rule", metavar="RULE", help="its name, such as static; `golink rules` lists them")


def run(options: argparse.Namespace) -> int:
    """
    Print the rule; return 0.

    Raises:
        ParameterError: There is no such rule.
    """
    from pytest_golink.rules import rule_named

    width = min(shutil.get_terminal_size().columns, _WIDEST)
    rule = rule_named(options.rule)
    print_text("\n".join(_lines(rule, width)))
    return 0


def _lines(rule: Rule, width: int) -> Iterator[str]:
    about = "all images of a binary together" if rule.scope == "binary" else "one image"
    yield f"{rule.name} ({rule.group}, on {about})"
    yield from ("", *wrap(rule.summary, width))
    if rule.parameters:
        yield from ("", "parameters")
    for parameter in rule.parameters:
        need = "" if parameter.required else " (optional)"
        first, *others = wrap(f"{parameter.name}{need}: {parameter.accepted}", width - _HANGING)
        yield from (f"  {first}", *(f"    {line}" for line in others))
    value = "…" if rule.parameters else "true"
    yield from ("", f"golink.toml  {rule.name} = {value}")
    yield f"Python       assert_{rule.name.replace('-', '_')}(…)"
