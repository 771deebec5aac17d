"""A [[binary]] whose package is a pattern: each main package that it finds is an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.collect.conftest import PLAIN

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY = "package lib\n"


@pytest.fixture
def commands(pytester: pytest.Pytester) -> Path:
    """A module with two programs, a library, tests only, and a program for Windows only below cmd/."""
    root = pytester.path
    root.joinpath("go.mod").write_text("module example.com/app\n\ngo 1.21\n")
    for name, source in (
        ("cmd/agent/main.go", PLAIN),
        ("cmd/server/main.go", PLAIN),
        ("cmd/lib/lib.go", LIBRARY),
        ("cmd/only/only_test.go", LIBRARY),
        ("cmd/service/main_windows.go", PLAIN),
        ("cmd/testdata/main.go", PLAIN),
        ("cmd/_old/main.go", PLAIN),
    ):
        write(root / name, source)
    return root


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def collected(pytester: pytest.Pytester, policy: str) -> list[str]:
    (pytester.path / "golink.toml").write_text(policy)
    items, _ = pytester.inline_genitems()
    return [item.nodeid.removeprefix("golink.toml::") for item in items]


def binary(package: str, more: str = "") -> str:
    return f'[[binary]]\npackage = "{package}"\ncgo = false\n{more}\nrules = {{ static = true }}\n'


@pytest.mark.usefixtures("commands")
@pytest.mark.parametrize(
    "package",
    [
        "./...",
        "...",
        "./cmd/...",
        "cmd/...",
        "./cmd/*",
        "cmd/*",
        "./c*/*",
        "./*/...",
        "example.com/app/...",
        "./cmd/**",
    ],
)
def test_each_main_package_is_an_image_with_its_own_name(pytester: pytest.Pytester, package: str) -> None:
    assert collected(pytester, binary(package)) == ["agent::static", "server::static"]


@pytest.mark.usefixtures("commands")
def test_an_absolute_pattern_and_one_that_cwd_moves(pytester: pytest.Pytester) -> None:
    assert collected(pytester, binary(f"{pytester.path}/cmd/*")) == ["agent::static", "server::static"]
    assert collected(pytester, binary("./*", 'cwd = "cmd"')) == ["agent::static", "server::static"]


@pytest.mark.usefixtures("commands")
def test_the_images_are_built_and_checked(pytester: pytest.Pytester) -> None:
    (pytester.path / "golink.toml").write_text(binary("./cmd/*"))

    pytester.runpytest_inprocess().assert_outcomes(passed=2)


@pytest.mark.usefixtures("commands")
def test_each_target_has_its_own_main_packages(pytester: pytest.Pytester) -> None:
    policy = binary("./cmd/*", 'targets = ["linux/amd64", "windows/amd64"]')

    assert collected(pytester, policy) == [
        "agent[linux/amd64]::static",
        "agent[windows/amd64]::static",
        "server[linux/amd64]::static",
        "server[windows/amd64]::static",
        "service[windows/amd64]::static",
    ]


def test_a_new_main_package_is_checked_without_a_change_of_the_policy(
    pytester: pytest.Pytester, commands: Path
) -> None:
    write(commands / "cmd/new/main.go", PLAIN)

    assert "new::static" in collected(pytester, binary("./cmd/*"))


def test_a_star_finds_a_folder_with_its_own_module_too(pytester: pytest.Pytester, commands: Path) -> None:
    write(commands / "cmd/inner/main.go", PLAIN)
    write(commands / "cmd/inner/go.mod", "module example.com/inner\n\ngo 1.21\n")
    (commands / "golink.toml").write_text(binary("./cmd/*"))

    result = pytester.runpytest_inprocess("-v")

    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["golink.toml::inner::static PASSED*"])


def test_two_programs_of_one_name_are_told_apart_by_their_folders(pytester: pytest.Pytester, commands: Path) -> None:
    write(commands / "tools/agent/main.go", PLAIN)

    assert collected(pytester, binary("./...")) == ["cmd/agent::static", "server::static", "tools/agent::static"]


@pytest.mark.usefixtures("commands")
def test_a_name_comes_before_each_of_them(pytester: pytest.Pytester) -> None:
    policy = binary("./cmd/*") + binary("./cmd/*", 'name = "small"\nldflags = "-s -w"')

    assert collected(pytester, policy) == [
        "agent::static", "server::static", "small/agent::static", "small/server::static",
    ]  # fmt: skip


@pytest.mark.usefixtures("commands")
@pytest.mark.parametrize("package", ["./cmd/agent", "example.com/app/cmd/agent"])
def test_a_main_package_with_its_own_table_is_left_to_that_one(pytester: pytest.Pytester, package: str) -> None:
    own = f'[[binary]]\npackage = "{package}"\ncgo = false\nrules = {{ stripped = true }}\n'

    assert collected(pytester, binary("./cmd/*") + own) == ["server::static", "agent::stripped"]


@pytest.mark.usefixtures("commands")
def test_a_table_for_another_target_leaves_this_one_to_the_pattern(pytester: pytest.Pytester) -> None:
    own = binary("./cmd/agent", 'name = "agent-arm"\ntargets = ["linux/arm64"]')

    assert collected(pytester, binary("./cmd/*", 'targets = ["linux/amd64", "linux/arm64"]') + own) == [
        "agent[linux/amd64]::static",
        "server[linux/amd64]::static",
        "server[linux/arm64]::static",
        "agent-arm[linux/arm64]::static",
    ]


def failure(pytester: pytest.Pytester, policy: str) -> str:
    (pytester.path / "golink.toml").write_text(policy)
    result = pytester.runpytest_inprocess("-rN")
    assert result.parseoutcomes()["errors"] == 1
    return result.stdout.str()


@pytest.mark.usefixtures("commands")
def test_two_binaries_of_one_name_are_an_error(pytester: pytest.Pytester) -> None:
    shown = failure(pytester, binary("./cmd/*") + binary("./cmd/server", 'name = "agent"\ntargets = ["linux/arm64"]'))

    assert (
        'the program of ./cmd/agent is called "agent", as the binary in golink.toml:6: give one of them a name' in shown
    )


@pytest.mark.usefixtures("commands")
@pytest.mark.parametrize(
    ("package", "reason"),
    [
        ("./cmd/l*", "no package that it finds is a main package"),
        ("./cmd/x*", "it finds no package"),
        ("example.com/other/...", "it finds no package"),
        ("nope/*", 'there is no folder {root}/nope; "..." finds import paths'),
    ],
)
def test_a_pattern_without_a_main_package_is_an_error(pytester: pytest.Pytester, package: str, reason: str) -> None:
    shown = failure(pytester, binary(package))

    assert f'package = "{package}": {reason.format(root=pytester.path)}' in shown
    assert f"golink.toml::{package}::path" in shown or f"{package} path" in shown


def test_packages_that_cannot_be_loaded_are_named(pytester: pytest.Pytester, commands: Path) -> None:
    for number in range(7):
        write(commands / f"cmd/broken{number}/main.go", "package (\n")

    shown = failure(pytester, binary("./cmd/*", 'targets = ["linux/amd64", "linux/arm64"]'))

    assert shown.count('package = "./cmd/*": these packages cannot be loaded') == 1
    assert "example.com/app/cmd/broken0: expected 'IDENT', found '('" in shown
    assert "and 2 more" in shown


def test_a_main_package_that_does_not_build_is_an_image_with_an_error(
    pytester: pytest.Pytester, commands: Path
) -> None:
    write(commands / "cmd/wrong/main.go", 'package main\n\nimport _ "example.com/nowhere"\n\nfunc main() {}\n')
    (commands / "golink.toml").write_text(binary("./cmd/*"))

    result = pytester.runpytest_inprocess("-rN")

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*example.com/nowhere*"])


@pytest.mark.usefixtures("commands")
def test_waivers_know_the_names_that_a_pattern_may_find(pytester: pytest.Pytester) -> None:
    waiver = (
        '[[waive]]\nbinary = "{}"\nrule = "{}"\ntargets = ["{}"]\nreason = "symbols for crash reports"\n'
        "until = 2099-01-01\n"
    )
    policy = '[[binary]]\npackage = "./cmd/*"\nname = "a"\ncgo = false\ntargets = ["linux/amd64"]\n'
    policy += "rules = { stripped = true }\n"
    (pytester.path / "golink.toml").write_text(policy + waiver.format("a/agent", "stripped", "linux/*"))

    pytester.runpytest_inprocess().assert_outcomes(xfailed=1, failed=1)

    for wrong, message in (
        (waiver.format("agent", "stripped", "linux/*"), 'no binary is called "agent"'),
        (waiver.format("a/agent", "nx", "linux/*"), '"a/agent" has no rule nx'),
        (waiver.format("a/agent", "stripped", "windows/*"), 'no target of "a/agent" is one of windows/*'),
    ):
        (pytester.path / "golink.toml").write_text(policy + wrong)
        assert message in pytester.runpytest_inprocess().stderr.str()
