"""One way for all formats to read bytes that a test made, and to hold a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.reader.formats import FORMATS

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts, Format

NAME = "image"


def read(image: bytes | bytearray, of_format: Format) -> BinaryFacts:
    """The facts of the one image in a file."""
    (facts,) = FORMATS[of_format].read(NAME, memoryview(bytes(image)))
    return facts


def damage(image: bytes | bytearray, of_format: Format) -> str:
    """Why a file is refused; the error names it and its format."""
    with pytest.raises(UnreadableBinaryError) as caught:
        FORMATS[of_format].read(NAME, memoryview(bytes(image)))
    assert (caught.value.path, caught.value.format) == (NAME, of_format)
    return caught.value.reason
