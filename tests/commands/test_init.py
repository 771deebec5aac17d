"""`python -m pytest_golink init`: the file that it writes parses, and the first run with it is green."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from pytest_golink.__main__ import main
from pytest_golink.commands.init_text import Table, _binary
from pytest_golink.commands.proposed_rules import ProposedRule
from pytest_golink.policy import read_policy
from pytest_golink.rules import rule_named
from pytest_golink.rules.proposal import Proposal
from tests.archives.packing import deb, tar
from tests.plugin.conftest import _go_cache

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample

__all__ = ["_go_cache"]


@pytest.fixture
def shop(pytester: pytest.Pytester) -> Path:
    """A Go module with two main packages and one that is none."""
    pytester.path.joinpath("go.mod").write_text("module example.com/shop\n\ngo 1.21\n")
    for name, package in (("cmd/server", "main"), ("tools/v2", "main"), ("internal/stock", "stock")):
        folder = pytester.path / name
        folder.mkdir(parents=True)
        body = "func main() { println(1) }" if package == "main" else "const Stock = 1"
        (folder / "code.go").write_text(f"package {package}\n\n{body}\n")
    return pytester.path


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["init", *arguments]) == 2
    return capsys.readouterr().err.rpartition("golink: ")[2].strip()


def test_a_module_with_two_programs_gets_a_policy_that_is_green(
    shop: Path, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(shop)]) == 0
    said = capsys.readouterr()

    policy = read_policy(shop / "golink.toml")
    assert [binary.name for binary in policy.binaries] == ["server", "tools"]
    assert [binary.builds[0].options.package for binary in policy.binaries] == ["./cmd/server", "./tools/v2"]
    asked = [request.rule for request in policy.binaries[0].rules_for(None)]
    assert {"static", "claims-hold", "intact", "nx", "no-instrumentation"} <= set(asked)
    assert "stripped" not in asked
    text = (shop / "golink.toml").read_text()
    assert (
        '#   needs: ldflags = "-s -w"\n#   today: server (and 1 more): a symbol table and DWARF\n# stripped = true'
        in text
    )
    assert str(shop) not in text
    assert f"wrote {shop}/golink.toml: 2 binaries, {len(asked)} rules that hold today" in said.out
    assert "building ./cmd/server" in said.err

    result = pytester.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2 * len(asked))


def test_a_file_that_is_there_stays(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "golink.toml").write_text("mine")

    assert refusal(capsys, str(shop)) == (
        f"{shop}/golink.toml: is there already; --force writes over it, --output FILE writes elsewhere"
    )
    assert (shop / "golink.toml").read_text() == "mine"


def test_what_is_no_module_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, str(tmp_path / "gone")) == f"{tmp_path}/gone: no such folder"
    assert refusal(capsys, str(tmp_path)).startswith(f"{tmp_path}: there is no go.mod: name the module's folder")
    (tmp_path / "go.mod").write_text("module example.com/lib\n\ngo 1.21\n")
    (tmp_path / "lib.go").write_text("package lib\n")
    assert refusal(capsys, str(tmp_path)) == (
        f"{tmp_path}: none of its 1 packages is a main package: there is nothing to link"
    )
    (tmp_path / "lib.go").write_text("pakkage lib\n")
    assert refusal(capsys, str(tmp_path)).startswith("`go list` failed (exit status 1)\n")
    (tmp_path / "lib.go").unlink()
    assert "none of its 0 packages is a main package" in refusal(capsys, str(tmp_path))


def test_a_program_that_does_not_build_is_commented_out_and_the_others_are_written(
    shop: Path, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "cmd" / "server" / "code.go").write_text("package main\n\nfunc main() { missing() }\n")

    assert main(["init", str(shop)]) == 0

    text = (shop / "golink.toml").read_text()
    assert "\n# Not gated: cmd/server (" in text
    assert "undefined: missing" in text
    assert '\n# [[binary]]\n# name = "server"\n# package = "./cmd/server"\n' in text
    assert [binary.name for binary in read_policy(shop / "golink.toml").binaries] == ["tools"]
    assert "not gated: cmd/server (" in capsys.readouterr().out
    assert pytester.runpytest_subprocess().ret == 0


def test_programs_that_do_not_build_are_an_error(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("cmd/server", "tools/v2"):
        (shop / name / "code.go").write_text("package main\n\nfunc main() { missing() }\n")

    assert "undefined: missing" in refusal(capsys, str(shop))
    assert not (shop / "golink.toml").exists()


def test_a_package_that_does_not_parse_hides_no_other(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "internal" / "stock" / "code.go").write_text("pakkage stock\n")

    assert main(["init", str(shop), "--output", "-"]) == 0
    assert 'package = "./cmd/server"' in capsys.readouterr().out


def test_a_go_that_does_not_answer_is_an_error(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_golink.toolchain.golist._TIMEOUT_S", 0.0)

    assert refusal(capsys, str(shop)).startswith("`go list` did not answer: ")


def test_names_that_clash_are_told_apart_by_their_folders(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "cmd" / "server").rename(shop / "cmd" / "tools")

    assert main(["init", str(shop), "--output", "-"]) == 0
    text = capsys.readouterr().out
    assert 'name = "cmd/tools"' in text
    assert 'name = "tools/v2"' in text


def test_packages_are_written_as_the_policy_s_folder_sees_them(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "tools" / "v2" / "code.go").unlink()
    (shop / "cmd" / "server" / "code.go").rename(shop / "main.go")
    assert main(["init", str(shop), "--output", "-"]) == 0
    text = capsys.readouterr().out
    assert 'name = "shop"\npackage = "."\n' in text

    elsewhere = shop / "internal" / "golink.toml"
    assert "is not in" in refusal(capsys, str(shop), "--output", str(elsewhere))


@pytest.fixture
def images(go_sample: GoSample) -> dict[str, bytes]:
    return {
        target: go_sample("static", target=target, cgo=False, trimpath=True, ldflags="-s -w").path.read_bytes()
        for target in ("linux/amd64", "linux/arm64", "darwin/arm64", "windows/amd64")
    }


def test_a_folder_of_archives_gets_a_policy_that_is_green(
    images: dict[str, bytes], pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    dist = pytester.mkdir("dist")
    # macOS has its turn with goreleaser.
    for target, content in images.items() - {"darwin/arm64": images["darwin/arm64"]}.items():
        name = f"agent_1.2.3_{target.replace('/', '_')}"
        if target.startswith("windows"):
            with zipfile.ZipFile(dist / f"{name}.zip", "w") as archive:
                archive.writestr("agent.exe", content)
        else:
            (dist / f"{name}.tar").write_bytes(tar({"README.md": b"", "bin/agent": content}))
    (dist / "agent_1.2.3_amd64.deb").write_bytes(deb({"usr/bin/agent": images["linux/amd64"]}))
    (dist / "docs.tar").write_bytes(tar({"README.md": b""}))
    (dist / "outside").symlink_to("/etc/hosts")
    (dist / "linux_amd64").mkdir()
    (dist / "linux_amd64" / "agent").write_bytes(images["linux/amd64"])
    (dist / "agent-linux-arm64").write_bytes(images["linux/arm64"])
    (dist / "checksums.txt").write_text("")

    assert main(["init", str(pytester.path), "--dist", "dist"]) == 0
    assert "1 binary," in capsys.readouterr().out
    (binary,) = read_policy(pytester.path / "golink.toml").binaries
    assert binary.name == "agent"
    assert binary.paths == (
        "dist/*.deb!**/agent",
        # *.tar would find the one without the program too.
        "dist/agent_1.2.3_linux_amd64.tar!bin/agent",
        "dist/agent_1.2.3_linux_arm64.tar!bin/agent",
        "dist/*.zip!**/agent.exe",
        "dist/*/agent",
        # agent[-_.]* would find the archives too.
        "dist/agent-linux-arm64",
    )
    outcomes = pytester.runpytest("-p", "no:cacheprovider").parseoutcomes()
    assert list(outcomes) == ["passed"]
    assert outcomes["passed"] > 60


def test_a_goreleaser_folder_is_taken_as_it_is(
    images: dict[str, bytes], pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    artifacts = []
    for target, content in images.items():
        goos, goarch = target.split("/")
        path = pytester.path / "dist" / f"agent_{goos}_{goarch}" / "agent"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        relative = path.relative_to(pytester.path).as_posix()
        extra = {"Binary": "agent", "ID": "agent"}
        artifacts.append(
            {"name": "agent", "path": relative, "goos": goos, "goarch": goarch, "type": "Binary", "extra": extra}
        )
    (pytester.path / "dist" / "artifacts.json").write_text(json.dumps(artifacts))

    assert main(["init", str(pytester.path), "--dist", "dist"]) == 0
    assert "wrote" in capsys.readouterr().out
    (binary,) = read_policy(pytester.path / "golink.toml").binaries
    assert (binary.name, binary.goreleaser) == ("agent", "dist")
    assert "static" in [request.rule for request in binary.rules_for("linux/arm64")]
    assert "static" not in [request.rule for request in binary.rules_for("darwin/arm64")]


def test_a_system_without_stricter_rules_has_no_override() -> None:
    table = Table(lines=(), subjects=())
    strict = ProposedRule(rule=rule_named("static"), proposal=Proposal(why=""))

    assert list(_binary(table, {"linux": (strict,), "darwin": (), "": (strict,)})) == [
        "[[binary]]",
        'policy = "base"',
        "",
        "[[binary.override]]",
        'targets = ["linux/*"]',
        "rules = { static = true }",
    ]


def test_one_archive_is_one_path(images: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "agent.tar").write_bytes(tar({"agent": images["linux/amd64"]}))

    assert main(["init", str(tmp_path), "--dist", "dist", "--output", "-"]) == 0
    assert 'name = "agent"\npath = "dist/*.tar!**/agent"\n' in capsys.readouterr().out


def test_a_dist_folder_without_a_program_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refusal(capsys, str(tmp_path), "--dist", "dist") == f"{tmp_path}/dist: no such folder"
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "README").write_text("")
    assert refusal(capsys, str(tmp_path), "--dist", "dist") == (
        f"dist: holds no executable and no archive of one (looked in {tmp_path})"
    )
    monkeypatch.setattr("pytest_golink.commands.shipped._FILES", 0)
    (tmp_path / "dist" / "more").write_text("")
    assert "more than 0 files: name the folder of the release itself" in refusal(
        capsys, str(tmp_path), "--dist", "dist"
    )
    monkeypatch.undo()
    assert "is not below" in refusal(capsys, str(tmp_path / "dist"), "--dist", "..")
    (tmp_path / "dist" / "a.zip").write_bytes(b"PK\3\4")
    assert refusal(capsys, str(tmp_path), "--dist", "dist").startswith("dist/a.zip: is a damaged zip: ")
