"""The checks of the documentation site: links that lead nowhere, and links out of docs/. `make docs` builds it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from docs.site.links import broken_links
from tests.documents import ROOT

if TYPE_CHECKING:
    from pathlib import Path

INDEX = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")


def page(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<!DOCTYPE html><body>{body}</body>", encoding="utf-8")


def test_a_site_whose_links_lead_somewhere_is_whole(tmp_path: Path) -> None:
    page(tmp_path, "index.html", '<a href="rules.html#static">s</a> <a href="#top">t</a> <p id="top"></p>')
    page(tmp_path, "rules.html", '<a id="static"></a><a href="in/a%20b.html">b</a><img src="x.png">')
    page(tmp_path, "in/a b.html", '<a href="../index.html">i</a> <a href="https://example.com/gone">e</a>')
    (tmp_path / "x.png").touch()

    assert broken_links(tmp_path) == []


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ('<a href="gone.html">', "index.html: gone.html: there is no such file"),
        ('<a href="index.html#gone">', "index.html: index.html#gone: there is no such place on the page"),
        ('<a href="#gone">', "index.html: #gone: there is no such place on the page"),
        ('<script src="gone.js"></script>', "index.html: gone.js: there is no such file"),
    ],
)
def test_a_link_that_leads_nowhere_is_named(tmp_path: Path, body: str, wrong: str) -> None:
    page(tmp_path, "index.html", body)

    assert broken_links(tmp_path) == [wrong]


def test_a_site_without_pages_is_not_whole(tmp_path: Path) -> None:
    assert broken_links(tmp_path) == [f"{tmp_path}: no pages"]


def test_each_page_is_in_the_table_of_contents() -> None:
    listed = {
        line for block in re.findall(r"```\{toctree\}\n(.*?)```", INDEX, re.DOTALL) for line in block.splitlines()
    }
    globs = [re.compile(line.replace("*", ".*")) for line in listed if "*" in line]
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}

    assert {name for name in pages if name not in listed and not any(glob.fullmatch(name) for glob in globs)} == set()
    assert {line for line in listed if re.fullmatch(r"[a-z-]+", line)} <= pages


def test_each_relative_link_of_the_documents_leads_to_a_file() -> None:
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "tests" / "README.md"]:
        text = re.sub(r"```.*?```|`[^`]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for link in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
            assert (path.parent / link).exists(), f"{path.name}: {link}"
