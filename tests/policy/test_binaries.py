"""What binaries are called, and where they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.policy.written import mistakes, policy_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("./cmd/app", "app"),
        ("./cmd/app/", "app"),
        ("cmd/tool.go", "tool"),
        ("example.com/mod/cmd/app", "app"),
        ("example.com/mod/v2", "mod"),
        ("./v2", "v2"),
        (".", "thing"),
        ("./", "thing"),
    ],
)
def test_a_built_binary_is_called_what_go_calls_it(tmp_path: Path, package: str, name: str) -> None:
    (tmp_path / "go.mod").write_text("// a comment\nmodule example.com/thing/v3 // v3\n\ngo 1.22\n", encoding="utf-8")

    (binary,) = policy_of(tmp_path, f"[[binary]]\npackage = '{package}'\nrules.static = true\n").binaries

    assert (binary.name, binary.named) == (name, False)


def test_the_module_of_a_build_elsewhere_names_its_root_package(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "go.mod").write_text('module "example.com/other"\n', encoding="utf-8")

    (binary,) = policy_of(tmp_path, "[[binary]]\npackage = '.'\ncwd = 'sub'\nrules.static = true\n").binaries

    assert binary.name == "other"
    assert binary.builds[0].options.cwd == "sub"


def test_files_are_called_by_the_path_as_written(tmp_path: Path) -> None:
    text = """\
[[binary]]
path = ["dist/*/agent", "dist/*.tar.gz!**/agent"]
may-run = true
rules = { static = true }
[[binary]]
path = "dist/[ab]?"
name = "ab"
rules = { static = true }
[[binary]]
goreleaser = "dist"
ids = ["app"]
rules = { static = true }
"""

    files, named, released = policy_of(tmp_path, text).binaries

    assert (files.name, files.named) == ("dist/*/agent, dist/*.tar.gz!**/agent", False)
    assert files.paths == ("dist/*/agent", "dist/*.tar.gz!**/agent")
    assert files.may_run
    assert (named.name, named.named, named.may_run) == ("ab", True, False)
    assert (released.name, released.goreleaser, released.ids, released.paths) == ("dist", "dist", ("app",), ())


@pytest.mark.parametrize("path", ["dist/app.tar!**/*.deb!usr/bin/app", "dist/[!a]*.zip!app", "dist/..app", "."])
def test_a_path_reaches_through_several_archives_and_may_have_sets(tmp_path: Path, path: str) -> None:
    policy = policy_of(tmp_path, f"[[binary]]\npath = '{path}'\nrules.static = true\n")

    assert policy.binaries[0].paths == (path,)


def test_two_binaries_of_one_name_are_told(tmp_path: Path) -> None:
    text = "[[binary]]\npackage = './cmd/app'\nrules.static = true\n"

    assert mistakes(tmp_path, text + text.replace("cmd", "other")) == [
        'golink.toml:4: the binary in line 1 is called "app" too; give this one another name'
    ]


def test_a_path_does_not_leave_the_folder_by_a_symbolic_link(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "dist").mkdir(parents=True)
    (project / "out").symlink_to(tmp_path)
    (project / "dist" / "in").symlink_to(project / "dist")
    (project / "circle").symlink_to("circle")
    text = """\
[[binary]]
name = "app"
rules = { static = true }
path = [
  "dist/in/*",
  "out/*/app",
  "out",
  "circle/app",
  "dist/*/out",
]
"""

    by = "leads out of the folder of the policy, by a symbolic link"
    assert mistakes(project, text) == [f'golink.toml:6: path: "out/*/app" {by}', f'golink.toml:7: path: "out" {by}']


def test_a_project_that_is_reached_by_a_symbolic_link_is_no_way_out(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    policy = policy_of(tmp_path / "link", "[[binary]]\npath = 'dist/app'\nrules.static = true\n")

    assert policy.folder == tmp_path / "link"


def test_more_binaries_and_more_targets_than_anyone_has_are_not_read(tmp_path: Path) -> None:
    binary = "[[binary]]\npackage = './app'\nrules.static = true\n"
    assert mistakes(tmp_path, binary * 1001) == [
        "golink.toml:1: 1001 binaries, 0 targets; at most 1000 and 5000 are read"
    ]

    targets = ", ".join(f"'linux/a{number}'" for number in range(5001))
    assert mistakes(tmp_path, f"{binary}targets = [{targets}]\n") == [
        "golink.toml:1: 1 binaries, 5001 targets; at most 1000 and 5000 are read"
    ]


def test_a_wrong_binary_does_not_hide_what_is_wrong_with_the_next(tmp_path: Path) -> None:
    text = """\
[policy.p]
static = true
[[binary]]
pakage = "./a"
policy = "p"
[[binary]]
package = "./b"
polcy = "p"
[[waive]]
binary = "b"
rule = "stati"
reason = "…"
until = 2027-03-01T00:00:00
[lock]
size_tolerance = "1%"
"""

    assert [line.split(" in ")[0] for line in mistakes(tmp_path, text)] == [
        'golink.toml:4: unknown key "pakage"',
        'golink.toml:8: unknown key "polcy"',
        'golink.toml:11: unknown rule "stati"; did you mean "static"?',
        "golink.toml:13: until: expected a date without quotes, such as 2027-03-01, not 2027-03-01 00:00:00",
        'golink.toml:15: unknown key "size_tolerance"',
    ]
