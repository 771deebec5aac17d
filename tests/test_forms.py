"""A form decides, says what it takes in words, and publishes the same as JSON Schema."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from pytest_golink.forms import BOOL, TABLES, TEXT, WORDS, Form, array, choice, either, string, table, whole_number

VERSION = string("a version", r"[0-9]+(\.[0-9]+)*")
LEVEL = choice("none", "partial", "full")
NAMES = array(WORDS, "a name, or names", alone=True, distinct=True)
BY_NAME = table(array(VERSION, "versions", empty=True, most=2), "a table")


def wrong(form: Form, value: object) -> list[tuple[str, object, str, bool]]:
    return [
        (mistake.name("key"), mistake.value, mistake.form.text + mistake.hint, mistake.repeated)
        for mistake in form.mistakes(value)
    ]


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (VERSION, "2.17"),
        (LEVEL, "full"),
        (NAMES, "a"),
        (NAMES, ["a", "b"]),
        (BY_NAME, {}),
        (BY_NAME, {"a": [], "b": ["1", "1"]}),
        (either(NAMES, BY_NAME, "either"), {"a": ["1"]}),
        (either(NAMES, BY_NAME, "either"), ["a"]),
        (whole_number("seconds", least=1, most=9), 9),
        (BOOL, False),
        (TEXT, "…"),
        (TABLES, [{}]),
    ],
)
def test_a_right_value_has_no_mistake_and_fits_the_schema(form: Form, value: Any) -> None:
    assert list(form.mistakes(value)) == []
    assert jsonschema.Draft202012Validator(dict(form.schema)).is_valid(value)


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        (VERSION, "2.17\n", [("key", "2.17\n", "a version", False)]),
        (LEVEL, "ful", [("key", "ful", 'one of none, partial, full; did you mean "full"?', False)]),
        (LEVEL, 1, [("key", 1, "one of none, partial, full", False)]),
        (NAMES, [], [("key", [], "a name, or names", False)]),
        (NAMES, ["a", 1], [("key", 1, "a string", False)]),
        (BY_NAME, {"a": ["1", "x"], "b": "1"}, [("key.a", "x", "a version", False), ("key.b", "1", "versions", False)]),
        (BY_NAME, {"a": ["1", "2", "3"]}, [("key.a", ["1", "2", "3"], "versions", False)]),
        (either(NAMES, BY_NAME, "either"), 1, [("key", 1, "either", False)]),
        (either(NAMES, BY_NAME, "either"), {"a": [2]}, [("key.a", 2, "a version", False)]),
        (whole_number("seconds", least=1, most=9), 10, [("key", 10, "seconds, 1 to 9", False)]),
        (whole_number("seconds", least=1, most=9), True, [("key", True, "seconds, 1 to 9", False)]),
        (BOOL, 1, [("key", 1, "true or false", False)]),
        (TABLES, [1], [("key", [1], "a list of tables", False)]),
    ],
)
def test_each_part_that_is_wrong_is_a_mistake_at_its_place(
    form: Form, value: Any, expected: list[tuple[str, object, str, bool]]
) -> None:
    assert wrong(form, value) == expected


def test_an_entry_that_is_there_twice_is_a_mistake_at_the_second() -> None:
    (mistake,) = NAMES.mistakes(["a", "b", "a"])

    assert (mistake.path, mistake.value, mistake.repeated) == ((2,), "a", True)


@pytest.mark.parametrize("blank", ["", " \t", "\u200b", "\u2060\u00ad", "\u3164", "\u2800", "\u034f"])
def test_a_text_that_shows_nothing_is_empty(blank: str) -> None:
    assert not TEXT.accepts(blank)
    assert TEXT.accepts(f"{blank}x")
