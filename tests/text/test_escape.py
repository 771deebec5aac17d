"""Names from a stranger."""

from __future__ import annotations

import json
import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_golink.text.escape import escape, escape_message, json_text
from pytest_golink.text.toml import toml
from tests.report.hostile_names import HOSTILE_NAMES, wrong_with

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("libc.so.6", "libc.so.6"),
        ("/opt/größe/日本", "/opt/größe/日本"),
        ("two\nlines\r\ttab", "two\\nlines\\r\\ttab"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x9b31m", "\\x9b31m"),
        ("\x00\x7f", "\\x00\\x7f"),
        ("a\u202egnp.exe", "a\\u202egnp.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("\u2028\u2029\u0085", "\\u2028\\u2029\\x85"),
        ("\udcff", "\\udcff"),
        ("\U000e0041", "\\U000e0041"),
        ("C:\\x1b", "C:\\\\x1b"),
        ("::error::x", "\\x3a:error::x"),
        ("nice ::stop \u2003::stop", "nice \\x3a:stop \u2003\\x3a:stop"),
        ("std::vector golink.toml::app", "std::vector golink.toml::app"),
        ("x##[group]y ##vso[z] #[derive]", "x\\x23#[group]y \\x23#vso[z] #[derive]"),
    ],
)
def test_what_acts_on_a_terminal_stands_as_an_escape(name: str, shown: str) -> None:
    assert escape(name) == shown


def test_a_very_long_name_keeps_its_ends_and_says_what_is_gone() -> None:
    assert escape("a" * 300 + "z") == "a" * 133 + "…(+118)…" + "a" * 49 + "z"
    assert escape("a" * 200) == "a" * 200
    assert escape("abcdefghijklm", longest=12) == "abcdefgh…(+2)…klm"
    assert len(escape("\x00" * 10_000_000)) < 1000


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_acts_in_no_form(name: str) -> None:
    assert wrong_with(escape(name)) == []
    assert wrong_with(escape_message(name)) == []
    for indent in (None, 1):
        assert wrong_with(json_text({name: [name]}, indent=indent)) == []
        assert json.loads(json_text({name: [name]}, indent=indent)) == {name: [name]}
    assert wrong_with(toml(name)) == []
    assert tomllib.loads(f"key = {toml(name)}") == {"key": re.sub("[\ud800-\udfff]", "\ufffd", name)}


def test_a_message_keeps_its_backslashes_and_its_ends() -> None:
    assert escape_message("C:\\Users: \tno\n") == "C:\\Users:     no\\n"
    assert escape_message("allow: '\\w(' is \x1b[2J\u202e") == "allow: '\\w(' is \\x1b[2J\\u202e"
    assert escape_message("::error::x") == "\\x3a:error::x"
    assert escape_message("a" * 100_000 + "z")[-10:] == "a" * 9 + "z"
    assert len(escape_message("a" * 100_000)) < 20_000


@given(st.text(alphabet=st.characters(codec=None)))
def test_a_message_that_quotes_a_message_is_not_escaped_twice(text: str) -> None:
    assert escape_message(escape_message(text)) == escape_message(text)


@given(st.text(alphabet=st.characters(codec=None)))
def test_whatever_comes_in_one_printable_line_comes_out(name: str) -> None:
    shown = escape(name)

    assert len(shown.splitlines()) <= 1
    assert {unicodedata.category(character) for character in shown}.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
    shown.encode(sys.getdefaultencoding())
