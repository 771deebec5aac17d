"""
Members of container images: OCI image layouts, and archives of `docker save`.

An image is the root file system that its layers make, one over the other. If there are several images (platforms,
tags), each member's name starts with the platform: linux/arm64/usr/bin/app.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_golink.archives import limits
from pytest_golink.archives.blobs import check_digest
from pytest_golink.archives.manifests import images_of
from pytest_golink.archives.members import shown
from pytest_golink.archives.streams import codec_of
from pytest_golink.archives.tar import tar_members
from pytest_golink.archives.tree import Images
from pytest_golink.archives.unpack import LayerUnpacker
from pytest_golink.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_golink.archives.blobs import Blobs
    from pytest_golink.archives.manifests import Image
    from pytest_golink.archives.members import Member
    from pytest_golink.archives.tree import Tree

_MAGIC_BYTES = 8


def image_trees(blobs: Blobs, within: Callable[[Member], Member] = lambda member: member) -> Images:
    """
    Unpack every image of a layout.

    Args:
        blobs: Its files.
        within: Returns a member of a layer as a member of the file that holds the layout.

    Raises:
        ArchiveError: The layout is damaged, or a file of it is missing or cut short; or unpackers differ on it.
    """
    images = images_of(blobs)
    layers = _Layers(blobs, within)
    trees: dict[str, Tree] = {}
    absent: dict[str, str] = {}
    for prefix, image in _prefixes(images).items():
        if image.missing:
            absent[prefix] = ", ".join(image.missing[:1])
        else:
            trees[prefix] = layers.unpacked(image)
    _check_names(trees, blobs.path)
    return Images(trees, absent, path=blobs.path)


def _prefixes(images: tuple[Image, ...]) -> dict[str, Image]:
    """Return the images by the prefix of their members' names; the prefix is empty if there is only one image."""
    platforms = [image.platform for image in images]
    found: dict[str, Image] = {}
    for image in images:
        prefix = "" if len(images) == 1 else f"{image.platform}/"
        if platforms.count(image.platform) > 1:
            prefix += f"{image.tag}/"
        while prefix in found:
            prefix = f"{prefix.rstrip('/')}_/"
        found[prefix] = image
    return found


def _check_names(trees: dict[str, Tree], path: str) -> None:
    for prefix in trees:
        for other, tree in trees.items():
            if prefix != other and prefix.startswith(other):
                inner = prefix.removeprefix(other)
                if any(name.startswith(inner) for name in tree.names()):
                    raise ArchiveError(path, f"the names of the images {shown(other)} and {shown(prefix)} overlap")


class _Layers:
    """Reads the layers; one that several images share only once."""

    def __init__(self, blobs: Blobs, within: Callable[[Member], Member]) -> None:
        self._blobs = blobs
        self._within = within
        self._read: dict[str, list[Member]] = {}
        self._kept = 0
        self._applied = 0

    def unpacked(self, image: Image) -> Tree:
        unpacker = LayerUnpacker(path=self._blobs.path)
        for name in image.layers:
            unpacker.layer(self._members(name))
        self._applied += unpacker.applied
        if self._applied > limits.MEMBERS_OF_IMAGES:
            raise ArchiveError(
                self._blobs.path, f"its images have more than the bound of {limits.MEMBERS_OF_IMAGES} members"
            )
        note = ""
        if image.foreign:
            note = (
                f"{len(image.foreign)} of its layers are foreign (their vendor keeps them, as Windows' base layers) "
                f"and not in the archive: {', '.join(image.foreign)}"
            )
        return unpacker.tree(note)

    def _members(self, name: str) -> list[Member]:
        if name not in self._read:
            packed, source = self._blobs.opened(name)
            check_digest(packed, name)
            packed.seek(0)
            codec = codec_of(packed.read(_MAGIC_BYTES))
            members: list[Member] = []
            for member in tar_members(packed, codec, root=True):
                self._kept += 1
                if self._kept > limits.MEMBERS_OF_IMAGES or len(members) >= limits.MEMBERS:
                    raise ArchiveError(self._blobs.path, f"has more than the bound of {limits.MEMBERS} members")
                members.append(self._within(replace(member, source=source)))
            self._read[name] = members
        return self._read[name]
