"""Go's quoting: what is joined is split again, and what Go cannot say is an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_golink.errors import ParameterError
from pytest_golink.toolchain.quoting import join_quoted, split_quoted


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("", []),
        ("  -s\t-w\n", ["-s", "-w"]),
        ("-X 'main.greeting=hello world' -s", ["-X", "main.greeting=hello world", "-s"]),
        ("\"-extldflags=-static -lm\"''", ["-extldflags=-static -lm", ""]),
        # Not at the start of a field: an ordinary character.
        ("-extldflags='-static -lm'", ["-extldflags='-static", "-lm'"]),
    ],
)
def test_a_field_may_stand_in_quotes_as_a_whole(text: str, fields: list[str]) -> None:
    assert split_quoted(text) == fields


def test_a_quote_that_is_not_closed_is_an_error() -> None:
    with pytest.raises(ParameterError, match=r'unterminated quote in "-X \'main.x=1"'):
        split_quoted("-X 'main.x=1")


def test_a_field_with_both_kinds_of_quotes_is_an_error() -> None:
    with pytest.raises(ParameterError, match="both kinds of quotes"):
        join_quoted(["""it's "quoted" """])


@given(st.lists(st.text(alphabet="ab-=/ \t\"'", max_size=8)))
def test_what_is_joined_is_split_into_the_same_fields(fields: list[str]) -> None:
    try:
        joined = join_quoted(fields)
    except ParameterError:
        assert any("'" in field and '"' in field for field in fields)
    else:
        assert split_quoted(joined) == fields
