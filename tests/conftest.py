from __future__ import annotations

import signal
from typing import TYPE_CHECKING

# A run of pytester inside this process forgets the modules that it imported, and LIEF does not bear to be loaded twice.
import lief  # noqa: F401
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C as a terminal has it: a shell's background job, and all that it starts, would ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
