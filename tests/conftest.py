from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

# A run of pytester inside this process forgets the modules that it imported, and LIEF does not bear to be loaded twice.
import lief  # noqa: F401
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _only_the_installed_plugin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    # An editable install leaves metadata beside our conftest.py, whose folder pytest puts on the path: a run inside
    # this process would take it for a second install, and warn that the package was imported before its rewriting.
    if "pytester" in request.fixturenames:
        monkeypatch.setattr(sys, "path", [path for path in sys.path if not path or Path(path) != _ROOT])


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C as a terminal has it: a shell's background job, and all that it starts, would ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
