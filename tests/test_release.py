"""The workflows, the container and the notes of a release agree with the package."""

from __future__ import annotations

import re
import runpy
import subprocess
from typing import Any

import pytest
import yaml

from tests.documents import ROOT

PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
NOTES = runpy.run_path(str(ROOT / ".ci" / "notes"), run_name="tested")["notes"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CI, RELEASE = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in WORKFLOWS)
PYTHONS = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', PYPROJECT)


def steps(workflow: Any) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("workflow", [CI, RELEASE], ids=["ci", "release"])
def test_a_workflow_pins_its_actions_and_gives_each_job_only_what_it_needs(workflow: Any) -> None:
    used = [step["uses"] for step in steps(workflow) if "uses" in step]

    assert used
    assert [one for one in used if one != "./" and not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", one)] == []
    assert workflow["permissions"] == {}
    assert all("permissions" in job and "timeout-minutes" in job for job in workflow["jobs"].values())
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_only_the_jobs_that_publish_may_write() -> None:
    writes = {
        (name, job, right)
        for name, workflow in (("ci", CI), ("release", RELEASE))
        for job, definition in workflow["jobs"].items()
        for right, level in definition["permissions"].items()
        if level == "write"
    }

    assert writes == {
        ("release", "pypi", "id-token"),
        ("release", "github", "contents"),
        ("release", "github", "id-token"),
        ("release", "github", "attestations"),
        ("release", "container", "packages"),
        ("release", "docs", "pages"),
        ("release", "docs", "id-token"),
    }


def test_each_supported_python_is_tested_and_installs_the_wheel_on_each_system() -> None:
    assert CI["jobs"]["tests"]["strategy"]["matrix"]["python"] == PYTHONS
    for workflow in (CI, RELEASE):
        matrix = workflow["jobs"]["dist"]["strategy"]["matrix"]
        assert matrix["python"] == PYTHONS
        assert matrix["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
        assert {one["os"] for one in matrix["include"] if one["file"] == "tar.gz"} == {*matrix["os"]}
    (oldest,) = re.findall(r'"pytest>=([\d.]+)"', PYPROJECT)
    assert CI["jobs"]["portable"]["strategy"]["matrix"]["pytest"][0] == f"{oldest}.0"
    assert f"'pytest=={oldest}.0'" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_a_release_is_built_once_and_what_is_published_was_tested() -> None:
    building = [job for job, definition in RELEASE["jobs"].items() if "make dist" in str(definition["steps"])]

    assert building == ["build"]
    assert RELEASE["jobs"]["dist"]["needs"] == "build"
    assert RELEASE["jobs"]["pypi"]["needs"] == "dist"
    assert {RELEASE["jobs"][job]["needs"] for job in ("github", "container", "docs")} == {"pypi"}


def test_the_portable_tests_are_there() -> None:
    (listed,) = re.findall(r"^PORTABLE_TESTS = (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    assert [path for path in listed.split() if not (ROOT / path).exists()] == []


def test_the_scripts_of_ci_can_be_read_by_bash_and_each_container_of_theirs_is_a_stage() -> None:
    for name in ("run", "dist", "container"):
        subprocess.run(["bash", "-n", ROOT / ".ci" / name], check=True)
    stages = re.findall(r"^FROM \S+ AS (\w+)$", (ROOT / "Containerfile").read_text(encoding="utf-8"), re.MULTILINE)
    (built,) = re.findall(r"for target in ([\w ]+);", (ROOT / ".ci" / "container").read_text(encoding="utf-8"))

    assert built.split() == stages
    assert {f"localhost/golink:{stage}" for stage in stages} <= {*str(RELEASE).replace(" ", "\n").split("\n")}


CHANGELOG = "# Changelog\n\n## 0.2.0 · 2030-01-02\n\n- two\n\n## 0.1.0 · 2029-01-02\n\n- one\n"


def test_the_notes_of_a_release_are_its_part_of_the_changelog() -> None:
    assert NOTES("v0.2.0", 'version = "0.2.0"\n', CHANGELOG) == "- two\n"
    assert NOTES("v0.1.0", 'version = "0.1.0"\n', CHANGELOG) == "- one\n"


@pytest.mark.parametrize(
    ("tag", "version", "changelog", "message"),
    [
        ("v0.2.1", "0.2.0", CHANGELOG, "the tag is v0.2.1, and pyproject.toml has version 0.2.0"),
        ("0.2.0", "0.2.0", CHANGELOG, "the tag is 0.2.0"),
        ("v0.3.0", "0.3.0", CHANGELOG, "has no part for 0.3.0"),
        ("v0.2.0", "0.2.0", CHANGELOG.replace("2030-01-02", "unreleased"), "has no date"),
    ],
)
def test_a_release_that_is_not_ready_is_refused(tag: str, version: str, changelog: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        NOTES(tag, f'version = "{version}"\n', changelog)


def test_the_changelog_has_a_part_for_this_version() -> None:
    (version,) = re.findall(r'^version = "(.+)"$', PYPROJECT, re.MULTILINE)
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").replace("unreleased", "2030-01-02")

    assert NOTES(f"v{version}", PYPROJECT, changelog).count("\n- ") >= 10
