"""The published JSON Schema takes what the parser takes, as far as a schema can say it."""

from __future__ import annotations

import copy
import datetime as dt
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_golink.errors import ParameterError, PolicyError
from pytest_golink.lock.model import parse_tolerance
from pytest_golink.platforms.keys import PLATFORM_KEYS
from pytest_golink.policy import keys, read_policy
from pytest_golink.policy.schema import schema, schema_text
from pytest_golink.rules import RULES
from tests.policy.written import write

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = Path(__file__).parent.parent.parent / "docs" / "golink.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(schema())

# What the parser says of a document whose form is right, and a schema cannot say; docs/policy.md lists the same.
BEYOND_A_SCHEMA = re.compile(
    "|".join(
        [
            # Names that stand for something elsewhere in the file, or on the machine.
            "unknown policy",
            "unknown platform",
            "extends itself",
            "no binary uses the policy",
            r"in line \d+ is called",
            "is several platforms",
            "does not tell a name",
            "leads out of",
            # What is left of the rules, of targets and of overrides.
            "has no rules",
            "there is nothing to waive",
            "switches every rule off",
            "matches none of the targets",
            "cannot be decided",
            "no binary is called",
            "is asked of",
            "there is nothing to waive",
            "no target of",
            # Build options together, and the words inside of a string.
            "^(cc|env|ldflags|extldflags|package|tags): ",
            "^path: .*(is not of the form|do not print|write it relative)",
            "is not GOOS/GOARCH in Go's words",
            "is not a regular expression|is not a level|is not a (system|version of macOS|power of two|size)",
            # Dates are strings to JSON, and 1.0 is an integer.
            "until: expected a date without quotes",
            r"datetime\.date",
            r"not 2027-01-01$",
            "platform .*: (a name is lower case|targets is missing)",
        ]
    )
)


def agree(folder: Path, text: str) -> bool:
    """Whether the parser takes a document; fails where the schema does not, or takes what it could have refused."""
    refused = [each.message for each in VALIDATOR.iter_errors(as_json(tomllib.loads(text)))]
    mistakes: list[str] = []
    try:
        read_policy(write(folder, text))
    except PolicyError as error:
        mistakes = [mistake for _, mistake in error.errors]
    if not mistakes:
        assert refused == [], text
    elif not all(map(BEYOND_A_SCHEMA.search, mistakes)):
        assert refused, f"{text}\n{mistakes}"
    return not mistakes


