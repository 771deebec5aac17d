"""
What a rule can be asked: its parameters, read off the check function's keyword-only signature.

The same values arrive from Python (a helper's keyword arguments) and from TOML, so they are checked here, once, and
whatever is wrong is a `ParameterError` that shows the accepted form.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, get_args, get_origin

from pytest_golink.errors import ParameterError
from pytest_golink.text.suggest import suggestion


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """
    The form of one value.

    `text` says it in words, `accepts` decides, `choices` are the only values there are (() where there are others),
    `hint` finds what a wrong value may have meant. `schema` is the same for an editor, as JSON Schema: it may take more
    than `accepts` does, never less.
    """

    text: str
    accepts: Callable[[object], bool]
    choices: tuple[str, ...] = ()
    hint: Callable[[str], str] = lambda _value: ""
    # Not hashed: typing hashes what an annotation holds, and a dict has no hash.
    schema: Mapping[str, object] = field(default_factory=lambda: {"type": "string", "minLength": 1}, hash=False)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_version(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+){1,2}", value) is not None


def _is_go_version(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"(go)?1\.\d+(\.\d+|(alpha|beta|rc)\d+)?", value) is not None


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


_TEXT = Form(text="a string", accepts=_is_text)
_BOOL = Form(text="true or false", accepts=lambda value: isinstance(value, bool), schema={"type": "boolean"})

Name = Annotated[str, Form(text="a name or a glob", accepts=_is_text)]
Version = Annotated[
    str,
    Form(
        text='a version such as "2.17"',
        accepts=_is_version,
        schema={"type": "string", "pattern": r"^[0-9]+(\.[0-9]+){1,2}$"},
    ),
]
Pattern = Annotated[
    str, Form(text="a regular expression", accepts=_is_pattern, schema={"type": "string", "format": "regex"})
]
Path = Annotated[str, Form(text="a path", accepts=_is_text)]
TargetName = Annotated[
    str,
    Form(
        text='GOOS/GOARCH in Go\'s words, such as "linux/amd64"',
        accepts=_is_target,
        hint=_target_hint,
        schema={"type": "string", "pattern": r"^[^/\s]+/[^/\s]+$"},
    ),
]

# Marks a list that is written as a table; the check gets "key=value".
TABLE = object()

Settings = Annotated[tuple[str, ...], TABLE]
GoVersion = Annotated[
    str,
    Form(
        text='a Go version such as "1.22", "1.22.1" or "1.23rc1"',
        accepts=_is_go_version,
        schema={"type": "string", "pattern": r"^(go)?1\.\d+(\.\d+|(alpha|beta|rc)\d+)?$"},
    ),
]

# Marks a list that must name something: a rule over nothing would always hold.
SOME = object()


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """
    One parameter of a rule, under its hyphenated name; `keyword` is Python's spelling.

    `many` says that it takes a list of values of the form, `some` that the list must not be empty, `table` that it is a
    table of such values by name.
    """

    name: str
    keyword: str
    form: Form
    many: bool = False
    some: bool = False
    table: bool = False
    required: bool = True

    @property
    def accepted(self) -> str:
        """The accepted form, in words."""
        if self.table:
            return "a table, each value a string"
        if not self.many:
            return self.form.text
        return f"a list of at least one: {self.form.text}" if self.some else f"a list, each {self.form.text}"

    def value(self, rule: str, value: object) -> object:
        """
        Give the value as the check takes it, a list as a tuple.

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
        if self.some and not values:
            raise self._error(rule, [])
        return values

    def _pairs(self, rule: str, value: object) -> tuple[str, ...]:
        if not isinstance(value, Mapping) or not value:
            raise self._error(rule, value)
        for key, entry in value.items():
            if not isinstance(key, str) or not isinstance(entry, str):
                raise ParameterError(f"{rule}: {key}: {entry!r} is not a string")
        return tuple(f"{key}={entry}" for key, entry in value.items())

    def _one(self, rule: str, value: object) -> object:
        if not self.form.accepts(value):
            hint = self.form.hint(value) if isinstance(value, str) else ""
            raise ParameterError(f"{rule}: {self.name}: {value!r} is not {self.form.text}{hint}")
        return value

    def _error(self, rule: str, value: object) -> ParameterError:
        return ParameterError(f"{rule}: {self.name}: {value!r} is not {self.accepted}")


def parameters_of(check: Callable[..., object]) -> tuple[Parameter, ...]:
    """Read the parameters of a check function off its keyword-only arguments; their annotations must be values."""
    return tuple(
        _parameter(argument)
        for argument in inspect.signature(check).parameters.values()
        if argument.kind is inspect.Parameter.KEYWORD_ONLY
    )


def _parameter(argument: inspect.Parameter) -> Parameter:
    annotation = argument.annotation
    many = some = table = False
    # Each step takes one layer off: `… | None`, the mark SOME, `tuple[…, ...]`.
    if type(None) in get_args(annotation):
        (annotation,) = (part for part in get_args(annotation) if part is not type(None))
    if SOME in get_args(annotation):
        some, annotation = True, get_args(annotation)[0]
    if TABLE in get_args(annotation):
        table, annotation = True, get_args(annotation)[0]
    if get_origin(annotation) is tuple:
        many, annotation = True, get_args(annotation)[0]
    return Parameter(
        name=argument.name.replace("_", "-"),
        keyword=argument.name,
        form=_form(annotation),
        many=many,
        some=some,
        table=table,
        required=argument.default is inspect.Parameter.empty,
    )


def _form(annotation: object) -> Form:
    if get_origin(annotation) is Literal:
        choices: tuple[str, ...] = get_args(annotation)
        return Form(
            text=f"one of {', '.join(choices)}",
            accepts=lambda value: value in choices,
            choices=choices,
            hint=lambda value: suggestion(value, choices),
            schema={"enum": list(choices)},
        )
    if annotation is bool:
        return _BOOL
    return next((part for part in get_args(annotation) if isinstance(part, Form)), _TEXT)
