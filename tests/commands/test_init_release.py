"""`golink init` writes what is released: from .goreleaser.yaml, from dist/, with the shell's variables written down."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_golink.__main__ import main
from pytest_golink.commands.goreleaser_config import read_goreleaser
from pytest_golink.errors import GolinkError
from pytest_golink.policy import read_policy
from tests.plugin.conftest import _go_cache

if TYPE_CHECKING:
    from pytest_golink import GoSample

__all__ = ["_go_cache"]

CONFIG = """
version: 2
project_name: shop
env: ["CGO_ENABLED=0", "NAME=value"]
x-defaults: &defaults
  goos: [linux, windows]
  goarch: [amd64, arm64]
  flags: [-trimpath, "-tags=netgo,osusergo", -v]
  ldflags:
    - -s -w -X main.version={{ .Version }} -X "main.commit={{ if .IsSnapshot }}x y{{ end }}"
    - -X main.name=shop
  ignore:
    - {goos: windows, goarch: arm64}
builds:
  - <<: *defaults
    id: server
    main: ./cmd/server
    goamd64: [v2, v3]
    env: ["CC={{ .Env.CC }}", GOEXPERIMENT=]
  - id: off
    skip: true
  - id: rusty
    builder: rust
"""


@pytest.fixture
def shop(pytester: pytest.Pytester) -> Path:
    """A module with two programs, of which one is released."""
    pytester.path.joinpath("go.mod").write_text("module example.com/shop\n\ngo 1.21\n")
    for name in ("cmd/server", "cmd/tool"):
        folder = pytester.path / name
        folder.mkdir(parents=True)
        (folder / "main.go").write_text("package main\n\nfunc main() { println(1) }\n")
    return pytester.path


def test_the_builds_of_goreleaser_are_read(tmp_path: Path) -> None:
    (tmp_path / ".goreleaser.yml").write_text(CONFIG)

    config = read_goreleaser(tmp_path)

    assert config is not None
    [build] = config.builds
    assert (build.name, build.folder, build.package) == ("server", ".", "./cmd/server")
    assert build.targets == ("linux/amd64", "linux/arm64", "windows/amd64")
    assert build.options == {
        "trimpath": True,
        "ldflags": "-s -w -X main.name=shop",
        "tags": ["netgo", "osusergo"],
        "cgo": False,
        "env": {"GOEXPERIMENT": "", "GOAMD64": "v2"},
    }
    assert any("main.version={{ .Version }}" in note for note in build.notes)
    assert "env: left out, since only goreleaser can fill it in: CC={{ .Env.CC }}" in build.notes
    assert config.notes == ("the build rusty is not built by `go build`: only its dist folder shows it",)


@pytest.mark.parametrize(
    ("text", "targets", "options"),
    [
        (
            "builds:\n  - targets: [linux_amd64_v1, darwin_arm64]\n",
            ("linux/amd64", "darwin/arm64"),
            {"ldflags": "-s -w"},
        ),
        (
            "builds:\n  - {goos: [linux], goarch: [arm], goarm: [7], ldflags: ''}\n",
            ("linux/arm",),
            {"env": {"GOARM": "7"}},
        ),
        (
            "builds:\n  - {goos: linux, goarch: amd64, buildmode: pie, tags: a, "
            "flags: [--race, -mod=vendor, -gcflags=all=-l]}\n",
            ("linux/amd64",),
            {
                "race": True,
                "env": {"GOFLAGS": "-mod=vendor -gcflags=all=-l"},
                "ldflags": "-s -w",
                "tags": ["a"],
                "buildmode": "pie",
            },
        ),
        (
            "project_name: x\n",
            tuple(
                f"{goos}/{goarch}" for goos in ("linux", "darwin", "windows") for goarch in ("amd64", "arm64", "386")
            ),
            {"ldflags": "-s -w"},
        ),
    ],
)
def test_forms_of_a_build(tmp_path: Path, text: str, targets: tuple[str, ...], options: dict[str, object]) -> None:
    (tmp_path / ".goreleaser.yaml").write_text(text)

    config = read_goreleaser(tmp_path)

    assert config is not None
    assert (config.builds[0].targets, config.builds[0].options) == (targets, options)


@pytest.mark.parametrize("text", ["a: [", "- a\n", "a: !!python/object:os.system x\n", "x" * 2_000_000])
def test_what_is_no_file_of_goreleaser_s_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / ".goreleaser.yaml").write_text(text)

    with pytest.raises(GolinkError, match=r"^\.goreleaser\.yaml: "):
        read_goreleaser(tmp_path)


def test_what_goreleaser_builds_is_gated_and_green(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / ".goreleaser.yaml").write_text(
        "builds:\n  - {id: server, main: ./cmd/server, goos: [linux], goarch: [amd64], env: [CGO_ENABLED=0]}\n"
    )
    (shop / "Makefile").write_text("build:\n\tgo build -tags sqlite -ldflags '-X a=b' ./cmd/server\n")
    (shop / "cmd" / "hidden").mkdir()
    (shop / "cmd" / "hidden" / "main.go").write_text("//go:build tools\n\npackage main\n\nfunc main() {}\n")
    (shop / "nested").mkdir()
    (shop / "nested" / "go.mod").write_text("module example.com/nested\n")
    (shop / "go.work").write_text("go 1.21\n\nuse .\n")

    assert main(["init", str(shop)]) == 0

    told = capsys.readouterr().out
    text = (shop / "golink.toml").read_text()
    [binary] = read_policy(shop / "golink.toml").binaries
    [build] = binary.builds
    assert (binary.name, build.target, build.options.cgo, build.options.ldflags) == (
        "server",
        "linux/amd64",
        False,
        "-s -w",
    )
    for line in (
        "Built as .goreleaser.yaml builds them. Gates golink's own builds of these packages, not the files that are",
        "Makefile builds with flags; compare them with this file: go build -tags sqlite",
        "./cmd/tool: .goreleaser.yaml does not release it; not in this file",
        "nested: a module of its own, not in this file; run init in it",
        "cmd/hidden: a main package behind //go:build tools",
        "go.work: its other modules are not in this file; run init in each",
    ):
        assert line in told
        assert line in text
    green = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA"], cwd=shop, capture_output=True, text=True, check=False
    )
    assert green.returncode == 0, green.stdout


def test_variables_of_the_shell_are_written_down(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CGO_ENABLED", "0")
    monkeypatch.setenv("GOFLAGS", "-trimpath -tags=extra")
    monkeypatch.setenv("GOARCH", "arm64")
    monkeypatch.setenv("GOOS", "linux")

    assert main(["init", str(shop)]) == 0

    assert "this shell's CGO_ENABLED, GOFLAGS, written into the binaries below" in capsys.readouterr().out
    for name in ("CGO_ENABLED", "GOFLAGS", "GOARCH", "GOOS"):
        monkeypatch.delenv(name)
    build = read_policy(shop / "golink.toml").binaries[0].builds[0]
    assert (build.target, build.options.cgo, build.options.env) == (
        "linux/arm64",
        False,
        (("GOFLAGS", "-trimpath -tags=extra"),),
    )
    green = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=shop, capture_output=True, text=True, check=False
    )
    assert green.returncode == 0, green.stdout


def test_a_dist_folder_that_is_there_is_preferred(
    shop: Path, go_sample: GoSample, capsys: pytest.CaptureFixture[str]
) -> None:
    image = go_sample("static", target="linux/amd64", cgo=False).path.read_bytes()
    (shop / "dist").mkdir()
    (shop / "dist" / "app").write_bytes(image)
    (shop / "dist" / "other").write_bytes(Path("/bin/true").read_bytes())
    (shop / "dist" / "packed").write_bytes(image[:4096] + b"UPX!" + image[4096:])
    (shop / "dist" / "cut").write_bytes(image[:5000])
    (shop / "dist" / "rsrc.syso").write_bytes(b"\x64\x86\x01\x00" + bytes(200))

    assert main(["init", str(shop)]) == 0

    told = capsys.readouterr().out
    assert "Gates the files in dist as they are, not a later build, and no file that no path below matches." in told
    policy = read_policy(shop / "golink.toml")
    assert {"app", "other"} <= {binary.name for binary in policy.binaries}
    assert "cut" not in {binary.name for binary in policy.binaries}
    assert '# name = "cut"' in (shop / "golink.toml").read_text()
    [app] = [binary for binary in policy.binaries if binary.name == "app"]
    # A C program does not take rules from Go's.
    assert "static" in [request.rule for request in app.rules]
    green = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=shop, capture_output=True, text=True, check=False
    )
    assert green.returncode == 0, green.stdout


def test_many_programs_share_a_table(tmp_path: Path, go_sample: GoSample, capsys: pytest.CaptureFixture[str]) -> None:
    image = go_sample("static", target="linux/amd64", cgo=False).path.read_bytes()
    (tmp_path / "dist").mkdir()
    for number in range(13):
        (tmp_path / "dist" / f"tool{chr(97 + number)}").write_bytes(image)

    assert main(["init", str(tmp_path), "--dist", "dist"]) == 0

    [binary] = read_policy(tmp_path / "golink.toml").binaries
    assert binary.name == "programs"
    assert len(binary.paths) == 13
    assert "1 binary" in capsys.readouterr().out


def test_a_baseline_waives_what_is_violated_today(
    tmp_path: Path, go_sample: GoSample, capsys: pytest.CaptureFixture[str]
) -> None:
    image = go_sample("static", target="linux/amd64", cgo=False).path.read_bytes()
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "a").write_bytes(image)
    (tmp_path / "dist" / "b").write_bytes(image)
    (tmp_path / "golink.toml").write_text(
        '[[binary]]\nname = "all"\npath = "dist/*"\n'
        "rules = { static = true, stripped = true, pie = true, no-link-warnings = true }\n"
    )

    assert main(["init", str(tmp_path), "--baseline", "2098-01-01"]) == 0

    told = capsys.readouterr().out
    assert f"wrote {tmp_path}/golink.toml: 4 violations of 2 images are waived until 2098-01-01" in told
    assert "2 errors and undecidable answers stay" in told
    waivers = read_policy(tmp_path / "golink.toml").waivers
    assert [(waiver.binary, waiver.rules) for waiver in waivers] == [
        ("dist/a", ("stripped", "pie")),
        ("dist/b", ("stripped", "pie")),
    ]
    assert "when golink init --baseline wrote this" in waivers[0].reason
    # A new file is waived by none.
    (tmp_path / "dist" / "c").write_bytes(image)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "5 failed, 3 passed, 4 xfailed" in run.stdout


def test_a_new_policy_with_a_baseline_is_strict_and_green(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(shop), "--baseline", "2098-01-01"]) == 0

    policy = read_policy(shop / "golink.toml")
    assert "stripped" in [request.rule for request in policy.binaries[0].rules_for(None)]
    assert {rule for waiver in policy.waivers for rule in waiver.rules} >= {"stripped"}
    assert "wrote" in capsys.readouterr().out
    green = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=shop, capture_output=True, text=True, check=False
    )
    assert green.returncode == 0, green.stdout


@pytest.mark.parametrize("day", ["tomorrow", "2020-01-01", "2100-01-01"])
def test_a_baseline_has_a_last_day(shop: Path, capsys: pytest.CaptureFixture[str], day: str) -> None:
    assert main(["init", str(shop), "--baseline", day]) == 2
    assert "--baseline: " in capsys.readouterr().err
