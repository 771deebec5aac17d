"""action.yml, .pre-commit-hooks.yaml and the examples of docs/ci.md, without running them."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import version
from typing import Any

import pytest

from pytest_golink.report.files import FORMATS
from tests.slow.services.definitions import EXAMPLES, ROOT, WORKFLOWS, expressions, read_yaml

PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
# A link to the example, and the block below it.
SHOWN = re.findall(r"\]\(examples/([\w.-]+)\)(?:.*\n)(?:.+\n)*\n```(?:yaml|make)\n((?:.*\n)*?)```\n", PAGE)
ACTION = read_yaml(ROOT / "action.yml")
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]


def test_every_input_of_the_action_is_used_and_every_used_one_is_declared() -> None:
    used = {name for name in expressions(STEPS) if name.startswith("inputs.")}
    used |= {match[0] for step in STEPS for match in re.finditer(r"inputs\.[\w-]+", step.get("if", ""))}

    assert used == {f"inputs.{name}" for name in ACTION["inputs"]}


def test_no_expression_stands_in_the_text_of_a_script() -> None:
    assert [expressions(step["run"]) for step in STEPS if "run" in step] == [[], []]


def test_each_step_that_runs_something_names_its_shell_and_has_a_script_that_bash_can_read() -> None:
    for step in STEPS:
        assert ("run" in step) == ("shell" in step)
        if "run" in step:
            assert step["shell"] == "bash"
            subprocess.run(["bash", "-n", "-c", step["run"]], check=True)


def test_every_output_of_the_action_is_that_of_a_step_that_is_there() -> None:
    ids = {step.get("id") for step in STEPS}

    for output in ACTION["outputs"].values():
        (source,) = expressions(output["value"])
        assert source.split(".")[1] in ids
    assert {*FORMATS} - {"md"} <= set(ACTION["outputs"])


def test_the_page_has_each_input_and_output_of_the_action() -> None:
    cells = set(re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE))

    assert cells == {*ACTION["inputs"], *ACTION["outputs"]}


def test_each_example_stands_on_the_page_as_it_is_and_no_other_block() -> None:
    assert dict(SHOWN) == {file.name: file.read_text(encoding="utf-8") for file in EXAMPLES.iterdir()}
    assert len(re.findall(r"^```(?:yaml|make)$", PAGE, re.MULTILINE)) == len(SHOWN)


def test_examples_name_this_version() -> None:
    named = re.findall(r"pytest-golink(?:@v|==|:|\n\s+rev: v)(\d[\d.]+\d)", PAGE)

    assert len(named) > len(WORKFLOWS)
    assert set(named) == {version("pytest-golink")}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_gives_and_asks_the_action_for_what_it_has(name: str) -> None:
    jobs = read_yaml(EXAMPLES / name)["jobs"]
    (step,) = [step for job in jobs.values() for step in job["steps"] if "/pytest-golink@" in step.get("uses", "")]

    assert set(step.get("with", {})) <= set(ACTION["inputs"])
    asked = set(re.findall(r"steps\.golink\.outputs\.([\w-]+)", (EXAMPLES / name).read_text(encoding="utf-8")))
    assert asked <= set(ACTION["outputs"])
    assert not asked or step["id"] == "golink"


@pytest.mark.parametrize(
    ("file", "matters"),
    [
        ("main.go", True),
        ("internal/asm_amd64.s", True),
        ("go.mod", True),
        ("tools/go.sum", True),
        ("go.work", True),
        ("vendor/modules.txt", True),
        ("golink.toml", True),
        ("cmd/golink.lock", True),
        ("README.md", False),
        ("main.go.txt", False),
        ("notgo.mod", False),
        ("Cargo.toml", False),
    ],
)
def test_the_pre_commit_hook_runs_for_what_a_build_or_its_policy_depends_on(file: str, matters: bool) -> None:
    (hook,) = read_yaml(ROOT / ".pre-commit-hooks.yaml")

    assert bool(re.search(hook["files"], file)) is matters
