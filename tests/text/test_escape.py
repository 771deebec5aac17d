"""Names from a stranger."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_golink.text.escape import escape, escape_message


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


@given(st.text(alphabet=st.characters(codec=None)))
def test_whatever_comes_in_one_printable_line_comes_out(name: str) -> None:
    shown = escape(name)

    assert len(shown.splitlines()) <= 1
    assert {unicodedata.category(character) for character in shown}.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
    shown.encode(sys.getdefaultencoding())


def test_a_message_keeps_its_backslashes_and_loses_its_end() -> None:
    assert escape_message("allow: '\\w(' is \x1b[2J\u202e") == "allow: '\\w(' is \\x1b[2J\\u202e"
    assert escape_message("::error::x") == "\\x3a:error::x"
    assert escape_message("x" * 30, longest=20) == "x" * 20 + "…"
