"""A file system in memory, as an unpacker leaves it: folders and their entries, without the bytes of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from pytest_golink.archives import limits
from pytest_golink.archives.globs import is_glob, matches
from pytest_golink.archives.members import Member, shown
from pytest_golink.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# How many links in a row Linux follows (path_resolution(7)).
_LINKS = 40


class Folder:
    """
    A folder: each name leads to another folder, or to the member that made the file, link or device.

    Hard links are names of the same member.
    """

    __slots__ = ("at", "entries", "number", "parent")

    def __init__(self, at: str, number: int, parent: Folder | None) -> None:
        self.at = at
        # Unlike id(), it is never used again for another folder.
        self.number = number
        self.parent = parent
        self.entries: dict[str, Folder | Member] = {}


Node: TypeAlias = "Folder | Member | None"


class Members(Protocol):
    """The members that a pattern is matched with: those of one archive, or of every image in it."""

    def names(self) -> list[str]:
        """Return the names of what may be a file: files, and links; sorted."""

    def matching(self, glob: tuple[str, ...]) -> list[tuple[str, Member]]:
        """Return the files that a glob's parts match, with the names by which it does; sorted."""

    def plain_file(self, name: str) -> Member | None:
        """Return the file of that name; None where it is a link."""

    def remark(self, glob: tuple[str, ...]) -> str:
        """Return what a message must add where the glob matches nothing; "" where there is nothing to add."""


class Resolver:
    """
    Follows paths as Linux does, inside a root, and counts the steps.

    Args:
        top: The root.
        path: The archive, for messages.
        root: Whether it is a root file system: an absolute link, and ".." at the root, stay inside it.
    """

    def __init__(self, top: Folder, *, path: str, root: bool) -> None:
        self.top = top
        self.path = path
        self.root = root
        self.steps = 0

    def resolve(
        self,
        name: str,
        *,
        last: bool = True,
        lexical: bool = False,
        check: Callable[[Member], None] | None = None,
    ) -> tuple[list[str], Node]:
        """
        Follow every link on the way: "..", behind a link, is the parent of the link's target.

        Args:
            name: A path in the archive or root file system.
            last: Whether to follow a link at the end too.
            lexical: Whether ".." behind a missing name leads back, as in containerd and umoci; Linux finds nothing
            there.
            check: Called with each link on the way.

        Returns:
            The parts of the real path, and the folder or member there; None if there is none.

        Raises:
            ArchiveError: A link leads out of the root or in a circle, or the steps are over the bound.
        """
        done: list[str] = []
        nodes: list[Node] = [self.top]
        todo = name.split("/")[::-1]
        links = 0
        self.count(len(todo))
        while todo:
            part = todo.pop()
            here = nodes[-1]
            if part in ("", ".", ".."):
                if not isinstance(here, Folder) and not lexical:
                    return [*done, part], None
                if part == ".." and done:
                    done.pop()
                    nodes.pop()
                elif part == ".." and not self.root:
                    raise ArchiveError(self.path, "links out of the archive", member=shown(name))
                continue
            node = here.entries.get(part) if isinstance(here, Folder) else None
            if not isinstance(node, Member) or node.kind != "symlink" or not (todo or last):
                done.append(part)
                nodes.append(node)
                continue
            if check is not None:
                check(node)
            links += 1
            if links > _LINKS:
                raise ArchiveError(self.path, "its links go in a circle", member=shown(name))
            if node.target.startswith("/"):
                if not self.root:
                    reason = f'links out of the archive, to "{shown(node.target)}"'
                    raise ArchiveError(self.path, reason, member=shown(name))
                done, nodes = [], [self.top]
            more = node.target.split("/")[::-1]
            self.count(len(more))
            todo += more
        return done, nodes[-1]

    def count(self, more: int) -> None:
        """
        Add to the steps.

        Raises:
            ArchiveError: They are over the bound.
        """
        self.steps += more
        if self.steps > limits.STEPS:
            raise ArchiveError(self.path, f"its links take more than the bound of {limits.STEPS} steps")


