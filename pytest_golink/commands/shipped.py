"""The programs of a dist folder, for the `[[binary]]` tables of a first golink.toml."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.archives import find_images, goreleaser_artifacts, images_in
from pytest_golink.errors import GolinkError, NoMatchError
from pytest_golink.reader.formats import is_image
from pytest_golink.rules.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_golink.archives import Found

_HEAD_BYTES = 16
_ARCHIVE_SUFFIXES = (
    ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar.zst", ".zip", ".whl", ".deb", ".rpm", ".apk"
)  # fmt: skip
# A folder with more files is not a release's.
_FILES = 10_000
_LONGEST_NAME = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Shipped:
    """
    One program of a dist folder, or the programs that goreleaser lists.

    Attributes:
        name: Unique in the folder.
        paths: Globs that match only its images; () for goreleaser's.
        goreleaser: The folder in the policy's form; None for files.
        subjects: The images.
        problems: The images that no rule can be held against, by name: why.
    """

    name: str
    paths: tuple[str, ...]
    goreleaser: str | None
    subjects: tuple[Subject, ...]
    problems: tuple[tuple[str, str], ...] = ()


def shipped(dist: Path, project: Path) -> tuple[Shipped, ...]:
    """
    Return the programs of a dist folder.

    Args:
        dist: The folder.
        project: The folder of golink.toml; `dist` lies in it.

    Raises:
        NoMatchError: There is no executable in it.
        GolinkError: A file or an archive cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="golink-") as temporary:
        if (dist / "artifacts.json").is_file():
            artifacts = goreleaser_artifacts(dist, folder=project)
            found = [artifact.found for artifact in artifacts]
            names = sorted({artifact.name for artifact in artifacts})
            name = _name(names[0] if len(names) == 1 else dist.name)
            folder = dist.relative_to(project).as_posix()
            subjects, problems = _subjects(found, Path(temporary))
            return (Shipped(name=name, paths=(), goreleaser=folder, subjects=subjects, problems=problems),)
        programs: dict[str, dict[str, list[Found]]] = {}
        for one in _images(dist, project):
            shapes = programs.setdefault(_name(_program(one.name)), {})
            shapes.setdefault(_shape(one.name), []).append(one)
        if not programs:
            raise NoMatchError(
                dist.relative_to(project).as_posix(),
                where=str(project),
                reason="holds no executable and no archive of one",
            )
        return tuple(
            _of_files(program, shapes, project, Path(temporary)) for program, shapes in sorted(programs.items())
        )


def _of_files(program: str, shapes: Mapping[str, Sequence[Found]], project: Path, temporary: Path) -> Shipped:
    found = [(shape, images) for shape, images in sorted(shapes.items())]
    subjects, problems = _subjects([image for _shape_, images in found for image in images], temporary)
    paths = tuple(glob for shape, images in found for glob in _globs(shape, images, project))
    return Shipped(name=program, paths=paths, goreleaser=None, subjects=subjects, problems=problems)


def has_images(dist: Path, project: Path) -> bool:
    """Whether a folder has goreleaser's list, an executable, or an archive of one."""
    if (dist / "artifacts.json").is_file():
        return True
    try:
        return next(_images(dist.resolve(), project.resolve()), None) is not None
    except GolinkError:
        # `shipped` reports what is wrong.
        return True


def literal(name: str) -> str:
    """Return the glob that matches only this name."""
    return re.sub(r"([*?[])", r"[\1]", name)


def _name(program: str) -> str:
    """Return a name that a policy accepts: without "*", which a waiver's glob would read."""
    return re.sub(r"[\[\]*?:\s]", "_", program)[:_LONGEST_NAME] or "image"


def _images(dist: Path, project: Path) -> Iterator[Found]:
    from pytest_golink.archives.found import Found

    for count, path in enumerate(sorted(dist.rglob("*"))):
        if count > _FILES:
            raise GolinkError(f"{dist}: more than {_FILES} files: name the folder of the release itself")
        if not path.is_file() or not path.resolve().is_relative_to(project.resolve()):
            continue
        if path.name.endswith(_ARCHIVE_SUFFIXES):
            yield from images_in(path, project)
            continue
        with path.open("rb") as file:
            if is_image(file.read(_HEAD_BYTES)):
                yield Found(name=path.relative_to(project).as_posix(), source=path)


def _program(name: str) -> str:
    """Return the program's name: agent of dist/linux/agent, dist/agent_1.2.3_linux_amd64 and app.zip!bin/agent.exe."""
    base = re.split(r"[/!]", name)[-1].removesuffix(".exe")
    return re.split(r"[-_.](?=v?\d+\.|linux|darwin|macos|windows|freebsd|openbsd|netbsd|Linux|Darwin|Windows)", base)[0]


def _shape(name: str) -> str:
    """Return the glob that a file's name suggests: "*" replaces the parts for the version and the target."""
    outer, _, inner = name.partition("!")
    folder, _, base = outer.rpartition("/")
    parts = folder.split("/") if folder else []
    # dist/linux_amd64/agent: the folder below dist is the target.
    above = "/".join([*parts[:1], *("*" for _part in parts[1:])])
    where = f"{above}/" if above else ""
    # Otherwise the file has a "!" in its name.
    if inner and base.endswith(_ARCHIVE_SUFFIXES):
        suffix = max((suffix for suffix in _ARCHIVE_SUFFIXES if base.endswith(suffix)), key=len)
        return f"{where}*{suffix}!**/{inner.rpartition('/')[2]}"
    program = _program(name)
    return where + (base if base.removesuffix(".exe") == program else f"{program}[-_.]*")


def _globs(shape: str, found: Sequence[Found], project: Path) -> tuple[str, ...]:
    """Return the glob if it matches only these images, else their names."""
    names = {one.name for one in found}
    try:
        if {one.name for one in find_images([shape], project)} == names:
            return (shape,)
    except GolinkError:
        # Another archive with that suffix does not hold the program.
        pass
    return tuple(literal(name) for name in sorted(names))


def _subjects(found: Sequence[Found], temporary: Path) -> tuple[tuple[Subject, ...], tuple[tuple[str, str], ...]]:
    """Return the images that rules can be held against, and the names of the others, each with the reason."""
    from pytest_golink.reader import read_binaries

    subjects: list[Subject] = []
    problems: list[tuple[str, str]] = []
    for one in found:
        try:
            facts = read_binaries(one.at(temporary))
        except GolinkError as error:
            problems.append((one.name, str(error).splitlines()[0]))
            continue
        if packed := next((each.content.packed for each in facts if each.content.packed), None):
            problems.append((one.name, f"packed by {packed}: the headers are the unpacker's"))
        else:
            subjects += [Subject(name=one.name, facts=each) for each in facts]
    return tuple(subjects), tuple(problems)
