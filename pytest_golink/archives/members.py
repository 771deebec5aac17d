"""The members of an archive as a tree: names that stay inside, links that are resolved inside."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_golink.archives import limits
from pytest_golink.errors import ArchiveError
from pytest_golink.text.escape import escape_message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO, TypeAlias

    # Gives a member's bytes from the open file that holds it; the name is for messages.
    Step: TypeAlias = Callable[[BinaryIO, str], Iterator[bytes]]

# As many links in a row as Linux follows (path_resolution(7)).
_LINKS = 40
HEAD_BYTES = 16
_LONGEST_SHOWN = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """
    One entry of an archive.

    Attributes:
        name: Its path, posix, relative, without "." and "..".
        kind: A device, FIFO or socket is "other".
        size: As its header says.
        offset: Where its bytes start in a tar, decompressed.
        head: Its first bytes; enough for a magic number.
        target: Of a symlink as it is written, of a hard link the name of the other member.
        chain: How to get its bytes: each step's from the file that the step before gives, the first's from `source`.
        source: The file that holds the bytes; None for the archive's own.
        problem: Why its bytes cannot be had ("is encrypted"); "" where they can.
    """

    name: str
    kind: Literal["file", "folder", "symlink", "hardlink", "other"]
    size: int = 0
    offset: int = 0
    head: bytes = b""
    target: str = ""
    chain: tuple[Step, ...] = ()
    source: Path | None = None
    problem: str = ""


def shown(name: str) -> str:
    """Return a stranger's name for a message: printable, and no longer than a reader needs."""
    text = escape_message(name, longest=len(name))
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:80]}…{text[-30:]}"


def inner_name(raw: str, *, path: str, root: bool) -> str:
    """
    Give a member's name without "./" and the like; "" for the archive's own root.

    Args:
        raw: The name as it is written.
        path: The archive, for the message.
        root: Whether the archive is a root file system, whose names may start with "/".

    Raises:
        ArchiveError: The name leads out of the archive.
    """
    # A lone backslash is a character like others on Unix: systemd's units have it in their names.
    if "\0" in raw or ".." in re.split(r"[/\\]", raw) or re.match(r"[A-Za-z]:[/\\]", raw) or raw.startswith("\\"):
        raise ArchiveError(path, f'the name of the member "{shown(raw)}" leads out of the archive')
    if raw.startswith("/") and not root:
        raise ArchiveError(path, f'the name of the member "{shown(raw)}" is absolute')
    return "/".join(part for part in raw.split("/") if part not in ("", "."))


class Tree:
    """
    The members of one archive by name.

    Args:
        members: In the archive's order.
        path: The archive as reports show it.
        root: Whether it is a root file system: an absolute link stays inside it.

    Raises:
        ArchiveError: There are more than the bound.
    """

    def __init__(self, members: Iterable[Member], *, path: str, root: bool) -> None:
        self._path = path
        self._root = root
        self._members: dict[str, Member] = {}
        self._twice: set[str] = set()
        # Not every archive lists its folders.
        self._folders: set[str] = set()
        for count, member in enumerate(members):
            if count >= limits.MEMBERS:
                raise ArchiveError(path, f"has more than the bound of {limits.MEMBERS} members")
            if not member.name and member.kind != "folder":
                raise ArchiveError(path, "has a member without a name")
            before = self._members.get(member.name)
            if before is not None and not before.kind == member.kind == "folder":
                self._twice.add(member.name)
            self._members[member.name] = member
            folder = posixpath.dirname(member.name)
            while folder and folder not in self._folders:
                self._folders.add(folder)
                folder = posixpath.dirname(folder)

    def names(self) -> list[str]:
        """Give the names of what may be a file: files, and links to them; sorted."""
        return sorted(name for name, member in self._members.items() if member.kind in ("file", "symlink", "hardlink"))

    def plain_file(self, name: str) -> Member | None:
        """Give the file of that name; None where it is a link, or stands twice."""
        member = self._members.get(name)
        return member if member is not None and member.kind == "file" and name not in self._twice else None

    def file(self, name: str) -> Member | None:
        """
        Give the file that a name means, links resolved; None for a folder, a device and a link to one.

        Raises:
            ArchiveError: The name stands twice, is over the bound, or its link leads out, nowhere or in a circle.
        """
        at = self._resolved(name)
        if at not in self._members and at not in self._folders:
            raise ArchiveError(self._path, f"links to {shown(at)}, which is not in the archive", member=shown(name))
        return self._checked(at)

    def found(self, name: str) -> Member | None:
        """
        Give the file that a path leads to as in a root file system; None where there is none.

        Raises:
            ArchiveError: As for `file`, but a link may lead nowhere.
        """
        return self._checked(self._resolved(name))

    def link(self, name: str) -> str | None:
        """Give what a symbolic link says, whose folder may be reached through links; None where the name is none."""
        member = self._members.get(posixpath.join(self._resolved(posixpath.dirname(name)), posixpath.basename(name)))
        return member.target if member is not None and member.kind == "symlink" else None

    def entries(self, folder: str) -> list[str]:
        """Give the names of files, and links to them, in a folder that may be reached through links; sorted."""
        at = self._resolved(folder)
        return [name for name in self.names() if posixpath.dirname(name) == at]

    def _checked(self, at: str) -> Member | None:
        member = self._members.get(at)
        if member is None or member.kind != "file":
            return None
        if member.problem:
            raise ArchiveError(self._path, member.problem, member=shown(at))
        if member.size > limits.MEMBER_BYTES:
            raise ArchiveError(
                self._path, f"has {member.size} bytes, more than the bound of {limits.MEMBER_BYTES}", member=shown(at)
            )
        return member

    def _resolved(self, name: str) -> str:
        return resolved(name, self._at, path=self._path, root=self._root)

    def _at(self, name: str) -> Member | None:
        if name in self._twice:
            raise ArchiveError(
                self._path,
                "stands twice in the archive: which one is installed depends on the tool",
                member=shown(name),
            )
        return self._members.get(name)


def resolved(name: str, at: Callable[[str], Member | None], *, path: str, root: bool) -> str:
    """
    Follow every link on the way, part by part as a system does: "..", behind a link, is its target's folder.

    Args:
        name: A path in the archive or root file system.
        at: Gives what stands there, None for a folder that is not listed, and for nothing.
        path: The archive, for messages.
        root: Whether it is a root file system: an absolute link stays inside it.

    Raises:
        ArchiveError: A link leads out, or in a circle.
    """
    done: list[str] = []
    todo = name.split("/")[::-1]
    links = 0
    while todo:
        part = todo.pop()
        if part == ".." and not done and not root:
            raise ArchiveError(path, "links out of the archive", member=shown(name))
        if part == "..":
            # In a root file system, ".." of the root is the root.
            del done[-1:]
        elif part not in ("", "."):
            done.append(part)
        member = at("/".join(done))
        if member is None or member.kind not in ("symlink", "hardlink"):
            continue
        links += 1
        if links > _LINKS:
            raise ArchiveError(path, "its links go in a circle", member=shown(name))
        if member.kind == "symlink" and member.target.startswith("/") and not root:
            raise ArchiveError(path, f'links out of the archive, to "{shown(member.target)}"', member=shown(name))
        # A hard link, and an absolute one, start at the root.
        done = [] if member.kind == "hardlink" or member.target.startswith("/") else done[:-1]
        todo += member.target.split("/")[::-1]
    return "/".join(done)
