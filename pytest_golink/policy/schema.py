"""
The JSON Schema of golink.toml, from the declarations that the parser checks by.

`python -m pytest_golink.policy.schema` prints it; docs/golink.schema.json is that text.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_golink.home import with_id
from pytest_golink.policy import keys
from pytest_golink.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_golink.forms import Schema
    from pytest_golink.policy.keys import Key
    from pytest_golink.rules import Rule

_SOURCES = ("package", "path", "goreleaser")
# Keys that only a built binary has, and those that only an existing file has.
_BUILD_NAMES = ("targets", *(key.name for key in keys.BUILD_KEYS))
_EXCLUDED = {
    "package": ("exclude", "only", "ids", "may-run"),
    "path": (*_BUILD_NAMES, "ids"),
    "goreleaser": _BUILD_NAMES,
}


def schema() -> dict[str, object]:
    """Return the schema, as a JSON object of draft 2020-12; a TOML date counts as a string."""
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
        "properties": {
            keys.EXTENDS.name: _described(keys.EXTENDS),
            keys.RULES_ONLY.name: _described(keys.RULES_ONLY),
            **rules,
        },
        "additionalProperties": False,
    }
    whole: dict[str, object] = {
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
    return with_id("golink.schema.json", whole)


def schema_text() -> str:
    """Return the schema as docs/golink.schema.json has it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _ref(name: str) -> dict[str, object]:
    return {"$ref": f"#/$defs/{name}"}


def _described(key: Key) -> dict[str, object]:
    return {"description": key.summary, **key.form.schema}


def _table(declared: Sequence[Key], **instead: Mapping[str, object]) -> dict[str, object]:
    required = [key.name for key in declared if key.required]
    return {
        "type": "object",
        "properties": {
            key.name: {"description": key.summary, **instead.get(key.name, key.form.schema)} for key in declared
        },
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _without(source: str) -> dict[str, object]:
    forbidden: dict[str, object] = dict.fromkeys(_EXCLUDED[source], False)
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
    forms: list[Schema] = [switch]
    if len(parameters) == 1 and parameters[0].table:
        # The entries are in the rule's own table.
        forms.append(parameters[0].schema)
    else:
        table: dict[str, object] = {
            parameter.name: {"description": parameter.accepted, **parameter.schema} for parameter in parameters
        }
        table[keys.RULES_ONLY.name] = _described(keys.RULES_ONLY)
        forms.append(
            {
                "type": "object",
                "properties": table,
                **({"required": required} if required else {}),
                "additionalProperties": False,
            }
        )
        if len(parameters) == 1:
            forms.append(parameters[0].schema)
        elif rule.plain_list is not None:
            forms.append(rule.plain_list.list_schema)
    return {"description": rule.summary, "anyOf": forms}


if __name__ == "__main__":
    import sys

    sys.stdout.write(schema_text())
