"""
Apply members to a file system as unpackers do: in order, each to the state that the members before it left.

Where unpackers leave different results without an error, golink refuses the archive: the installed file depends on the
tool.

Source: GNU tar 1.34, src/extract.c (maybe_recoverable, extract_link, create_placeholder_file); containerd,
pkg/archive/tar.go (applyNaive); umoci, oci/layer/tar_extract.go; OCI Image Format Specification v1.1, "Image Layer
Filesystem Changeset".
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from pytest_golink.archives import limits
from pytest_golink.archives.members import Member, shown
from pytest_golink.archives.tree import Folder, Resolver, Tree
from pytest_golink.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NoReturn

    from pytest_golink.archives.tree import Node

_WHITEOUT = ".wh."
# Names that AUFS reserves: no unpacker installs them.
_AUFS = ".wh..wh."
_OPAQUE = ".wh..wh..opq"


class Unpacker:
    """
    Applies members in order, as GNU tar does.

    Args:
        path: The archive as reports show it.
        root: Whether it is a root file system: an absolute link stays inside it.
    """

    def __init__(self, *, path: str, root: bool) -> None:
        self.path = path
        self.root = root
        self.applied = 0
        self.top = Folder("", 0, None)
        self.resolver = Resolver(self.top, path=path, root=root)
        self._nodes = 0
        self._names_bytes = 0
        # The folder of the previous member: members of one folder mostly stand in a row.
        self._last: tuple[str, Folder] | None = None

    def unpack(self, members: Iterable[Member], *, note: str = "") -> Tree:
        """
        Apply members, and return the resulting tree.

        Raises:
            ArchiveError: An unpacker fails on it, unpackers differ, or it is over the bounds.
        """
        for member in members:
            self.apply(member)
        return self.tree(note)

    def tree(self, note: str = "") -> Tree:
        """Return the current tree."""
        return Tree(self.top, path=self.path, root=self.root, note=note)

    def apply(self, member: Member) -> None:
        """
        Apply one member.

        Raises:
            ArchiveError: An unpacker fails on it, unpackers differ, or it is over the bounds.
        """
        self._count()
        if not member.name:
            if member.kind != "folder":
                raise ArchiveError(self.path, "has a member without a name")
            return
        at, _, base = member.name.rpartition("/")
        folder = self.folder(at, member)
        old = folder.entries.get(base)
        if member.kind == "folder":
            if old is None or isinstance(old, Member):
                self.replacing(folder, base, member)
                self.put(folder, base, self._made(folder, base))
        elif member.kind == "hardlink":
            self.link(folder, base, member)
        else:
            self.replacing(folder, base, member)
            self.put(folder, base, member)
        self.touched(folder, base)

    def folder(self, at: str, member: Member) -> Folder:
        """Return the folder of that name, links followed; make it if it is missing."""
        if self._last is not None and self._last[0] == at:
            return self._last[1]
        here = self.top
        parts = at.split("/") if at else []
        self.resolver.count(len(parts))
        for part in parts:
            node = here.entries.get(part)
            if isinstance(node, Member) and node.kind == "symlink":
                node = self.through(here, part, member)
            if node is None:
                node = self._made(here, part)
                self.put(here, part, node)
            if isinstance(node, Member):
                self.refuse(member, f'lies below "{shown(node.name)}", which is no folder')
            here = node
        self._last = at, here
        return here

    def through(self, folder: Folder, name: str, member: Member) -> Folder:
        """Return the folder that a link on a member's path leads to."""
        where = posixpath.join(folder.at, name)
        _, node = self.resolver.resolve(where, check=lambda link: self._made_last(link, member))
        if not isinstance(node, Folder):
            self.refuse(member, f'lies behind the link "{shown(where)}", which leads to no folder')
        return node

    def link(self, folder: Folder, base: str, member: Member) -> None:
        """Make a hard link to the current file of its target's name; a link there is not followed."""
        node = self._target(member)
        if node is folder.entries.get(base) and node is not None:
            return
        self.replacing(folder, base, member)
        self.put(folder, base, node or self.broken(member))

    def replacing(self, folder: Folder, base: str, member: Member) -> None:
        """Remove the entry that a member replaces; a folder that is not empty is an error."""
        old = folder.entries.get(base)
        if isinstance(old, Member) and old.problem:
            self.refuse(member, f"replaces what {old.problem}")
        if isinstance(old, Member) and _is_made_last(old) and member.target != old.target:
            # GNU tar may make such a link at the end anyway, if it has a hard link or if another file got its inode.
            self.refuse(member, f'replaces the link to "{shown(old.target)}", which GNU tar makes last')
        if isinstance(old, Folder) and old.entries:
            self.refuse(member, "replaces a folder that is not empty")
        if old is not None:
            self.removed()

    def touched(self, folder: Folder, base: str) -> None:
        """Record that a member was put there."""

    def put(self, folder: Folder, base: str, node: Folder | Member) -> None:
        """Put a folder or member into a folder, within the bounds."""
        self._nodes += 1
        self._names_bytes += len(folder.at) + len(base) + 1
        if self._nodes > limits.MEMBERS:
            raise ArchiveError(self.path, f"has more than the bound of {limits.MEMBERS} members and their folders")
        if self._names_bytes > limits.NAMES_BYTES:
            raise ArchiveError(self.path, f"has names of more than the bound of {limits.NAMES_BYTES} bytes")
        folder.entries[base] = node

    def removed(self) -> None:
        """Forget the remembered folder: a folder was removed or replaced."""
        self._last = None

    def refuse(self, member: Member, reason: str) -> NoReturn:
        """Raise the error of a member that an unpacker cannot apply."""
        raise ArchiveError(self.path, f"{reason}: it cannot be unpacked", member=shown(member.name))

    def _count(self) -> None:
        self.applied += 1
        if self.applied > limits.MEMBERS:
            raise ArchiveError(self.path, f"has more than the bound of {limits.MEMBERS} members")

    def _made(self, folder: Folder, base: str) -> Folder:
        return Folder(posixpath.join(folder.at, base), self._nodes + 1, folder)

    def _made_last(self, link: Member, member: Member) -> None:
        if _is_made_last(link):
            self.refuse(member, f'lies behind the link "{shown(link.name)}" to "{shown(link.target)}", made last')

    def _target(self, member: Member) -> Member | None:
        at, _, base = member.target.rpartition("/")
        _, folder = self.resolver.resolve(at, check=lambda link: self._made_last(link, member))
        node = folder.entries.get(base) if isinstance(folder, Folder) else None
        return node if isinstance(node, Member) else None

    def broken(self, member: Member) -> Member:
        """Return the member for a hard link to nothing: reading it is an error."""
        problem = f'is a hard link to "{shown(member.target)}", and no file is there when the link is made'
        return Member(name=member.name, kind="file", problem=problem)


