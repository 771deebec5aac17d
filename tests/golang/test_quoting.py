from __future__ import annotations

import pytest

from pytest_golink.golang.quoting import QuotingError, quoted_prefix, unquote


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ('""', ""),
        ('"-X main.v=1 -s"', "-X main.v=1 -s"),
        (r'"a\"b\\c\td\ne"', 'a"b\\c\td\ne'),
        (r'"\a\b\f\n\r\t\v"', "\a\b\f\n\r\t\v"),
        (r'"\x41\101\u00e9\U0001F600"', "AAé😀"),
        (r'"caf\xc3\xa9"', "café"),
        ('"ünïcode"', "ünïcode"),
        ("`raw\\n`", "raw\\n"),
        ("`a\rb`", "ab"),
    ],
)
def test_a_go_string_literal_has_the_value_that_go_gives_it(literal: str, value: str) -> None:
    assert unquote(literal) == value


def test_bytes_that_are_no_utf_8_stay_readable() -> None:
    assert unquote(r'"caf\xe9"') == r"caf\xe9"


@pytest.mark.parametrize(
    "literal", ['"', '"a', '"a\\"', "`a", '"a" b', r'"\q"', r'"\x4"', r'"\uD800"', r'"\U00110000"', '"a\nb"', "a"]
)
def test_what_is_no_go_string_literal_is_an_error(literal: str) -> None:
    with pytest.raises(QuotingError):
        unquote(literal)


def test_the_prefix_of_a_text_ends_with_its_closing_quote() -> None:
    assert quoted_prefix('"a=\\"b"=c') == '"a=\\"b"'
    assert quoted_prefix("`a`=b") == "`a`"
