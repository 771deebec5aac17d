"""
goreleaser's list of what it built: dist/artifacts.json names each binary's target and path.

Source: goreleaser v2, internal/artifact/artifact.go; goreleaser.com/customization/artifacts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pytest_golink.archives import limits
from pytest_golink.archives.blobs import parse_json
from pytest_golink.archives.found import Found
from pytest_golink.archives.members import shown
from pytest_golink.errors import ArchiveError, NoMatchError
from pytest_golink.reader.formats import HEAD_BYTES, is_image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FILE = "artifacts.json"
# goreleaser has one type for built binaries, universal binaries of macOS (goarch "all") and binaries that it publishes
# as they are: two of these can have the same path. A file of any other type that begins as an image does, such as a
# "C Shared Library", ships too.
_BINARY = "Binary"
_EVERY_GOARCH = "all"
_PORT = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """
    A binary that goreleaser built.

    Attributes:
        name: The binary's name, without ".exe"; several targets have the same.
        id: The build's id in .goreleaser.yaml; "" where the list has none.
        target: "GOOS/GOARCH"; None for a universal binary of macOS, which has several targets.
        found: The file.
    """

    name: str
    id: str
    target: str | None
    found: Found


def goreleaser_artifacts(dist: Path, ids: Sequence[str] = (), *, folder: Path | None = None) -> tuple[Artifact, ...]:
    """
    Read the binaries that goreleaser built into `dist`, in the order of their paths.

    CI may have moved the folder since: golink uses the part of a path behind the folder's name.

    Args:
        dist: The folder with artifacts.json.
        ids: Only the builds with these ids; () for all.
        folder: The project, to which names are relative; no path may lead out of it. By default the parent of `dist`.

    Raises:
        NoMatchError: There is no artifacts.json, no binary in it, none of an id, or a file is missing.
        ArchiveError: artifacts.json is damaged, or a path leads out of the project.
    """
    project = dist.parent if folder is None else folder
    shown_file = shown((dist / _FILE).relative_to(project).as_posix())
    found: dict[str, Artifact] = {}
    for entry in _entries(dist, shown_file):
        if entry.get("type") == _BINARY or _is_image(entry, dist):
            artifact = _artifact(entry, dist, project, shown_file)
            found.setdefault(artifact.found.name, artifact)
    if not found:
        raise NoMatchError(shown_file, where=str(dist), reason='has no artifact of type "Binary"')
    there = sorted({artifact.id for artifact in found.values()})
    for one in ids:
        if one not in there:
            raise NoMatchError(
                f'id "{one}"', where=shown_file, reason="no binary has it", near=[shown(name) for name in there]
            )
    return tuple(found[name] for name in sorted(found) if not ids or found[name].id in ids)


def _entries(dist: Path, shown_file: str) -> list[Mapping[str, object]]:
    try:
        with (dist / _FILE).open("rb") as file:
            data = file.read(limits.JSON_BYTES + 1)
    except OSError as error:
        there = sorted(path.name for path in dist.iterdir())[:5] if dist.is_dir() else ()
        raise NoMatchError(
            shown_file,
            where=str(dist),
            reason="goreleaser's list of what it built is not there (run goreleaser build, or goreleaser release)",
            near=[shown(name) for name in there],
        ) from error
    if len(data) > limits.JSON_BYTES:
        raise ArchiveError(shown_file, f"has more than the bound of {limits.JSON_BYTES} bytes")
    try:
        entries = parse_json(data)
    except ValueError as error:
        raise ArchiveError(shown_file, f"is not JSON: {error}") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ArchiveError(shown_file, "is not goreleaser's: it is no list of objects")
    return entries


def _artifact(entry: Mapping[str, object], dist: Path, project: Path, shown_file: str) -> Artifact:
    raw_path, goos, goarch = (entry.get(key) for key in ("path", "goos", "goarch"))
    if not isinstance(raw_path, str) or not _is_port(goos) or not _is_port(goarch):
        raise ArchiveError(shown_file, f"a binary has no path, goos or goarch: {shown(repr(entry))}")
    extra = entry.get("extra")
    more: Mapping[str, object] = extra if isinstance(extra, dict) else {}
    path = _path(raw_path, dist, project, shown_file)
    named, build = more.get("Binary"), more.get("ID")
    name = named if isinstance(named, str) and named else path.name
    return Artifact(
        name=name.removesuffix(".exe"),
        id=build if isinstance(build, str) else "",
        target=None if goarch == _EVERY_GOARCH else f"{goos}/{goarch}",
        found=Found(name=path.relative_to(project).as_posix(), source=path),
    )


def _is_image(entry: Mapping[str, object], dist: Path) -> bool:
    raw = entry.get("path")
    parts = PurePosixPath(raw).parts if isinstance(raw, str) and "\0" not in raw else ()
    if dist.name not in parts or ".." in parts:
        return False
    try:
        with dist.joinpath(*parts[parts.index(dist.name) + 1 :]).open("rb") as file:
            return is_image(file.read(HEAD_BYTES))
    except OSError:
        return False


def _is_port(word: object) -> bool:
    return isinstance(word, str) and _PORT.fullmatch(word) is not None


def _path(raw: str, dist: Path, project: Path, shown_file: str) -> Path:
    written = PurePosixPath(raw)
    parts = written.parts
    if ".." in re.split(r"[/\\]", raw) or "\0" in raw:
        raise ArchiveError(shown_file, f'the path "{shown(raw)}" leads out of the project')
    # Paths are relative to the folder where goreleaser ran, or absolute if its dist folder was.
    behind = dist.joinpath(*parts[parts.index(dist.name) + 1 :]) if dist.name in parts else None
    if behind is not None and behind.is_file():
        path = behind
    elif written.is_absolute() or re.match(r"[A-Za-z]:", raw):
        raise ArchiveError(shown_file, f'the path "{shown(raw)}" leads out of the project')
    else:
        path = project / written
    if not path.is_file():
        raise NoMatchError(shown(raw), where=shown_file, reason="the file that it names is not there")
    if not path.resolve().is_relative_to(project.resolve()):
        raise ArchiveError(shown_file, f'the path "{shown(raw)}" leads out of the project, to {path.resolve()}')
    return path
