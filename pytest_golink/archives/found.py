"""Images by glob: files of a folder, and members of the archives in it."""

from __future__ import annotations

import difflib
import os
import re
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pytest_golink.archives import limits
from pytest_golink.archives.extracted import digest_of, extract
from pytest_golink.archives.globs import components, is_glob, matches, matches_name, split_reach
from pytest_golink.archives.listing import archive_tree, is_layout, layout_tree
from pytest_golink.archives.members import shown
from pytest_golink.archives.stubs import check_whole
from pytest_golink.errors import ArchiveError, NoMatchError
from pytest_golink.reader.formats import is_image
from pytest_golink.text.suggest import brace_hint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_golink.archives.members import Member, Step
    from pytest_golink.archives.tree import Members

# How many "!" one pattern may have: golink unpacks each level into a temporary file.
_LEVELS = 4
_NEAR = 5
_NEAR_CUTOFF = 0.5
# Of a folder in which nothing matched.
_LOOKED_AT = 2000
_LONGEST_FILE_NAME = 100
# Unpackers give no execute bit to a member without a mode; zips written by libraries often have such members.
_NO_MODE = 0o644


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """
    An image that a pattern or goreleaser names: a file, or a member of an archive, not yet extracted.

    Attributes:
        name: Its path as reports show it: posix, relative to the folder; "dist/app.tar.gz!usr/bin/app" for a member.
            A stranger's text: escape it for a terminal.
        source: The file, or the one that holds the member.
        stamp: The state of `source` when golink looked into it; of a plain file it does not count.
        chain: How to get a member's bytes: each step reads the file that the step before returns; () for a plain file.
        head: A member's first bytes; b"" for a plain file.
        mode: The permission bits that a member ships with; None for a plain file, and where the archive has none.
    """

    name: str
    source: Path = field(repr=False)
    stamp: tuple[int, ...] = field(default=(), repr=False)
    chain: tuple[Step, ...] = field(default=(), repr=False, compare=False)
    head: bytes = field(default=b"", repr=False, compare=False)
    mode: int | None = field(default=None, repr=False, compare=False)
    # The file to which this process extracted it, and the SHA-256 of the bytes.
    _extracted: dict[Path, tuple[Path, str]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def path(self) -> Path | None:
        """The file itself; None for a member, which `at` extracts."""
        return None if self.chain else self.source

    def at(self, folder: Path) -> Path:
        """
        Return the file, extracted into `folder` where it is a member.

        The extracted file is named by its content and its mode, and golink checks its digest each time. It has the
        member's mode, but no set-user-ID bit, and its owner may read it. If the folder cannot be written, golink
        extracts into a temporary folder, which it removes when the process ends.

        Raises:
            ArchiveError: The archive has changed since it was looked into, is damaged, or no folder can be written; or
                the file is only a stub before something larger, such as an AppImage.
        """
        path = self._extracted_to(folder) if self.chain else self.source
        # If the file cannot be opened, its reader raises the error.
        with suppress(OSError):
            check_whole(path, self.name)
        return path

    def _extracted_to(self, folder: Path) -> Path:
        known = self._extracted.get(folder)
        if known is not None and digest_of(known[0]) == known[1]:
            return known[0]
        with self._opened() as archive:
            self._extracted[folder] = extracted = extract(
                lambda file: _copy(self.chain, archive, self.name, file),
                folder,
                _file_name(self.name),
                name=self.name,
                mode=_NO_MODE if self.mode is None else self.mode & 0o777 | stat.S_IRUSR,
            )
        return extracted[0]

    def _opened(self) -> BinaryIO:
        try:
            archive = self.source.open("rb")
        except OSError as error:
            raise ArchiveError(self.name, f"cannot be extracted: {error}") from error
        if stamp_of(archive) != self.stamp:
            archive.close()
            raise ArchiveError(self.name, "the archive has changed since it was looked into")
        return archive


def find_images(
    patterns: Sequence[str], folder: Path, *, anywhere: bool = False, exclude: Sequence[str] = ()
) -> tuple[Found, ...]:
    """
    Return the images that patterns name: "dist/*/agent", "dist/*.tar.gz!**/agent", "dist/*.whl!*.deb!usr/bin/agent".

    "*", "?" and "[…]" stay within one part of a path, "**" is any number of parts; names count with regard to case, and
    a leading dot is a character like others. Every archive that the glob before a "!" matches must hold a match.

    Args:
        patterns: With "/", relative to the folder.
        folder: Where to look.
        anywhere: Whether a pattern may be absolute or lead out of the folder, since the user wrote it on the command
            line. Otherwise golink finds no file outside the folder.
        exclude: Globs of archives that golink does not look into; it returns them as they are.

    Returns:
        Sorted by name, each once.

    Raises:
        NoMatchError: A pattern matches nothing, or leads out of the folder.
        ArchiveError: An archive is damaged or hostile, or the file is not an archive.
    """
    found: dict[str, Found] = {}
    for pattern in patterns:
        for one in _find(pattern, folder, exclude, anywhere=anywhere):
            found[one.name] = one
    return tuple(found[name] for name in sorted(found))


def images_in(archive: Path, folder: Path) -> tuple[Found, ...]:
    """
    Return the members of one archive that start as an executable does; () where none does.

    Raises:
        ArchiveError: The archive is damaged or hostile, or the file is not an archive.
    """
    name = archive.relative_to(folder).as_posix()
    tree = _tree(archive, name)
    members = ((inner, tree.plain_file(inner)) for inner in tree.names())
    images = [(inner, member) for inner, member in members if member is not None and is_image(member.head)]
    _Budget().take(images, archive, name)
    return tuple(_member(archive, name, inner, member, ()) for inner, member in images)


def _find(pattern: str, folder: Path, exclude: Sequence[str], *, anywhere: bool) -> Iterator[Found]:
    outer, *inner = split_reach(pattern)
    if len(inner) > _LEVELS:
        raise NoMatchError(pattern, where=str(folder), reason=f'more than {_LEVELS} "!" in one pattern')
    place = folder
    if outer.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", outer) or ".." in re.split(r"[/\\]", outer):
        if not anywhere:
            raise NoMatchError(pattern, where=str(folder), reason="leads out of the folder")
        place, outer = _outside(outer, folder)
    paths = list(dict.fromkeys(_walk(place, components(outer))))
    _check_links(paths, outer, place, anywhere=anywhere)
    matched = [path for path in paths if path.is_file() or (inner and is_layout(path))]
    if not matched:
        raise _no_file(pattern, outer, place)
    for path in matched:
        name = (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()
        if inner and not matches_name(exclude, name):
            yield from _members(pattern, inner, path, name)
        else:
            yield Found(name=name, source=path)


def _outside(outer: str, folder: Path) -> tuple[Path, str]:
    """Return the folder that a glob is about, and the rest of it: the folders above need not be readable."""
    parts = Path(outer).parts
    literal = list(takewhile(lambda part: not is_glob(part), parts[:-1]))
    return folder.joinpath(*literal), "/".join(parts[len(literal) :])


def _check_links(paths: Sequence[Path], glob: str, folder: Path, *, anywhere: bool) -> None:
    """Refuse links to nothing, and those that lead out of the folder."""
    root = folder.resolve()
    for path in paths:
        if path.is_symlink() and not path.exists():
            raise NoMatchError(glob, where=str(folder), reason=f"{shown(str(path))} is a link to nothing")
        if not anywhere and not path.resolve().is_relative_to(root):
            raise NoMatchError(
                glob, where=str(folder), reason=f"{shown(str(path))} leads out of the folder, to {path.resolve()}"
            )


def _walk(folder: Path, glob: tuple[str, ...]) -> Iterator[Path]:
    if not glob:
        return
    first, rest = glob[0], glob[1:]
    if first == "**":
        yield from _walk(folder, rest)
        for entry in _entries(folder):
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(folder / entry.name, glob)
        return
    for entry in _entries(folder):
        if matches((first,), (entry.name,)):
            path = folder / entry.name
            if not rest:
                yield path
            elif entry.is_dir():
                yield from _walk(path, rest)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise NoMatchError(
            str(folder), where=str(folder), reason=f"cannot be looked through: {error.strerror}"
        ) from error


def _no_file(pattern: str, outer: str, folder: Path) -> NoMatchError:
    """Return the error with the names that are there instead, in the last folder of the pattern that exists."""
    place = folder
    for part in components(outer):
        if is_glob(part) or not (place / part).is_dir():
            break
        place = place / part
    if place == folder.joinpath(*components(outer)):
        return NoMatchError(pattern, where=str(folder), reason=f"{outer} is a folder, not a file")
    names: list[str] = []
    for path in _walk(place, ("**", "*")):
        if len(names) == _LOOKED_AT:
            break
        if path.is_file():
            names.append(path.relative_to(folder).as_posix())
    return _no_match(pattern, where=str(place), reason=f"no file matches{brace_hint(outer)}", glob=outer, names=names)


def _no_match(wanted: str, *, where: str, reason: str, glob: str, names: Sequence[str]) -> NoMatchError:
    """Return the error with the names that are there: first the most similar ones, from any folder."""
    bases = {name: re.split(r"[/!]", name)[-1] for name in names}
    near_bases = difflib.get_close_matches(glob.rpartition("/")[2], set(bases.values()), n=_NEAR, cutoff=_NEAR_CUTOFF)
    near = sorted((name for name in names if bases[name] in near_bases), key=lambda name: near_bases.index(bases[name]))
    near = (near or sorted(names))[:_NEAR]
    more = len(names) - len(near)
    return NoMatchError(wanted, where=where, reason=reason, near=[shown(name) for name in near], more=more)


def _tree(path: Path, name: str) -> Members:
    if path.is_dir():
        return layout_tree(path, name)
    try:
        with path.open("rb") as file:
            return archive_tree(file, name)
    except OSError as error:
        raise ArchiveError(name, f"cannot be read: {error.strerror}") from error


def _members(pattern: str, globs: Sequence[str], archive: Path, name: str) -> Iterator[Found]:
    tree = _tree(archive, name)
    matched = _matching(pattern, globs[0], tree, name)
    budget = _Budget()
    budget.take(matched, archive, name)
    for inner, member in matched:
        yield from _deeper(pattern, globs[1:], _member(archive, name, inner, member, ()), budget)


def _deeper(pattern: str, globs: Sequence[str], found: Found, budget: _Budget) -> Iterator[Found]:
    if not globs:
        yield found
        return
    with tempfile.TemporaryFile(prefix="golink-") as temporary:
        with found.source.open("rb") as file:
            _copy(found.chain, file, found.name, temporary)
        tree = archive_tree(temporary, found.name)
    matched = _matching(pattern, globs[0], tree, found.name)
    budget.take(matched, found.source, found.name)
    for inner, member in matched:
        deeper = _member(found.source, found.name, inner, member, found.chain)
        yield from _deeper(pattern, globs[1:], deeper, budget)


def _matching(pattern: str, glob: str, tree: Members, name: str) -> list[tuple[str, Member]]:
    parts = components(glob)
    matched = tree.matching(parts)
    if not matched:
        remark = tree.remark(parts)
        reason = f"no member of {shown(name)} matches{f'; {remark}' if remark else ''}{brace_hint(glob)}"
        raise _no_match(pattern, where=shown(name), reason=reason, glob=glob, names=tree.names())
    return matched


class _Budget:
    """What a pattern takes out of one file, and out of the archives in it, held against the bounds of the whole."""

    def __init__(self) -> None:
        self._bytes = 0
        self._sources: set[Path] = set()

    def take(self, members: Sequence[tuple[str, Member]], archive: Path, name: str) -> None:
        """
        Count members that are to be unpacked.

        Raises:
            ArchiveError: They are over the bounds, with those before.
        """
        self._bytes += sum(member.size for _, member in members)
        self._sources |= {member.source or archive for _, member in members}
        packed = sum(source.stat().st_size for source in self._sources)
        if self._bytes > limits.UNPACKED_BYTES:
            raise ArchiveError(
                name, f"what matches unpacks to {self._bytes} bytes, more than the bound of {limits.UNPACKED_BYTES}"
            )
        if self._bytes > limits.RATIO_FROM_BYTES and self._bytes > limits.RATIO * packed:
            raise ArchiveError(
                name, f"what matches unpacks to more than {limits.RATIO} times the archive's size: a decompression bomb"
            )


def _member(archive: Path, name: str, inner: str, member: Member, chain: tuple[Step, ...]) -> Found:
    source = member.source or archive
    with source.open("rb") as file:
        stamp = stamp_of(file)
    return Found(
        name=f"{name}!{inner}",
        source=source,
        stamp=stamp,
        chain=(*chain, *member.chain),
        head=member.head,
        mode=member.mode,
    )


def stamp_of(file: BinaryIO) -> tuple[int, ...]:
    """Return values that differ between two states of a file; no writer can set the time of its last status change."""
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _copy(chain: tuple[Step, ...], file: BinaryIO, name: str, target: BinaryIO) -> None:
    """Write the bytes that a chain leads to, in bounded memory; the archives on the way go to temporary files."""
    first, rest = chain[0], chain[1:]
    if rest:
        with tempfile.TemporaryFile(prefix="golink-") as between:
            _write(first(file, name), between, name)
            _copy(rest, between, name, target)
    else:
        _write(first(file, name), target, name)


def _write(chunks: Iterator[bytes], target: BinaryIO, name: str) -> None:
    try:
        # Within the bounds: a member's header and a stream's decoder were checked against them.
        for part in chunks:
            target.write(part)
    except (ArchiveError, OSError):
        raise
    except Exception as error:
        # Each decoder raises its own class of errors.
        raise ArchiveError(name, f"is damaged: {shown(str(error))}") from error


def _file_name(name: str) -> str:
    """Return the last part of a member's name as a file name that every system accepts."""
    base = re.sub(r"[^\w.+-]", "_", re.split(r"[/!]", name)[-1], flags=re.ASCII)[-_LONGEST_FILE_NAME:]
    return base if base.strip(".") else "image"
