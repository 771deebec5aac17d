"""Images that are there already: files, members of archives, slices of fat files, what goreleaser built."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.archives import find_images, goreleaser_artifacts
from pytest_golink.builder.binary import BuiltImage
from pytest_golink.errors import GolinkError
from pytest_golink.reader.formats import HEAD_BYTES, is_fat

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_golink.archives import Found
    from pytest_golink.facts import BinaryFacts


# Without slots: `facts` is kept in the instance's dictionary.
@dataclass(frozen=True, kw_only=True)
class Prebuilt:
    """
    One image, before it is taken out of its archive and read.

    Attributes:
        label: Its path as reports show it, of a fat file's slice with the target: "dist/app[darwin/arm64]".
        target: As far as it is known without reading: what goreleaser says, or the slice's.
    """

    label: str
    target: str | None = None
    _found: Found = field(repr=False)
    _extract_to: Path = field(repr=False)
    _slice: str | None = field(default=None, repr=False)

    def path(self) -> Path:
        """
        Return the file, taken out of its archive where it is in one.

        Raises:
            ArchiveError: The archive is damaged, or has changed.
        """
        return self._found.at(self._extract_to)

    @cached_property
    def facts(self) -> BinaryFacts:
        """
        The image's fact sheet, read when it is first needed.

        Raises:
            ArchiveError: The archive is damaged, or has changed.
            UnreadableBinaryError: The file cannot be read whole.
            GolinkError: It is not for the target that goreleaser lists.
        """
        # Here, not above: the readers are slow to import.
        from pytest_golink.reader import read_binaries

        # Of a fat file that could not be read when it was found there is an error here, or all its slices.
        facts = [one for one in read_binaries(self.path()) if self._slice in (None, one.slice)]
        if len(facts) != 1:
            raise GolinkError(f"{self.label}: the file has changed since it was found")
        target = str(facts[0].target) if facts[0].target else None
        if self.target is not None and target != self.target:
            actual = target or "no known target"
            raise GolinkError(f"{self.label}: listed as {self.target}, but the image is for {actual}")
        return facts[0]


def find_prebuilt(patterns: Sequence[str], folder: Path, *, extract_to: Path) -> tuple[Prebuilt, ...]:
    """
    Find what globs name, sorted by name; nothing is taken out of an archive yet.

    Raises:
        NoMatchError: A glob matches nothing, or leads out of the folder.
        ArchiveError: An archive is damaged, hostile, or none.
    """
    return tuple(one for found in find_images(patterns, folder) for one in _slices(found, extract_to))


def find_artifacts(dist: str, folder: Path, *, ids: Sequence[str], extract_to: Path) -> tuple[Prebuilt, ...]:
    """
    Find what goreleaser built into a folder, in the order of the paths.

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
    Return an image that was not built here the form of one that was: without options, command and linker warnings.

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
        # Its reader says what is wrong when the image is read.
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
