"""
The GitHub action, the pre-commit hook and the other examples as a Go repository uses them: `make services`.

`make test` does not run these: each installs golink into its own environment.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.documents import Block, blocks_of
from tests.slow.services.definitions import EXAMPLES, ROOT, WORKFLOWS, ActionRun, read_yaml, run_action
from tests.test_examples import as_service

if TYPE_CHECKING:
    from pytest_golink import GoToolchain

_TIMEOUT_S = 900
_PROJECT = (
    "action.yml",
    ".pre-commit-hooks.yaml",
    "pyproject.toml",
    "setup.py",
    "README.md",
    "LICENSE",
    "NOTICE",
    "pytest_golink",
)
_POLICY = """\
[policy.release]
static = true
stripped = true

[[binary]]
package = "./cmd/app"
targets = ["linux/amd64", "darwin/arm64"]
cgo = false
ldflags = "-s -w"
policy = "release"

[[binary.override]]
targets = ["darwin/*"]
rules = { static = false }
"""
_UNSTRIPPED = _POLICY.replace('ldflags = "-s -w"\n', "")
_ANNOTATION = (
    "::error file=golink.toml,line=3,title=app (linux/amd64) violates stripped::observed a symbol table and DWARF; "
)


def run(
    *command: str | Path, cwd: Path, status: int | None = 0, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    assert status is None or ended.returncode == status, ended.stdout
    return ended


def git(folder: Path, *words: str, status: int | None = 0, env: dict[str, str] | None = None) -> str:
    named = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    return run("git", *named, *words, cwd=folder, status=status, env=env).stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of golink as it is now, where an installation may leave what it makes."""
    folder = tmp_path_factory.mktemp("golink repository")
    for name in _PROJECT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all")
    return folder


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A repository with a Go module and a policy that it keeps."""
    folder = tmp_path / "module"
    (folder / "cmd" / "app").mkdir(parents=True)
    (folder / "go.mod").write_text("module example.com/app\n\ngo 1.21\n")
    (folder / "cmd" / "app" / "main.go").write_text("package main\n\nfunc main() {}\n")
    (folder / "golink.toml").write_text(_POLICY)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all")
    return folder


@pytest.fixture
def no_go() -> str:
    """Only the system's PATH, which has no Go."""
    assert shutil.which("go", path=os.defpath) is None
    return os.defpath


@pytest.fixture
def path(go_toolchain: GoToolchain, no_go: str) -> str:
    """PATH of a runner: with Go, without this environment's pytest."""
    # A toolchain's own folder may be shared with Python's programs.
    goroot = run(go_toolchain.path, "env", "GOROOT", cwd=Path.cwd()).stdout.strip()
    return f"{goroot}/bin:{Path(sys.base_prefix) / 'bin'}:{no_go}"


def action(project: Path, module: Path, path: str, **inputs: str) -> ActionRun:
    given = {name.replace("_", "-"): value for name, value in inputs.items()}
    return run_action(project, module, module.parent / "runner", path=path, inputs=given)


def test_the_action_passes_a_module_that_keeps_its_policy(project: Path, module: Path, path: str) -> None:
    result = action(project, module, path)

    assert (result.status, result.outputs["exit-status"], result.outputs["violations"]) == (0, "0", "0"), result.log
    assert "::error" not in result.log
    assert "2 images, 3 findings: 3 passed" in result.log
    assert result.summary.startswith("## golink: ✅ every rule holds (2 images, 3 findings: 3 passed)\n")
    assert json.loads(Path(result.outputs["sarif"]).read_text())["version"] == "2.1.0"
    assert Path(result.outputs["html"]).read_text().startswith("<!DOCTYPE html>")
    assert json.loads(Path(result.outputs["json"]).read_text())["totals"]["images"] == 2
    assert result.outputs["codequality"] == ""
    # The repository is as clean as it was: Go stamps that into what it builds.
    assert git(module, "status", "--porcelain") == ""


def test_the_action_fails_a_module_that_does_not(project: Path, module: Path, path: str) -> None:
    (module / "golink.toml").write_text(_UNSTRIPPED)
    result = action(project, module, path, args='-k "app and linux"', reports="codequality summary")

    assert (result.status, result.outputs["exit-status"], result.outputs["violations"]) == (1, "1", "1"), result.log
    (annotation,) = [line for line in result.log.splitlines() if line.startswith("::error")]
    assert annotation.startswith(_ANNOTATION)
    assert "app" in result.summary
    assert (result.outputs["sarif"], result.outputs["html"]) == ("", "")
    (issue,) = json.loads(Path(result.outputs["codequality"]).read_text())
    assert issue["location"] == {"path": "golink.toml", "lines": {"begin": 3}}


