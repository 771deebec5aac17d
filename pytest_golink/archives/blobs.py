"""The files of a container image's layout, in a folder or in a tar."""

from __future__ import annotations

import hashlib
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


# A string, whose brackets do not count, or a bracket.
_NESTING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)

# Source: OCI Image Format Specification v1.1, "Image Layout", "Digests".
_BLOB = re.compile(r"blobs/(sha256|sha512)/([a-f0-9]+)")
_CHUNK_BYTES = 1 << 20
# The keys that golink reads in an index, a manifest or a config.
_KEYS = {"annotations", "config", "digest", "layers", "manifests", "mediatype", "platform", "repotags"}
_KEYS |= {"architecture", "os", "variant"}


class Blobs(Protocol):
    """The files of an image's layout."""

    path: str

    def has(self, name: str) -> bool:
        """Whether there is such a file."""

    def opened(self, name: str) -> tuple[Range, Path | None]:
        """Return a file's bytes, and the file that holds them: None for the archive itself."""


class FolderBlobs:
    """
    The files of a layout in a folder; golink does not follow links that lead out of it.

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


def check_digest(data: Range, name: str) -> None:
    """
    Check a file against the digest in its name, as every program that loads an image does.

    Raises:
        ArchiveError: It has another digest, or is over the bound.
    """
    match = _BLOB.fullmatch(name)
    if match is None:
        return
    if data.size > limits.UNPACKED_BYTES:
        raise ArchiveError(data.path, f"{name} has {data.size} bytes, more than the bound of {limits.UNPACKED_BYTES}")
    digest = hashlib.new(match[1])
    data.seek(0)
    while part := data.read(_CHUNK_BYTES):
        digest.update(part)
    if digest.hexdigest() != match[2]:
        raise ArchiveError(data.path, f"{name} has another digest, {match[1]}:{digest.hexdigest()}: it is damaged")


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
    check_digest(data, name)
    data.seek(0)
    try:
        return parse_json(data.read())
    except ValueError as error:
        raise ArchiveError(blobs.path, f"{shown(name)} of the image is not JSON: {shown(str(error))}") from error


def parse_json(text: bytes) -> object:
    """
    Return a JSON value.

    Raises:
        ValueError: It is not JSON, is nested deeper than the bound, or has a key that golink reads twice.
    """
    depth = 0
    for token in _NESTING.finditer(text):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        if depth > limits.JSON_DEPTH:
            raise ValueError(f"nested more than {limits.JSON_DEPTH} deep")
    value: object = json.loads(text, object_pairs_hook=_unambiguous)
    return value


def _unambiguous(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object, unless it has a key that golink reads twice: Go tools take the last, whatever its case."""
    seen: set[str] = set()
    for key, _ in pairs:
        folded = key.casefold()
        if folded in seen:
            raise ValueError(f"an object has {folded!r} twice, and tools differ on which one counts")
        if folded in _KEYS:
            seen.add(folded)
    return dict(pairs)
