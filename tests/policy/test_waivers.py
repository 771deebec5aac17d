"""Waivers: what they are about, until when, and that each is about something."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from pytest_golink.location import Location
from pytest_golink.policy import Waiver
from tests.policy.written import mistakes, policy_of

if TYPE_CHECKING:
    from pathlib import Path

BINARIES = """\
[[binary]]
package = "./cmd/app"
targets = ["linux/amd64", "windows/amd64"]
rules = { static = true }
[[binary.override]]
targets = ["windows/*"]
rules = { static = false, signed = true }
[[binary]]
path = "dist/*/agent"
rules = { stripped = true }
[[binary.override]]
targets = ["linux/*"]
rules = { nx = true }
[[binary]]
name = "released"
goreleaser = "dist"
rules = { stripped = true, same-linkage = true }
"""


def waiver(binary: str, *, rules: tuple[str, ...] = ("static",), targets: tuple[str, ...] = ()) -> Waiver:
    place = Location(file="golink.toml", line=1)
    until = dt.date(2027, 3, 1)
    return Waiver(binary=binary, rules=rules, targets=targets, reason="…", until=until, place=place)


@pytest.mark.parametrize(
    ("given", "name", "target", "match", "expected"),
    [
        (waiver("app"), "app", "linux/amd64", None, True),
        (waiver("app"), "app", None, None, True),
        (waiver("app"), "apps", "linux/amd64", None, False),
        (waiver("a*"), "app", "linux/amd64", None, True),
        (waiver("app[linux/amd64]"), "app", "linux/amd64", None, True),
        (waiver("app[linux/*]"), "app", "windows/amd64", None, False),
        (waiver("app[linux/*]"), "app", None, None, False),
        (waiver("app", targets=("linux/*", "darwin/arm64")), "app", "darwin/arm64", None, True),
        (waiver("app", targets=("linux/*", "darwin/arm64")), "app", "darwin/amd64", None, False),
        (waiver("app", targets=("*",)), "app", None, None, False),
        (waiver("app", rules=("nx", "pie")), "app", "linux/amd64", None, False),
        (waiver("dist/linux_*/agent"), "dist/*/agent", "linux/amd64", "dist/linux_amd64/agent", True),
        (waiver("dist/linux_*/agent"), "dist/*/agent", "darwin/amd64", "dist/darwin_amd64/agent", False),
        (waiver("agent[dist/linux_*]"), "agent", "linux/amd64", "dist/linux_amd64/agent", True),
        (waiver("dist/*.tar.gz!app"), "tool", None, "dist/a.tar.gz!app", True),
    ],
)
def test_a_waiver_is_about_names_targets_and_files(
    given: Waiver, name: str, target: str | None, match: str | None, expected: bool
) -> None:
    assert given.covers(name, target, "static", match=match) is expected


@pytest.mark.parametrize(
    ("pattern", "match", "expected"),
    [
        # What it names is not all that the binary has.
        ("dist/app*", "dist/zzz", False),
        ("dist/app*", "dist/app1", True),
        ("dist/app?", "dist/app12", False),
        ("dist/app?, dist/zzz", "dist/zzz", False),
        ("dist/app*, dist/zzz", "dist/zzz", True),
        ("dist/*", "dist/zzz", True),
        ("dist/*[linux/*]", "dist/zzz", True),
        ("dist/*[windows/*]", "dist/zzz", False),
        ("*", "dist/zzz", True),
    ],
)
def test_a_waiver_of_a_binary_without_a_name_covers_the_files_that_it_names(
    tmp_path: Path, pattern: str, match: str, expected: bool
) -> None:
    policy = policy_of(
        tmp_path,
        "[[binary]]\npath = ['dist/app*', 'dist/zzz']\nrules.static = true\n"
        f"[[waive]]\nbinary = '{pattern}'\nrule = 'static'\nreason = '…'\nuntil = 2027-03-01\n",
    )

    found = policy.waiver_for(policy.binaries[0].name, "linux/amd64", "static", match=match)

    assert (found is not None) is expected


def test_a_waiver_holds_through_its_last_day() -> None:
    given = waiver("app")

    assert [given.expired(dt.date(2027, month, day)) for month, day in ((2, 28), (3, 1), (3, 2))] == [
        False,
        False,
        True,
    ]


def test_of_several_waivers_the_one_that_holds_longest_counts(tmp_path: Path) -> None:
    text = BINARIES + "".join(
        f"[[waive]]\nbinary = '{binary}'\nrule = ['static']\nreason = ' {reason} '\nuntil = {until}\n"
        for binary, reason, until in (
            ("app", "one", "2027-01-01"),
            ("*", "two", "2027-06-01"),
            ("app", "three", "2027-02-01"),
        )
    )

    policy = policy_of(tmp_path, text)

    found = policy.waiver_for("app", "linux/amd64", "static")
    assert found is not None
    assert (found.reason, str(found.place)) == ("two", "golink.toml:23")
    assert policy.waiver_for("app", "linux/amd64", "nx") is None


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("binary = 'ap'\nrule = 'static'", ['20: no binary is called "ap"; did you mean "app"?']),
        ("binary = 'app[darwin/*]'\nrule = 'static'", ['20: no binary is called "app[darwin/*]"']),
        ("binary = 'out/*/server'\nrule = 'stripped'", ['20: no binary is called "out/*/server"']),
        ("binary = 'app'\nrule = 'nx'", ['21: "app" has no rule nx: there is nothing to waive']),
        (
            "binary = 'app[windows/*]'\nrule = ['signed', 'static']",
            ['21: "app[windows/*]" has no rule static: there is nothing to waive'],
        ),
        (
            "binary = 'app'\nrule = 'static'\ntargets = ['darwin/*', 'plan9/*']",
            ['22: no target of "app" is one of darwin/*, plan9/*'],
        ),
        ("binary = 'app'\nrule = 'statik'", ['21: unknown rule "statik"; did you mean "static"?']),
        ("binary = 'app'\nrule = [\n'static', 'xyzzy']", ['22: unknown rule "xyzzy"']),
        (
            "binary = 'app'\nrule = 'static'\ntargets = ['darwin']",
            ['22: targets: expected a pattern of targets, such as "windows/*", not "darwin"'],
        ),
        (f"binary = '{'a' * 401}'\nrule = 'static'", ["20: binary: a pattern of more than 400 characters"]),
        (
            "binary = 'released'\nrule = 'same-linkage'\ntargets = ['linux/*']",
            ["22: targets: same-linkage is about all images of a binary together; waive it without targets"],
        ),
    ],
)
def test_a_waiver_that_is_about_nothing_is_told(tmp_path: Path, lines: str, expected: list[str]) -> None:
    text = f"{BINARIES}#\n[[waive]]\n{lines}\nreason = '…'\nuntil = 2027-03-01\n"

    assert mistakes(tmp_path, text) == [f"golink.toml:{line}" for line in expected]


@pytest.mark.parametrize(
    ("binary", "rule"),
    [
        ("app", "static"),
        ("app", "signed"),
        ("app[windows/*]", "signed"),
        ("*", "nx"),
        ("dist/*/agent", "stripped"),
        ("dist/linux_amd64/agent", "nx"),
        ("dist/app_linux_amd64_v1/app", "stripped"),
        ("released[dist/app]", "stripped"),
    ],
)
def test_a_waiver_may_be_about_what_only_the_files_will_tell(tmp_path: Path, binary: str, rule: str) -> None:
    text = f"{BINARIES}[[waive]]\nbinary = '{binary}'\nrule = '{rule}'\nreason = '…'\nuntil = 2027-03-01\n"

    assert len(policy_of(tmp_path, text).waivers) == 1


LAST = "to accept a violation for good, switch the rule off in the binary: rules = { stripped = false }"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("reason = '…'", [f"18: [[waive]] has no until: a date without quotes, such as 2027-03-01; {LAST}"]),
        ("until = 2027-03-01", ["18: [[waive]] has no reason: a string that is not empty"]),
        ("until = 2027-03-01\nreason = ''", ['22: reason: expected a string that is not empty, not ""']),
        (
            'until = 2027-03-01\nreason = "\\u200b"',
            ['22: reason: expected a string that is not empty, not "\\u200b"'],
        ),
        (
            "until = 2100-01-01\nreason = '…'",
            [f"21: until: 2100-01-01 is no last day, 2099-12-31 is the latest; {LAST}"],
        ),
        (
            "until = '2027-03-01'\nreason = '…'",
            [
                '21: until: expected a date without quotes, such as 2027-03-01, not "2027-03-01"; write it without '
                "quotes"
            ],
        ),
        (
            "until = 2027-03-01\nreason = '…'\nowner = 'me'",
            ['23: unknown key "owner" in [[waive]]; there are binary, rule, targets, reason, until'],
        ),
    ],
)
def test_a_waiver_has_a_reason_and_a_last_day(tmp_path: Path, lines: str, expected: list[str]) -> None:
    text = f"{BINARIES}[[waive]]\nbinary = 'app'\nrule = 'static'\n{lines}\n"

    assert mistakes(tmp_path, text) == [f"golink.toml:{line}" for line in expected]


def test_a_waiver_without_binary_and_rule_and_tables_of_another_form_are_told(tmp_path: Path) -> None:
    assert mistakes(tmp_path, f"{BINARIES}[[waive]]\nreason = '…'\nuntil = 2027-03-01\n") == [
        "golink.toml:18: [[waive]] has no binary: a string that is not empty",
        "golink.toml:18: [[waive]] has no rule: a name, or a list of at least one",
    ]
    assert mistakes(tmp_path, f"{BINARIES}[waive]\nbinary = 'app'\n") == [
        "golink.toml:18: waive: expected a list of tables, not a table; write [[waive]]"
    ]


def test_a_waiver_of_a_build_for_the_default_target_may_name_any(tmp_path: Path) -> None:
    binary = "[[binary]]\npackage = './app'\nrules.static = true\n"
    text = f"{binary}[[waive]]\nbinary = 'app[linux/*]'\nrule = 'static'\nreason = '…'\nuntil = 2027-03-01\n"

    assert policy_of(tmp_path, text).waiver_for("app", "linux/arm64", "static") is not None


def test_more_waivers_than_anyone_has_are_not_read(tmp_path: Path) -> None:
    assert mistakes(tmp_path, BINARIES + "[[waive]]\n" * 1001) == [
        "golink.toml:18: 1001 waivers; at most 1000 are read"
    ]
