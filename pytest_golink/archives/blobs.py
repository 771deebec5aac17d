"""The files of a container image's layout, in a folder or in a tar."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, BinaryIO, Protocol

from pytest_golink.archives import limits
from pytest_golink.archives.members import shown
from pytest_golink.archives.streams import Range
from pytest_golink.errors import ArchiveError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink.archives.tree import Tree


# A string, in which brackets do not count, or a bracket.
_NESTING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)


class Blobs(Protocol):
    """The files of an image's layout."""

    path: str

    def has(self, name: str) -> bool:
        """Whether there is such a file."""

    def opened(self, name: str) -> tuple[Range, Path | None]:
        """Return a file's bytes, and the file that they are a range of: None for the archive itself."""


class FolderBlobs:
    """
    The files of a layout in a folder; links that lead out of it are not followed.

    Close it after use: it keeps the last file open.
    """

    def __init__(self, folder: Path, path: str) -> None:
        self.path = path
        self._folder = folder
        self._open: BinaryIO | None = None

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return (self._folder / name).is_file()

    def opened(self, name: str) -> tuple[Range, Path | None]:
        """Return a file's bytes, and the file."""
        file = self._folder / name
        if not file.is_file() or not file.resolve().is_relative_to(self._folder.resolve()):
            raise ArchiveError(self.path, f"the image layout has no {shown(name)}")
        self.close()
        try:
            self._open = file.open("rb")
        except OSError as error:
            raise ArchiveError(self.path, f"{shown(name)} cannot be read: {error.strerror}") from error
        return Range(self._open, path=self.path, largest=limits.JSON_BYTES), file

    def close(self) -> None:
        """Close the file."""
        if self._open is not None:
            self._open.close()
            self._open = None


class TarBlobs:
    """The files of a layout in a tar that is not compressed."""

    def __init__(self, file: BinaryIO, path: str, tree: Tree) -> None:
        self.path = path
        self._file = file
        self._tree = tree

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return self._tree.found(name) is not None

    def opened(self, name: str) -> tuple[Range, Path | None]:
        """Return a file's bytes."""
        member = self._tree.found(name)
        if member is None:
            raise ArchiveError(self.path, f"the image has no {shown(name)}")
        data = Range(self._file, path=self.path, start=member.offset, size=member.size, largest=limits.JSON_BYTES)
        return data, None


def load_object(blobs: Blobs, name: str) -> dict[str, object]:
    """
    Return a file's JSON object.

    Raises:
        ArchiveError: There is no such file, or it holds something else.
    """
    value = load_json(blobs, name)
    if not isinstance(value, dict):
        raise ArchiveError(blobs.path, f"{shown(name)} of the image is not a JSON object")
    return value


def load_json(blobs: Blobs, name: str) -> object:
    """
    Return a file's JSON value.

    Raises:
        ArchiveError: There is no such file, or it holds no JSON.
    """
    data, _source = blobs.opened(name)
    try:
        return parse_json(data.read())
    except ValueError as error:
        raise ArchiveError(blobs.path, f"{shown(name)} of the image is not JSON: {shown(str(error))}") from error


def parse_json(text: bytes) -> object:
    """
    Return a JSON value.

    Raises:
        ValueError: It is no JSON, or nested deeper than the bound.
    """
    depth = 0
    for token in _NESTING.finditer(text):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        if depth > limits.JSON_DEPTH:
            raise ValueError(f"nested more than {limits.JSON_DEPTH} deep")
    value: object = json.loads(text)
    return value
