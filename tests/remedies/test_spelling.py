"""A change of a build as golink.toml and goreleaser take it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import yaml

from pytest_golink.builder.options import BuildOptions
from pytest_golink.remedies.spelling import as_goreleaser, as_toml
from tests.policy.written import policy_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pathlib import Path

BEFORE = BuildOptions(tags=("netgo",), env=(("GOAMD64", "v3"),))


def test_a_variable_stands_with_the_others_of_its_binary(tmp_path: Path) -> None:
    after = BuildOptions(tags=("netgo",), env=(("GOAMD64", "v3"), ("GOFIPS140", "v1.0.0")))

    lines = as_toml(BEFORE, after)

    assert lines == 'env = { GOAMD64 = "v3", GOFIPS140 = "v1.0.0" }'
    assert as_goreleaser(BEFORE, after) == 'env: ["GOFIPS140=v1.0.0"]'
    policy = policy_of(tmp_path, f'[[binary]]\npackage = "./app"\nrules = {{ fips = {{ kind = "go" }} }}\n{lines}\n')
    assert policy.binaries[0].builds[0].options.env == after.env


def test_any_variable_and_any_flag_is_read_back_as_it_is() -> None:
    odd = 'a "b" \\ \x7f\t☂😀'
    after = BuildOptions(env=(("dotted.name", odd),), ldflags=odd)

    assert tomllib.loads(as_toml(BuildOptions(), after)) == {"env": {"dotted.name": odd}, "ldflags": odd}
    assert yaml.safe_load(as_goreleaser(BuildOptions(), after)) == {"env": [f"dotted.name={odd}"], "ldflags": [odd]}


def test_what_is_left_out_is_a_comment_that_says_so() -> None:
    assert as_toml(BEFORE, BuildOptions()) == "# without tags\n# without env"
