"""Rules as a command line writes them: `static`, `glibc-at-most=2.17`, `needs-libc=kind=glibc,at-most=2.17`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.errors import ParameterError
from pytest_golink.rules import rule_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_golink.platforms import Platform
    from pytest_golink.rules.parameters import Parameter
    from pytest_golink.rules.rule import Rule

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover - the same parser under its other name
    import tomli as tomllib

# A value that starts so is TOML: a table, a list, a quoted text.
_TOML_STARTS = ("{", "[", '"', "'")


def rule_of_words(text: str, platforms: Mapping[str, Platform]) -> tuple[str, dict[str, object]]:
    """
    Return the rule and its parameters that `--rule TEXT` asks for.

    Behind "=" stands the rule's one value, or `parameter=value` for each, with commas between; a list has commas too.
    A value that a comma would break is written as golink.toml writes it: `no-link-warnings=["a,b"]`.

    Args:
        text: "static", "only-needs=libc.so.6,libm.so.6".
        platforms: Those that a policy describes, by name, besides golink's own.

    Raises:
        ParameterError: There is no such rule, or no such parameter, or the value has a wrong form.
    """
    name, equals, words = text.partition("=")
    rule = rule_named(name.strip())
    parameters = rule.accept(_value(rule, words.strip()) if equals else True)
    if parameters is None:
        raise ParameterError("false asks nothing: leave the rule out", rule=rule.name)
    if Concern.PLATFORMS in rule.concerns:
        from pytest_golink.platforms import platforms_named

        for platform in _listed(parameters["platforms"]):
            platforms_named(platform, platforms)
    return rule.name, parameters


def _listed(value: object) -> Iterable[str]:
    return value if isinstance(value, tuple) else ()


def _value(rule: Rule, text: str) -> object:
    if text.startswith(_TOML_STARTS):
        return _toml(rule, text)
    if text in ("true", "false"):
        return text == "true"
    if not rule.parameters:
        # The rule says itself that it takes none.
        return text
    named = {parameter.name: parameter for parameter in rule.parameters}
    first = text.partition("=")[0].strip()
    if len(named) == 1:
        (only,) = rule.parameters
        if only.table:
            return dict(_pairs(rule, text.split(",")))
        return _table(rule, text, named) if first == only.name and "=" in text else _plain(only, text)
    if "=" in text or rule.plain_list is None:
        return _table(rule, text, named)
    return _plain(rule.plain_list, text)


def _toml(rule: Rule, text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as error:
        raise ParameterError(f"{text} is not a value as TOML writes it: {error}", rule=rule.name) from None


def _table(rule: Rule, text: str, named: Mapping[str, Parameter]) -> dict[str, object]:
    """Return parameters by name; a part that names none is one more value of the list before it."""
    parts: list[str] = []
    for part in text.split(","):
        if parts and part.partition("=")[0].strip() not in named and "=" not in part:
            parts[-1] += f",{part}"
        else:
            parts.append(part)
    return {name: _plain(named[name], value) if name in named else value for name, value in _pairs(rule, parts)}


def _pairs(rule: Rule, parts: Iterable[str]) -> Iterable[tuple[str, str]]:
    for part in parts:
        name, equals, value = part.partition("=")
        if not equals:
            names = ", ".join(f"{parameter.name}=…" for parameter in rule.parameters)
            raise ParameterError(f"{part!r} has no name: write {names}", rule=rule.name)
        yield name.strip(), value.strip()


def _plain(parameter: Parameter, text: str) -> object:
    # A comma is a part of many a regular expression.
    if parameter.many and parameter.form.schema.get("format") != "regex":
        return [_one(parameter, part.strip()) for part in text.split(",")]
    return _one(parameter, text)


def _one(parameter: Parameter, text: str) -> object:
    """Return the text, or the number or the truth that it writes, whichever the parameter takes."""
    if parameter.form.accepts(text):
        return text
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isdecimal() and text.isascii() else text
