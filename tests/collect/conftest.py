"""Runs of pytest on a Go module with a golink.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

# A run of pytest inside this process forgets what it imported, but for what is there before.
import pytest_golink.collect.items
import pytest_golink.policy  # noqa: F401
from tests.plugin.conftest import _go_cache, counting_go

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["_go_cache", "counting_go"]

PLAIN = 'package main\n\nfunc main() { println("hello") }\n'
# net.ParseCIDR is enough: importing net is using cgo, where cgo is on.
NET = 'package main\n\nimport "net"\n\nfunc main() {\n\t_, _, err := net.ParseCIDR("192.0.2.1/24")\n\tprintln(err)\n}\n'
BROKEN = "package main\n\nfunc main() {\n\tundefined()\n}\n"


@pytest.fixture
def module(pytester: pytest.Pytester) -> Path:
    """A Go module with the programs plain, net and broken."""
    pytester.path.joinpath("go.mod").write_text("module example.com/app\n\ngo 1.21\n")
    for name, source in (("plain", PLAIN), ("net", NET), ("broken", BROKEN)):
        pytester.mkdir(name).joinpath("main.go").write_text(source)
    return pytester.path
