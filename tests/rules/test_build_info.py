"""Rules about what the build info says."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import ParameterError
from pytest_golink.facts import BuildInfo, Module
from pytest_golink.rules import RULES, evaluate
from tests.rules.facts_factory import ARCHIVE, FOREIGN, STATIC, go, subject

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Finding

CUT_OUT = replace(STATIC, go=BuildInfo())


def built(version: str = "go1.27.3", **settings: str) -> BinaryFacts:
    return replace(STATIC, go=replace(go(**settings), version=version))


def asked(rule: str, facts: BinaryFacts, **parameters: object) -> Finding:
    return evaluate(rule, subject(facts), {name.replace("_", "-"): value for name, value in parameters.items()})


@pytest.mark.parametrize(
    ("version", "limits", "outcome"),
    [
        ("go1.22.0", {"at_least": "1.22rc1"}, "passed"),
        ("go1.22rc1", {"at_least": "1.22.0"}, "violated"),
        ("go1.22beta1", {"at_least": "1.22rc1"}, "violated"),
        ("go1.22rc2", {"at_least": "go1.22rc1"}, "passed"),
        ("go1.22.9", {"at_least": "1.22.10"}, "violated"),
        ("go1.22rc1", {"at_least": "1.22"}, "passed"),
        ("go1.20", {"at_least": "1.20"}, "passed"),
        ("go1.20rc1", {"at_least": "1.20"}, "violated"),
        ("go1.20", {"at_least": "1.20.0"}, "passed"),
        ("go1.22.5", {"at_most": "1.22"}, "passed"),
        ("go1.20.14", {"at_most": "1.20"}, "violated"),
        ("go1.23rc1", {"at_most": "1.22"}, "violated"),
        ("go1.22.1", {"at_least": "1.22", "at_most": "1.22.1"}, "passed"),
        ("go1.22.1 X:boringcrypto", {"at_least": "1.22.1", "at_most": "1.22.1"}, "passed"),
        ("go1.27.3-X:boringcrypto", {"at_least": "1.27.3"}, "passed"),
        ("go1.20.3-fips", {"at_most": "1.20.3"}, "passed"),
        ("go1.24.4 (Red Hat 1.24.4-2.el10)", {"at_least": "1.24.4"}, "passed"),
        ("devel go1.28-0123abc", {"at_least": "1.22"}, "undecidable"),
        ("go1.22.1unknown", {"at_least": "1.22"}, "undecidable"),
    ],
)
def test_go_versions_have_gos_own_order(version: str, limits: dict[str, object], outcome: str) -> None:
    assert asked("go-version", built(version), **limits).outcome == outcome


def test_a_go_version_that_is_too_old_says_which_to_build_with() -> None:
    finding = asked("go-version", built("go1.21.3"), at_least="1.22", at_most="1.24")

    assert finding.expected == "Go at least 1.22 and Go at most 1.24"
    assert finding.observed == "go1.21.3"
    assert finding.evidence == ("build info: go1.21.3",)
    assert finding.remedy == ("build with Go 1.22 or newer",)
    assert asked("go-version", built(), at_most="go1.26").remedy == ("build with Go 1.26 or older",)


def test_a_go_version_needs_a_limit_in_gos_form() -> None:
    with pytest.raises(ParameterError, match="at-least or at-most must be there"):
        asked("go-version", STATIC)
    with pytest.raises(ParameterError, match=r"'1\.22\.x' is not a Go version"):
        asked("go-version", STATIC, at_least="1.22.x")


@pytest.mark.parametrize(
    ("rule", "parameters"),
    [
        ("go-version", {"at_least": "1.22"}),
        ("build-setting", {"settings": {"GOOS": "linux"}}),
        ("no-modules", {"modules": "example.com/*"}),
        ("vcs-clean", {}),
    ],
)
def test_without_a_build_info_nothing_is_decided(rule: str, parameters: dict[str, object]) -> None:
    assert asked(rule, CUT_OUT, **parameters).observed == "the image does not say"
    assert asked(rule, FOREIGN, **parameters).observed == "Go did not make this image"
    assert asked(rule, ARCHIVE, **parameters).outcome == "undecidable"


def test_each_build_setting_has_its_value() -> None:
    facts = built(CGO_ENABLED="0", GOOS="linux", _tags="netgo")

    finding = asked("build-setting", facts, settings={"CGO_ENABLED": "0", "-tags": "netgo", "-race": ""})
    assert finding.outcome == "passed"
    assert finding.evidence == ("build setting CGO_ENABLED=0", "build setting -tags=netgo", "no build setting -race")
    assert finding.parameters == (("settings", ("CGO_ENABLED=0", "-tags=netgo", "-race=")),)

    finding = asked("build-setting", facts, settings={"CGO_ENABLED": "1", "-tags": "a b", "-trimpath": "true"})
    assert finding.outcome == "violated"
    assert finding.observed == "CGO_ENABLED=0, -tags=netgo, no -trimpath"
    assert finding.remedy == ("build with CGO_ENABLED=1, -tags='a b', -trimpath=true",)


def test_a_setting_of_the_checkout_is_no_flag() -> None:
    finding = asked("build-setting", built(**{"vcs.modified": "true"}), settings={"vcs.modified": "false"})

    assert finding.remedy == ("build with vcs.modified=false (the state of the checkout)",)


@pytest.mark.parametrize("wanted", ["-s -w", ""])
def test_what_trimpath_leaves_out_of_the_build_info_is_undecidable(wanted: str) -> None:
    facts = built(_trimpath="true", CGO_ENABLED="0")

    finding = asked("build-setting", facts, settings={"-ldflags": wanted})
    assert (finding.outcome, finding.observed) == ("undecidable", "-ldflags is not recorded")
    # But another setting that is wrong is wrong.
    assert asked("build-setting", facts, settings={"-ldflags": wanted, "CGO_ENABLED": "1"}).outcome == "violated"


def test_build_settings_are_written_as_a_table() -> None:
    rule = RULES["build-setting"]

    assert rule.accept({"CGO_ENABLED": "0", "-trimpath": "true"}) == {"settings": ("CGO_ENABLED=0", "-trimpath=true")}
    for value, message in (
        (["CGO_ENABLED=0"], "is not a table, each value a string"),
        ({}, "is not a table, each value a string"),
        ({"CGO_ENABLED": 0}, "build-setting: CGO_ENABLED: 0 is not a string"),
        (True, "settings is missing: a table, each value a string"),
    ):
        with pytest.raises(ParameterError, match=message):
            rule.accept(value)


MODULES = BuildInfo(
    version="go1.27.3",
    path="example.com/app",
    module=Module(path="example.com/app", version="(devel)"),
    modules=(
        Module(path="golang.org/x/text", version="v0.3.7"),
        Module(path="example.com/old", version="v1.0.0", replace=Module(path="example.com/fork/old", version="v1.0.1")),
    ),
    settings=MappingProxyType({}),
)


@pytest.mark.parametrize(
    ("modules", "outcome", "observed"),
    [
        ("golang.org/x/text@v0.3.*", "violated", "golang.org/x/text@v0.3.7"),
        ("golang.org/x/text", "violated", "golang.org/x/text@v0.3.7"),
        ("golang.org/x/text@v0.4.*", "passed", "none of 3 modules"),
        ("golang.org/x/*", "violated", "golang.org/x/text@v0.3.7"),
        (["a.example", "example.com/fork/*"], "violated", "example.com/old@v1.0.0 => example.com/fork/old@v1.0.1"),
        ("example.com/old@v1.0.0", "violated", "example.com/old@v1.0.0 => example.com/fork/old@v1.0.1"),
        ("example.com/app", "violated", "example.com/app@(devel)"),
        ("example.com/fork", "passed", "none of 3 modules"),
    ],
)
def test_modules_are_told_by_path_and_version(modules: object, outcome: str, observed: str) -> None:
    finding = asked("no-modules", replace(STATIC, go=MODULES), modules=modules)

    assert (finding.outcome, finding.observed) == (outcome, observed)


def test_a_build_without_modules_has_none_of_them() -> None:
    assert asked("no-modules", replace(STATIC, go=go()), modules="golang.org/x/*").outcome == "passed"
    bare = BuildInfo(version="go1.15", settings=MappingProxyType({}))
    # A build info without module text says nothing of modules.
    assert asked("no-modules", replace(STATIC, go=bare), modules="golang.org/x/*").outcome == "undecidable"


@pytest.mark.parametrize(
    ("settings", "outcome", "observed"),
    [
        ({"vcs.revision": "0123abc", "vcs.modified": "false"}, "passed", "0123abc"),
        (
            {"vcs.revision": "0123abc", "vcs.modified": "true"},
            "violated",
            "0123abc, with changes that were not committed",
        ),
        ({"vcs.revision": "0123abc"}, "violated", "whether it was clean is not recorded"),
        ({}, "violated", "no revision is recorded"),
        ({"vcs": "git", "vcs.modified": "false"}, "violated", "no revision is recorded"),
    ],
)
def test_a_clean_checkout_is_recorded(settings: dict[str, str], outcome: str, observed: str) -> None:
    finding = asked("vcs-clean", built(**settings))

    assert (finding.outcome, finding.observed) == (outcome, observed)
    assert finding.evidence == (
        tuple(f"build setting {key}={value}" for key, value in settings.items()) or ("no build setting vcs.revision",)
    )
