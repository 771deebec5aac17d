"""Prebuilt images: files, members of archives, slices of fat files, goreleaser's artifacts."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.archives import Found, find_images, goreleaser_artifacts, is_archive, is_layout
from pytest_golink.builder.binary import BuiltImage
from pytest_golink.errors import GolinkError, NoMatchError, UnreadableBinaryError
from pytest_golink.reader.formats import HEAD_BYTES, is_fat, is_image, is_stump

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_golink.facts import BinaryFacts


# Without slots: `facts` is kept in the instance's dictionary.
@dataclass(frozen=True, kw_only=True)
class Prebuilt:
    """
    One image, before golink extracts it from its archive and reads it.

    Attributes:
        label: Its path as reports show it, with the target for a slice of a fat file: "dist/app[darwin/arm64]".
        target: Its target if known without reading it: from goreleaser's list, or the slice's.
    """

    label: str
    target: str | None = None
    _found: Found = field(repr=False)
    _extract_to: Path = field(repr=False)
    _slice: str | None = field(default=None, repr=False)

    def path(self) -> Path:
        """
        Return the file, extracted from its archive if it is in one.

        Raises:
            ArchiveError: The archive is damaged, or has changed.
        """
        return self._found.at(self._extract_to)

    def may_be_executable(self) -> bool:
        """
        Whether the file starts as an executable or a shared library does, cannot be opened, or is an archive of such.

        A file that ends in the first bytes of an image may have been one, and so may an empty file with an execute bit.
        An archive inside of another one is no executable: images of containers are full of them.
        """
        path = self._found.path
        if path is None:
            return is_image(self._found.head) or is_stump(self._found.head)
        try:
            with path.open("rb") as file:
                head = file.read(HEAD_BYTES)
            may_run = bool(path.stat().st_mode & 0o111)
        except OSError:
            return True
        if not head:
            return may_run
        return is_image(head) or is_stump(head) or is_archive(path)

    @cached_property
    def facts(self) -> BinaryFacts:
        """
        The image's fact sheet, read when it is first needed.

        Raises:
            ArchiveError: The archive is damaged, or has changed.
            UnreadableBinaryError: The file cannot be read whole.
            GolinkError: It is not for the target that goreleaser lists.
        """
        # A fat file that golink could not read when it found it raises an error here, or has all its slices now.
        facts = [one for one in self._read() if self._slice in (None, one.slice)]
        if len(facts) != 1:
            raise GolinkError(f"{self.label}: the file has changed since it was found")
        target = str(facts[0].target) if facts[0].target else None
        if self.target is not None and target != self.target:
            actual = target or "no known target"
            raise GolinkError(f"{self.label}: listed as {self.target}, but the image is for {actual}")
        return facts[0]

    def _read(self) -> tuple[BinaryFacts, ...]:
        # Here, not above: the readers are slow to import.
        from pytest_golink.reader import read_binaries

        path = self.path()
        # A Debian package is an `ar` archive, as an archive of objects is.
        if is_archive(path):
            raise UnreadableBinaryError(str(path), f"an archive: name its members, `{self.label}!**`")
        return tuple(read_binaries(path))


def find_prebuilt(
    patterns: Sequence[str], folder: Path, *, extract_to: Path, anywhere: bool = False, exclude: Sequence[str] = ()
) -> tuple[Prebuilt, ...]:
    """
    Return the images that globs name, sorted by name; golink extracts none of them yet.

    Args:
        patterns: Relative to the folder, or, with `anywhere`, to any place.
        folder: Where to look.
        extract_to: Where members of archives come.
        anywhere: Whether a pattern may lead out of the folder.
        exclude: Globs of archives that are one file each: golink does not look into them.

    Raises:
        NoMatchError: A glob matches nothing, or leads out of the folder.
        ArchiveError: An archive is damaged or hostile, or the file is not an archive.
    """
    found = find_images(patterns, folder, anywhere=anywhere, exclude=exclude)
    return tuple(image for one in found for image in _slices(one, extract_to))


def find_named(name: str, *, extract_to: Path) -> tuple[Prebuilt, ...]:
    """
    Return the images that a word of the command line names: a file, a glob, or members of an archive.

    A file that is there is that file, whatever its name means as a glob.

    Raises:
        NoMatchError: Nothing is there, or only a folder.
        ArchiveError: An archive is damaged or hostile, or the file is not an archive.
    """
    path = Path(name)
    if path.is_file():
        return tuple(_slices(Found(name=name, source=path), extract_to))
    if path.is_dir() and not is_layout(path):
        raise NoMatchError(name, where=str(Path.cwd()), reason=f"a folder: name its files, `{name.rstrip('/')}/*`")
    return find_prebuilt([name], Path.cwd(), extract_to=extract_to, anywhere=True)


def find_artifacts(dist: str, folder: Path, *, ids: Sequence[str], extract_to: Path) -> tuple[Prebuilt, ...]:
    """
    Return the images that goreleaser built into a folder, in the order of the paths.

    Raises:
        NoMatchError: There is no artifacts.json, no binary in it, none of an id, or a file is missing.
        ArchiveError: artifacts.json is damaged, or a path leads out of the folder.
    """
    return tuple(
        one
        for artifact in goreleaser_artifacts(folder / dist, ids, folder=folder)
        for one in _slices(artifact.found, extract_to, target=artifact.target)
    )


def as_image(prebuilt: Prebuilt) -> BuiltImage:
    """
    Return a prebuilt image in the form of a built one, without options, command and linker warnings.

    Raises:
        GolinkError: It cannot be taken out of its archive, or cannot be read.
    """
    facts = prebuilt.facts
    return BuiltImage(
        path=prebuilt.path(),
        name=prebuilt.label,
        target=str(facts.target) if facts.target else None,
        options=None,
        command=(),
        environment=MappingProxyType({}),
        output="",
        warnings=(),
        seconds=0.0,
        linked=False,
        header=None,
        _facts=facts,
    )


def _slices(found: Found, extract_to: Path, target: str | None = None) -> list[Prebuilt]:
    whole = Prebuilt(label=found.name, target=target, _found=found, _extract_to=extract_to)
    if not _is_fat(found):
        return [whole]
    from pytest_golink.reader import read_binaries

    try:
        images = read_binaries(found.at(extract_to))
    except GolinkError:
        # Its reader reports the error when golink reads the image.
        return [whole]
    if len(images) == 1:
        return [whole]
    return [
        Prebuilt(
            label=f"{found.name}[{image.target or image.slice}]",
            target=str(image.target) if image.target else None,
            _found=found,
            _extract_to=extract_to,
            _slice=image.slice,
        )
        for image in images
    ]


def _is_fat(found: Found) -> bool:
    if found.path is None:
        return is_fat(found.head)
    try:
        with found.path.open("rb") as file:
            return is_fat(file.read(HEAD_BYTES))
    except OSError:
        return False
