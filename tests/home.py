"""
Write the home of the project, once it is known: `make home OWNER=account`, or `python -m tests.home ACCOUNT [FOLDER]`.

pyproject.toml gets [project.urls]: metadata, SARIF, the JSON Schemas and PyPI's page of README.md follow from there. In
the documents that users copy from, the account takes the place of `<owner>`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PLACEHOLDER = "<owner>"
# The documents that name the account, as globs. A test holds that no other file does.
DOCUMENTS = ("README.md", "CHANGELOG.md", "AGENTS.md", "docs/*.md", "docs/examples/*")
_WITHOUT = "# [project.urls]\n"
_URLS = """\
[project.urls]
Documentation = "https://{owner}.github.io/pytest-golink/"
Source = "https://github.com/{owner}/pytest-golink"
Changelog = "https://github.com/{owner}/pytest-golink/blob/main/CHANGELOG.md"
Issues = "https://github.com/{owner}/pytest-golink/issues"
"""
# A name on GitHub: letters, digits, single hyphens.
_ACCOUNT = re.compile(r"[a-zA-Z0-9](?:-?[a-zA-Z0-9]){0,38}")


def account_of(root: Path) -> str:
    """Return the account that pyproject.toml names; the placeholder while it names none."""
    found = re.search(r'^Source = "https://github\.com/([^/"]+)/', _read(root / "pyproject.toml"), re.MULTILINE)
    return found[1] if found else PLACEHOLDER


def documents(root: Path) -> list[Path]:
    """Return the files of DOCUMENTS, sorted."""
    return sorted(path for glob in DOCUMENTS for path in root.glob(glob))


def set_home(owner: str, root: Path) -> None:
    """
    Write the account into pyproject.toml and the documents.

    Raises:
        SystemExit: It is no name of an account, or the home is set already.
    """
    if _ACCOUNT.fullmatch(owner) is None:
        sys.exit(f"{owner!r} is no account of GitHub")
    pyproject = _read(root / "pyproject.toml")
    if _WITHOUT not in pyproject:
        sys.exit(f"pyproject.toml has a home already: {account_of(root)}")
    _write(root / "pyproject.toml", pyproject.replace(_WITHOUT, _URLS.format(owner=owner)))
    for path in documents(root):
        _write(path, _read(path).replace(PLACEHOLDER, owner))


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    set_home(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT)
