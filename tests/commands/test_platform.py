"""`python -m pytest_golink platform`: what it prints is what golink.toml takes."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from pytest_golink.__main__ import main
from pytest_golink.platforms import parse_platform
from tests.platforms.test_root import copy_glibc, library

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from pytest_golink import GoSample


def test_the_table_of_a_system_is_one_that_a_policy_takes(
    pytester: pytest.Pytester, go_sample: GoSample, capsys: pytest.CaptureFixture[str]
) -> None:
    (pytester.path / "Board.v1").mkdir()
    app = go_sample("static", target="linux/arm64", cgo=False).path
    shutil.copy(app, pytester.path / "Board.v1/init")
    shutil.copy(app, pytester.path / "app")

    assert main(["platform", "Board.v1"]) == 0

    printed = capsys.readouterr().out
    assert printed == '[platform."board.v1"]\ntargets = ["linux/arm64"]\nlibc = "none"\n'
    (pytester.path / "golink.toml").write_text(
        f'{printed}\n[[binary]]\npath = "app"\nrules = {{ runs-on = ["board.v1"] }}\n'
    )
    pytester.runpytest("-p", "no:xdist").assert_outcomes(passed=1)


def test_long_lists_are_laid_out_and_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "system"
    copy_glibc(root)
    # Without a name of its own a library is found by that of its file.
    library(root / "usr/lib/libown0.so", "")
    for number in range(1, 20):
        shutil.copy(root / "usr/lib/libown0.so", root / f"usr/lib/libown{number}.so")

    assert main(["platform", str(root), "--name", "here"]) == 0

    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 120
    table = tomllib.loads(printed)["platform"]["here"]
    platform = parse_platform("here", table)
    goarch = platform.targets[0].goarch
    assert platform.libc == "glibc"
    for name in ("libc.so.6", "libown0.so", "libown19.so"):
        assert platform.has_library(name, goarch)


def test_a_platform_that_is_known_is_held_against_the_files(
    go_sample: GoSample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(go_sample("static", target="linux/amd64", cgo=False).path, tmp_path / "app")

    assert main(["platform", str(tmp_path), "--against", "scratch"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["platform", str(tmp_path), "--against", "busybox:glibc"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "busybox-glibc: libc: glibc here, none there" in lines
    assert "busybox-glibc: libraries: libc.so.6 is not there, for amd64" in lines


def test_what_cannot_be_answered_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["platform", str(tmp_path)]) == 2
    assert "holds no program and no library" in capsys.readouterr().err
    assert main(["platform", str(tmp_path), "--against", "debian"]) == 4
    assert "debian is several platforms: debian10," in capsys.readouterr().err
    assert main(["platform", str(tmp_path), "--against", "debain12"]) == 4
    assert 'did you mean "debian12"?' in capsys.readouterr().err