def test_the_action_takes_a_policy_of_any_name_in_a_folder_and_the_go_that_is_named(
    project: Path, module: Path, no_go: str, go_toolchain: GoToolchain
) -> None:
    folder = module / "server side"
    folder.mkdir()
    for name in ("cmd", "go.mod"):
        (module / name).rename(folder / name)
    (module / "golink.toml").rename(folder / "linkage of all.toml")
    result = action(
        project,
        module,
        f"{Path(sys.base_prefix) / 'bin'}:{no_go}",
        working_directory="server side",
        policy="linkage of all.toml",
        go=str(go_toolchain.path),
        reports="json",
    )

    assert (result.status, result.outputs["violations"], result.summary) == (0, "0", ""), result.log
    places = {finding["place"] for finding in json.loads(Path(result.outputs["json"]).read_text())["findings"]}
    assert places == {"linkage of all.toml:2", "linkage of all.toml:3"}


def test_the_action_runs_nothing_that_its_inputs_hold(project: Path, module: Path, path: str) -> None:
    hostile = "$(touch ran) `touch ran` ; touch ran\n&& touch ran"
    result = action(project, module, path, policy=hostile, args=f"-k '{hostile}'", go=hostile)
    assert (result.status, result.outputs["exit-status"]) == (4, "4"), result.log
    hostile += "'\""
    for name, complaint in (("args", "a quote is not closed"), ("reports", "expected words of summary, html, ")):
        result = action(project, module, path, **{name: hostile})
        assert result.status == 4
        assert f"::error title=golink::{name}: {complaint}" in result.log
    assert action(project, module, path, version=hostile).outputs["exit-status"] == ""
    assert action(project, module, path, extras=hostile).outputs["exit-status"] == ""
    assert list(module.parent.rglob("ran")) == []


def test_the_action_fails_where_the_policy_is_wrong_or_missing_or_selects_nothing(
    project: Path, module: Path, path: str
) -> None:
    assert action(project, module, path, policy="nowhere.toml").outputs["exit-status"] == "4"
    assert action(project, module, path, args="-k nothing").outputs["exit-status"] == "5"
    (module / "golink.toml").write_text(_POLICY.replace("static", "statik"))
    result = action(project, module, path)

    assert (result.status, result.outputs["exit-status"], result.outputs["sarif"]) == (4, "4", "")
    assert 'golink.toml:2: unknown rule "statik"; did you mean "static"?' in result.log


def test_the_action_says_which_python_it_needs(project: Path, module: Path, tmp_path: Path) -> None:
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "python3").write_text("#!/bin/sh\nexit 1\n")
    (commands / "python3").chmod(0o755)
    result = action(project, module, f"{commands}:{os.defpath}")

    assert result.status == 1
    assert result.log.splitlines() == [
        f"::error title=golink::needs Python 3.10 or newer, and {commands}/python3 is there: set python-version"
    ]


def test_the_pre_commit_hook_holds_a_commit_back(project: Path, module: Path, tmp_path: Path, no_go: str) -> None:
    example = (EXAMPLES / "pre-commit-config.yaml").read_text(encoding="utf-8")
    revision = git(project, "rev-parse", "HEAD").strip()
    config = re.sub(r"repo: .*", f"repo: {json.dumps(str(project))}", example).replace("v0.1.0", revision)
    (module / ".pre-commit-config.yaml").write_text(config)
    environment = {"PRE_COMMIT_HOME": str(tmp_path / "pre-commit"), "PATH": no_go}
    run(sys.executable, "-m", "pre_commit", "install", cwd=module, env=environment)

    git(module, "add", "--all")
    first = git(module, "commit", "--message", "the hook", env=environment)
    assert re.search(r"^golink\.+\(no files to check\)Skipped$", first, re.MULTILINE)
    (module / "cmd" / "app" / "main.go").write_text("package main\n\nfunc main() { println() }\n")
    second = git(module, "commit", "--all", "--message", "green", env=environment)
    assert re.search(r"^golink\.+Passed$", second, re.MULTILINE)
    (module / "golink.toml").write_text(_UNSTRIPPED)
    third = git(module, "commit", "--all", "--message", "red", status=1, env=environment)
    assert re.search(r"^golink\.+Failed$", third, re.MULTILINE)
    assert "golink: app (linux/amd64) violates stripped" in third
    assert git(module, "log", "--format=%s").splitlines() == ["green", "the hook", "all"]


