"""The documents say what the code does."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest_golink
from pytest_golink import GoBuild
from pytest_golink.platforms import PLATFORMS
from pytest_golink.rules import RULES
from pytest_golink.rules.rule import GROUPS
from tests.test_layers import ORDER

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parent.parent
RULES_PAGE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
OPTIONS_PAGE = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")


def rows(page: str) -> dict[str, list[str]]:
    """The rows of a page's tables, by their first cell."""
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    cells = [
        [re.sub(r'<a id="[^"]+"></a>', "", cell).strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines
    ]
    return {row[0]: row[1:] for row in cells}


def test_the_rules_page_has_each_rule_with_its_parameters() -> None:
    documented = rows(RULES_PAGE)

    for rule in RULES.values():
        assert documented[rule.name][0] == ", ".join(parameter.name for parameter in rule.parameters)


def test_the_rules_page_has_one_anchor_a_rule() -> None:
    assert re.findall(r'<a id="([^"]+)"></a>', RULES_PAGE) == [
        rule.name for group in GROUPS for rule in RULES.values() if rule.group == group
    ]


def test_the_api_page_has_each_public_name_once() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\.\. auto\w+:: pytest_golink\.(\w+)$", page, re.MULTILINE)

    helpers = {name for name in pytest_golink.__all__ if name.startswith("assert_")}
    assert sorted(documented) == sorted({*pytest_golink.__all__, "assertions"} - helpers)


def test_each_rule_has_a_public_helper_with_its_parameters() -> None:
    for rule in RULES.values():
        helper = getattr(pytest_golink, f"assert_{rule.name.replace('-', '_')}")
        keywords = list(inspect.signature(helper).parameters)[1:]

        assert keywords == [parameter.name.replace("-", "_") for parameter in rule.parameters]
    helpers = {name for name in pytest_golink.__all__ if name.startswith("assert_")}
    assert len(helpers) == len(RULES)


def test_each_public_name_is_there() -> None:
    assert [name for name in pytest_golink.__all__ if not hasattr(pytest_golink, name)] == []


def test_the_options_page_has_each_build_option_with_its_ini_key() -> None:
    documented = rows(OPTIONS_PAGE)

    for option in inspect.signature(GoBuild.__call__).parameters:
        if option != "self":
            assert documented[f"`{option}`"][0] == f"`golink_{option}`"


def test_the_options_page_has_each_option_of_the_command_line(pytester: pytest.Pytester) -> None:
    shown = pytester.runpytest_subprocess("--help").stdout.str()
    options = set(re.findall(r"--golink-[\w-]+", shown))
    keys = set(re.findall(r"golink_\w+(?= \()", shown))

    assert options
    assert keys
    assert {option for option in options if f"`{option}" not in OPTIONS_PAGE} == set()
    assert {key for key in keys if f"`{key}`" not in OPTIONS_PAGE} == set()


def test_the_options_page_has_the_signature_of_go_build() -> None:
    signature = inspect.signature(GoBuild.__call__)
    parameters = [
        name if parameter.default is parameter.empty else f"{name}={parameter.default!r}".replace("'", '"')
        for name, parameter in signature.parameters.items()
        if name != "self"
    ]
    parameters.insert(1, "*")

    assert f"`go_build({', '.join(parameters)})`" in OPTIONS_PAGE


def test_the_architecture_page_has_each_room_in_the_order_in_which_they_may_import() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page[page.index("| room |") : page.index("`import pytest_golink` costs")]

    assert [room.rstrip("/") for cell in rows(table) for room in re.findall(r"`(\w+/?)`", cell)] == list(ORDER)


def test_each_file_and_command_that_the_pages_for_the_next_person_name_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for name in ("CONTRIBUTING.md", "SECURITY.md", "docs/architecture.md", "tests/README.md"):
        page = (ROOT / name).read_text(encoding="utf-8")
        commands = {
            target for words in re.findall(r"(?:`|^)make ([a-z -]+)", page, re.MULTILINE) for target in words.split()
        }
        assert commands <= targets, name
        # In code: a path of folders, or a Python file. "dist/" is of a user's build.
        paths = [path for path in re.findall(r"`((?:[\w-]+/)+[\w.-]*|\w+\.py)`", page) if path != "dist/"]
        folders = (ROOT, ROOT / "pytest_golink", ROOT / "tests", ROOT / "pytest_golink" / "reader")
        assert [path for path in paths if not any((folder / path).exists() for folder in folders)] == [], name
        links = re.findall(r"\]\(([\w./-]+)\)", page)
        assert [link for link in links if not ((ROOT / name).parent / link).exists()] == [], name


def test_the_changelog_counts_what_is_there() -> None:
    page = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert re.findall(r"(\d+) rules", page) == [str(len(RULES))]
    assert re.findall(r"(\d+) platforms", page) == [str(len(PLATFORMS))]
