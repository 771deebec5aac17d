"""
The types of the JSON report as a JSON Schema, and as a check of what was read.

Both walk the same TypedDicts, so that neither can say anything that the other does not.
"""

from __future__ import annotations

import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from pytest_golink import facts, findings
from pytest_golink.home import with_id
from pytest_golink.report import facts_json
from pytest_golink.report.json_report import ReportJson

# A report that lies about its kind gets that many complaints at most.
_MOST = 5
_ID = "https://json-schema.org/draft/2020-12/schema"
_PLAIN: dict[object, str] = {str: "string", int: "integer", bool: "boolean", type(None): "null"}


def report_schema() -> dict[str, Any]:
    """
    Return the JSON Schema of the JSON report.

    Source: JSON Schema, draft 2020-12.
    """
    definitions: dict[str, Any] = {}
    _schema(ReportJson, definitions)
    whole = definitions.pop("Report")
    schema = {
        "$schema": _ID,
        "title": "pytest-golink report, schema 1",
        **whole,
        "$defs": {name: definitions[name] for name in sorted(definitions)},
    }
    return with_id("report.schema.json", schema)


def _schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if is_typeddict(hint):
        name = hint.__name__.removesuffix("Json")
        if name not in definitions:
            definitions[name] = {}
            hints = _hints(hint)
            definitions[name] = {
                "description": " ".join(hint.__doc__.split()),
                "type": "object",
                "properties": {key: _schema(value, definitions) for key, value in hints.items()},
                "required": [key for key in hints if key in hint.__required_keys__],
                "additionalProperties": False,
            }
        return {"$ref": f"#/$defs/{name}"}
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    arguments = get_args(hint)
    if get_origin(hint) is Literal:
        return {"const": arguments[0]} if len(arguments) == 1 else {"enum": list(arguments)}
    if get_origin(hint) in (Union, types.UnionType):
        return {"anyOf": [_schema(one, definitions) for one in arguments]}
    if get_origin(hint) is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1], definitions)}
    return {"type": "array", "items": _schema(arguments[0], definitions)}


def complaints(report: object) -> list[str]:
    """Return what of a value is not as the schema has it, a line each ("findings[3].rule: …"); [] where all is."""
    found: list[str] = []
    _check(report, ReportJson, "", found)
    return found[:_MOST]


def _check(value: object, hint: Any, where: str, found: list[str]) -> None:
    if len(found) >= _MOST:
        return
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        # Only "… or null" is there.
        if value is not None:
            _check(value, arguments[0], where, found)
    elif origin is Literal:
        if value not in arguments or isinstance(value, bool):
            found.append(f"{where or 'report'}: expected {' or '.join(map(repr, arguments))}, not {_shown(value)}")
    elif is_typeddict(hint) or origin is dict:
        _check_object(value, hint, where, found)
    elif origin is list:
        if not isinstance(value, list):
            found.append(f"{where}: expected a list, not {_shown(value)}")
            return
        for number, one in enumerate(value):
            _check(one, arguments[0], f"{where}[{number}]", found)
    # type(): True is an int for isinstance.
    elif type(value) is not hint:
        found.append(f"{where}: expected {_PLAIN[hint]}, not {_shown(value)}")


def _check_object(value: object, hint: Any, where: str, found: list[str]) -> None:
    if not isinstance(value, dict):
        found.append(f"{where or 'report'}: expected an object, not {_shown(value)}")
        return
    if get_origin(hint) is dict:
        for key, one in value.items():
            _check(one, get_args(hint)[1], f"{where}.{key}", found)
        return
    hints = _hints(hint)
    start = f"{where}." if where else ""
    found += [f"{start}{key}: is missing" for key in hints if key in hint.__required_keys__ and key not in value]
    found += [f"{start}{key}: unknown; was it written by a newer pytest-golink?" for key in value if key not in hints]
    for key, one in value.items():
        if key in hints:
            _check(one, hints[key], start + key, found)


def _hints(hint: Any) -> dict[str, Any]:
    # The names that the modules of the TypedDicts import only for type checkers.
    return get_type_hints(hint, localns={**vars(facts), **vars(findings), **vars(facts_json)})


def _shown(value: object) -> str:
    return repr(value)[:60]


if __name__ == "__main__":
    import json
    import sys

    sys.stdout.write(json.dumps(report_schema(), indent=1) + "\n")
