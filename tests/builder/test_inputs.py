"""The files that options name: where they are looked for, and what of them decides about a kept image."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import BuildError
from tests.builder.test_builder import HELLO, counted, module, output, start

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builder.test_builder import Start

__all__ = ["counted", "module", "start"]


@pytest.fixture
def command(module: Path) -> Path:
    """A program below the module's root: `go build` runs in its folder, and not where paths are relative to."""
    folder = module / "cmd" / "app"
    folder.mkdir(parents=True)
    (folder / "main.go").write_text(HELLO)
    return folder


def overlay(module: Path, replaced: dict[str, str]) -> None:
    (module / "overlay.json").write_text(json.dumps({"Replace": replaced}))


@pytest.mark.usefixtures("command")
def test_flags_of_the_compiler_and_the_assembler_reach_it(start: Start) -> None:
    built = start()(package="./cmd/app", gcflags="all=-N -l", asmflags="-trimpath=/x", mod="mod", pgo="off", cgo=False)

    assert built.command[4:-1] == ("-gcflags=all=-N -l", "-asmflags=-trimpath=/x", "-mod=mod", "-pgo=off")


@pytest.mark.usefixtures("command")
def test_a_file_in_place_of_go_mod_is_relative_to_the_folder_of_the_request(start: Start, module: Path) -> None:
    (module / "other.mod").write_text("module example.com/other\n\ngo 1.21\n")

    built = start()(package="./cmd/app", modfile="other.mod", cgo=False)

    assert f"-modfile={module / 'other.mod'}" in built.command
    assert built.facts.go is not None
    assert built.facts.go.path == "example.com/other/cmd/app"


def test_a_changed_go_mod_profile_or_overlay_is_another_build(start: Start, module: Path, command: Path) -> None:
    (module / "other.mod").write_text("module example.com/other\n\ngo 1.21\n")
    (module / "more.go.txt").write_text(HELLO.replace("hello", "more"))
    overlay(module, {"cmd/app/main.go": "more.go.txt"})
    build = start()

    def keys() -> list[str]:
        return [
            str(build(package="./cmd/app", cgo=False, **{option: value}).path)
            for option, value in (("modfile", "other.mod"), ("overlay", "overlay.json"))
        ]

    before = keys()
    (module / "other.sum").write_text("")
    (module / "more.go.txt").write_text(HELLO.replace("hello", "again"))
    after = keys()

    assert len({*before, *after}) == 4
    assert output(build(package="./cmd/app", cgo=False, overlay="overlay.json")) == "again"
    assert command.joinpath("main.go").read_text() == HELLO


@pytest.mark.usefixtures("command")
def test_a_profile_is_part_of_the_key(start: Start, module: Path) -> None:
    messages = set()
    for content in (b"nothing", b"no profile"):
        (module / "app.pgo").write_bytes(content)
        with pytest.raises(BuildError) as caught:
            start()(package="./cmd/app", cgo=False, pgo="app.pgo")
        messages.add(caught.value.command)

    assert len(messages) == 2
    assert all(f"-pgo={module / 'app.pgo'}" in command for command in messages)


def test_an_overlay_replaces_files_by_paths_from_the_folder_of_the_request(
    start: Start, module: Path, command: Path
) -> None:
    (module / "more.go.txt").write_text(HELLO.replace("hello", "more"))
    (command / "gone.go").write_text("package main\n\nfunc main() {}\n")
    overlay(module, {"cmd/app/main.go": "more.go.txt", "cmd/app/gone.go": ""})

    built = start()(package="./cmd/app", overlay="overlay.json")

    assert output(built) == "more"


def test_an_overlay_with_whole_paths_is_given_to_go_as_it_is(start: Start, module: Path, command: Path) -> None:
    (module / "more.go.txt").write_text(HELLO.replace("hello", "more"))
    overlay(module, {str(command / "main.go"): str(module / "more.go.txt")})

    built = start()(package="./cmd/app", overlay="overlay.json")

    assert f"-overlay={module / 'overlay.json'}" in built.command
    assert output(built) == "more"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"Replace": []}', '{"Replace": {"a": 1}}'])
def test_an_overlay_of_another_form_is_an_error(start: Start, module: Path, text: str) -> None:
    (module / "overlay.json").write_text(text)

    with pytest.raises(BuildError, match=r"^overlay: .*overlay.json is no file of the form \{\"Replace\": "):
        start()(overlay="overlay.json")


def test_a_file_that_is_not_there_is_go_s_error(start: Start) -> None:
    with pytest.raises(BuildError, match=r"nope\.mod"):
        start()(modfile="nope.mod")
    with pytest.raises(BuildError, match=r"overlay: "):
        start()(overlay="nope.json")


def test_a_copy_of_the_module_is_built_with_its_overlay_and_go_mod(
    start: Start, module: Path, command: Path, tmp_path: Path
) -> None:
    subprocess.run(["git", "init", "--quiet", str(module)], check=True)
    library = tmp_path / "library"
    library.mkdir()
    (library / "go.mod").write_text("module example.com/library\n\ngo 1.21\n")
    (library / "library.go").write_text("package library\n\nconst Text = `library`\n")
    (module / "other.mod").write_text(
        "module example.com/other\n\ngo 1.21\n\nrequire example.com/library v0.0.0\n\n"
        "replace example.com/library => ../library\n"
    )
    (module / "more.go.txt").write_text(
        'package main\n\nimport "example.com/library"\n\nfunc main() { println(library.Text) }\n'
    )
    overlay(module, {"cmd/app/main.go": "more.go.txt"})
    built = start()(
        package="./cmd/app", overlay="overlay.json", modfile="other.mod", trimpath=True,
        env={"GOFLAGS": "-buildvcs=false"},
    )  # fmt: skip
    assert output(built) == "library"
    (tmp_path / "again").mkdir()
    # The copy must not read the original's file.
    command.joinpath("main.go").write_text("package main\n\nfunc main() { undefined() }\n")

    again = built.rebuild(tmp_path / "again", fresh_cache=False)

    assert again.read_bytes() == built.path.read_bytes()


def test_a_job_without_an_overlay_keeps_its_flags(start: Start, module: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(module)], check=True)
    built = start()(ldflags="-s", trimpath=True, env={"GOFLAGS": "-buildvcs=false"})

    assert built.origin is not None
    assert built.origin.job.flags == ("-trimpath", "-ldflags=-s")
