"""Versions of systems and symbols."""

from __future__ import annotations

import pytest

from pytest_golink.text.versions import comparable, is_dotted, numbers, symbol_version


def test_versions_compare_as_numbers() -> None:
    assert numbers("2.4") < numbers("2.34") < numbers("2.34.1")
    assert comparable("2.4") < comparable("2.34") < comparable("2.34.1")
    assert comparable("2.0") == comparable("2") == comparable("2.0.0")
    assert comparable("0") == comparable("0.0") < comparable("0.1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2.17", True), ("13", True), ("", False), ("2.", False), ("v2", False), ("2.17-rc1", False), ("9" * 5000, False)],
)
def test_a_dotted_version_has_only_numbers_that_python_reads(text: str, expected: bool) -> None:
    assert is_dotted(text) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GLIBC_2.34", ("GLIBC", "2.34")),
        ("OPENSSL_1_1_1", ("OPENSSL", "1.1.1")),
        ("GLIBC_PRIVATE", None),
        ("2.34", None),
    ],
)
def test_a_symbol_version_has_a_prefix_and_a_number(name: str, expected: tuple[str, str] | None) -> None:
    assert symbol_version(name) == expected
