"""Compare golink's reader with one that shares no code with it: pyelftools for ELF, macholib for Mach-O."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from pytest_golink.errors import ReaderDisagreement, UnreadableBinaryError
from pytest_golink.session import Session, current, within

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from pytest_golink.facts import BinaryFacts


def crosschecking() -> AbstractContextManager[None]:
    """Make this process read every image twice meanwhile."""
    return within(Session(crosscheck=True))


def crosscheck_if_asked(images: tuple[BinaryFacts, ...], data: memoryview) -> None:
    """Compare the facts of a file with a second reader's, inside `crosschecking()`."""
    if current().crosscheck:
        crosscheck(images, data)


def crosscheck(images: tuple[BinaryFacts, ...], data: memoryview) -> None:
    """
    Compare the facts of a file with those of a second reader for the same bytes.

    Only ELF and Mach-O have a second reader; files of other formats are not compared.

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
    # One reader may know a fact that the other does not: an object file does not name its system, so it has no target.
    differences = {fact: (ours[fact], theirs[fact]) for fact in ours if fact in theirs and ours[fact] != theirs[fact]}
    if differences:
        raise ReaderDisagreement(image.path, reader, differences)


def _cannot(image: BinaryFacts, reader: str, error: Exception) -> UnreadableBinaryError:
    reason = f"{reader}, the second reader, cannot read it: {str(error) or type(error).__name__}"
    return UnreadableBinaryError(image.path, reason, format=image.format)
