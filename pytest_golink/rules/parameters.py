"""
The parameters of a rule, read off the check function's keyword-only signature.

The same values arrive from Python (a helper's keyword arguments) and from TOML, so they are checked here, once, and
a wrong value is a `ParameterError` that shows the accepted form.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal, get_args, get_origin

from pytest_golink.errors import ParameterError
from pytest_golink.forms import BOOL, WORDS, Form, Schema, array_schema, choice, string


def _is_pattern(value: object) -> bool:
    try:
        with warnings.catch_warnings():
            # "[[a]" means what it meant so far; a run with -W error has no other answer.
            warnings.simplefilter("ignore", FutureWarning)
            return isinstance(value, str) and re.compile(value) is not None
    except re.error:
        return False


# What other tools call a port, and Go does not.
_FOREIGN_PORTS = {
    "aarch64": "arm64",
    "i386": "386",
    "i686": "386",
    "macos": "darwin",
    "osx": "darwin",
    "win32": "windows",
    "win64": "windows",
    "x64": "amd64",
    "x86": "386",
    "x86_64": "amd64",
}


def _is_target(value: object) -> bool:
    if not isinstance(value, str) or not re.fullmatch(r"[^/\s]+/[^/\s]+", value):
        return False
    return not any(part.lower() in _FOREIGN_PORTS for part in value.split("/"))


def _target_hint(value: str) -> str:
    parts = [_FOREIGN_PORTS.get(part.lower(), part) for part in value.split("/")]
    return f'; did you mean "{"/".join(parts)}"?' if len(parts) == 2 and _is_target("/".join(parts)) else ""


TARGET = Form(
    text='GOOS/GOARCH in Go\'s words, such as "linux/amd64"',
    accepts=_is_target,
    hint=_target_hint,
    schema={"type": "string", "pattern": r"^[^/\s]+/[^/\s]+$"},
)

Name = Annotated[str, replace(WORDS, text="a name or a glob")]
Path = Annotated[str, replace(WORDS, text="a path")]
Version = Annotated[str, string('a version such as "2.17"', r"[0-9]+(\.[0-9]+){1,2}")]
GoVersion = Annotated[
    str, string('a Go version such as "1.22", "1.22.1" or "1.23rc1"', r"(go)?1\.\d+(\.\d+|(alpha|beta|rc)\d+)?")
]
Pattern = Annotated[
    str, Form(text="a regular expression", accepts=_is_pattern, schema={"type": "string", "format": "regex"})
]
TargetName = Annotated[str, TARGET]


class NonEmpty:
    """Marks a list that must have an entry: a rule over nothing would always hold."""


class AsTable:
    """Marks a list that is written as a table; the check gets "key=value"."""


class Pairs(tuple[str, ...]):
    """A table after its check, as "key=value"."""

    __slots__ = ()


Settings = Annotated[tuple[str, ...], AsTable]


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """
    One parameter of a rule, under its hyphenated name; `keyword` is Python's spelling.

    `many` says that it takes a list of values of the form, `non_empty` that the list must have an entry, `table` that
    it is a table of such values by name.
    """

    name: str
    keyword: str
    form: Form
    many: bool = False
    non_empty: bool = False
    table: bool = False
    required: bool = True

    @property
    def accepted(self) -> str:
        """The accepted form, in words."""
        if self.table:
            return "a table, each value a string"
        if not self.many:
            return self.form.text
        return f"a list of at least one: {self.form.text}" if self.non_empty else f"a list, each {self.form.text}"

    @property
    def schema(self) -> Schema:
        """The accepted form, as JSON Schema."""
        if self.table:
            return {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1}
        if not self.many:
            return self.form.schema
        forms = [self.list_schema, self.form.schema]
        if self.form.choices:
            # "cgo,go" is a list too.
            one = f"({'|'.join(self.form.choices)})"
            forms.append({"type": "string", "pattern": rf"^\s*{one}(\s*,\s*{one})*\s*$"})
        return {"anyOf": forms}

    @property
    def list_schema(self) -> Schema:
        """The accepted form as JSON Schema, where a list is written."""
        return array_schema(self.form, empty=not self.non_empty)

    def value(self, rule: str, value: object) -> object:
        """
        Return the value as the check takes it, a list as a tuple.

        Raises:
            ParameterError: The value is not of the accepted form.
        """
        if self.table:
            return self._pairs(rule, value)
        if not self.many:
            return self._one(rule, value)
        if isinstance(value, str):
            # Several choices may be written "cgo,go"; a glob or a regular expression may hold a comma.
            value = [part.strip() for part in value.split(",")] if self.form.choices else [value]
        elif isinstance(value, (set, frozenset)):
            value = sorted(value, key=str)
        elif not isinstance(value, Iterable) or isinstance(value, (bytes, Mapping)):
            raise self._error(rule, value)
        values = tuple(self._one(rule, entry) for entry in value)
        if self.non_empty and not values:
            raise self._error(rule, [])
        return values

    def _pairs(self, rule: str, value: object) -> tuple[str, ...]:
        if isinstance(value, Pairs):
            # A policy checks the values when it is read, and the rule checks them again.
            return value
        if not isinstance(value, Mapping) or not value:
            raise self._error(rule, value)
        for key, entry in value.items():
            if not isinstance(key, str) or not isinstance(entry, str):
                raise ParameterError(f"{key}: {entry!r} is not a string", rule=rule, parameter=str(key))
        return Pairs(f"{key}={entry}" for key, entry in value.items())

    def _one(self, rule: str, value: object) -> object:
        for mistake in self.form.mistakes(value):
            reason = f"{self.name}: {value!r} is not {self.form.text}{mistake.hint}"
            raise ParameterError(reason, rule=rule, parameter=self.name)
        return value

    def _error(self, rule: str, value: object) -> ParameterError:
        return ParameterError(f"{self.name}: {value!r} is not {self.accepted}", rule=rule, parameter=self.name)


def parameters_of(check: Callable[..., object]) -> tuple[Parameter, ...]:
    """Read the parameters of a check function off its keyword-only arguments; their annotations must be values."""
    return tuple(
        _parameter(argument)
        for argument in inspect.signature(check).parameters.values()
        if argument.kind is inspect.Parameter.KEYWORD_ONLY
    )


def _parameter(argument: inspect.Parameter) -> Parameter:
    annotation = argument.annotation
    many = non_empty = table = False
    # Each step takes one layer off: `… | None`, the mark NonEmpty, `tuple[…, ...]`.
    if type(None) in get_args(annotation):
        (annotation,) = (part for part in get_args(annotation) if part is not type(None))
    if NonEmpty in get_args(annotation):
        non_empty, annotation = True, get_args(annotation)[0]
    if AsTable in get_args(annotation):
        table, annotation = True, get_args(annotation)[0]
    if get_origin(annotation) is tuple:
        many, annotation = True, get_args(annotation)[0]
    return Parameter(
        name=argument.name.replace("_", "-"),
        keyword=argument.name,
        form=_form(annotation),
        many=many,
        non_empty=non_empty,
        table=table,
        required=argument.default is inspect.Parameter.empty,
    )


def _form(annotation: object) -> Form:
    if get_origin(annotation) is Literal:
        return choice(*get_args(annotation))
    if annotation is bool:
        return BOOL
    return next((part for part in get_args(annotation) if isinstance(part, Form)), WORDS)
