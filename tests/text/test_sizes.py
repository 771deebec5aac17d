"""Sizes as people write them."""

from __future__ import annotations

import pytest

from pytest_golink.text.sizes import parse_size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20 MB", 20_000_000),
        ("1.5GiB", 1_610_612_736),
        (" 4096 ", 4096),
        ("0 B", 0),
        ("200 KB", 200_000),
        ("20 XB", None),
        ("MB", None),
        ("-1", None),
        ("1 MB or so", None),
        ("9" * 400, None),
    ],
)
def test_a_size_is_a_number_with_a_unit(text: str, expected: int | None) -> None:
    assert parse_size(text) == expected