def test_the_script_of_the_gitlab_job_writes_what_its_artifacts_name(module: Path, path: str) -> None:
    (module / "golink.toml").write_text(_UNSTRIPPED)
    job = read_yaml(EXAMPLES / "gitlab-ci.yml")["linkage"]
    install, check = job["script"]
    assert install == "pip install 'pytest-golink[go]'"

    environment = {"PATH": f"{Path(sys.executable).parent}:{path}", "GITLAB_CI": "true"}
    run("bash", "-c", check, cwd=module, status=1, env=environment)

    reports = job["artifacts"]["reports"]
    issues = json.loads((module / reports["codequality"]).read_text())
    assert [(issue["check_name"], issue["severity"]) for issue in issues] == [("golink/stripped", "major")] * 2
    assert (
        '<testsuite name="pytest" errors="0" failures="2" skipped="0" tests="3"'
        in (module / reports["junit"]).read_text()
    )
    assert all((module / file).is_file() for file in job["artifacts"]["paths"])


def test_the_reports_of_shards_are_merged_as_in_the_workflow(module: Path, path: str) -> None:
    jobs = read_yaml(EXAMPLES / "github-matrix.yml")["jobs"]
    environment = {"PATH": f"{Path(sys.executable).parent}:{path}", "GITHUB_STEP_SUMMARY": str(module / "summary.md")}
    for shard in jobs["shard"]["strategy"]["matrix"]["include"]:
        report = module / "shards" / f"golink-{shard['name']}" / "golink.json"
        report.parent.mkdir(parents=True)
        check = ("pytest", "golink.toml", "-k", shard["select"], "--golink-report-file", report)
        run(*check, cwd=module, env=environment)
    (merge,) = [step["run"] for step in jobs["report"]["steps"] if "merge" in step.get("run", "")]
    run("bash", "-c", merge, cwd=module, env=environment)

    summary = (module / "summary.md").read_text()
    assert "linux/amd64" in summary
    assert "darwin/arm64" in summary
    assert (module / "golink.html").is_file()


def test_the_makefile_s_target_sets_golink_up_and_runs_it(project: Path, module: Path, path: str) -> None:
    example = (EXAMPLES / "golink.mk").read_text(encoding="utf-8")
    assert "pip install --quiet pytest-golink==" in example
    # The version that it names is this one, which no index has before it is released.
    text = re.sub(r"pytest-golink==\S+", f"'{project}'", example)
    (module / "Makefile").write_text(text)
    made = run("make", "linkage", cwd=module, env={"PATH": path})

    assert "3 passed" in made.stdout


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-actions", [ROOT / "action.yml"]),
        (
            "github-workflows",
            [*sorted((ROOT / ".github" / "workflows").glob("*.yml")), *(EXAMPLES / name for name in WORKFLOWS)],
        ),
        ("gitlab-ci", [EXAMPLES / "gitlab-ci.yml"]),
        ("dependabot", [ROOT / ".github" / "dependabot.yml"]),
    ],
)
def test_what_a_service_reads_is_valid_against_its_schema(schema: str, files: list[Path]) -> None:
    run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *files, cwd=ROOT)


@pytest.mark.parametrize("block", blocks_of("yaml"), ids=str)
def test_each_example_of_a_document_is_valid_against_its_schema(block: Block, tmp_path: Path) -> None:
    service, whole = as_service(yaml.safe_load(block.text))
    file = tmp_path / "example.json"
    file.write_text(json.dumps(whole))

    # pre-commit has a check of its own, and no schema of goreleaser is at hand.
    if service in ("github-workflows", "gitlab-ci"):
        run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{service}", file, cwd=ROOT)


def test_what_pre_commit_reads_is_valid() -> None:
    run(sys.executable, "-m", "pre_commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml", cwd=ROOT)
    run(sys.executable, "-m", "pre_commit", "validate-config", EXAMPLES / "pre-commit-config.yaml", cwd=ROOT)
