"""LIEF, imported at first use and silent: its import takes longer than that of pytest."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from pytest_golink.reader.bounds import View


@contextmanager
def lief_reading(view: View) -> Iterator[tuple[ModuleType, io.BytesIO]]:
    """
    Yield LIEF's module and an image as the stream that it reads.

    Raises:
        UnreadableBinaryError: LIEF raised its own error.
    """
    import lief

    lief.logging.disable()
    whole = view.data.obj
    # From a stream: lief copies bytes twice. BytesIO shares the bytes object where the view is all of it.
    stream = io.BytesIO(whole if isinstance(whole, bytes) and len(whole) == view.size else view.data)
    try:
        yield lief, stream
    except (ValueError, RuntimeError, TypeError) as error:
        # UnicodeDecodeError is a ValueError.
        raise view.error(f"LIEF cannot read it: {error}") from error