class Tree:
    """
    The members of one archive, unpacked.

    Args:
        top: Its root.
        path: The archive as reports show it.
        root: Whether it is a root file system: an absolute link stays inside it.
        note: What a message must add where nothing matches: layers that are not in the archive.
    """

    def __init__(self, top: Folder, *, path: str, root: bool, note: str = "") -> None:
        self._path = path
        self._resolver = Resolver(top, path=path, root=root)
        self._note = note

    def names(self) -> list[str]:
        """Return the names of what may be a file: files, and links; sorted."""
        return sorted(name for name, node in self._below(()) if isinstance(node, Member) and node.kind != "other")

    def plain_file(self, name: str) -> Member | None:
        """Return the file of that name; None where it is a link, or its bytes cannot be had."""
        _, node = self._resolver.resolve(name, last=False)
        return node if isinstance(node, Member) and node.kind == "file" and not node.problem else None

    def file(self, name: str) -> Member | None:
        """
        Return the file that a name leads to, links followed; None for a folder, a device and a link to one.

        Raises:
            ArchiveError: It is over the bound, or cannot be read; a link leads out, nowhere or in a circle.
        """
        at, node = self._resolver.resolve(name)
        if node is None:
            raise ArchiveError(
                self._path, f"links to {shown('/'.join(at))}, which is not in the archive", member=shown(name)
            )
        return self._checked(node, name)

    def found(self, name: str) -> Member | None:
        """
        Return the file that a path leads to as in a root file system; None where there is none.

        Raises:
            ArchiveError: As for `file`, but a link may lead nowhere.
        """
        return self._checked(self._resolver.resolve(name)[1], name)

    def link(self, name: str) -> str | None:
        """Return the target of a symbolic link, its folder reached through links; None if it is not a link."""
        _, node = self._resolver.resolve(name, last=False)
        return node.target if isinstance(node, Member) and node.kind == "symlink" else None

    def entries(self, folder: str) -> list[str]:
        """Return the names of files, and links, in a folder that may be reached through links; sorted."""
        at, node = self._resolver.resolve(folder)
        if not isinstance(node, Folder):
            return []
        return [
            "/".join((*at, name))
            for name, entry in sorted(node.entries.items())
            if isinstance(entry, Member) and entry.kind != "other"
        ]

    def matching(self, glob: tuple[str, ...]) -> list[tuple[str, Member]]:
        """
        Return the files that a glob's parts match, with the names by which it does; sorted.

        Parts without "*", "?" and "[" lead through linked folders, as on disk; the others do not. A link counts as the
        file that it leads to; the glob passes over a link that leads to no file.

        Raises:
            ArchiveError: The pattern names a link that leads to no file, or a file that cannot be read.
        """
        literal = next((index for index, part in enumerate(glob) if is_glob(part)), len(glob))
        if literal == len(glob):
            name = "/".join(glob)
            member = self.file(name) if self._resolver.resolve(name, last=False)[1] is not None else None
            return [] if member is None else [(name, member)]
        found: list[tuple[str, Member]] = []
        for name, node in self._below(glob[:literal]):
            if isinstance(node, Member) and matches(glob, tuple(name.split("/"))):
                # It is a link that leads to no file, which a glob does not name.
                try:
                    target = self._resolver.resolve(name)[1] if node.kind == "symlink" else node
                except ArchiveError:
                    if self._resolver.steps > limits.STEPS:
                        raise
                    continue
                member = self._checked(target, name)
                if member is not None:
                    found.append((name, member))
        return sorted(found, key=lambda one: one[0])

    def remark(self, glob: tuple[str, ...]) -> str:  # noqa: ARG002 - that of one image does not depend on it
        """Return what a message must add where the glob matches nothing; "" where there is nothing to add."""
        return self._note

    def _below(self, start: tuple[str, ...]) -> Iterator[tuple[str, Folder | Member]]:
        """Yield everything below a folder, which may be reached through links."""
        top = self._resolver.resolve("/".join(start))[1]
        todo = [("/".join(start), top)] if isinstance(top, Folder) else []
        while todo:
            at, folder = todo.pop()
            for name, node in folder.entries.items():
                path = f"{at}/{name}" if at else name
                yield path, node
                if isinstance(node, Folder):
                    todo.append((path, node))

    def _checked(self, node: Node, name: str) -> Member | None:
        if not isinstance(node, Member) or node.kind != "file":
            return None
        if node.problem:
            raise ArchiveError(self._path, node.problem, member=shown(name))
        if node.size > limits.MEMBER_BYTES:
            reason = f"has {node.size} bytes, more than the bound of {limits.MEMBER_BYTES}"
            raise ArchiveError(self._path, reason, member=shown(name))
        return node


