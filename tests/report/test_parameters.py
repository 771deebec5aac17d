"""The parameters of a rule as reports show them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_golink.report.parameters import parameter_texts
from tests.report.test_grouping import FINDING


@pytest.mark.parametrize(
    ("value", "text"),
    [("2.17", "2.17"), (16384, "16384"), (True, "True"), (("v8.0,lse", "*"), "v8.0,lse, *"), ((), "")],
)
def test_a_typed_value_is_shown_as_one_text(value: object, text: str) -> None:
    assert parameter_texts(replace(FINDING, parameters=(("name", value),))) == (("name", text),)
