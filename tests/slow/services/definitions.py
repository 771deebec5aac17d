"""action.yml and the examples as YAML, and the run of a composite action's steps as GitHub's runner does it."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "docs" / "examples"
WORKFLOWS = ("github.yml", "github-sarif.yml", "github-matrix.yml", "goreleaser.yml")
_STEP_TIMEOUT_S = 600
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionRun:
    """What an action left behind: the exit status of its last step, its log, its outputs, the job's summary."""

    status: int
    log: str
    outputs: Mapping[str, str]
    summary: str


def run_action(
    action: Path, workspace: Path, runner: Path, *, path: str, inputs: Mapping[str, str] | None = None
) -> ActionRun:
    """
    Run the steps of a composite action one after the other, until one fails.

    Args:
        action: The folder of action.yml.
        workspace: The folder that holds the repository.
        runner: A folder for the runner's own files.
        path: PATH of the steps.
        inputs: What the workflow gives under `with`.

    Source: GitHub, "Metadata syntax reference", "Workflow commands for GitHub Actions", "Variables reference".
    """
    definition = read_yaml(action / "action.yml")
    given = {name: declared.get("default", "") for name, declared in definition["inputs"].items()}
    given.update(inputs or {})
    values = {f"inputs.{name}": value for name, value in given.items()}
    (runner / "temp").mkdir(parents=True, exist_ok=True)
    summary = runner / "summary.md"
    summary.touch()
    status, log = 0, ""
    for step in definition["runs"]["steps"]:
        # The action has only this condition: `if: inputs.NAME != ''`.
        condition = re.fullmatch(r"(inputs\.[\w-]+) != ''", step.get("if", "inputs.policy != ''"))
        assert condition is not None
        if not values[condition[1]]:
            continue
        output = runner / f"output-{step['id']}"
        output.write_text("")
        script = runner / f"{step['id']}.sh"
        script.write_text(_evaluated(step["run"], values))
        environment = {
            "PATH": path,
            "HOME": os.environ["HOME"],
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(action),
            "GITHUB_WORKSPACE": str(workspace),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_ENV": str(runner / "env"),
            "GITHUB_STEP_SUMMARY": str(summary),
            "RUNNER_TEMP": str(runner / "temp"),
            **{name: _evaluated(value, values) for name, value in step.get("env", {}).items()},
        }
        assert step["shell"] == "bash"
        ended = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=workspace / _evaluated(step.get("working-directory", "."), values),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_STEP_TIMEOUT_S,
        )
        status, log = ended.returncode, log + ended.stdout
        for line in output.read_text().splitlines():
            name, _, value = line.partition("=")
            values[f"steps.{step['id']}.outputs.{name}"] = value
        if status:
            break
    outputs = {name: _evaluated(output["value"], values) for name, output in definition["outputs"].items()}
    return ActionRun(status=status, log=log, outputs=outputs, summary=summary.read_text(encoding="utf-8"))


def _evaluated(text: str, values: Mapping[str, str]) -> str:
    # An output that no step has set is empty.
    return _EXPRESSION.sub(lambda match: values.get(match[1], ""), text)


def expressions(value: object) -> list[str]:
    """Every `${{ … }}` in a part of a YAML file."""
    if isinstance(value, dict):
        return [found for part in value.values() for found in expressions(part)]
    if isinstance(value, list):
        return [found for part in value for found in expressions(part)]
    return _EXPRESSION.findall(value) if isinstance(value, str) else []
