"""The files of a command line: paths, globs, and members of archives."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from pytest_golink.errors import GolinkError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_golink.builder.prebuilt import Prebuilt
    from pytest_golink.facts import BinaryFacts

# What the name of an image is, and its facts or the error of reading it.
Read: TypeAlias = "tuple[str, BinaryFacts | GolinkError]"

HELP = "a binary, a glob, or members of an archive: 'dist/*/app', 'app.tar.gz!**/app', 'image.tar!usr/bin/*'"


def read_named(words: Sequence[str], *, extract_to: Path) -> Iterator[Read]:
    """
    Read the files that the words name, in the order of the words; a fat file has one image a slice.

    Args:
        words: Paths, globs, "archive!member".
        extract_to: Where golink takes members of archives to.
    """
    from pytest_golink.builder.prebuilt import find_named

    for word in words:
        try:
            found = find_named(word, extract_to=extract_to)
        except (GolinkError, OSError) as error:
            yield word, _golink_error(word, error)
            continue
        for image in found:
            yield image.label, _facts_of(image)


def _facts_of(image: Prebuilt) -> BinaryFacts | GolinkError:
    try:
        return image.facts
    except (GolinkError, OSError) as error:
        return _golink_error(image.label, error)


def _golink_error(name: str, error: GolinkError | OSError) -> GolinkError:
    if isinstance(error, GolinkError):
        return error
    return GolinkError(f"{name}: {error.strerror or error}")
