"""
What an RPM's main header says of its files, against the payload.

rpm takes names, modes, sizes and the targets of links from the header, and bytes from the payload; rpm2cpio and other
unpackers take everything from the payload.

Source: rpm's lib/rpmfi.c (iterReadArchiveNext, rpmfiArchiveReadToFile), lib/fsm.c (rpmPackageFilesInstall); the RPM
Package File Format of rpm.org ("Header format", "Tags"); RFC 9580, 9.5 (numbers of hash algorithms).
"""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass, replace
from struct import Struct
from typing import TYPE_CHECKING, BinaryIO

from pytest_golink.archives import limits
from pytest_golink.archives.members import inner_name, shown
from pytest_golink.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_golink.archives.members import Member, Step

_INDEX_ENTRY = Struct(">IIII")  # tag, type, offset, count
# The types of a tag's values: the bytes of a number, or texts that end with a zero byte.
_NUMBERS = {3: 2, 4: 4, 5: 8}
_TEXTS = frozenset({6, 8, 9})
_SIZES, _MODES, _DIGESTS, _LINKS, _OLD_NAMES = 1028, 1030, 1035, 1036, 1027
_FOLDER_INDEXES, _NAMES, _FOLDERS = 1116, 1117, 1118
_LONG_SIZES, _ALGORITHM = 5008, 5011
_HASHES = {1: "md5", 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}
_MD5 = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """One file of the header's list: its mode with its kind, its size, a link's target, and its digest."""

    mode: int
    size: int
    target: str
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FileList:
    """The files of the header's list, by name, None without a list; `hash` is the name of their hash in hashlib."""

    files: dict[str, Listed] | None
    hash: str | None

    def hold(self, member: Member, mode: int, path: str) -> Member:
        """
        Return a member of the payload; where the header says something else of its bytes or mode, with that problem.

        Args:
            member: The member.
            mode: Its mode in the payload, with its kind.
            path: The archive, for messages.

        Raises:
            ArchiveError: The header has no such file, another kind of file, or a link to another place.
        """
        if self.files is None:
            return member
        listed = self.files.get(member.name)
        if listed is None:
            if not member.name:
                return member
            what = "is in the payload and not in the RPM's header: rpm does not install it, rpm2cpio unpacks it"
            raise ArchiveError(path, what, member=shown(member.name))
        if stat.S_IFMT(listed.mode) != stat.S_IFMT(mode):
            raise ArchiveError(path, _differs("mode", f"{listed.mode:o}", f"{mode:o}"), member=shown(member.name))
        if member.kind == "symlink" and listed.target != member.target:
            what = _differs("link to", f'"{shown(listed.target)}"', f'"{shown(member.target)}"')
            raise ArchiveError(path, what, member=shown(member.name))
        if member.kind != "file":
            return member
        if stat.S_IMODE(listed.mode) != stat.S_IMODE(mode):
            return replace(member, problem=_differs("mode", f"{listed.mode:o}", f"{mode:o}"))
        return member

    def hold_bytes(self, member: Member) -> Member:
        """Return a file with its bytes, which golink checks against the header's size and digest."""
        listed = self.files.get(member.name) if self.files is not None else None
        if listed is None or member.problem:
            return member
        if listed.size != member.size:
            return replace(member, problem=_differs("size", str(listed.size), str(member.size)))
        if self.hash is None or not listed.digest:
            return member
        return replace(member, chain=(_checked(member.chain[0], self.hash, listed.digest),))


def _differs(what: str, header: str, payload: str) -> str:
    return f"has the {what} {header} in the RPM's header, which rpm takes, and {payload} in the payload, as rpm2cpio"


def _checked(step: Step, name: str, digest: str) -> Step:
    def chunks(file: BinaryIO, path: str) -> Iterator[bytes]:
        seen = hashlib.new(name, usedforsecurity=False)
        for part in step(file, path):
            seen.update(part)
            yield part
        if seen.hexdigest() != digest.lower():
            raise ArchiveError(path, _differs("digest", shown(digest), seen.hexdigest()))

    return chunks


def read_file_list(index: bytes, data: bytes, path: str) -> FileList:
    """
    Read the list of files of a main header.

    Args:
        index: Its index.
        data: Its data.
        path: The archive, for messages.

    Raises:
        ArchiveError: The list is damaged, or over the bound.
    """
    tags = _Tags(index, data, path)
    names = tags.texts(_OLD_NAMES)
    if not names:
        folders, places = tags.texts(_FOLDERS), tags.numbers(_FOLDER_INDEXES)
        bases = tags.texts(_NAMES)
        if len(places) != len(bases) or any(place >= len(folders) for place in places):
            raise tags.damaged
        names = [folders[place] + base for place, base in zip(places, bases, strict=True)]
    if not names:
        return FileList(files=None, hash=None)
    modes, targets = tags.numbers(_MODES), tags.texts(_LINKS)
    sizes, digests = tags.numbers(_LONG_SIZES) or tags.numbers(_SIZES), tags.texts(_DIGESTS)
    # A package without links may have no targets, one of an old rpm no digests.
    targets, digests = targets or [""] * len(names), digests or [""] * len(names)
    if not len(names) == len(modes) == len(sizes) == len(targets) == len(digests):
        raise tags.damaged
    rows = zip(modes, sizes, targets, digests, strict=True)
    return FileList(
        files={
            inner_name(name, path=path, root=True): Listed(mode=mode, size=size, target=target, digest=digest)
            for name, (mode, size, target, digest) in zip(names, rows, strict=True)
        },
        hash=_HASHES.get(next(iter(tags.numbers(_ALGORITHM)), _MD5)),
    )


class _Tags:
    """The values of a header, by tag; the last one counts where a tag stands twice."""

    def __init__(self, index: bytes, data: bytes, path: str) -> None:
        self._data = data
        self._path = path
        self._places = {tag: place for tag, *place in _INDEX_ENTRY.iter_unpack(index)}
        self.damaged = ArchiveError(path, "the list of files in the RPM's header is damaged")

    def numbers(self, tag: int) -> Sequence[int]:
        """Return the numbers of a tag; none where there is none."""
        kind, offset, count = self._place(tag)
        if not count:
            return ()
        size = _NUMBERS.get(kind, 0)
        part = self._data[offset : offset + size * count]
        if not size or len(part) != size * count:
            raise self.damaged
        return [int.from_bytes(part[at : at + size], "big") for at in range(0, len(part), size)]

    def texts(self, tag: int) -> list[str]:
        """Return the texts of a tag; none where there is none."""
        kind, offset, count = self._place(tag)
        found: list[str] = []
        for _ in range(count):
            end = self._data.find(b"\0", offset)
            if kind not in _TEXTS or end < 0:
                raise self.damaged
            found.append(self._data[offset:end].decode("utf-8", "surrogateescape"))
            offset = end + 1
        return found

    def _place(self, tag: int) -> Sequence[int]:
        place = self._places.get(tag, (0, 0, 0))
        if place[2] > limits.MEMBERS:
            raise ArchiveError(self._path, f"has more than the bound of {limits.MEMBERS} members")
        return place
