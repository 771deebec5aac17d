"""What pyproject.toml cannot say: README.md as PyPI shows it, where a relative link leads nowhere."""

import re
from pathlib import Path

HERE = Path(__file__).parent


def home(pyproject: str) -> str | None:
    """Return the address of the source in [project.urls]; None while the project has none."""
    found = re.search(r'^Source = "(.+)"$', pyproject, re.MULTILINE)
    return found[1] if found else None


def linked(readme: str, source: str | None) -> str:
    """Return the text with absolute links into the source; without an address only the words of a link stay."""
    target = rf"[\1]({source}/blob/main/\2)" if source else r"\1"
    return re.sub(r"\[([^\]\[]+)\]\((?!https?:|#)([^)]+)\)", target, readme)


if __name__ == "__main__":
    from setuptools import setup

    readme, pyproject = ((HERE / name).read_text(encoding="utf-8") for name in ("README.md", "pyproject.toml"))
    setup(long_description=linked(readme, home(pyproject)), long_description_content_type="text/markdown")
