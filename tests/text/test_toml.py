"""What is written as TOML reads back as the same value."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_golink.text.toml import toml, toml_key

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TEXT = st.text(max_size=8)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=80)
@given(VALUES)
def test_a_value_reads_back(value: Any) -> None:
    text = toml(value)

    assert tomllib.loads(f"x = {text}") == {"x": value}
    assert "\n" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (20, "20"),
        ('a\x7f\x1b"\\ü', '"a\\u007f\\u001b\\"\\\\ü"'),
        ("\ud800", '"\N{REPLACEMENT CHARACTER}"'),
        (("a", "b"), '["a", "b"]'),
        ({"at-most": "2.17", "a b": ()}, '{ at-most = "2.17", "a b" = [] }'),
        ({}, "{}"),
    ],
)
def test_a_value_is_on_one_line(value: object, text: str) -> None:
    assert toml(value) == text


def test_a_key_of_other_letters_is_quoted() -> None:
    assert (toml_key("GOAMD64"), toml_key("ä"), toml_key("")) == ("GOAMD64", '"ä"', '""')
