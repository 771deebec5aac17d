from __future__ import annotations

from pytest_golink.golang import Functions

NAMES = Functions(b"net._C2func_getaddrinfo\0main.main\0net._Cfunc_free\0main.main.func1\0")


def test_a_name_is_in_the_table_only_whole() -> None:
    assert "main.main" in NAMES
    assert "main.ma" not in NAMES
    assert "ain.main" not in NAMES


def test_a_regular_expression_finds_whole_names_in_the_order_of_the_table() -> None:
    assert list(NAMES.matching(rb"_C2?func_")) == ["net._C2func_getaddrinfo", "net._Cfunc_free"]


def test_a_name_that_matches_twice_is_found_once() -> None:
    assert list(NAMES.matching(rb"main")) == ["main.main", "main.main.func1"]


def test_anchors_are_the_ends_of_a_name() -> None:
    assert list(NAMES.matching(rb"^main\.main$")) == ["main.main"]
    assert list(NAMES.matching(rb"^net\..*")) == ["net._C2func_getaddrinfo", "net._Cfunc_free"]
    assert list(NAMES.matching(rb"func1$")) == ["main.main.func1"]


def test_all_names_can_be_listed() -> None:
    assert list(NAMES) == ["net._C2func_getaddrinfo", "main.main", "net._Cfunc_free", "main.main.func1"]


def test_a_table_without_names_is_false() -> None:
    assert NAMES
    assert not Functions()
    assert list(Functions().matching(rb"a")) == []


def test_bytes_that_are_no_utf_8_do_not_stop_a_search() -> None:
    assert list(Functions(b"main.\xe9\0").matching(rb"^main")) == [r"main.\xe9"]
