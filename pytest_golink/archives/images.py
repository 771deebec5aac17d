"""
Members of container images: OCI image layouts, and what `docker save` writes.

An image is the root file system that its layers make, one over the other. Of several images (platforms, tags) each
member's name starts with the platform: linux/arm64/usr/bin/app.

Source: OCI Image Format Specification v1.1, "Image Layout", "Image Index", "Image Layer Filesystem Changeset";
Docker Image Specification v1.2 for manifest.json.
"""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO, Protocol

from pytest_golink.archives import limits
from pytest_golink.archives.members import shown
from pytest_golink.archives.streams import Range, codec_of
from pytest_golink.archives.tar import tar_members
from pytest_golink.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_golink.archives.members import Member, Tree

_MAGIC_BYTES = 8
_DIGEST = re.compile(r"([a-z0-9]+):([a-f0-9]{32,128})")
_INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_NAME_ANNOTATION = "org.opencontainers.image.ref.name"
# An index may hold indexes; one that holds itself is a circle.
_INDEX_DEPTH = 4
_IMAGES = 256
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


class Blobs(Protocol):
    """The files of an image's layout, in a folder or in a tar."""

    path: str

    def has(self, name: str) -> bool:
        """Whether there is such a file."""

    def opened(self, name: str) -> tuple[Range, Path | None]:
        """Give a file's bytes, and the file that they are a range of: None for the archive itself."""


class FolderBlobs:
    """
    The files of a layout in a folder; links that lead out of it are not followed.

    Close it after use: it keeps the files open.
    """

    def __init__(self, folder: Path, path: str) -> None:
        self.path = path
        self._folder = folder
        self._open: list[BinaryIO] = []

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return (self._folder / name).is_file()

    def opened(self, name: str) -> tuple[Range, Path | None]:
        """Give a file's bytes, and the file."""
        file = self._folder / name
        if not file.is_file() or not file.resolve().is_relative_to(self._folder.resolve()):
            raise ArchiveError(self.path, f"the image layout has no {shown(name)}")
        stream = file.open("rb")
        self._open.append(stream)
        return Range(stream, path=self.path, largest=limits.JSON_BYTES), file

    def close(self) -> None:
        """Close the files."""
        for stream in self._open:
            stream.close()


class TarBlobs:
    """The files of a layout in a tar that is not compressed."""

    def __init__(self, file: BinaryIO, path: str, tree: Tree) -> None:
        self.path = path
        self._file = file
        self._tree = tree
        self._names = frozenset(tree.names())

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return name in self._names

    def opened(self, name: str) -> tuple[Range, Path | None]:
        """Give a file's bytes."""
        member = self._tree.file(name) if name in self._names else None
        if member is None:
            raise ArchiveError(self.path, f"the image has no {shown(name)}")
        data = Range(self._file, path=self.path, start=member.offset, size=member.size, largest=limits.JSON_BYTES)
        return data, None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Image:
    platform: str
    tag: str
    layers: tuple[str, ...]


def image_members(blobs: Blobs) -> Iterator[Member]:
    """
    Yield the members of every image.

    Raises:
        ArchiveError: The layout is damaged, or a file of it is missing or cut short.
    """
    images = tuple(dict.fromkeys(_layout_images(blobs) if blobs.has("index.json") else _saved_images(blobs)))
    if not images:
        raise ArchiveError(blobs.path, "the image layout has no image")
    if len(images) > _IMAGES:
        raise ArchiveError(blobs.path, f"has more than the bound of {_IMAGES} images")
    platforms = [image.platform for image in images]
    for image in images:
        prefix = "" if len(images) == 1 else f"{image.platform}/"
        if platforms.count(image.platform) > 1:
            prefix += f"{image.tag}/"
        for member in _merged(blobs, image):
            yield replace(member, name=f"{prefix}{member.name}", target=_inside(member, prefix))


def _inside(member: Member, prefix: str) -> str:
    """Give a link's target by its name in the whole archive: ".." of an image's root is that root."""
    if member.kind == "hardlink":
        return f"{prefix}{member.target}"
    if member.kind != "symlink":
        return ""
    return (
        f"/{prefix}{posixpath.normpath(posixpath.join('/', posixpath.dirname(member.name), member.target)).lstrip('/')}"
    )


def _layout_images(blobs: Blobs) -> Iterator[_Image]:
    yield from _of_index(blobs, _json(blobs, "index.json"), depth=0)


