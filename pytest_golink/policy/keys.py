"""
The keys of golink.toml: the parser checks by these declarations, and the JSON Schema publishes them.

The rules and their parameters come from the registry, the options of a build and the keys of a platform from their own
declarations.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pytest_golink.builder.options import OPTIONS
from pytest_golink.forms import BOOL, TABLE, TABLES, TEXT, Form, array, choice, string
from pytest_golink.platforms.keys import PLATFORM_KEYS

# A name stands in test ids, before a "[" and a "::", and waivers have patterns of names.
_NAME = r"((?!.*::)[^\[\]*?\x00-\x1f\x7f-\x9f]{1,200})"
# Without a "/", only "*" means all targets.
_TARGET_PATTERN = r"(\*|[^/\s]+/[^/\s]+)"
_TOLERANCE = r"(\s*[0-9]{1,12}(\.[0-9]{1,6})? ?(%|([KkMmGg][Ii]?)?[Bb])\s*)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """One key of a table; `summary` is what an editor shows, `instead` what to do without a key that is required."""

    name: str
    form: Form
    summary: str
    required: bool = False
    instead: str = ""


def _is_date(value: object) -> bool:
    return isinstance(value, dt.date) and not isinstance(value, dt.datetime)


def _list(one: Form, text: str, *, alone: bool = False) -> Form:
    return array(one, text, alone=alone, distinct=True)


DATE = Form(
    text="a date without quotes, such as 2027-03-01",
    accepts=_is_date,
    # What editors make of a TOML date.
    schema={"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
)
NAME = string('a name of at most 200 characters, without any of []*? and without "::"', _NAME)
NAMES = _list(TEXT, "a name, or a list of at least one", alone=True)
PATHS = _list(TEXT, "a path, or a list of at least one", alone=True)
IDS = _list(TEXT, "a list of at least one build id")
TARGETS = _list(
    Form(
        text="a string",
        # The rules' form and the build options decide what a target is.
        accepts=lambda value: isinstance(value, str),
        schema=OPTIONS["target"].form.schema,
    ),
    'a list of at least one target, such as "linux/amd64"',
)
TARGET_PATTERNS = _list(
    string('a pattern of targets, such as "windows/*"', _TARGET_PATTERN),
    'a list of at least one pattern of targets, such as "windows/*"',
)
# What a file must be to count: a program of Go's, or anything that starts as an executable or a shared library does.
ONLY_GO = choice("go")
ONLY = choice("go", "executables")
TOLERANCE = string('a share such as "5%" or a size such as "200 KB"', _TOLERANCE)

_PACKAGE = Key(
    name="package",
    form=TEXT,
    summary=f"{OPTIONS['package'].summary} A pattern builds all main packages that it finds: ./..., ./cmd/*.",
)
# `targets` is the option `target`, for several.
BUILD_KEYS = tuple(
    Key(name=name, form=option.form, summary=option.summary)
    for name, option in OPTIONS.items()
    if name not in ("package", "target")
)
_RULES = Key(name="rules", form=TABLE, summary="Its own rules, over those of the policies; false switches one off.")

TOP = (
    Key(name="policy", form=TABLE, summary="Named sets of rules: [policy.NAME]."),
    Key(name="binary", form=TABLES, summary="The binaries to check: [[binary]].", required=True),
    Key(name="waive", form=TABLES, summary="Violations that are known, with a reason, until a day: [[waive]]."),
    Key(name="platform", form=TABLE, summary="The policy's own platforms, for the rule runs-on: [platform.NAME]."),
    Key(name="lock", form=TABLE, summary="How golink.lock is compared."),
)
EXTENDS = Key(name="extends", form=NAMES, summary="Policies that this one starts from; the later ones win.")
RULES_ONLY = Key(name="only", form=ONLY_GO, summary="Applies its rules only to programs that Go built.")
BINARY = (
    Key(name="name", form=NAME, summary="Its name in test ids and waivers; by default the package's last element."),
    _PACKAGE,
    Key(name="path", form=PATHS, summary="Takes these files: globs; archive!member reaches into archives."),
    Key(name="goreleaser", form=TEXT, summary="Takes what artifacts.json of this goreleaser dist folder names."),
    Key(name="exclude", form=PATHS, summary="Leaves these files out: globs, as in path. The report counts them."),
    Key(
        name="only",
        form=ONLY,
        summary="executables leaves other files out; go also applies the rules only to programs that Go built.",
    ),
    Key(name="ids", form=IDS, summary="Of a goreleaser folder, only these build ids."),
    Key(name="targets", form=TARGETS, summary="Builds for each; without it once, for Go's default target."),
    *BUILD_KEYS,
    Key(name="policy", form=NAMES, summary="The policies that it must meet; the later ones win."),
    _RULES,
    Key(name="may-run", form=BOOL, summary="Whether rules about running may start an image that golink did not build."),
    Key(name="override", form=TABLES, summary="What is different for some targets: [[binary.override]]."),
)
OVERRIDE = (
    Key(name="targets", form=TARGET_PATTERNS, summary="The targets that it is for.", required=True),
    *BUILD_KEYS,
    _RULES,
)
# What to write for a violation that is to last.
LASTING = "to accept a violation for good, switch the rule off in the binary: rules = { stripped = false }"
WAIVE = (
    Key(name="binary", form=TEXT, summary='A pattern of names, or of "name[target]".', required=True),
    Key(name="rule", form=NAMES, summary="The rules that are waived.", required=True),
    Key(name="targets", form=TARGET_PATTERNS, summary="Only for these targets."),
    Key(name="reason", form=TEXT, summary="Why; the report shows it.", required=True),
    Key(
        name="until",
        form=DATE,
        summary="The last day that it holds.",
        required=True,
        instead=f"; {LASTING}",
    ),
)
LOCK = (Key(name="size-tolerance", form=TOLERANCE, summary="How far an image may grow; by default 5%."),)

PLATFORM = tuple(Key(name=name, form=key.form, summary=key.summary) for name, key in PLATFORM_KEYS.items())
