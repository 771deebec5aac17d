"""Each example of the documents is what it claims: golink takes its TOML, its Python runs, its commands are there."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from pytest_golink import PolicyViolation, assert_static
from pytest_golink.lock.text import parse_lock
from pytest_golink.policy.document import Document
from pytest_golink.report.finding_text import finding_text
from tests.documents import PAGES, ROOT, Block, blocks, blocks_of, is_printed
from tests.policy.written import policy_of
from tests.test_transcripts import release, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_golink import GoBuild

__all__ = ["release"]

# What stands in no policy: the editor's settings on docs/policy.md.
_EDITOR = ("#:schema ./golink.schema.json", "[[rule]]\ninclude")
_LANGUAGES = ("console", "json", "make", "python", "sh", "text", "toml", "yaml", "{eval-rst}", "{toctree}")
# Blocks of `text`, by their first words, that no program prints; each other one has its own test.
_NOT_PRINTED = (
    "Go source ──",
    "golink.toml           @example/release",
    "- uses: <owner>/pytest-golink@0123456789",
    # A session with files of a system of the reader's own.
    "$ docker export",
)


def test_each_block_names_a_language_that_a_test_here_knows() -> None:
    assert {block.language for page in PAGES for block in blocks(page)} <= {*_LANGUAGES}


# TOML


def policies(values: Mapping[str, Any]) -> Iterator[str]:
    """The tables that a part of a policy lacks: binaries of its policies and waivers, and policies of its binaries."""
    binaries = values.get("binary", [])
    used = [name for binary in binaries for name in _listed(binary.get("policy", ()))]
    for name in {*used} - {*values.get("policy", {})}:
        yield f"[policy.{name}]\nstatic = true\n"
    for name in {*values.get("policy", {})} - {*used}:
        yield f"[[binary]]\nname = 'of {name}'\npackage = './app'\npolicy = '{name}'\n"
    for waiver in values.get("waive", []):
        if not binaries:
            rules = ", ".join(f"{rule} = true" for rule in _listed(waiver["rule"]))
            yield f"[[binary]]\npath = '{waiver['binary'].strip('*')}'\nrules = {{ {rules} }}\n"
    if not values.keys() & {"policy", "binary", "waive"}:
        yield "[[binary]]\npackage = './app'\nrules.static = true\n"


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


@pytest.mark.parametrize("block", blocks_of("toml"), ids=str)
def test_golink_takes_each_example_of_toml(block: Block, tmp_path: Path) -> None:
    if block.text.startswith(_EDITOR):
        assert (ROOT / "docs" / "golink.schema.json").is_file()
        return
    if block.text.startswith("lock = "):
        assert parse_lock(block.text, name="golink.lock").entries
        return
    values: dict[str, Any] = Document("golink.toml", block.text).values
    (tmp_path / "go.mod").write_text("module example.com/app\n", encoding="utf-8")

    policy = policy_of(tmp_path, block.text + "".join(sorted(policies(values))))

    assert policy.binaries
    # A waiver of an example holds for readers of today.
    assert all(waiver["until"] > date(2026, 1, 1) for waiver in values.get("waive", []))


# Python


@pytest.mark.parametrize("block", blocks_of("python"), ids=str)
def test_each_example_of_python_runs(block: Block, release: Path, tmp_path: Path) -> None:
    folder = tmp_path / "app"
    shutil.copytree(release, folder)
    file = folder / "test_example.py"
    # The pages about a rule leave the imports out; the page about tests has all of them.
    imports = "" if "import" in block.text else "import pytest\nfrom pytest_golink import *\n\n"
    file.write_text(imports + block.text, encoding="utf-8")
    if "def test_" not in block.text:
        subprocess.run([sys.executable, file.name], cwd=folder, check=True)
        return

    # A test without a marker is one of what is there already.
    shipped = "" if "@pytest.mark.golink" in block.text else " --golink-binary 'dist/*/app'"
    status, printed = run(f"pytest -q test_example.py{shipped}", folder)

    # The page about platforms has a test of a rule that this release does not keep.
    assert status == 0 or ("violates runs-on" in printed and block.page == "docs/platforms.md"), printed
    assert " error" not in printed.splitlines()[-1], printed


# Commands


def _shell_lines() -> list[tuple[str, str]]:
    found = []
    for block in blocks_of("sh", "console", "text"):
        lines = block.text.splitlines()
        typed = lines if block.language == "sh" else [line[2:] for line in lines if line.startswith("$ ")]
        found += [(str(block), line) for line in typed if line.strip() and not line.startswith("#")]
    return found


@pytest.mark.parametrize(("where", "line"), _shell_lines())
def test_each_command_is_one_that_is_there(where: str, line: str) -> None:
    subprocess.run(["bash", "-n", "-c", line], check=True)
    words = shlex.split(line, comments=True)
    extras = set(re.findall(r"\[(\w[\w,]*)\]", " ".join(words)))
    declared = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    if "pip" in words:
        assert {name for extra in extras for name in extra.split(",")} <= {*declared}
    if words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert {word for word in words[1:] if "=" not in word} <= {*targets}
    known = set(re.findall(r"--golink-[\w-]+", (ROOT / "docs" / "options.md").read_text(encoding="utf-8")))
    assert {option.partition("=")[0] for option in words if option.startswith("--golink-")} <= known, where


def test_the_commands_that_documents_name_are_those_of_golink() -> None:
    pages = "\n".join(path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
    # `golink WORD …` in code: a command in lower case, or a file.
    named = set(re.findall(r"(?:`|\$ )golink ([a-z]+)(?= |`)", pages)) - {"check", "app"}

    assert named <= {path.stem for path in (ROOT / "pytest_golink" / "commands").glob("*.py")}


def test_the_hook_of_goreleaser_checks_the_binary_that_it_names(release: Path, tmp_path: Path) -> None:
    # goreleaser's .Path is absolute.
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    (hook,) = re.findall(r"hooks: \{ post: '([^']+)' \}", page)
    for arch, status in (("arm64_v8.0", 0), ("amd64_v1", 1)):
        (tmp_path / "linkage_test.py").write_text(
            "from pytest_golink import assert_static\ndef test_static(go_binary): assert_static(go_binary)\n"
        )
        built = release / "dist" / f"app_linux_{arch}" / "app"

        ended, printed = run(hook.replace("{{ .Path }}", str(built)), tmp_path)

        assert ended == status, printed
        assert ("violates static" in printed) is bool(status)


# YAML


@pytest.mark.parametrize("block", blocks_of("yaml"), ids=str)
def test_each_example_of_yaml_is_yaml_of_a_service_that_a_test_validates(block: Block) -> None:
    # `make services` holds the first three against the services' schemas; goreleaser's is not at hand.
    values = yaml.safe_load(block.text)
    kind = as_service(values)

    assert kind[0] in ("github-workflows", "gitlab-ci", "pre-commit", "goreleaser")
    if kind[0] == "goreleaser":
        assert {key for build in values["builds"] for key in build} <= {
            "id",
            "main",
            "env",
            "goos",
            "goarch",
            "ldflags",
        }
    if kind[0] == "pre-commit":
        assert {key for repo in values["repos"] for key in repo} == {"repo", "rev", "hooks"}


def as_service(values: Any) -> tuple[str, Any]:
    """The service that an example is for, and the whole file that it is a part of."""
    job = {"runs-on": "ubuntu-latest"}
    if isinstance(values, list):
        return "github-workflows", {"on": "push", "jobs": {"job": {**job, "steps": values}}}
    if "jobs" in values:
        # In YAML 1.1 `on` is a way to write true.
        return "github-workflows", {"on": "push", **{"on" if key is True else key: one for key, one in values.items()}}
    if "repos" in values:
        return "pre-commit", values
    return ("goreleaser" if "builds" in values else "gitlab-ci"), values


# JSON


@pytest.mark.parametrize("block", blocks_of("json"), ids=str)
def test_an_example_of_facts_is_valid(block: Block) -> None:
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))

    jsonschema.validate(json.loads(block.text), {"$ref": "#/$defs/Facts", "$defs": schema["$defs"]})


# What programs print


def test_each_text_that_a_program_prints_has_a_test() -> None:
    tested = {"docs/causes.md": 3, "docs/lock.md": 1, "docs/policy.md": 1}
    printed = [block.page for block in blocks_of("text") if not block.text.startswith(_NOT_PRINTED)]

    assert {page: printed.count(page) for page in printed} == tested


def test_the_failure_on_the_page_of_causes_is_what_is_printed(go_build: GoBuild) -> None:
    (shown, *_) = (block.text for block in blocks_of("text") if block.page == "docs/causes.md")

    with pytest.raises(PolicyViolation) as raised:
        assert_static(go_build("sample_go/users"))

    # What wraps depends on the names that this machine's glibc gives.
    text = finding_text(raised.value.finding, width=1000)
    assert is_printed(shown, text), text


_RELEASE = """
[[binary]]
package = "./sample_go/users"
rules = { static = true, no-build-paths = true, stripped = true }
"""


def sample_module(folder: Path, policy: str) -> None:
    shutil.copytree(ROOT / "sample_go", folder / "sample_go")
    (folder / "sample_go" / "golink.toml").unlink()
    (folder / "sample_go" / "go.mod").rename(folder / "go.mod")
    (folder / "golink.toml").write_text(policy)


def test_the_cause_that_was_printed_before_is_named_as_on_the_page_of_causes(tmp_path: Path) -> None:
    sample_module(tmp_path, _RELEASE.replace("no-build-paths = true, stripped", "no-libc"))
    (_, shown, _) = (block.text for block in blocks_of("text") if block.page == "docs/causes.md")

    _, printed = run("pytest -q golink.toml", tmp_path)

    assert is_printed("…\n" + shown + "…", printed), printed


def test_the_tried_remedies_on_the_page_of_causes_are_what_is_printed(tmp_path: Path) -> None:
    sample_module(tmp_path, _RELEASE)
    (*_, shown) = (block.text for block in blocks_of("text") if block.page == "docs/causes.md")

    _, printed = run("pytest -q golink.toml --golink-try-remedies", tmp_path)

    assert is_printed("…\n" + shown + "…", printed), printed


_BEFORE = 'package main\n\nfunc main() { println("hello") }\n'
_AFTER = """\
package main

import (
	"net"
	"os/user"
)

func main() {
	_, err := user.Current()
	println(err)
	_, err = net.LookupHost("localhost")
	println(err)
}
"""


def test_the_red_run_on_the_page_of_the_lock_is_what_is_printed(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module example.com/app\n\ngo 1.21\n")
    program = tmp_path / "main.go"
    (tmp_path / "golink.toml").write_text(
        '[[binary]]\npackage = "."\ntargets = ["linux/amd64"]\nrules = { no-rpath = true }\n'
    )
    (shown,) = (block.text for block in blocks_of("text") if block.page == "docs/lock.md")
    program.write_text(_BEFORE)
    assert run("pytest -q --golink-update-lock", tmp_path)[0] == 0
    program.write_text(_AFTER)

    _, printed = run("COLUMNS=80 pytest -q --golink-lock", tmp_path)

    assert is_printed("…\n" + shown + "…", printed), printed
