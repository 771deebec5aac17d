"""Lines of text."""

from __future__ import annotations

import pytest

from pytest_golink.text.sizes import size
from pytest_golink.text.wrap import columns, hanging, pad, wrap


def test_columns_are_those_of_a_terminal() -> None:
    assert columns("libc.so.6") == 9
    assert columns("日本") == 4
    assert columns("größe") == 5
    assert columns("e\u0301") == 1
    assert pad("日本", 6) == "日本  "
    assert pad("9", 3, right=True) == "  9"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("one", ["one"]),
        ("one two three", ["one two", "three"]),
        ("a-word-that-is-too-long b", ["a-word-that-is-too-long", "b"]),
        ("b a-word-that-is-too-long", ["b", "a-word-that-is-too-long"]),
        ("x 'one two three four' y", ["x", "'one two three four'", "y"]),
        ('CC="zig cc -target x" y', ['CC="zig cc -target x"', "y"]),
        ("Go's own and libc's", ["Go's own", "and libc's"]),
        ("a  b   c", ["a  b   c"]),
        ("use -ldflags '-s -w'", ["use", "-ldflags '-s -w'"]),
        ("an open 'quote goes on", ["an open", "'quote", "goes on"]),
    ],
)
def test_lines_break_at_blanks_and_never_inside_an_argument(text: str, lines: list[str]) -> None:
    assert wrap(text, 10) == lines


def test_a_label_stands_once_and_its_lines_hang() -> None:
    assert hanging("label", ["one two", "three"], indent=1, label_width=7, width=12) == [
        " label  one",
        "        two",
        "        three",
    ]
    assert hanging("label", [], indent=1, label_width=7, width=12) == []


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (2_350_932, "2.4 MB"),
        (999_950_000, "1.0 GB"),
        (12_000_000_000, "12.0 GB"),
    ],
)
def test_a_size_is_for_people(count: int, text: str) -> None:
    assert size(count) == text
