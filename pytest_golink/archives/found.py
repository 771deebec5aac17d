"""Images by glob: files of a folder, and members of the archives in it."""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pytest_golink.archives.globs import components, is_glob, matches, split_reach
from pytest_golink.archives.listing import archive_tree, is_layout, layout_tree
from pytest_golink.archives.members import shown
from pytest_golink.errors import ArchiveError, NoMatchError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_golink.archives.members import Member, Step, Tree

# How many "!" one pattern may have: each level is unpacked into a temporary file.
_LEVELS = 4
_NEAR = 5
_NEAR_CUTOFF = 0.5
# Of a folder in which nothing matched.
_LOOKED_AT = 2000
_LONGEST_FILE_NAME = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """
    An image that a pattern or goreleaser names: a file, or a member of an archive that is not yet extracted.

    Attributes:
        name: Its path as reports show it: posix, relative to the folder; "dist/app.tar.gz!usr/bin/app" for a member.
            A stranger's text: escape it for a terminal.
        source: The file, or the one that holds the member.
        stamp: The state that `source` was in; of a plain file it does not count.
        chain: How to get a member's bytes: each step's from the file that the step before gives; () for a plain file.
        head: A member's first bytes; b"" for a plain file.
        mode: A member's permission bits.
    """

    name: str
    source: Path = field(repr=False)
    stamp: tuple[int, int] = field(default=(0, 0), repr=False)
    chain: tuple[Step, ...] = field(default=(), repr=False, compare=False)
    head: bytes = field(default=b"", repr=False, compare=False)
    mode: int = field(default=0o644, repr=False, compare=False)

    @property
    def path(self) -> Path | None:
        """The file; None for a member, which `at` extracts."""
        return None if self.chain else self.source

    def at(self, folder: Path) -> Path:
        """
        Give the file, extracted into `folder` where it is a member.

        Extracted once, by the process that comes first, with the member's mode, but without a set-user-ID bit, and
        readable. Of a plain file, the file itself.

        Raises:
            ArchiveError: The archive has changed since it was looked into, is damaged, or `folder` cannot be written.
        """
        if not self.chain:
            return self.source
        key = hashlib.sha256(repr((str(self.source), self.stamp, self.name)).encode("utf-8", "surrogateescape"))
        target = folder / key.hexdigest()[:24] / _file_name(self.name)
        if not target.exists():
            try:
                self._extract(target)
            except OSError as error:
                raise ArchiveError(self.name, f"cannot be extracted into {folder}: {error}") from error
        return target

    def _extract(self, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with self.source.open("rb") as archive:
            if _stamp_of(archive) != self.stamp:
                raise ArchiveError(self.name, "the archive has changed since it was looked into")
            descriptor, temporary = tempfile.mkstemp(dir=target.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    _copy(self.chain, archive, self.name, file)
                Path(temporary).chmod(self.mode & 0o777 | stat.S_IRUSR)
                Path(temporary).replace(target)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise


def find_images(patterns: Sequence[str], folder: Path) -> tuple[Found, ...]:
    """
    Find what patterns name: "dist/*/agent", "dist/*.tar.gz!**/agent", "dist/*.whl!*.deb!usr/bin/agent".

    "*", "?" and "[…]" stay within one part of a path, "**" is any number of parts; names count with regard to case, and
    a leading dot is a character like others. Every archive that the glob before a "!" matches must hold a match.

    Args:
        patterns: With "/", relative to the folder.
        folder: Nothing outside of it is found.

    Returns:
        Sorted by name, each once.

    Raises:
        NoMatchError: A pattern matches nothing, or leads out of the folder.
        ArchiveError: An archive is damaged, hostile, or none.
    """
    found: dict[str, Found] = {}
    for pattern in patterns:
        for one in _find(pattern, folder):
            found[one.name] = one
    return tuple(found[name] for name in sorted(found))


def images_in(archive: Path, folder: Path) -> tuple[Found, ...]:
    """
    Find the members of one archive that start as an executable does; () where none does.

    Raises:
        ArchiveError: The archive is damaged, hostile, or none.
    """
    name = archive.relative_to(folder).as_posix()
    tree, chain = _tree(archive, name), ()
    members = [(inner, tree.file(inner)) for inner in tree.names() if _starts_as_image(tree, inner)]
    return tuple(_member(archive, name, inner, member, chain) for inner, member in members if member is not None)


# ELF, Mach-O (thin and fat), PE, WebAssembly, Plan 9 for amd64.
_IMAGE_MAGICS = (
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"MZ",
    b"\0asm",
    b"\0\0\x8a\x97",
)


def starts_as_image(head: bytes) -> bool:
    """Whether the first bytes are those of an executable or a shared library."""
    return head.startswith(_IMAGE_MAGICS)


def _starts_as_image(tree: Tree, name: str) -> bool:
    member = tree.plain_file(name)
    return member is not None and starts_as_image(member.head)


def _find(pattern: str, folder: Path) -> Iterator[Found]:
    outer, *inner = split_reach(pattern)
    if len(inner) > _LEVELS:
        raise NoMatchError(pattern, where=str(folder), reason=f'more than {_LEVELS} "!" in one pattern')
    if outer.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", outer) or ".." in re.split(r"[/\\]", outer):
        raise NoMatchError(pattern, where=str(folder), reason="leads out of the folder")
    matched = [path for path in _files(outer, folder) if path.is_file() or (inner and is_layout(path))]
    if not matched:
        raise _no_file(pattern, outer, folder)
    for path in matched:
        name = path.relative_to(folder).as_posix()
        if inner:
            yield from _members(pattern, inner, path, name)
        else:
            yield Found(name=name, source=path)


def _files(glob: str, folder: Path) -> list[Path]:
    """Give what a glob matches in a folder, links held against its borders."""
    root = folder.resolve()
    matched = dict.fromkeys(_walk(folder, components(glob)))
    for path in matched:
        if path.is_symlink() and not path.exists():
            raise NoMatchError(glob, where=str(folder), reason=f"{shown(str(path))} is a link to nothing")
        if not path.resolve().is_relative_to(root):
            raise NoMatchError(
                glob, where=str(folder), reason=f"{shown(str(path))} leads out of the folder, to {path.resolve()}"
            )
    return list(matched)


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
    """Say what is there instead, in the last folder of the pattern that exists."""
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
    return _no_match(pattern, where=str(place), reason="no file matches", glob=outer, names=names)


def _no_match(wanted: str, *, where: str, reason: str, glob: str, names: Sequence[str]) -> NoMatchError:
    """Name what is there: first what is called nearly so, in whatever folder."""
    bases = {name: re.split(r"[/!]", name)[-1] for name in names}
    near_bases = difflib.get_close_matches(glob.rpartition("/")[2], set(bases.values()), n=_NEAR, cutoff=_NEAR_CUTOFF)
    near = sorted((name for name in names if bases[name] in near_bases), key=lambda name: near_bases.index(bases[name]))
    near = (near or sorted(names))[:_NEAR]
    more = len(names) - len(near)
    return NoMatchError(wanted, where=where, reason=reason, near=[shown(name) for name in near], more=more)


def _tree(path: Path, name: str) -> Tree:
    if path.is_dir():
        return layout_tree(path, name)
    try:
        with path.open("rb") as file:
            return archive_tree(file, name)
    except OSError as error:
        raise ArchiveError(name, f"cannot be read: {error.strerror}") from error


def _members(pattern: str, globs: Sequence[str], archive: Path, name: str) -> Iterator[Found]:
    tree = _tree(archive, name)
    for inner, member in _matching(pattern, globs[0], tree, name):
        yield from _deeper(pattern, globs[1:], _member(archive, name, inner, member, ()))


def _deeper(pattern: str, globs: Sequence[str], found: Found) -> Iterator[Found]:
    if not globs:
        yield found
        return
    with tempfile.TemporaryFile(prefix="golink-") as temporary:
        with found.source.open("rb") as file:
            _copy(found.chain, file, found.name, temporary)
        tree = archive_tree(temporary, found.name)
    for inner, member in _matching(pattern, globs[0], tree, found.name):
        deeper = _member(found.source, found.name, inner, member, found.chain)
        yield from _deeper(pattern, globs[1:], deeper)


def _matching(pattern: str, glob: str, tree: Tree, name: str) -> list[tuple[str, Member]]:
    parts = components(glob)
    named = [inner for inner in tree.names() if matches(parts, tuple(inner.split("/")))]
    matched = [(inner, member) for inner in named if (member := tree.file(inner)) is not None]
    if not matched:
        reason = f"no member of {shown(name)} matches"
        raise _no_match(pattern, where=shown(name), reason=reason, glob=glob, names=tree.names())
    return matched


def _member(
    archive: Path,
    name: str,
    inner: str,
    member: Member,
    chain: tuple[Step, ...],
) -> Found:
    source = member.source or archive
    with source.open("rb") as file:
        stamp = _stamp_of(file)
    return Found(
        name=f"{name}!{inner}",
        source=source,
        stamp=stamp,
        chain=(*chain, *member.chain),
        head=member.head,
        mode=member.mode,
    )


def _stamp_of(file: BinaryIO) -> tuple[int, int]:
    """Tell one state of a file from another."""
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def _copy(chain: tuple[Step, ...], file: BinaryIO, name: str, target: BinaryIO) -> None:
    """Write the bytes that a chain leads to, in bounded memory; what is between goes through temporary files."""
    first, rest = chain[0], chain[1:]
    if rest:
        with tempfile.TemporaryFile(prefix="golink-") as between:
            _write(first(file, name), between, name)
            _copy(rest, between, name, target)
    else:
        _write(first(file, name), target, name)


def _write(chunks: Iterator[bytes], target: BinaryIO, name: str) -> None:
    try:
        # Within the bounds: of a member its header, of a stream its decoder was held against them.
        for part in chunks:
            target.write(part)
    except (ArchiveError, OSError):
        raise
    except Exception as error:
        # Each decoder has an error of its own.
        raise ArchiveError(name, f"is damaged: {shown(str(error))}") from error


def _file_name(name: str) -> str:
    """Give a member's last part as a file name that is one on every system."""
    base = re.sub(r"[^\w.+-]", "_", re.split(r"[/!]", name)[-1], flags=re.ASCII)[-_LONGEST_FILE_NAME:]
    return base if base.strip(".") else "image"
