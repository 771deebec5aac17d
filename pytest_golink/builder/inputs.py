"""The files that the options of a build name: go.mod's replacement, an overlay, a profile."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pytest_golink.builder.options import PGO_WORDS
from pytest_golink.errors import BuildError
from pytest_golink.files import digest, write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.builder.job import BuildJob
    from pytest_golink.builder.options import BuildOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """
    The options of a build with whole paths, and the files that they name.

    `contents` has the digest of each file by its path, None for a file that cannot be read: Go reports that.
    """

    options: BuildOptions
    contents: Mapping[str, str | None]


def read_inputs(options: BuildOptions, base: Path, folder: Path, *, cache: Path) -> Inputs:
    """
    Return the options with whole paths, since `go build` runs in the package's folder, and what is in the files.

    Args:
        options: The options, with paths relative to `base`.
        base: The folder that the package is relative to.
        folder: The folder that `go build` runs in.
        cache: Where a copy of an overlay is kept that has relative paths.

    Raises:
        BuildError: The overlay is not of Go's form.
    """
    files: list[Path] = []
    changes: dict[str, str] = {}
    if options.modfile is not None:
        modfile = _whole(base, options.modfile)
        changes["modfile"] = str(modfile)
        # Source: `go help modules`, "-modfile": its go.sum is a file beside it.
        files += [modfile, modfile.with_suffix(".sum")]
    if options.pgo is not None and options.pgo not in PGO_WORDS:
        profile = _whole(base, options.pgo)
        changes["pgo"] = str(profile)
        files.append(profile)
    if options.overlay is not None:
        overlay = _whole(base, options.overlay)
        replaced = _replaced(overlay)
        files += [overlay, *(_whole(base, source) for source in replaced.values() if source)]
        if folder != base.resolve() and not all(Path(path).is_absolute() for path in _paths(replaced)):
            overlay = _keep({str(_whole(base, to)): _source(base, by) for to, by in replaced.items()}, cache)
        changes["overlay"] = str(overlay)
    contents = {str(file): _digest(file) for file in files}
    return Inputs(options=replace(options, **changes), contents=contents)  # type: ignore[arg-type]


def named_file(job: BuildJob, option: str) -> Path | None:
    """Return the whole path that a job's flag has, None for a job without the flag."""
    flag = f"-{option}="
    return next((Path(word.removeprefix(flag)) for word in job.flags if word.startswith(flag)), None)


def moved_overlay(job: BuildJob, common: Path, copy: Path) -> tuple[str, ...]:
    """
    Return the flags of a job for a copy of its sources: the overlay replaces files of the copy.

    Args:
        job: The job.
        common: The folder whose content was copied.
        copy: The copy of that folder.
    """
    overlay = named_file(job, "overlay")
    if overlay is None:
        return job.flags
    moved = {}
    for to, by in _replaced(overlay).items():
        path = _whole(job.folder, to).resolve()
        inside = path.is_relative_to(common)
        moved[str(copy / path.relative_to(common) if inside else path)] = _source(job.folder, by)
    flag = f"-overlay={_keep(moved, copy.parent)}"
    return tuple(flag if word.startswith("-overlay=") else word for word in job.flags)


def _whole(base: Path, path: str) -> Path:
    return (base / path).absolute()


def _source(base: Path, path: str) -> str:
    # An empty path takes the file away.
    return str(_whole(base, path)) if path else ""


def _paths(replaced: Mapping[str, str]) -> list[str]:
    return [path for path in (*replaced, *replaced.values()) if path]


def _replaced(overlay: Path) -> dict[str, str]:
    """Read an overlay. Source: `go help build`, "-overlay"."""
    try:
        replaced = json.loads(overlay.read_bytes())["Replace"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise _wrong(overlay, str(error)) from error
    if not isinstance(replaced, dict) or not all(isinstance(path, str) for path in replaced.values()):
        raise _wrong(overlay, "Replace is no object of paths")
    return cast("dict[str, str]", replaced)


def _wrong(overlay: Path, reason: str) -> BuildError:
    what = f'overlay: {overlay} is no file of the form {{"Replace": {{"file.go": "other.go"}}}}: {reason}'
    return BuildError(what, command=(), status=0, output="")


def _keep(replaced: Mapping[str, str], folder: Path) -> Path:
    data = json.dumps({"Replace": replaced}, indent=1).encode()
    path = folder / "overlays" / f"{hashlib.sha256(data).hexdigest()[:32]}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)
    return path


def _digest(file: Path) -> str | None:
    try:
        return digest(file.resolve())
    except OSError:
        return None