def as_json(value: Any) -> Any:
    """What an editor makes of a TOML value."""
    if isinstance(value, dict):
        return {key: as_json(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [as_json(entry) for entry in value]
    return value.isoformat() if isinstance(value, (dt.date, dt.time)) else value


def test_the_published_schema_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == schema_text(), "python -m pytest_golink.policy.schema writes it anew"


def test_the_module_prints_the_schema() -> None:
    command = [sys.executable, "-m", "pytest_golink.policy.schema"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)

    assert json.loads(done.stdout) == schema()


def test_the_schema_is_one_of_draft_2020_12() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_the_schema_has_each_rule_with_each_parameter_and_each_key_of_a_platform() -> None:
    definitions: dict[str, Any] = schema()["$defs"]  # type: ignore[assignment]

    assert list(definitions["rules"]["properties"]) == list(RULES)
    for name, rule in RULES.items():
        tables = [form for form in definitions[f"rule-{name}"]["anyOf"] if "properties" in form]
        named = [list(table["properties"]) for table in tables]
        assert named == (
            [] if rule.parameters[:1] and rule.parameters[0].table else [[*(p.name for p in rule.parameters), "only"]]
        )
    assert [key.name for key in keys.PLATFORM] == list(PLATFORM_KEYS)


START = """\
[policy.base]
stripped = true
[policy.release]
extends = ["base"]
static = true
[[binary]]
package = "./cmd/app"
targets = ["linux/amd64", "windows/amd64"]
policy = "release"
cgo = false
tags = ["netgo"]
ldflags = "-s -w"
linkmode = "internal"
buildmode = "pie"
env = { A = "b" }
rules = { max-size = "20 MB", needs-libc = { kind = "glibc", at-most = "2.17" } }
[[binary.override]]
targets = ["windows/*"]
cgo = true
rules = { signed = true }
[[binary]]
path = "dist/*/agent"
may-run = true
policy = "base"
[[binary]]
name = "released"
goreleaser = "dist"
ids = ["app"]
rules = { stripped = true, target = ["linux/amd64"], build-setting = { GOAMD64 = "v2" } }
[[waive]]
binary = "released"
rule = "stripped"
targets = ["linux/*"]
reason = "until the symbol server is up"
until = 2027-03-01
[platform.appliance]
targets = ["linux/amd64"]
libc = "glibc"
libc-version = "2.17"
libraries = { amd64 = ["libm.so.6"] }
cpu = { amd64 = "v2" }
[lock]
size-tolerance = "5%"
"""


def test_the_start_of_the_changed_documents_is_right(tmp_path: Path) -> None:
    assert agree(tmp_path, START)


RULE_VALUES = [
    *(f"static = {value}" for value in ("true", "false", "{}", "1", "'x'", "[]", "{ a = 1 }")),
    *(f"relro = {value}" for value in ("'full'", "{ level = 'full' }", "true", "false", "'fully'", "['full']", "{}")),
    *(f"resolver = {value}" for value in ("'go'", "'cgo, go'", "['cgo', 'go']", "[]", "''", "'go,'", "true", "1")),
    *(f"needs = {value}" for value in ("'a'", "['a', 'b']", "[]", "['']", "''", "{ libraries = 'a' }", "[1]")),
    *(f"only-needs = {value}" for value in ("'a'", "[]", "['a', 'a']", "{ libraries = [] }", "true", "{ x = 1 }")),
    *(f"glibc-at-most = {value}" for value in ("'2.17'", "2.17", "'2'", "{ version = '2.17' }", "true")),
    *(f"go-version = {value}" for value in ("{ at-least = '1.22' }", "'1.22'", "true", "{ at-least = '2' }", "{}")),
    *(f"page-alignment = {value}" for value in ("16384", "'16384'", "0", "-1", "{ bytes = 4096 }", "1000")),
    *(f"max-size = {value}" for value in ("1", "0", "'20 MB'", "'20MiB'", "'20 XB'", "'1.5'", "true", "1.5", "''")),
    *(
        f"build-setting = {value}"
        for value in ("{ A = 'b' }", "{ A = '' }", "{}", "{ A = 1 }", "true", "'A=b'", "false")
    ),
    *(f"no-link-warnings = {value}" for value in ("true", "'x.*'", "['(']", "[]", "{ allow = ['x'] }", "1")),
    *(f"no-instrumentation = {value}" for value in ("true", "'race'", "'race,msan'", "['race']", "['x']", "'x'")),
    *(f"fips = {value}" for value in ("{ kind = 'go' }", "{ kind = 'go', mode = 'on' }", "{ mode = 'on' }", "'go'")),
    *(f"needs-libc = {value}" for value in ("true", "{ kind = 'glibc' }", "{ at-most = '2' }", "'glibc'", "{}")),
    *(f"launches-on-macos = {value}" for value in ("'26'", "'9'", "13", "{ version = '13.1' }")),
    *(f"{name} = {value}" for name in RULES for value in ("true", "false", "[[]]", "2027-03-01", "{ '' = 1 }")),
]


def test_values_of_rules(tmp_path: Path) -> None:
    taken = [
        agree(tmp_path, f"[[binary]]\npackage = './app'\nrules = {{ nx = true, {value} }}\n")
        for value in RULE_VALUES
        if not value.startswith("nx ")
    ]

    assert 30 < sum(taken) < len(taken) - 30


BINARY_VALUES = [
    *(
        f"targets = {value}"
        for value in ("['linux/amd64']", "[]", "'linux/amd64'", "['linux']", "['a/b', 'a/b']", "['A/b']")
    ),
    *(f"cgo = {value}" for value in ("true", "1", "'true'")),
    *(f"tags = {value}" for value in ("''", "'a,b'", "[]", "['a']", "[1]", "['']", "1", "{}")),
    *(f"env = {value}" for value in ("{}", "{ A = '' }", "{ A = 1 }", "['A=b']")),
    *(f"linkmode = {value}" for value in ("'internal'", "'x'", "''", "true")),
    *(f"buildmode = {value}" for value in ("'c-shared'", "'archive'", "1")),
    *(f"mod = {value}" for value in ("'vendor'", "'x'", "true")),
    *(f"modfile = {value}" for value in ("'a.mod'", "'go.work'", "''", "1")),
    *(f"{name} = {value}" for name in ("cwd", "cc", "overlay", "pgo") for value in ("'x'", "''", "1", "' '")),
    *(
        f"{name} = {value}"
        for name in ("ldflags", "extldflags", "gcflags", "asmflags")
        for value in ("'-s'", "''", "1", "[]")
    ),
    *(f"{name} = {value}" for name in ("trimpath", "race") for value in ("true", "0")),
    *(f"name = {value}" for value in ("'a b'", "''", "'a[b]'", "'a::b'", "'*'", "'ü'", f"'{'a' * 201}'", "1")),
    *("ids = ['a']", "may-run = true", "path = 'x'", "goreleaser = 'x'", "target = 'linux/amd64'", "override = []"),
    *("override = {}", "override = [{}]", "override = [{ targets = ['*'] }]", "override = [{ cgo = true }]"),
    *("policy = []", "policy = ''", "policy = ['']", "policy = 1", "rules = []", "static = true"),
]


def test_values_of_binaries_that_are_built(tmp_path: Path) -> None:
    taken = [
        agree(tmp_path, f"[[binary]]\npackage = './app'\nrules.nx = true\n{value}\n")
        for value in BINARY_VALUES
        if not value.startswith("rules")
    ]

    assert 10 < sum(taken) < len(taken) - 10


@pytest.mark.parametrize("source", ["path = 'dist/app'", "path = ['a', 'b']", "goreleaser = 'dist'"])
def test_values_of_binaries_that_are_there(tmp_path: Path, source: str) -> None:
    start = f"[[binary]]\n{source}\nrules.nx = true\n"
    override = "[[binary.override]]\ntargets = ['*']\n"

    assert agree(tmp_path, start)
    assert agree(tmp_path, f"{start}may-run = true\n")
    assert agree(tmp_path, f"{start}ids = ['a']\n") is source.startswith("goreleaser")
    assert agree(tmp_path, f"{start}{override}rules.pie = true\n")
    assert not agree(tmp_path, f"{start}{override}cgo = true\n")
    for value in (
        "targets = ['linux/amd64']",
        "cgo = true",
        "ldflags = ''",
        "package = '.'",
        "may-run = 1",
        "ids = 'a'",
    ):
        assert not agree(tmp_path, f"{start}{value}\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "binary = []",
        "binary = {}",
        "binary = [{}]",
        "[[binary]]\nrules.nx = true\n",
        "[policy]\nstatic = true\n",
        "[policy.p]\nextends = []\n",
        "[policy.p]\nstatik = true\n",
        "[[waive]]\n",
        "[[waive]]\nbinary = ''\n",
        "[waive]\n",
        "[lock]\nsize = 1\n",
        "[lock]\nsize-tolerance = '5'\n",
        "[lock]\nsize-tolerance = 5\n",
        "[platform.x]\nlibc = 'glib'\n",
        "[platform.x]\nlibrary = 'x'\n",
        "platform.x = 1",
        "[other]\n",
    ],
)
def test_tables_of_another_form(tmp_path: Path, text: str) -> None:
    assert not agree(tmp_path, text)


def written(value: Any) -> str:
    """A value as TOML, in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {written(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return value.isoformat() if isinstance(value, dt.date) else json.dumps(value)


def containers(value: Any) -> Iterator[Any]:
    if isinstance(value, (dict, list)):
        yield value
        for entry in value.values() if isinstance(value, dict) else value:
            yield from containers(entry)


NAMES = sorted({key.name for key in (*keys.BINARY, *keys.WAIVE, *keys.PLATFORM)} | {"static", "relro", "", "x"})
PLAIN = st.sampled_from(
    [True, False, 0, 1, -1, 1.5, "", " ", "x", "a/b", "linux/*", "2.17", "full", "release", "5%", dt.date(2027, 1, 1)]
)
VALUES = PLAIN | st.lists(PLAIN, max_size=2) | st.dictionaries(st.sampled_from(NAMES), PLAIN, max_size=2)


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_a_changed_document_fits_the_schema_where_the_parser_has_nothing_against_its_form(
    tmp_path: Path, data: st.DataObject
) -> None:
    document = copy.deepcopy(tomllib.loads(START))
    for _ in range(data.draw(st.integers(1, 3))):
        inside = data.draw(st.sampled_from(list(containers(document))))
        at = data.draw(st.sampled_from((list(inside) if isinstance(inside, dict) else range(len(inside))) or [0]))
        change = data.draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "remove" and at in (inside if isinstance(inside, dict) else range(len(inside))):
            del inside[at]
        elif isinstance(inside, dict):
            inside[at if change == "replace" else data.draw(st.sampled_from(NAMES))] = data.draw(VALUES)
        else:
            inside[at : at + (change == "replace")] = [data.draw(VALUES)]

    agree(tmp_path, "".join(f"{json.dumps(key)} = {written(value)}\n" for key, value in document.items()))


@pytest.mark.parametrize(
    "text", ["5%", "0%", "2.5 %", "200 KB", "1 MiB", "0 B", "5", "x%", "200 XB", "-1%", "", " 5% "]
)
def test_a_tolerance_is_taken_where_the_lock_takes_it(text: str) -> None:
    try:
        parse_tolerance(text)
    except ParameterError:
        assert not keys.TOLERANCE.accepts(text)
    else:
        assert keys.TOLERANCE.accepts(text)
