"""
The JSON Schema of golink.toml, from the declarations that the parser checks by.

`python -m pytest_golink.policy.schema` prints it; docs/golink.schema.json is that text.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_golink.policy import keys
from pytest_golink.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_golink.policy.keys import Key
    from pytest_golink.rules import Rule
    from pytest_golink.rules.parameters import Parameter

_SOURCES = ("package", "path", "goreleaser")
# What only a built binary has, and what only a file that is there has.
_OF_BUILDS = ("targets", *(key.name for key in keys.BUILD_KEYS))
_NOT_OF = {"package": ("ids", "may-run"), "path": (*_OF_BUILDS, "ids"), "goreleaser": _OF_BUILDS}


def schema() -> dict[str, object]:
    """Give the schema, as a JSON object of draft 2020-12; a TOML date counts as a string."""
    rules = {name: {"$ref": f"#/$defs/rule-{name}"} for name in RULES}
    overrides = {"type": "array", "items": {"$ref": "#/$defs/override"}}
    override = {**_table(keys.OVERRIDE, rules=_ref("rules")), "minProperties": 2}
    binary = {
        **_table(keys.BINARY, rules=_ref("rules"), override=overrides),
        "oneOf": [{"required": [source]} for source in _SOURCES],
        "dependentSchemas": {source: _without(source) for source in _SOURCES},
    }
    policy = {
        "type": "object",
        "properties": {keys.EXTENDS.name: _described(keys.EXTENDS), **rules},
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "golink.toml",
        "description": "Linkage policy for Go binaries, checked by pytest-golink.",
        **_table(
            keys.TOP,
            policy={"type": "object", "additionalProperties": _ref("policy")},
            binary={"type": "array", "items": _ref("binary"), "minItems": 1},
            waive={"type": "array", "items": _ref("waive")},
            platform={"type": "object", "additionalProperties": _ref("platform")},
            lock=_ref("lock"),
        ),
        "$defs": {
            "policy": policy,
            "binary": binary,
            "override": override,
            "waive": _table(keys.WAIVE, rule=_rule_names()),
            "platform": _table(keys.PLATFORM),
            "lock": _table(keys.LOCK),
            "rules": {"type": "object", "properties": rules, "additionalProperties": False},
            **{f"rule-{name}": _rule(rule) for name, rule in RULES.items()},
        },
    }


def schema_text() -> str:
    """Give the schema as docs/golink.schema.json has it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _ref(name: str) -> dict[str, object]:
    return {"$ref": f"#/$defs/{name}"}


def _described(key: Key) -> dict[str, object]:
    return {"description": key.summary, **key.shape.schema}


def _table(declared: Sequence[Key], **instead: Mapping[str, object]) -> dict[str, object]:
    required = [key.name for key in declared if key.required]
    return {
        "type": "object",
        "properties": {
            key.name: {"description": key.summary, **instead.get(key.name, key.shape.schema)} for key in declared
        },
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _without(source: str) -> dict[str, object]:
    forbidden: dict[str, object] = dict.fromkeys(_NOT_OF[source], False)
    if source != "package":
        options = dict.fromkeys((key.name for key in keys.BUILD_KEYS), False)
        forbidden["override"] = {"items": {"properties": options}}
    return {"properties": forbidden}


def _rule_names() -> dict[str, object]:
    one = {"enum": list(RULES)}
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1, "uniqueItems": True}]}


def _rule(rule: Rule) -> dict[str, object]:
    parameters = rule.parameters
    required = [parameter.name for parameter in parameters if parameter.required]
    switch: dict[str, object] = {"const": False} if required else {"type": "boolean"}
    forms = [switch]
    if len(parameters) == 1 and parameters[0].table:
        # Its entries stand in the rule's own table.
        forms.append(_value(parameters[0]))
    else:
        table = {parameter.name: {"description": parameter.accepted, **_value(parameter)} for parameter in parameters}
        forms.append(
            {
                "type": "object",
                "properties": table,
                **({"required": required} if required else {}),
                "additionalProperties": False,
            }
        )
        if len(parameters) == 1:
            forms.append(_value(parameters[0]))
        elif rule.plain_list is not None:
            forms.append(_several(rule.plain_list))
    return {"description": rule.summary, "anyOf": forms}


def _value(parameter: Parameter) -> dict[str, object]:
    one = dict(parameter.form.schema)
    if parameter.table:
        return {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1}
    if not parameter.many:
        return one
    several = _several(parameter)
    if parameter.form.choices:
        # "cgo,go" stands for a list too.
        choice = f"({'|'.join(parameter.form.choices)})"
        return {"anyOf": [several, one, {"type": "string", "pattern": rf"^\s*{choice}(\s*,\s*{choice})*\s*$"}]}
    return {"anyOf": [several, one]}


def _several(parameter: Parameter) -> dict[str, object]:
    return {
        "type": "array",
        "items": dict(parameter.form.schema),
        **({"minItems": 1} if parameter.some else {}),
    }


if __name__ == "__main__":
    import sys

    sys.stdout.write(schema_text())