def _is_made_last(member: Member) -> bool:
    """Whether GNU tar makes an empty file first, and the link at the very end."""
    return member.kind == "symlink" and (member.target.startswith("/") or ".." in member.target.split("/"))


class StrictUnpacker(Unpacker):
    """
    Applies members of formats whose unpackers differ on links in a member's path, and on repeated names.

    unzip and 7z make symbolic links last, bsdtar in order; rpm refuses what cpio does.

    Args:
        path: The archive as reports show it.
        root: Whether it is a root file system: an absolute link stays inside it.
        replaces: Whether a file replaces an earlier one of the same name.
    """

    def __init__(self, *, path: str, root: bool, replaces: bool) -> None:
        super().__init__(path=path, root=root)
        self._replaces = replaces

    def through(self, folder: Folder, name: str, member: Member) -> Folder:
        """Refuse a member behind a link."""
        where = posixpath.join(folder.at, name)
        raise ArchiveError(
            self.path,
            f'lies behind the link "{shown(where)}": where it is installed depends on the unpacker',
            member=shown(member.name),
        )

    def replacing(self, folder: Folder, base: str, member: Member) -> None:
        """Refuse a repeated name, except of two files if the format lets one replace the other."""
        old = folder.entries.get(base)
        if old is None or (self._replaces and isinstance(old, Member) and old.kind == member.kind == "file"):
            return
        raise ArchiveError(
            self.path,
            "stands twice in the archive: which one is installed depends on the unpacker",
            member=shown(member.name),
        )


