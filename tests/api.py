"""
The files that are written from the declared rules: `python -m tests.api` (`make api`) writes them anew.

These are the helpers (assertions.py), the names for type checkers (__init__.pyi), and the table of docs/rules.md.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args, get_origin

from pytest_golink.rules import RULES
from pytest_golink.rules.rule import GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.rules import Rule
    from pytest_golink.rules.parameters import Parameter

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "pytest_golink"
_WIDTH = 120
_BEGIN, _END = "<!-- rules: `make api` writes this table -->", "<!-- end of rules -->"
_GROUP_WORDS = {"behaviour": "**behaviour** (these run something, and say so)"}

_ASSERTIONS = '''\
"""
One typed helper a rule: `assert_` and the rule's name with underscores. `make api` writes this module.

A helper takes a `GoBinary`, `BinaryFacts` or a path, returns None, and raises `PolicyViolation` where the rule is
violated or the image does not say. A file that cannot be read is another error, never a violation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.checking import check_image, check_images

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Literal

    from pytest_golink.checking import Binary, Names
'''


def written() -> dict[Path, str]:
    """Return the text of each file."""
    return {
        PACKAGE / "assertions.py": _assertions(),
        PACKAGE / "__init__.pyi": _names(),
        ROOT / "docs" / "rules.md": _page((ROOT / "docs" / "rules.md").read_text(encoding="utf-8")),
    }


def _assertions() -> str:
    return "\n\n".join([_ASSERTIONS, *map(_helper, RULES.values())])


def _helper(rule: Rule) -> str:
    subject = "binaries: Iterable[Binary]" if rule.scope == "binary" else "binary: Binary"
    signature = _signature(helper_name(rule.name), [subject, *_arguments(rule)])
    return "\n".join([*signature, *_docstring(rule), "    __tracebackhide__ = True", *_call(rule), ""])


def helper_name(rule: str) -> str:
    """Return the name of a rule's helper."""
    return f"assert_{rule.replace('-', '_')}"


def _signature(name: str, arguments: list[str]) -> list[str]:
    shadow = "  # noqa: A002 - the parameter's permanent name" if any(a.startswith("bytes:") for a in arguments) else ""
    line = f"def {name}({', '.join(arguments)}) -> None:"
    if len(line) <= _WIDTH:
        return [line + shadow]
    return [f"def {name}(", *(f"    {argument}," for argument in arguments), f") -> None:{shadow}"]


def _arguments(rule: Rule) -> Iterator[str]:
    """Yield the parameters: those that must be given by position too, the others by keyword only."""
    annotations = inspect.get_annotations(rule.check)
    required = [parameter for parameter in rule.parameters if parameter.required]
    optional = [parameter for parameter in rule.parameters if not parameter.required]
    for parameter in required:
        yield f"{parameter.keyword}: {_type(annotations[parameter.keyword], parameter)}"
    if optional:
        yield "*"
    for parameter in optional:
        kind = _type(annotations[parameter.keyword], parameter)
        yield f"{parameter.keyword}: {kind} = ()" if parameter.many else f"{parameter.keyword}: {kind} | None = None"


def _type(annotation: object, parameter: Parameter) -> str:
    if parameter.table:
        return "Mapping[str, str]"
    if parameter.many:
        return "Names"
    if type(None) in get_args(annotation):
        (annotation,) = (part for part in get_args(annotation) if part is not type(None))
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) is Literal:
        choices = ", ".join(f'"{choice}"' for choice in get_args(annotation))
        return f"Literal[{choices}]"
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _docstring(rule: Rule) -> list[str]:
    paragraphs = inspect.cleandoc(rule.check.__doc__ or "").split("\n\n")
    if len(paragraphs) == 1 and not rule.parameters:
        return [f'    """{paragraphs[0]}"""']
    lines = ["    " + '"""']
    for paragraph in paragraphs:
        lines += [*textwrap.wrap(paragraph, _WIDTH, initial_indent="    ", subsequent_indent="    "), ""]
    if rule.parameters:
        lines.append("    Args:")
        lines.append("        binary: A GoBinary, its facts, or a path.")
    for parameter in rule.parameters:
        text = f"{parameter.keyword}: {parameter.accepted[0].upper()}{parameter.accepted[1:]}."
        lines += textwrap.wrap(text, _WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 12)
    return [*(lines if lines[-1] else lines[:-1]), '    """']


def _call(rule: Rule) -> list[str]:
    if rule.scope == "binary":
        return [f'    check_images(binaries, "{rule.name}")']
    given = ", ".join(f'"{parameter.name}": {parameter.keyword}' for parameter in rule.parameters)
    arguments = ["binary", f'"{rule.name}"', *([f"{{{given}}}"] if given else [])]
    line = f"    check_image({', '.join(arguments)})"
    if len(line) <= _WIDTH:
        return [line]
    return ["    check_image(", *(f"        {argument}," for argument in arguments), "    )"]


def _names() -> str:
    """Return the public names with their modules, as a type checker reads them."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    (public,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_PUBLIC"
    )
    helpers = [*map(helper_name, RULES)]
    modules = {**public, "assertions": helpers}
    lines = ["# `make api` writes this file: the public names, for type checkers.", ""]
    for module in sorted(modules):
        lines += _import(module, sorted(modules[module]))
    return "\n".join([*lines, "", "__all__ = [", *_quoted(modules), "]", ""])


def _import(module: str, names: list[str]) -> list[str]:
    line = f"from pytest_golink.{module} import {', '.join(names)}"
    if len(line) <= _WIDTH:
        return [line]
    return [f"from pytest_golink.{module} import (", *(f"    {name}," for name in names), ")"]


def _quoted(modules: dict[str, list[str]]) -> list[str]:
    return [f'    "{name}",' for name in sorted(name for names in modules.values() for name in names)]


def _page(page: str) -> str:
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    rows = ["| rule | parameters | holds when |", "| --- | --- | --- |"]
    for group in GROUPS:
        rows.append(f"| {_GROUP_WORDS.get(group, f'**{group}**')} | | |")
        rows += [_row(rule) for rule in RULES.values() if rule.group == group]
    return "\n".join([f"{before}{_BEGIN}", *rows, f"{_END}{after}"])


def _row(rule: Rule) -> str:
    parameters = ", ".join(parameter.name for parameter in rule.parameters)
    # The page of a rule, for links: SARIF's helpUri leads there.
    name = f'<a id="{rule.name}"></a>{rule.name}'
    return f"| {name} | {f'{parameters} ' if parameters else ''}| {rule.page} |"


if __name__ == "__main__":
    for file, text in written().items():
        file.write_text(text, encoding="utf-8")
