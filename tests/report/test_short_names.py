"""Packages of the main module are written as a reader in its folder knows them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_golink.facts import Module
from pytest_golink.report.short_names import with_short_names
from pytest_golink.traits import main_module
from tests.rules.facts_factory import DYNAMIC

APP = "example.com/app"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("example.com/app/db uses cgo", "./db uses cgo"),
        ("example.com/app → example.com/app/db → runtime/cgo", "example.com/app → ./db → runtime/cgo"),
        ("main (example.com/app/cmd/x)", "main (./cmd/x)"),
        ("example.com/app/db/db.go is compiled", "./db/db.go is compiled"),
        # Another module, a path, and what a flag has.
        ("example.com/apples/db", "example.com/apples/db"),
        ("/src/example.com/app/db", "/src/example.com/app/db"),
        ("-ldflags '-X example.com/app/version.commit=1'", "-ldflags '-X example.com/app/version.commit=1'"),
        ("example.com/app/", "example.com/app/"),
    ],
)
def test_a_package_of_the_main_module_is_short(text: str, shown: str) -> None:
    assert with_short_names(text, APP) == shown
    assert with_short_names(text, "") == text


def test_where_another_module_s_path_begins_with_it_no_name_is_short() -> None:
    assert DYNAMIC.go is not None
    own = replace(DYNAMIC.go, module=Module(path=APP, version="(devel)"), modules=())
    nested = replace(own, modules=(Module(path=f"{APP}/plugins", version="v1.0.0"),))

    assert main_module(replace(DYNAMIC, go=own)) == APP
    assert main_module(replace(DYNAMIC, go=nested)) == ""
    assert main_module(replace(DYNAMIC, go=replace(own, module=None))) == ""
    assert main_module(replace(DYNAMIC, go=None)) == ""
