"""What can be asked of a build: its values are checked, and make the flags of `go build`."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_golink.builder import BuildOptions, parse_options
from pytest_golink.errors import ParameterError


def test_nothing_asked_is_the_package_of_the_folder() -> None:
    assert parse_options({}) == BuildOptions(package=".")
    assert parse_options({}).flags() == []


def test_every_option_becomes_a_flag_once() -> None:
    options = parse_options(
        {
            "buildmode": "pie",
            "tags": ["netgo", "osusergo"],
            "trimpath": True,
            "race": True,
            "ldflags": "-s -w -X 'main.v=1 2'",
            "linkmode": "external",
            "extldflags": "-static -lm",
        }
    )

    assert options.flags() == [
        "-buildmode=pie",
        "-tags=netgo,osusergo",
        "-trimpath",
        "-race",
        "-ldflags=-s -w -X 'main.v=1 2' -linkmode=external -extldflags '-static -lm'",
    ]


@pytest.mark.parametrize("tags", ["a,b", "a b", ["a", "b"], ("a", "b"), {"b", "a"}])
def test_tags_may_be_a_list_or_text(tags: object) -> None:
    assert parse_options({"tags": tags}).tags == ("a", "b")


def test_extldflags_with_a_quote_are_quoted_the_other_way() -> None:
    assert parse_options({"extldflags": "-Wl,-rpath,'/a b'"}).linker_flags == "-extldflags \"-Wl,-rpath,'/a b'\""


def test_no_ldflags_start_with_a_quote_which_go_refuses() -> None:
    assert parse_options({"extldflags": "-Wl,-z,now -lm"}).flags() == ["-ldflags=-extldflags '-Wl,-z,now -lm'"]


def test_env_is_sorted_and_cwd_may_be_a_path() -> None:
    options = parse_options({"env": {"GOAMD64": "v3", "A": ""}, "cwd": Path("cmd")})

    assert options.env == (("A", ""), ("GOAMD64", "v3"))
    assert options.cwd == "cmd"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"linkmod": "internal"}, 'unknown build option "linkmod"; did you mean "linkmode"?'),
        ({"zzz": 1}, 'unknown build option "zzz"; there are package, target, cgo, '),
        ({"package": ""}, "package: expected a string that is not empty, not ''"),
        ({"package": 3}, "package: expected a string that is not empty, not 3"),
        ({"package": "./..."}, "package: './...' is a pattern; a build makes one image of one main package"),
        ({"package": "-race"}, "package: '-race' is a flag"),
        ({"target": "linux"}, "target: expected GOOS/GOARCH, such as \"linux/arm64\", not 'linux'"),
        ({"target": 1}, 'target: expected GOOS/GOARCH, such as "linux/arm64", not 1'),
        ({"cgo": 1}, "cgo: expected true, false, or nothing for Go's default, not 1"),
        ({"cgo": "no"}, "cgo: expected true, false, or nothing for Go's default, not 'no'"),
        ({"race": "yes"}, "race: expected true or false, not 'yes'"),
        ({"trimpath": None}, "trimpath: expected true or false, not None"),
        ({"tags": 1}, "tags: expected a list of build tags, not 1"),
        ({"tags": ["a b"]}, "tags: expected build tags such as \"netgo\", not 'a b'"),
        ({"tags": [1]}, 'tags: expected build tags such as "netgo", not 1'),
        ({"ldflags": ["-s"]}, "ldflags: expected a string, not ['-s']"),
        ({"ldflags": "-X 'a"}, 'ldflags: unterminated quote in "-X \'a"'),
        ({"ldflags": "\0"}, "ldflags: expected a string, not '\\x00'"),
        ({"extldflags": """'a' "b" """}, "extldflags: Go cannot quote"),
        (
            {"linkmode": "interal"},
            "linkmode: expected one of internal, external, not 'interal'; did you mean \"internal\"?",
        ),
        ({"linkmode": 7}, "linkmode: expected one of internal, external, not 7"),
        ({"buildmode": "shared"}, "buildmode: expected one of default, exe, pie, c-archive, c-shared, plugin"),
        ({"gcflags": "'all"}, "gcflags: unterminated quote"),
        ({"asmflags": ["-S"]}, "asmflags: expected a string, not ['-S']"),
        ({"mod": "vendr"}, "mod: expected one of readonly, vendor, mod, not 'vendr'; did you mean \"vendor\"?"),
        ({"modfile": "go.work"}, "modfile: expected the path of a .mod file, not 'go.work'"),
        ({"overlay": ""}, "overlay: expected a string that is not empty, not ''"),
        ({"pgo": False}, "pgo: expected a string that is not empty, not False"),
        ({"package": "./cmd/*"}, "package: './cmd/*' is a pattern; a build makes one image of one main package"),
        ({"cc": ""}, "cc: expected a string that is not empty, not ''"),
        ({"cc": "'gcc"}, "cc: unterminated quote"),
        ({"env": ["A=1"]}, "env: expected a table of names and strings, not ['A=1']"),
        ({"env": {"A": 1}}, "env.A: expected a string, not 1"),
        ({"env": {"A=": "1"}}, "env: expected a table of names and strings, not {'A=': '1'}"),
        ({"env": {"GOOS": "linux"}}, "env: GOOS is what target= is for"),
        ({"env": {"LC_ALL": "de_DE"}}, "env: LC_ALL is always C, so that golink can read the linker's warnings"),
        ({"env": {"CGO_ENABLED": "1"}, "cgo": True}, "env: CGO_ENABLED is given twice, here and in cgo="),
        ({"env": {"CC": "gcc"}, "cc": "clang"}, "env: CC is given twice, here and in cc="),
        ({"cwd": 3}, "cwd: expected a folder, not 3"),
        ({"cwd": ""}, "cwd: expected a folder, not ''"),
        ({"cwd": b"x"}, "cwd: expected a folder, not b'x'"),
        (
            {"ldflags": "-s -linkmode internal", "linkmode": "external"},
            "ldflags: it has -linkmode already; give it once, in linkmode= or in ldflags=",
        ),
        (
            {"ldflags": "'--extldflags=-lm'", "extldflags": "-static"},
            "ldflags: it has -extldflags already; give it once, in extldflags= or in ldflags=",
        ),
    ],
)
def test_a_wrong_option_is_an_error_that_says_what_is_right(values: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError) as caught:
        parse_options(values)

    assert str(caught.value).startswith(message)


def test_a_pattern_of_packages_is_taken_only_on_request() -> None:
    assert parse_options({"package": "./cmd/*"}, patterns=True).package == "./cmd/*"


def test_env_may_hold_what_no_option_is_given_for() -> None:
    assert parse_options({"env": {"CC": "clang", "CGO_ENABLED": "1"}}).env == (("CC", "clang"), ("CGO_ENABLED", "1"))
    assert parse_options({"ldflags": "-linkmode=external"}).linker_flags == "-linkmode=external"
