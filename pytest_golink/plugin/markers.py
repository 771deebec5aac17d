"""golink markers that no test uses."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence


def check_use(items: Sequence[pytest.Item]) -> None:
    """
    Check that each golink marker, of a test, a class or a module, has a test that may get go_binary.

    Raises:
        pytest.UsageError: One has none; the message names its test, class or module.
    """
    used: dict[Any, bool] = {}
    for item in items:
        if not hasattr(item, "fixturenames"):
            # An item of a policy has the marker, and no fixtures.
            continue
        gets = _may_get_binary(item)
        for node in item.listchain():
            if any(marker.name == "golink" for marker in node.own_markers):
                used[node] = used.get(node, False) or gets
    for node, gets in used.items():
        # A node id may select one test of a module, whose others get go_binary.
        partial = any("::" in argument for argument in node.config.args)
        if not gets and (isinstance(node, pytest.Item) or not partial):
            raise pytest.UsageError(
                f"{node.nodeid}: golink marker: the marker says what the go_binary fixture builds, and no test here "
                "takes go_binary: add it to the test's arguments, or remove the marker"
            )


def _may_get_binary(item: Any) -> bool:
    """Whether a test takes go_binary, or may ask for it later: it, or a fixture of the user's, has `request`."""
    if "go_binary" in item.fixturenames or "request" in inspect.signature(getattr(item, "function", id)).parameters:
        return True
    known = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    fixtures = [fixture for definitions in known.values() for fixture in definitions]
    return any(
        "request" in fixture.argnames and fixture.func.__module__.partition(".")[0] not in ("_pytest", "pytest_golink")
        for fixture in fixtures
    )
