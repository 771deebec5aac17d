"""The home of the project stands in one place, and what names it follows: metadata, documents, SARIF, schemas."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
from dataclasses import replace
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_golink import home
from pytest_golink.policy.schema import schema
from pytest_golink.report.model import Report
from pytest_golink.report.sarif import sarif_report
from pytest_golink.report.schema import report_schema
from tests.home import PLACEHOLDER, account_of, documents, set_home
from tests.report.report_factory import MADE, finding_of
from tests.rules.facts_factory import DYNAMIC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parent.parent
LINKED = runpy.run_path(str(ROOT / "setup.py"), run_name="tested")["linked"]


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Set the Project-URL lines of the installed distribution."""

    def install(*urls: str) -> None:
        message = Message()
        for url in urls:
            message["Project-URL"] = url
        monkeypatch.setattr(home, "metadata", lambda _: message)
        home.documentation.cache_clear()

    yield install
    home.documentation.cache_clear()


def test_without_a_home_there_is_no_address(metadata: Callable[..., None]) -> None:
    metadata("Source, https://example.com/golink")

    assert home.documentation() is None
    assert home.page_of_rule("static") is None
    assert "$id" not in schema()
    assert "$id" not in report_schema()


def test_a_copy_that_is_not_installed_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "_DISTRIBUTION", "pytest-golink-that-is-not-there")
    home.documentation.cache_clear()

    assert home.documentation() is None
    home.documentation.cache_clear()


@pytest.mark.parametrize("written", ["https://docs.example.com/golink", "https://docs.example.com/golink/"])
def test_the_address_of_the_documentation_is_that_of_rules_and_schemas(
    metadata: Callable[..., None], written: str
) -> None:
    metadata("Source, https://example.com/golink", f"Documentation, {written}")

    assert home.page_of_rule("static") == "https://docs.example.com/golink/rules.html#static"
    assert schema()["$id"] == "https://docs.example.com/golink/golink.schema.json"
    assert report_schema()["$id"] == "https://docs.example.com/golink/report.schema.json"


def test_a_rule_of_sarif_has_its_page_and_a_rule_that_golink_does_not_know_has_none(
    metadata: Callable[..., None],
) -> None:
    metadata("Documentation, https://docs.example.com/golink")
    known = finding_of("static", "app", DYNAMIC)
    unknown = replace(known, finding=replace(known.finding, rule="of-a-newer-golink"))

    log = json.loads(sarif_report(Report(findings=(known, unknown)), made=MADE))

    rules = {rule["id"]: rule.get("helpUri") for rule in log["runs"][0]["tool"]["driver"]["rules"]}
    assert rules == {"static": "https://docs.example.com/golink/rules.html#static", "of-a-newer-golink": None}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the files that name the home, with the home that the repository has now."""
    for path in (ROOT / "pyproject.toml", ROOT / "setup.py", *documents(ROOT)):
        place = tmp_path / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    return tmp_path


@pytest.mark.skipif(account_of(ROOT) != PLACEHOLDER, reason="the home is set")
def test_the_home_is_set_by_one_command(copy: Path) -> None:
    subprocess.run([sys.executable, "-m", "tests.home", "acme-inc", copy], cwd=ROOT, check=True)

    assert account_of(copy) == "acme-inc"
    assert [path for path in documents(copy) if PLACEHOLDER in path.read_text(encoding="utf-8")] == []
    urls = re.findall(
        r'^\w+ = "https://([\w.-]+)/.*"$', (copy / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert urls == ["acme-inc.github.io", "github.com", "github.com", "github.com"]
    # Not twice.
    again = subprocess.run(
        [sys.executable, "-m", "tests.home", "other", copy], cwd=ROOT, capture_output=True, text=True
    )
    assert (again.returncode, again.stderr) == (1, "pyproject.toml has a home already: acme-inc\n")


def test_a_name_that_is_no_account_is_refused(copy: Path) -> None:
    with pytest.raises(SystemExit, match="is no account of GitHub"):
        set_home("a/b", copy)


def test_no_file_names_another_account_and_no_other_file_names_one() -> None:
    account = account_of(ROOT)
    named = re.compile(r"(?<![\w<>.-])((?!\.)[\w<>.-]+)/pytest-golink(?=[@/\n\"\s)])")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    known = {path.relative_to(ROOT).as_posix() for path in documents(ROOT)}

    for name in filter(None, tracked):
        if name.startswith("tests/") or not (ROOT / name).is_file():
            continue
        text = (ROOT / name).read_text(encoding="utf-8")
        if name in known:
            assert set(named.findall(text)) <= {account}, name
        assert name in known or name in ("pyproject.toml", "CONTRIBUTING.md") or PLACEHOLDER not in text, name


def test_a_link_of_the_readme_leads_into_the_source_and_without_a_home_its_words_stay() -> None:
    text = "see [the policy](docs/policy.md#waivers), [Go](https://go.dev) and [below](#install)"

    assert LINKED(text, "https://github.com/acme/pytest-golink") == (
        "see [the policy](https://github.com/acme/pytest-golink/blob/main/docs/policy.md#waivers), "
        "[Go](https://go.dev) and [below](#install)"
    )
    assert LINKED(text, None) == "see the policy, [Go](https://go.dev) and [below](#install)"


def test_every_link_of_the_readme_works_on_pypi() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for source in (None, "https://github.com/acme/pytest-golink"):
        targets = re.findall(r"\]\(([^)]+)\)", LINKED(readme, source))
        assert [target for target in targets if not target.startswith(("https://", "#"))] == []
        assert source is None or any(target.startswith(source) for target in targets)
    assert re.findall(r"<(?:img|a)\b", readme) == []
