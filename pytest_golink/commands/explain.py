"""`golink explain RULE`: show what a rule checks, and how to use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.commands import status
from pytest_golink.commands.output import print_text, width_of_stdout
from pytest_golink.text.wrap import hanging, wrap

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pytest_golink.rules.rule import Rule

_HANGING = 4
_EXAMPLES = """\
examples:
  golink explain static
  golink explain glibc-at-most --json

Exit status: 0; 4 there is no such rule.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = "Explain a rule: what must hold, its parameters, and its name in golink.toml and in Python."
    parser.epilog = _EXAMPLES
    parser.add_argument("rule", metavar="RULE", help="its name, such as static; `golink rules` lists them")
    parser.add_argument("--json", action="store_true", help="print one object")


def run(options: argparse.Namespace) -> int:
    """
    Print the rule; return 0.

    Raises:
        ParameterError: There is no such rule.
    """
    from pytest_golink.rules import rule_named

    rule = rule_named(options.rule)
    if options.json:
        from pytest_golink.text.escape import json_text

        print(json_text(rule_json(rule), indent=2))
    else:
        print_text("\n".join(_lines(rule, width_of_stdout())))
    return status.HOLDS


def rule_json(rule: Rule) -> dict[str, object]:
    """Return a rule as a JSON object."""
    return {
        "name": rule.name,
        "group": rule.group,
        "scope": rule.scope,
        "summary": rule.summary,
        "parameters": [
            {"name": each.name, "required": each.required, "accepted": each.accepted} for each in rule.parameters
        ],
        "remedy": rule.mending,
    }


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
    shell = f"{rule.name}=…" if any(each.required for each in rule.parameters) else rule.name
    yield f"shell        golink check FILE --rule {shell}"
    yield f"Python       assert_{rule.name.replace('-', '_')}(…)"
    yield from ("", *hanging("to mend it", [rule.mending], indent=0, label_width=13, width=width))
