"""The addresses of the project. They stand only in pyproject.toml, as [project.urls]; without them there is none."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata

_DISTRIBUTION = "pytest-golink"
_LABEL = "Documentation"


@cache
def documentation() -> str | None:
    """Return the address of the documentation, with a "/" at its end; None where the project has none."""
    try:
        urls = metadata(_DISTRIBUTION).get_all("Project-URL") or []
    except PackageNotFoundError:
        # A copy of the source without an installation.
        return None
    # Source: Core metadata specifications, Project-URL: a label, a comma, and an address.
    addresses = dict(url.split(", ", 1) for url in urls)
    return f"{addresses[_LABEL].rstrip('/')}/" if _LABEL in addresses else None


def page_of_rule(rule: str) -> str | None:
    """Return the address at which the documentation explains a rule."""
    address = documentation()
    return f"{address}rules.html#{rule}" if address else None


def with_id(file: str, schema: dict[str, object]) -> dict[str, object]:
    """Return a JSON Schema with its address as `$id`, where the project has one."""
    address = documentation()
    return {"$id": f"{address}{file}", **schema} if address else schema