class Images:
    """
    The members of several images in one archive: each name starts with the image's own.

    Args:
        trees: The images, by the prefix of their members' names: "linux/arm64/".
        absent: The missing file of each image that the archive lists but does not hold, by the same prefix.
        path: The archive as reports show it.
    """

    def __init__(self, trees: dict[str, Tree], absent: dict[str, str], *, path: str) -> None:
        self._trees = trees
        self._absent = absent
        self._path = path

    def only(self) -> Tree | None:
        """Return the image if there is only one."""
        return next(iter(self._trees.values())) if len(self._trees) == 1 else None

    def names(self) -> list[str]:
        """Return the names of what may be a file: files, and links; sorted."""
        return sorted(f"{prefix}{name}" for prefix, tree in self._trees.items() for name in tree.names())

    def plain_file(self, name: str) -> Member | None:
        """Return the file of that name; None where it is a link."""
        prefix = max((prefix for prefix in self._trees if name.startswith(prefix)), key=len, default=None)
        return None if prefix is None else self._trees[prefix].plain_file(name.removeprefix(prefix))

    def matching(self, glob: tuple[str, ...]) -> list[tuple[str, Member]]:
        """
        Return the files that a glob's parts match in each image, with the names by which it does; sorted.

        Raises:
            ArchiveError: As for one image; or the pattern names an image that is not in the archive.
        """
        for prefix, missing in self._absent.items():
            if self._names(glob, prefix):
                reason = f"the image for {prefix.rstrip('/')} is listed, but {missing} is not in the archive"
                raise ArchiveError(self._path, reason)
        found: dict[str, Member] = {}
        for prefix, tree in self._trees.items():
            for rest in _behind(glob, _parts(prefix)):
                found |= {f"{prefix}{name}": member for name, member in tree.matching(rest)}
        return sorted(found.items())

    def remark(self, glob: tuple[str, ...]) -> str:
        """Return what a message must add where the glob matches nothing; "" where there is nothing to add."""
        notes = [
            f"the image for {prefix.rstrip('/')} is listed, but {missing} is not in the archive"
            for prefix, missing in self._absent.items()
        ]
        return "; ".join([*notes, *filter(None, (tree.remark(glob) for tree in self._trees.values()))])

    def _names(self, glob: tuple[str, ...], prefix: str) -> bool:
        """Whether a pattern spells out the name of an absent image."""
        parts = _parts(prefix)
        return glob[: len(parts)] == parts and not any(
            other != prefix and other.startswith(prefix) and glob[: other.count("/")] == tuple(other.split("/")[:-1])
            for other in self._trees
        )


def _parts(prefix: str) -> tuple[str, ...]:
    return tuple(prefix.rstrip("/").split("/")) if prefix else ()


def _behind(glob: tuple[str, ...], prefix: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the rest of a glob, for each way in which its start matches a prefix."""
    rests = [
        glob[index:]
        for index in range(len(glob) + 1)
        if glob[index:] and (index == 0 or glob[index - 1] != "**") and matches(glob[:index], prefix)
    ]
    for index, part in enumerate(glob):
        # "**" may end anywhere in the prefix, or go on behind it.
        if part == "**" and any(matches(glob[:index], prefix[:length]) for length in range(len(prefix) + 1)):
            rests.append(glob[index:])
    return list(dict.fromkeys(rests))