def _of_index(blobs: Blobs, index: dict[str, object], *, depth: int) -> Iterator[_Image]:
    if depth > _INDEX_DEPTH:
        raise ArchiveError(blobs.path, f"image indexes within indexes, more than {_INDEX_DEPTH} deep")
    for descriptor in _objects(blobs, index.get("manifests"), "manifests"):
        name = _blob(blobs, descriptor)
        found = _json(blobs, name)
        if descriptor.get("mediaType") in _INDEX_TYPES or "manifests" in found:
            yield from _of_index(blobs, found, depth=depth + 1)
            continue
        described = descriptor.get("platform")
        config = described if isinstance(described, dict) else _json(blobs, _blob(blobs, found.get("config")))
        platform = _platform(config)
        # What buildx adds beside an image: provenance and SBOM, which are no image.
        if platform == "unknown/unknown":
            continue
        annotations = descriptor.get("annotations")
        tag = annotations.get(_NAME_ANNOTATION) if isinstance(annotations, dict) else None
        layers = tuple(_blob(blobs, layer) for layer in _objects(blobs, found.get("layers"), "layers"))
        yield _Image(
            platform=platform,
            tag=_plain(tag) if isinstance(tag, str) else posixpath.basename(name)[:12],
            layers=layers,
        )


def _saved_images(blobs: Blobs) -> Iterator[_Image]:
    for entry in _objects(blobs, _load(blobs, "manifest.json"), "manifest.json"):
        config, layers, tags = entry.get("Config"), entry.get("Layers"), entry.get("RepoTags")
        if not isinstance(config, str) or not isinstance(layers, list):
            raise ArchiveError(blobs.path, "manifest.json names no Config and Layers")
        named = tags[0] if isinstance(tags, list) and tags and isinstance(tags[0], str) else posixpath.basename(config)
        yield _Image(
            platform=_platform(_json(blobs, config)),
            tag=_plain(named),
            layers=tuple(layer for layer in layers if isinstance(layer, str)),
        )


def _merged(blobs: Blobs, image: _Image) -> Iterator[Member]:
    """Lay the layers one over the other, whiteouts taken off."""
    tree: dict[str, Member] = {}
    for name in image.layers:
        packed, source = blobs.opened(name)
        codec = codec_of(packed.read(_MAGIC_BYTES))
        fresh: dict[str, Member] = {}
        gone: set[str] = set()
        emptied: set[str] = set()
        for member in tar_members(packed, codec, root=True):
            folder, _, base = member.name.rpartition("/")
            if base == _OPAQUE:
                emptied.add(folder)
            elif base.startswith(_WHITEOUT):
                gone.add(posixpath.join(folder, base.removeprefix(_WHITEOUT)))
            elif member.name in fresh and not fresh[member.name].kind == member.kind == "folder":
                raise ArchiveError(blobs.path, "stands twice in one layer", member=shown(member.name))
            else:
                fresh[member.name] = replace(member, source=source)
            if len(fresh) + len(tree) > limits.MEMBERS:
                raise ArchiveError(blobs.path, f"has more than the bound of {limits.MEMBERS} members")
        # What is no folder any more has nothing below it.
        gone |= {name for name, member in fresh.items() if member.kind != "folder"}
        tree = {name: member for name, member in tree.items() if not _covered(name, gone, emptied)}
        tree.update(fresh)
    yield from tree.values()


def _covered(name: str, gone: set[str], emptied: set[str]) -> bool:
    """Whether a layer takes the file of that name, from the layers under it, away."""
    if name in gone:
        return True
    parts = name.split("/")
    above = ["/".join(parts[:length]) for length in range(len(parts))]
    return any(folder in gone or folder in emptied for folder in above)


def _platform(config: dict[str, object]) -> str:
    parts = [config.get("os"), config.get("architecture"), config.get("variant")]
    return "/".join(_plain(part) for part in parts if isinstance(part, str) and part) or "unknown/unknown"


def _plain(text: str) -> str:
    """Give a platform's or an image's name as one part of a path."""
    return re.sub(r"[^\w.:@+-]", "_", text, flags=re.ASCII).replace("..", "__")


def _blob(blobs: Blobs, descriptor: object) -> str:
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    match = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
    if match is None:
        raise ArchiveError(blobs.path, f"a descriptor of the image has no digest: {shown(repr(digest))}")
    return f"blobs/{match[1]}/{match[2]}"


def _objects(blobs: Blobs, value: object, what: str) -> list[dict[str, object]]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ArchiveError(blobs.path, f"the image's {what} is not a list of objects")
    return value


def _json(blobs: Blobs, name: str) -> dict[str, object]:
    value = _load(blobs, name)
    if not isinstance(value, dict):
        raise ArchiveError(blobs.path, f"{shown(name)} of the image is not a JSON object")
    return value


def _load(blobs: Blobs, name: str) -> object:
    data, _source = blobs.opened(name)
    try:
        value: object = json.loads(data.read())
    except (ValueError, RecursionError) as error:
        raise ArchiveError(blobs.path, f"{shown(name)} of the image is not JSON: {error}") from error
    return value
