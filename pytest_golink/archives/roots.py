"""A root file system to look into: a folder, a container image, or a tar of one. golink unpacks no file to disk."""

from __future__ import annotations

import io
import os
import posixpath
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from pytest_golink.archives import limits
from pytest_golink.archives.listing import archive_tree, is_layout, layout_tree
from pytest_golink.archives.members import shown
from pytest_golink.archives.streams import Range, codec_of, unpacked
from pytest_golink.archives.tree import Images
from pytest_golink.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from pytest_golink.archives.members import Member
    from pytest_golink.archives.tree import Tree

_MAGIC_BYTES = 8
# How many links in a row Linux follows (path_resolution(7)).
_LINKS = 40


class Root(Protocol):
    """
    A root file system: paths are posix, with or without the first "/"; links lead to places inside it.

    Each method raises ArchiveError where an archive is damaged, a file is over the bounds, or links go in a circle, and
    OSError where a folder's file cannot be read.
    """

    def read(self, name: str) -> bytes | None:
        """Return a file's bytes, None where there is no such file."""

    def link(self, name: str) -> str | None:
        """Return the target of a symbolic link, None where the name is not one."""

    def entries(self, folder: str) -> list[str]:
        """Return the paths of a folder's files and links, sorted; [] where there is no such folder."""

    def names(self) -> Iterator[str]:
        """Yield the paths of all files and links."""


@contextmanager
def open_root(path: Path) -> Iterator[Root]:
    """
    Open a root file system.

    Args:
        path: A folder; an OCI image layout, or what `docker save` or `docker export` writes; a tar of any compression.

    Raises:
        ArchiveError: It is none of these, damaged, or has several images.
    """
    name = path.name or str(path)
    if path.is_dir() and not is_layout(path):
        yield _Folder(path, name)
        return
    if path.is_dir():
        # Each member names the file that holds it.
        yield _Members(_one_image(layout_tree(path, name), name), io.BytesIO(), name)
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise ArchiveError(name, f"cannot be read: {error.strerror}") from error
    with file, tempfile.TemporaryFile(prefix="golink-") as temporary:
        plain = _unpacked(file, temporary, name)
        yield _Members(_one_image(archive_tree(plain, name, root=True), name), plain, name)


def _unpacked(file: BinaryIO, temporary: BinaryIO, name: str) -> BinaryIO:
    """Return the file decompressed, so that golink can read a tar's members in any order."""
    whole = Range(file, path=name)
    codec = codec_of(whole.read(_MAGIC_BYTES))
    if codec is None:
        return file
    for part in unpacked(whole, codec):
        temporary.write(part)
    return temporary


def _one_image(found: Tree | Images, name: str) -> Tree:
    if not isinstance(found, Images):
        return found
    tree = found.only()
    if tree is None:
        raise ArchiveError(name, "has several images: save one of them")
    return tree


class _Members:
    """The members of an archive; `file` holds the members without a `source`."""

    def __init__(self, tree: Tree, file: BinaryIO, name: str) -> None:
        self._tree = tree
        self._file = file
        self._name = name

    def read(self, name: str) -> bytes | None:
        member = self._tree.found(name)
        if member is None:
            return None
        if member.source is None:
            return self._bytes(member, self._file)
        with member.source.open("rb") as file:
            return self._bytes(member, file)

    def _bytes(self, member: Member, file: BinaryIO) -> bytes:
        # Only one step is left: the archive is decompressed already.
        (step,) = member.chain
        return b"".join(step(file, self._name))

    def link(self, name: str) -> str | None:
        return self._tree.link(name)

    def entries(self, folder: str) -> list[str]:
        return self._tree.entries(folder)

    def names(self) -> Iterator[str]:
        yield from self._tree.names()


class _Folder:
    """A folder of this machine, which may be its root folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name

    def read(self, name: str) -> bytes | None:
        path = self._folder / self._resolved(name)
        if not path.is_file():
            return None
        if path.stat().st_size > limits.MEMBER_BYTES:
            raise ArchiveError(self._name, f"is over the bound of {limits.MEMBER_BYTES} bytes", member=shown(name))
        return path.read_bytes()

    def link(self, name: str) -> str | None:
        return self._target(posixpath.join(self._resolved(posixpath.dirname(name)), posixpath.basename(name)))

    def entries(self, folder: str) -> list[str]:
        at = self._resolved(folder)
        path = self._folder / at
        if not path.is_dir():
            return []
        with os.scandir(path) as found:
            names = [entry.name for entry in found if entry.is_symlink() or entry.is_file(follow_symlinks=False)]
        return [posixpath.join(at, name) for name in sorted(names)]

    def names(self) -> Iterator[str]:
        for folder, folders, files in os.walk(self._folder):
            folders.sort()
            at = os.path.relpath(folder, self._folder).replace(os.sep, "/")
            for name in sorted(files):
                yield posixpath.normpath(posixpath.join(at, name))

    def _resolved(self, name: str) -> str:
        """Follow every link on the way, inside the root: "..", behind a link, is the parent of its target."""
        done: list[str] = []
        todo = name.split("/")[::-1]
        links = 0
        while todo:
            part = todo.pop()
            if part == "..":
                del done[-1:]
            elif part not in ("", "."):
                done.append(part)
            target = self._target("/".join(done))
            if target is None:
                continue
            links += 1
            if links > _LINKS:
                raise ArchiveError(self._name, "its links go in a circle", member=shown(name))
            done = [] if target.startswith("/") else done[:-1]
            todo += target.split("/")[::-1]
        return "/".join(done)

    def _target(self, name: str) -> str | None:
        path = self._folder / name
        return os.fspath(path.readlink()) if path.is_symlink() else None