class LayerUnpacker(Unpacker):
    """
    Applies the layers of a container image, as containerd and umoci do: links lead to places inside the image.

    Args:
        path: The archive as reports show it.
    """

    def __init__(self, *, path: str) -> None:
        super().__init__(path=path, root=True)
        # For the current layer: the entries that its members made, and the folders above these.
        self._own: set[tuple[int, str]] = set()
        self._above: set[int] = set()

    def layer(self, members: Iterable[Member]) -> None:
        """
        Apply one layer.

        Raises:
            ArchiveError: An unpacker fails on it, unpackers differ, or it is over the bounds.
        """
        self._own.clear()
        self._above.clear()
        for member in members:
            at, _, base = member.name.rpartition("/")
            if base == _OPAQUE:
                self._opaque(at, member)
            elif base.startswith(_WHITEOUT):
                self._whiteout(at, base.removeprefix(_WHITEOUT), member)
            else:
                self.apply(member)

    def through(self, folder: Folder, name: str, member: Member) -> Folder:
        """Return the folder that a link leads to, inside the image; make it if it is missing."""
        done, node = self.resolver.resolve(posixpath.join(folder.at, name), lexical=True)
        if isinstance(node, Folder):
            return node
        here = self.top
        for part in done:
            made = here.entries.get(part)
            if made is None:
                made = self._made(here, part)
                self.put(here, part, made)
            if isinstance(made, Member):
                self.refuse(member, f'lies behind the link "{shown(name)}", which leads to no folder')
            here = made
        return here

    def link(self, folder: Folder, base: str, member: Member) -> None:
        """Make a hard link; remove the entry in its place first."""
        self.replacing(folder, base, member)
        at, _, name = member.target.rpartition("/")
        _, parent = self.resolver.resolve(at, lexical=True)
        node = parent.entries.get(name) if isinstance(parent, Folder) else None
        if not isinstance(node, Member):
            self.refuse(member, self.broken(member).problem)
        self.put(folder, base, node)

    def replacing(self, folder: Folder, base: str, member: Member) -> None:  # noqa: ARG002 - whatever comes
        """Remove the entry that a member replaces, with everything below it."""
        if folder.entries.pop(base, None) is not None:
            self.removed()

    def touched(self, folder: Folder, base: str) -> None:
        """Record an entry of this layer: whiteouts apply only to the layers below."""
        self._own.add((folder.number, base))
        above: Folder | None = folder
        while above is not None and above.number not in self._above:
            self._above.add(above.number)
            above = above.parent

    def _whiteout(self, at: str, base: str, member: Member) -> None:
        self._count()
        if base.startswith(_AUFS.removeprefix(_WHITEOUT)):
            return
        if base in ("", ".", ".."):
            self.refuse(member, "is a whiteout without a name")
        _, folder = self.resolver.resolve(at, lexical=True)
        node = folder.entries.get(base) if isinstance(folder, Folder) else None
        if not isinstance(folder, Folder) or node is None:
            return
        if (folder.number, base) in self._own or (isinstance(node, Folder) and node.number in self._above):
            self._differ(member)
        del folder.entries[base]
        self.removed()

    def _opaque(self, at: str, member: Member) -> None:
        self._count()
        _, top = self.resolver.resolve(at, lexical=True)
        todo: list[Node] = [top]
        while todo:
            folder = todo.pop()
            if not isinstance(folder, Folder):
                continue
            # Looking at one member costs as much as several steps of a path.
            self.resolver.count(32 * len(folder.entries))
            for base, node in tuple(folder.entries.items()):
                if (folder.number, base) in self._own:
                    todo.append(node)
                elif isinstance(node, Folder) and node.number in self._above:
                    self._differ(member)
                else:
                    del folder.entries[base]
        self.removed()

    def _differ(self, member: Member) -> NoReturn:
        raise ArchiveError(
            self.path,
            "takes away what the same layer holds: umoci keeps it, and containerd does not",
            member=shown(member.name),
        )
