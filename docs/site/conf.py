"""Sphinx makes the site of docs/ with this: `make docs`."""

from __future__ import annotations

import os
import re
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.home import documentation

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
# Files beside docs/ that the site shows as pages of its own: the page's name, and the file.
PAGES = {
    "contributing": "CONTRIBUTING.md",
    "changelog": "CHANGELOG.md",
    "security": "SECURITY.md",
    "agents": "AGENTS.md",
}
_LINK = re.compile(r"\[([^\]\[]+)\]\((?!https?:|#)([^)#\s]+)(#[\w-]+)?\)")
_MARKUP = re.compile(r"\*|(?<=\w)_(?!\w)|\|")

project = "pytest-golink"
author = "the pytest-golink authors"
copyright = author  # noqa: A001 - Sphinx's name
version = release = version_of("pytest-golink")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "site", "examples"]
html_theme = "furo"
html_title = f"golink {version}"
html_baseurl = documentation() or ""
html_extra_path = ["../golink.schema.json", "../report.schema.json"]
html_static_path = ["static"]
html_css_files = ["golink.css"]
html_copy_source = False
html_show_sphinx = False

pygments_style = "default"
pygments_dark_style = "github-dark"

myst_heading_anchors = 4
# Docstrings have Markdown's single backticks, as in "`None` where …".
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
napoleon_use_ivar = True


def linked(text: str, folder: Path) -> str:
    """
    Return a document's text with each of its links as the site has the target.

    Args:
        text: The document.
        folder: Where the document lies: its links are relative to that.
    """
    pages = {ROOT / file: f"{name}.md" for name, file in PAGES.items()} | {ROOT / "README.md": "index.md"}

    def target(match: re.Match[str]) -> str:
        words, link, fragment = match[1], match[2], match[3] or ""
        path = Path(os.path.normpath(folder / link))
        if path in pages:
            return f"[{words}]({pages[path]}{fragment})"
        if path.is_relative_to(DOCS) and path.is_file():
            return f"[{words}]({path.relative_to(DOCS).as_posix()}{fragment})"
        # The site has no folder and no file of the source. A path that is not there stays, for Sphinx to find.
        return words if path.exists() else match[0]

    return _LINK.sub(target, text)


def _read(_: Sphinx, name: str, source: list[str]) -> None:
    folder = ROOT if name in PAGES else DOCS
    text = (ROOT / PAGES[name]).read_text(encoding="utf-8") if name in PAGES else source[0]
    source[0] = linked(text, folder)


def _escape(app: Sphinx, what: str, name: str, about: object, options: object, lines: list[str]) -> None:  # noqa: ARG001
    """Escape what reStructuredText would take for markup in a docstring, but for code in backticks."""
    for at, line in enumerate(lines):
        parts = line.split("`")
        parts[::2] = (_MARKUP.sub(r"\\\g<0>", part) for part in parts[::2])
        lines[at] = "`".join(parts)


def setup(app: Sphinx) -> dict[str, bool]:
    """Read the pages that lie beside docs/, and follow links out of it."""
    app.connect("source-read", _read)
    # Before napoleon (500), whose own markup stays.
    app.connect("autodoc-process-docstring", _escape, priority=400)
    return {"parallel_read_safe": True}
