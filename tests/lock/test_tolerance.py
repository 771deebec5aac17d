"""Sizes in a lock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_golink.errors import ParameterError
from pytest_golink.lock import Tolerance, parse_tolerance
from pytest_golink.lock.model import bytes_of, is_rounded, rounded


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (9_994, "9.99 kB"),
        (9_996, "10.0 kB"),
        (99_960, "100 kB"),
        (999_400, "999 kB"),
        (999_600, "1.00 MB"),
        (2_350_932, "2.35 MB"),
        (48_700_000, "48.7 MB"),
        (3_000_000_000, "3.00 GB"),
        (10**13, "10000 GB"),
    ],
)
def test_a_size_has_three_digits(size: int, text: str) -> None:
    assert rounded(size) == text


@given(st.integers(min_value=0, max_value=10**14))
def test_a_rounded_size_is_near_and_stays_as_it_is(size: int) -> None:
    text = rounded(size)

    assert is_rounded(text)
    assert abs(bytes_of(text) - size) <= size * 0.006
    assert rounded(bytes_of(text)) == text


@pytest.mark.parametrize(
    ("text", "tolerance"),
    [
        ("5%", Tolerance(share=0.05)),
        ("2.5 %", Tolerance(share=0.025)),
        ("0%", Tolerance()),
        ("200 KB", Tolerance(count=200_000)),
        ("1MiB", Tolerance(count=1_048_576)),
        ("500 B", Tolerance(count=500)),
    ],
)
def test_a_tolerance_is_a_share_or_a_size(text: str, tolerance: Tolerance) -> None:
    assert parse_tolerance(text) == tolerance


@pytest.mark.parametrize("value", ["", "5", "five percent", "-5%", "5 parsecs", "5 xb", 5, None])
def test_anything_else_is_an_error_that_says_what_is_accepted(value: object) -> None:
    with pytest.raises(ParameterError, match=r'is not a share such as "5%" or a size such as "200 KB"'):
        parse_tolerance(value)
