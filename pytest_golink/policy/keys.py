"""
The keys of golink.toml: what the parser checks and what the JSON Schema publishes, declared once.

Rules are not among them: those and their parameters come from the registry.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

from pytest_golink.builder.options import BUILD_MODES, LINK_MODES, OPTION_NAMES
from pytest_golink.platforms.model import PlatformLibc

# A name stands in test ids, before a "[" and a "::", and waivers have patterns of names.
_NAME = r"(?!.*::)[^\[\]*?\x00-\x1f\x7f-\x9f]{1,200}"
# Of a target, "*" alone stands for all.
_TARGET_PATTERN = r"\*|[^/\s]+/[^/\s]+"
_TOLERANCE = r"\s*[0-9]{1,12}(\.[0-9]{1,6})? ?(%|([KkMmGg][Ii]?)?[Bb])\s*"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """
    What a value must look like: in words, decided, and as JSON Schema.

    The schema may take more than `accepts` does, never less. `element` is the shape of a list's entries, each of which
    may stand there once; `alone` says that one may be written without the list.
    """

    text: str
    accepts: Callable[[object], bool]
    schema: Mapping[str, object]
    element: Shape | None = None
    alone: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """One key of a table; `summary` is what an editor shows, `instead` what to do without a key that must be there."""

    name: str
    shape: Shape
    summary: str
    required: bool = False
    instead: str = ""


def _string(text: str, pattern: str) -> Shape:
    form = re.compile(pattern)
    return Shape(
        text=text,
        accepts=lambda value: isinstance(value, str) and form.fullmatch(value) is not None,
        schema={"type": "string", "pattern": f"^({pattern})$"},
    )


def _list(one: Shape, text: str, *, alone: bool = False) -> Shape:
    several = {"type": "array", "items": one.schema, "minItems": 1, "uniqueItems": True}
    return Shape(
        text=text,
        accepts=lambda value: (isinstance(value, list) and bool(value)) or (alone and one.accepts(value)),
        schema={"anyOf": [one.schema, several]} if alone else several,
        element=one,
        alone=alone,
    )


# By build options' own checks; here for the schema alone.
def _option(**schema: object) -> Shape:
    return Shape(text="", accepts=lambda _value: True, schema=schema)


def _table_of(schema: Mapping[str, object]) -> dict[str, object]:
    return {"type": "object", "additionalProperties": schema}


def _some_of(schema: Mapping[str, object]) -> dict[str, object]:
    return {"anyOf": [schema, {"type": "array", "items": schema}]}


def _is_date(value: object) -> bool:
    return isinstance(value, dt.date) and not isinstance(value, dt.datetime)


TEXT = Shape(
    text="a string that is not empty",
    accepts=lambda value: isinstance(value, str) and value.strip() != "",
    schema={"type": "string", "pattern": r"\S"},
)
BOOL = Shape(text="true or false", accepts=lambda value: isinstance(value, bool), schema={"type": "boolean"})
TABLE = Shape(text="a table", accepts=lambda value: isinstance(value, Mapping), schema={"type": "object"})
TABLES = Shape(
    text="a list of tables",
    accepts=lambda value: isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value),
    schema={"type": "array", "items": {"type": "object"}},
)
DATE = Shape(
    text="a date without quotes, such as 2027-03-01",
    accepts=_is_date,
    # What editors make of a TOML date.
    schema={"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
)
NAME = _string('a name of at most 200 characters, without any of []*? and without "::"', _NAME)
NAMES = _list(TEXT, "a name, or a list of at least one", alone=True)
PATHS = _list(TEXT, "a path, or a list of at least one", alone=True)
IDS = _list(TEXT, "a list of at least one build id")
TARGETS = _list(
    Shape(
        text="a string",
        # What a target is, the rules' form and the build options decide.
        accepts=lambda value: isinstance(value, str),
        schema={"type": "string", "pattern": "^[a-z0-9]+/[a-z0-9]+$"},
    ),
    'a list of at least one target, such as "linux/amd64"',
)
TARGET_PATTERNS = _list(
    _string('a pattern of targets, such as "windows/*"', _TARGET_PATTERN),
    'a list of at least one pattern of targets, such as "windows/*"',
)
TOLERANCE = _string('a share such as "5%" or a size such as "200 KB"', _TOLERANCE)

_BUILD_OPTIONS: Mapping[str, tuple[Shape, str]] = MappingProxyType(
    {
        "cgo": (_option(type="boolean"), "CGO_ENABLED; without it Go's own default, which depends on the machine."),
        "tags": (
            _option(anyOf=[{"type": "string"}, {"type": "array", "items": {"type": "string", "minLength": 1}}]),
            "Build tags.",
        ),
        "ldflags": (_option(type="string"), "Flags of Go's linker."),
        "linkmode": (_option(enum=list(LINK_MODES)), "Go's own linker, or the C compiler's."),
        "extldflags": (_option(type="string"), "Flags of the C linker."),
        "buildmode": (_option(enum=list(BUILD_MODES)), "go build's -buildmode."),
        "trimpath": (_option(type="boolean"), "go build's -trimpath."),
        "race": (_option(type="boolean"), "go build's -race."),
        "cc": (_option(type="string", pattern=r"\S"), "The C compiler; a first word zig stands for zig's."),
        "env": (_option(type="object", additionalProperties={"type": "string"}), "More environment of the build."),
        "cwd": (
            _option(type="string", minLength=1),
            "The folder that package is relative to; by default golink.toml's.",
        ),
    }
)
_PACKAGE = Key(name="package", shape=TEXT, summary="Builds this main package: a folder, a .go file or an import path.")
# `targets` stands for the option `target`.
BUILD_KEYS = tuple(
    Key(name=name, shape=_BUILD_OPTIONS[name][0], summary=_BUILD_OPTIONS[name][1])
    for name in OPTION_NAMES
    if name not in ("package", "target")
)
_RULES = Key(name="rules", shape=TABLE, summary="Rules of its own, over those of the policies; false switches one off.")

TOP = (
    Key(name="policy", shape=TABLE, summary="Named sets of rules: [policy.NAME]."),
    Key(name="binary", shape=TABLES, summary="What is checked: [[binary]].", required=True),
    Key(name="waive", shape=TABLES, summary="Violations that are known, with a reason, until a day: [[waive]]."),
    Key(name="platform", shape=TABLE, summary="Platforms of one's own, for the rule runs-on: [platform.NAME]."),
    Key(name="lock", shape=TABLE, summary="How golink.lock is compared."),
)
EXTENDS = Key(name="extends", shape=NAMES, summary="Policies that this one starts from; the later ones win.")
BINARY = (
    Key(name="name", shape=NAME, summary="Its name in test ids and waivers; by default the package's last element."),
    _PACKAGE,
    Key(name="path", shape=PATHS, summary="Takes these files: globs; archive!member reaches into archives."),
    Key(name="goreleaser", shape=TEXT, summary="Takes what artifacts.json of this goreleaser dist folder names."),
    Key(name="ids", shape=IDS, summary="Of a goreleaser folder, these build ids alone."),
    Key(name="targets", shape=TARGETS, summary="Builds for each; without it once, for Go's default target."),
    *BUILD_KEYS,
    Key(name="policy", shape=NAMES, summary="The policies that it must meet; the later ones win."),
    _RULES,
    Key(name="may-run", shape=BOOL, summary="Whether rules about running may start an image that was not built here."),
    Key(name="override", shape=TABLES, summary="What is different for some targets: [[binary.override]]."),
)
OVERRIDE = (
    Key(name="targets", shape=TARGET_PATTERNS, summary="The targets that it is for.", required=True),
    *BUILD_KEYS,
    _RULES,
)
WAIVE = (
    Key(name="binary", shape=TEXT, summary='A pattern of names, or of "name[target]".', required=True),
    Key(name="rule", shape=NAMES, summary="The rules that are waived.", required=True),
    Key(name="targets", shape=TARGET_PATTERNS, summary="For these targets alone."),
    Key(name="reason", shape=TEXT, summary="Why; the report shows it.", required=True),
    Key(
        name="until",
        shape=DATE,
        summary="The last day that it holds.",
        required=True,
        instead="; what is to last is no waiver: switch the rule off in the binary, rules = { stripped = false }",
    ),
)
LOCK = (Key(name="size-tolerance", shape=TOLERANCE, summary="How far an image may grow; by default 5%."),)

# The platforms' own reading decides; here for the schema alone.
_WORDS = {"type": "string", "minLength": 1}
_STRINGS = _some_of(_WORDS)
_PATHS = _some_of({"type": "string", "pattern": "^/"})
_PORTS = _some_of({"type": "string", "pattern": "^[^/]+/[^/]+$"})
_VERSION = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)*$"}
PLATFORM = tuple(
    Key(name=name, shape=_option(**schema), summary=summary)
    for name, schema, summary in (
        ("extends", _WORDS, "A platform that this one adds to: one of the file, or one that is known."),
        ("title", _WORDS, "Its name for people."),
        ("targets", _PORTS, "The ports of Go that it is offered for; needed unless it extends one."),
        ("libc", {"enum": list(get_args(PlatformLibc))}, "Its C library; none by default."),
        ("libc-version", _VERSION, "That library's version."),
        ("loaders", _table_of(_PATHS), "Paths that PT_INTERP may name, by GOARCH; [] where the usual is missing."),
        (
            "libraries",
            {"anyOf": [_STRINGS, _table_of(_STRINGS)]},
            "What the loader finds; a table by GOARCH.",
        ),
        ("without", _STRINGS, "Libraries of the extended platform that are not there."),
        ("versions", _table_of(_VERSION), 'The highest symbol versions by prefix, such as GLIBCXX = "3.4.30".'),
        ("directories", _PATHS, "Where the loader looks."),
        ("usrmerge", {"type": "boolean"}, "Whether /lib is /usr/lib."),
        ("cpu", _table_of(_WORDS), 'The CPU level that every machine has, by GOARCH: { amd64 = "v2" }.'),
        ("kernel", _VERSION, "The oldest Linux that runs there."),
        ("os-version", _VERSION, "The version of macOS, Windows or a BSD, or Android's API."),
        ("note", _WORDS, "What to know of it, for people."),
        ("sources", _table_of(_WORDS), "Where each fact is from."),
        ("proven", _STRINGS, "Facts that a run or the system's own files showed."),
        ("unverified", _STRINGS, "Facts that no opened source says."),
    )
)
