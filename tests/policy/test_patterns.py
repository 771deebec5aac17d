from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_golink.policy.patterns import matches, overlap


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("app", "app", True),
        ("app", "apps", False),
        ("app*", "app[linux/amd64]", True),
        ("app[linux/*]", "app[linux/amd64]", True),
        # A set of characters for fnmatch.
        ("app[linux/*]", "appl", False),
        ("*/arm64", "linux/arm64", True),
        ("linux/???", "linux/386", True),
        ("linux/???", "linux/amd64", False),
        ("*", "", True),
        ("", "a", False),
    ],
)
def test_a_pattern_has_stars_and_question_marks_alone(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


PATTERN = st.text(alphabet="ab*?[", max_size=8)


@settings(deadline=None, max_examples=60)
@given(PATTERN, st.text(alphabet="ab[", max_size=8))
def test_a_pattern_matches_as_its_regular_expression_does(pattern: str, text: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)

    assert matches(pattern, text) is (re.fullmatch(expression, text) is not None)


@settings(deadline=None, max_examples=60)
@given(PATTERN, st.text(alphabet="ab[", max_size=8))
def test_a_pattern_overlaps_with_a_text_that_it_matches(pattern: str, text: str) -> None:
    assert overlap(pattern, text) is matches(pattern, text)
    assert overlap(text, pattern) is matches(pattern, text)


@settings(deadline=None, max_examples=60)
@given(PATTERN, PATTERN, st.text(alphabet="ab[", max_size=6))
def test_patterns_that_match_one_text_overlap(one: str, other: str, text: str) -> None:
    assert overlap(one, other) or not (matches(one, text) and matches(other, text))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a*", "*b", True),
        ("a*", "b*", False),
        ("*a", "*b", False),
        ("dist/*/agent", "dist/linux*", True),
        ("?", "", False),
    ],
)
def test_patterns_overlap_where_some_text_matches_both(one: str, other: str, expected: bool) -> None:
    assert overlap(one, other) is expected
    assert overlap(other, one) is expected


def test_a_pattern_of_many_stars_takes_no_longer() -> None:
    assert matches("*a" * 200 + "b", "a" * 400) is False
