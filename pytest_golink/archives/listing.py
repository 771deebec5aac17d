"""Read the members of a file, in the format that its magic number shows."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from pytest_golink.archives import limits
from pytest_golink.archives.members import Member
from pytest_golink.archives.packages import AR_MAGIC, RPM_MAGIC, deb_members, rpm_members
from pytest_golink.archives.streams import Extent, Range, codec_of, stream, unpacked
from pytest_golink.archives.tar import is_freebsd, tar_members
from pytest_golink.archives.tar_headers import is_tar
from pytest_golink.archives.unpack import StrictUnpacker, Unpacker
from pytest_golink.errors import ArchiveError
from pytest_golink.reader.formats import is_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_golink.archives.tree import Images, Tree

_HEAD_BYTES = 512
_COMPRESSED_SUFFIXES = (".gz", ".xz", ".bz2", ".zst", ".lzma")
_KNOWN = "known are tar (also gz, xz, bz2, zst), zip, whl, deb, rpm, apk, pkg, OCI image layouts and docker save"
# Source: apk-tools, src/adb.h (version 3 of the format).
_OTHERS = {
    b"7z\xbc\xaf\x27\x1c": "is a 7z archive",
    b"Rar!\x1a\x07": "is a RAR archive",
    b"ADB": "is an Alpine package of version 3",
    b"hsqs": "is a squashfs image",
    b"xar!": "is a xar archive, as packages of macOS are",
    b"MSCF": "is a cabinet file",
}


def is_layout(folder: Path) -> bool:
    """Whether a folder is an OCI image layout."""
    return (folder / "oci-layout").is_file() and (folder / "index.json").is_file()


def is_archive(path: Path) -> bool:
    """Whether a file is an archive by its first bytes, and no image: one that golink may not be able to read, too."""
    from pytest_golink.archives.zip import EMPTY_ZIP_MAGIC, ZIP_MAGIC

    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    magics = (ZIP_MAGIC, EMPTY_ZIP_MAGIC, AR_MAGIC + b"debian-binary", RPM_MAGIC, *_OTHERS)
    return head.startswith(magics) or codec_of(head) is not None or (any(head) and is_tar(head))


def layout_tree(folder: Path, path: str) -> Images:
    """
    Return the members of the images in an OCI layout's folder.

    Raises:
        ArchiveError: The layout is damaged.
    """
    from pytest_golink.archives.blobs import FolderBlobs
    from pytest_golink.archives.images import image_trees

    blobs = FolderBlobs(folder, path)
    try:
        return image_trees(blobs)
    finally:
        blobs.close()


def archive_tree(file: BinaryIO, path: str, *, root: bool = False) -> Tree | Images:
    """
    Return the members of an archive, unpacked.

    Args:
        file: The archive.
        path: Its name as reports show it; the last part names the member of a compressed single file.
        root: Whether a plain tar is a root file system, as `docker export` writes one.

    Raises:
        ArchiveError: The file is no archive, or a damaged or hostile one; or unpackers differ on it.
    """
    from pytest_golink.archives.zip import EMPTY_ZIP_MAGIC, ZIP_MAGIC, ends_as_zip, zip_members

    whole = Range(file, path=path)
    head = whole.read(_HEAD_BYTES)
    if head.startswith((ZIP_MAGIC, EMPTY_ZIP_MAGIC)):
        return StrictUnpacker(path=path, root=False, replaces=True).unpack(zip_members(file, path))
    if head.startswith(AR_MAGIC):
        return Unpacker(path=path, root=True).unpack(deb_members(file, path))
    if head.startswith(RPM_MAGIC):
        return StrictUnpacker(path=path, root=True, replaces=False).unpack(rpm_members(file, path))
    codec = codec_of(head)
    if codec is not None:
        head = _first_bytes(whole, codec)
    if is_tar(head):
        return _tar_tree(file, whole, codec, root=root or is_freebsd(head))
    if codec is not None:
        return Unpacker(path=path, root=False).unpack(_single(whole, codec, head))
    if is_image(head) and ends_as_zip(whole):
        # A self-extracting zip.
        return StrictUnpacker(path=path, root=False, replaces=True).unpack(zip_members(file, path))
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            raise ArchiveError(path, f"{what}, which golink cannot look into; {_KNOWN}")
    raise ArchiveError(path, f"is not an archive that golink can read (starts with {head[:8]!r}); {_KNOWN}")


def _first_bytes(whole: Range, codec: str) -> bytes:
    try:
        return stream(whole, codec).read(_HEAD_BYTES)
    except ArchiveError:
        raise
    except Exception as error:
        # Each decoder raises its own class of errors.
        raise ArchiveError(whole.path, f"its {codec} data is damaged: {error}") from error


def _tar_tree(file: BinaryIO, whole: Range, codec: str | None, *, root: bool) -> Tree | Images:
    path = whole.path
    tree = Unpacker(path=path, root=root).unpack(tar_members(whole, codec, root=root))
    if not _is_image(file, path, tree):
        return tree
    from pytest_golink.archives.blobs import TarBlobs
    from pytest_golink.archives.images import image_trees

    if codec is None:
        return image_trees(TarBlobs(file, path, tree))
    # The archive does not hold the layers in the order of their application: a stream will not do.
    outer = Extent(start=whole.start, length=whole.size, codec=codec, offset=0, size=None)
    with tempfile.TemporaryFile(prefix="golink-") as temporary:
        for part in outer.chunks(file, path):
            temporary.write(part)
        return image_trees(
            TarBlobs(temporary, path, tree),
            lambda member: replace(member, chain=(outer.chunks, *member.chain)) if member.chain else member,
        )


def _is_image(file: BinaryIO, path: str, tree: Tree) -> bool:
    """Whether a tar is an image: an OCI layout, or one with a manifest.json as docker writes it."""
    if tree.found("oci-layout") is not None and tree.found("index.json") is not None:
        return True
    member = tree.found("manifest.json")
    if member is None or member.size > limits.JSON_BYTES:
        return False
    text = b"".join(member.chain[0](file, path)).lstrip()
    return text.startswith(b"[") and b'"Layers"' in text and b'"Config"' in text


def _single(whole: Range, codec: str, head: bytes) -> Iterator[Member]:
    """Yield the member of a compressed file other than a tar: app_linux_amd64.gz holds app_linux_amd64."""
    base = whole.path.replace("!", "/").rsplit("/", 1)[-1]
    name = next((base.removesuffix(suffix) for suffix in _COMPRESSED_SUFFIXES if base.endswith(suffix)), base)
    size = sum(map(len, unpacked(whole, codec)))
    extent = Extent(start=whole.start, length=whole.size, codec=codec, offset=0, size=size)
    yield Member(name=name, kind="file", size=size, head=head, chain=(extent.chunks,))
