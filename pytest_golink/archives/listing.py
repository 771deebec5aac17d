"""Whatever a file is by its magic number: the members in it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from pytest_golink.archives import limits
from pytest_golink.archives.members import Member, Tree
from pytest_golink.archives.packages import AR_MAGIC, RPM_MAGIC, deb_members, rpm_members
from pytest_golink.archives.streams import Extent, Range, codec_of, stream, unpacked
from pytest_golink.archives.tar import is_tar, tar_members
from pytest_golink.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HEAD_BYTES = 512
# The second: a zip without members.
_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
_COMPRESSED_SUFFIXES = (".gz", ".xz", ".bz2", ".zst", ".lzma")


def is_layout(folder: Path) -> bool:
    """Whether a folder is an OCI image layout."""
    return (folder / "oci-layout").is_file() and (folder / "index.json").is_file()


def layout_tree(folder: Path, path: str) -> Tree:
    """
    Give what the images of an OCI layout's folder hold.

    Raises:
        ArchiveError: The layout is damaged.
    """
    from pytest_golink.archives.images import FolderBlobs, image_members

    blobs = FolderBlobs(folder, path)
    try:
        return Tree(image_members(blobs), path=path, root=True)
    finally:
        blobs.close()


def archive_tree(file: BinaryIO, path: str, *, root: bool = False) -> Tree:
    """
    Give what an archive holds.

    Args:
        file: The archive.
        path: Its name as reports show it; the last part names what a compressed single file holds.
        root: Whether a plain tar is a root file system, as `docker export` writes one.

    Raises:
        ArchiveError: The file is no archive, or a damaged or hostile one.
    """
    whole = Range(file, path=path)
    head = whole.read(_HEAD_BYTES)
    if head.startswith(_ZIP_MAGICS):
        from pytest_golink.archives.zip import zip_members

        return Tree(zip_members(file, path), path=path, root=False)
    if head.startswith(AR_MAGIC):
        return Tree(deb_members(file, path), path=path, root=True)
    if head.startswith(RPM_MAGIC):
        return Tree(rpm_members(file, path), path=path, root=True)
    codec = codec_of(head)
    if codec is not None:
        head = _first_bytes(whole, codec)
    if is_tar(head):
        return _tar_tree(file, whole, codec, root=root)
    if codec is not None:
        return Tree(_single(whole, codec, head), path=path, root=False)
    raise ArchiveError(path, f"is no archive that can be looked into (starts with {head[:8]!r}); {_KNOWN}")


_KNOWN = "known are tar (also gz, xz, bz2, zst), zip, whl, deb, rpm, apk, OCI image layouts and docker save"


def _first_bytes(whole: Range, codec: str) -> bytes:
    try:
        return stream(whole, codec).read(_HEAD_BYTES)
    except ArchiveError:
        raise
    except Exception as error:
        # Each decoder has an error of its own.
        raise ArchiveError(whole.path, f"its {codec} data is damaged: {error}") from error


def _tar_tree(file: BinaryIO, whole: Range, codec: str | None, *, root: bool) -> Tree:
    path = whole.path
    tree = Tree(tar_members(whole, codec, root=root), path=path, root=root)
    if not _is_image(file, path, tree):
        return tree
    from pytest_golink.archives.images import TarBlobs, image_members

    if codec is None:
        return Tree(image_members(TarBlobs(file, path, tree)), path=path, root=True)
    # The layers are read in an order of their own: not from a stream.
    outer = Extent(start=whole.start, length=whole.size, codec=codec, offset=0, size=None)
    with tempfile.TemporaryFile(prefix="golink-") as temporary:
        for part in outer.chunks(file, path):
            temporary.write(part)
        members = image_members(TarBlobs(temporary, path, tree))
        return Tree(
            (replace(member, chain=(outer.chunks, *member.chain)) if member.chain else member for member in members),
            path=path,
            root=True,
        )


def _is_image(file: BinaryIO, path: str, tree: Tree) -> bool:
    """Whether a tar is an image: an OCI layout, or manifest.json as docker writes it and not another one."""
    names = set(tree.names())
    if {"oci-layout", "index.json"} <= names:
        return True
    member = tree.file("manifest.json") if "manifest.json" in names else None
    if member is None or member.size > limits.JSON_BYTES:
        return False
    text = b"".join(member.chain[0](file, path)).lstrip()
    return text.startswith(b"[") and b'"Layers"' in text and b'"Config"' in text


def _single(whole: Range, codec: str, head: bytes) -> Iterator[Member]:
    """Yield what a compressed file that is no tar holds: app_linux_amd64.gz holds app_linux_amd64."""
    base = whole.path.replace("!", "/").rsplit("/", 1)[-1]
    name = next((base.removesuffix(suffix) for suffix in _COMPRESSED_SUFFIXES if base.endswith(suffix)), base)
    size = sum(map(len, unpacked(whole, codec)))
    extent = Extent(start=whole.start, length=whole.size, codec=codec, offset=0, size=size)
    yield Member(name=name, kind="file", size=size, head=head, chain=(extent.chunks,))
