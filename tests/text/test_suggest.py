"""The known name that a wrong one may have meant."""

from __future__ import annotations

import pytest

from pytest_golink.errors import ParameterError
from pytest_golink.platforms import platforms_named
from pytest_golink.rules import rule_named
from pytest_golink.text.suggest import suggestion


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("statik", ["static", "stripped"], "static"),
        ("glibc_at_most", ["glibc-at-most"], "glibc-at-most"),
        ("libary", ["libraries", "extends"], "libraries"),
        ("Static", ["static"], "static"),
    ],
)
def test_the_nearest_is_named(name: str, known: list[str], meant: str) -> None:
    assert suggestion(name, known) == f'; did you mean "{meant}"?'


@pytest.mark.parametrize(("name", "known"), [("musllinux", ["manylinux"]), ("zzz", ["static"]), ("", ["static"])])
def test_what_is_of_another_kind_is_not(name: str, known: list[str]) -> None:
    assert suggestion(name, known) == ""


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("alpin", "alpine"),
        ("alpine-linux", "alpine"),
        ("debain12", "debian12"),
        ("ubunto", "ubuntu"),
    ],
)
def test_platforms_are_suggested_by_the_whole_name(name: str, meant: str) -> None:
    with pytest.raises(ParameterError) as raised:
        platforms_named(name)

    assert f'did you mean "{meant}"' in str(raised.value)


def test_a_release_that_is_not_known_shows_those_that_are() -> None:
    with pytest.raises(ParameterError, match="of debian there are debian10, debian11"):
        platforms_named("debian99")
    with pytest.raises(ParameterError, match="of manylinux there are"):
        platforms_named("manylinux2099")


def test_a_rule_is_suggested_without_regard_to_its_spelling() -> None:
    with pytest.raises(ParameterError, match='did you mean "no-rpath"'):
        rule_named("no_rpaths")
