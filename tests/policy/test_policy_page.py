"""docs/policy.md names each key that the parser takes, and its examples are taken."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_golink.policy import keys
from tests.policy.written import mistakes, policy_of

PAGE = (Path(__file__).parent.parent.parent / "docs" / "policy.md").read_text(encoding="utf-8")
# Parts of a policy; what they lack to be a whole one.
LACKS = {
    "[policy.example]": "[[binary]]\npackage = './app'\npolicy = 'example'\n",
    "[[waive]]": "[[binary]]\npath = 'agent'\nrules.stripped = true\n",
    "[platform.appliance]": "",
}
RELEASE = "[policy.release]\nstatic = true\n"


def documented(table: str) -> list[str]:
    """The first cells of the tables that a header names."""
    found: list[str] = []
    for block in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE):
        header, _, *rows = block.splitlines()
        if f"`{table}`" in header.split("|")[1]:
            found += [row.split("|")[1].strip(" `") for row in rows]
    return found


@pytest.mark.parametrize(
    ("table", "declared"),
    [
        ("[[binary]]", keys.BINARY),
        ("[[binary.override]]", keys.OVERRIDE),
        ("[[waive]]", keys.WAIVE),
        ("[platform.NAME]", keys.PLATFORM),
        ("[lock]", keys.LOCK),
    ],
)
def test_the_page_names_each_key_of_a_table(table: str, declared: tuple[keys.Key, ...]) -> None:
    assert set(documented(table)) - {"build options"} == {key.name for key in declared}


def test_the_page_names_each_table() -> None:
    assert "extends" in documented("[policy.NAME]")
    for key in keys.TOP:
        assert re.search(rf"`\[+{key.name}[\].]", PAGE)


def test_the_page_s_examples_are_taken(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module example.com/app\n", encoding="utf-8")
    examples = [text for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if "#:schema" not in text]

    for text in examples[:-1]:
        lacks = next((more for start, more in LACKS.items() if text.startswith(start)), RELEASE)
        policy_of(tmp_path, text if text.startswith("[policy.release]") else text + lacks)
    assert len(examples) == 10
    assert "golink.toml" in examples[-1]


def test_the_page_shows_what_a_mistake_looks_like(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    text = "\n" * 4 + "rules.statik = true\nrules.needs-libc.at-mst = '2'\n"

    real = mistakes(tmp_path, f"[[binary]]{text}package = './app'\n")

    assert real[0] == shown.splitlines()[0]
    assert real[1].startswith(shown.splitlines()[1].partition("kind = ")[0])
