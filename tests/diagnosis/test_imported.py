"""Causes from the image alone: of a release from elsewhere there are no flags and no source."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink.facts import Cgo, Module
from pytest_golink.rules import evaluate
from pytest_golink.source import explain
from tests.rules.facts_factory import DYNAMIC, IMPORT_DYNAMIC, MACHO, PE, STATIC, subject

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts

PUREGO = "github.com/ebitengine/purego"


def with_modules(facts: BinaryFacts, **versions: str) -> BinaryFacts:
    assert facts.go is not None
    modules = tuple(Module(path=path, version=version) for path, version in versions.items())
    return replace(facts, go=replace(facts.go, modules=modules))


def cause(rule: str, facts: BinaryFacts, **parameters: object) -> tuple[str, ...]:
    asked = {name.replace("_", "-"): value for name, value in parameters.items()}
    return explain(evaluate(rule, subject(facts), asked), facts).cause


def test_a_package_with_cgo_is_told_with_the_module_and_its_version() -> None:
    sqlite = "github.com/mattn/go-sqlite3"
    image = replace(DYNAMIC, cgo=Cgo(enabled=True, used=True, packages=(sqlite, "runtime/cgo")))

    assert f"{sqlite} is at v1.14.24" in cause("static", with_modules(image, **{sqlite: "v1.14.24"}))
    inner = replace(image, cgo=replace(image.cgo, packages=(f"{sqlite}/inner", sqlite, "runtime/cgo")))
    assert f"{sqlite}/inner, {sqlite}: module {sqlite} v1.14.24" in (
        cause("static", with_modules(inner, **{sqlite: "v1.14.24"}))
    )


def test_purego_s_stand_in_for_cgo_is_named_and_who_else_imports_without_cgo() -> None:
    image = with_modules(IMPORT_DYNAMIC, **{PUREGO: "v0.8.0"})
    image = replace(
        image, content=replace(image.content, importers=(f"{PUREGO}/internal/fakecgo", "example.com/app/libc"))
    )

    said = cause("static", image)

    assert (
        f"{PUREGO}/internal/fakecgo ({PUREGO} v0.8.0) stands in for runtime/cgo: CGO_ENABLED=0 does not rule it out"
    ) in said
    assert "example.com/app/libc calls shared libraries without cgo" in said


@pytest.mark.parametrize("image", [MACHO, replace(MACHO, interpreter=None)])
def test_macos_resolver_is_package_net_s_own(image: BinaryFacts) -> None:
    assert cause("resolver", image, kind=["go"]) == (
        "package net calls libSystem's getaddrinfo by itself on macOS, with cgo and without",
    )
    assert "net of the standard library imports getaddrinfo" in cause("no-imports", image, symbols=["getaddr*"])


def test_windows_resolver_is_the_system_s() -> None:
    assert cause("resolver", PE, kind=["go"]) == (
        "package net calls Windows' GetAddrInfoW: no flag of a build for Windows changes that",
    )


def test_macos_users_are_looked_up_by_os_user_itself() -> None:
    image = replace(MACHO, content=replace(MACHO.content, user_lookup=("system",)))

    assert cause("user-lookup", image, kind="files") == (
        "os/user calls libSystem by itself on macOS, with cgo and without",
    )
    assert (
        cause("user-lookup", replace(STATIC, content=replace(STATIC.content, user_lookup=("none",))), kind="files")
        == ()
    )


def test_a_platform_that_is_always_dynamic_is_cause_enough() -> None:
    image = replace(MACHO, content=replace(MACHO.content, importers=(f"{PUREGO}/internal/fakecgo",)))

    assert cause("static", image) == ("a program on macOS calls the system through libSystem",)
