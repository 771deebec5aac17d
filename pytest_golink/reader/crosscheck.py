"""Two readers that share no code must say the same: pyelftools beside ours for ELF, macholib for Mach-O."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_golink.errors import ReaderDisagreement, UnreadableBinaryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_golink.facts import BinaryFacts

# How many ask for it. A count and not a context variable: an image read by a thread of the tests is checked too.
_asked: list[object] = []


@contextmanager
def crosschecking() -> Iterator[None]:
    """Have every image that this process reads meanwhile read twice."""
    token = object()
    _asked.append(token)
    try:
        yield
    finally:
        _asked.remove(token)


def crosscheck_if_asked(images: tuple[BinaryFacts, ...], data: memoryview) -> None:
    """Hold the facts of a file against a second reader's, inside `crosschecking()`."""
    if _asked:
        crosscheck(images, data)


def crosscheck(images: tuple[BinaryFacts, ...], data: memoryview) -> None:
    """
    Hold the facts of a file against what a second reader says of the same bytes.

    Only ELF and Mach-O have one; nothing is held against anything for the other formats.

    Raises:
        ReaderDisagreement: They differ in a fact.
        UnreadableBinaryError: The second reader cannot read it.
    """
    first = images[0]
    if first.format == "elf":
        from elftools.common.exceptions import ELFError

        from pytest_golink.reader.witnesses import pyelftools as second_elf

        try:
            said = second_elf.theirs(data)
        except (ELFError, ValueError, OSError, LookupError, TypeError, AttributeError, AssertionError) as error:
            raise _cannot(first, second_elf.READER, error) from error
        _compare(first, second_elf.READER, second_elf.ours(first), said)
    elif first.format == "macho":
        from pytest_golink.reader.witnesses import macholib as second_macho

        try:
            slices = second_macho.theirs(data)
        except (ValueError, OSError, struct.error, LookupError, TypeError, AttributeError) as error:
            raise _cannot(first, second_macho.READER, error) from error
        if len(slices) != len(images):
            raise ReaderDisagreement(first.path, second_macho.READER, {"slices": (len(images), len(slices))})
        for image, of_slice in zip(images, slices, strict=True):
            _compare(image, second_macho.READER, second_macho.ours(image), of_slice)


def _compare(image: BinaryFacts, reader: str, ours: Mapping[str, object], theirs: Mapping[str, object]) -> None:
    # Each may know what the other cannot tell: an object file does not name its system, and so has no target.
    differences = {fact: (ours[fact], theirs[fact]) for fact in ours if fact in theirs and ours[fact] != theirs[fact]}
    if differences:
        raise ReaderDisagreement(image.path, reader, differences)


def _cannot(image: BinaryFacts, reader: str, error: Exception) -> UnreadableBinaryError:
    reason = f"{reader}, the second reader, cannot read it: {str(error) or type(error).__name__}"
    return UnreadableBinaryError(image.path, reason, format=image.format)
