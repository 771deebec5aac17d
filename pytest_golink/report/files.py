"""The formats of a report by name and by suffix, and files that are written whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.errors import ReportError
from pytest_golink.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_golink.report.model import Report

_SUFFIXES = {
    ".sarif.json": "sarif",
    ".sarif": "sarif",
    ".json": "json",
    ".html": "html",
    ".htm": "html",
    ".md": "md",
    ".markdown": "md",
}
# GitLab's own name for the artifact.
_NAMES = {"gl-code-quality-report.json": "codequality"}
FORMATS = ("json", "html", "md", "sarif", "codequality")
# A single letter is a drive of Windows.
_EXPLICIT = re.compile(r"([A-Za-z][A-Za-z0-9-]+):(.*)", re.DOTALL)
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportFile:
    """A report to write; `append` where the file belongs to a CI runner, and others write to it too."""

    format: str
    path: Path
    append: bool = False


def parse_report_files(texts: Iterable[str], folder: Path, environment: Mapping[str, str]) -> tuple[ReportFile, ...]:
    """
    Read "[FORMAT:]PATH", relative to a folder, and see that each file can be written: before any build, not after all.

    Raises:
        ReportError: There is no such format, or the file cannot be written.
    """
    files: list[ReportFile] = []
    for text in texts:
        file = _parse(text, folder, environment)
        if any(other.path == file.path for other in files):
            raise ReportError(f"{file.path} is named twice")
        if problem := _problem(file.path):
            raise ReportError(f"{text}: {problem}")
        files.append(file)
    return tuple(files)


def _parse(text: str, folder: Path, environment: Mapping[str, str]) -> ReportFile:
    known = ", ".join(FORMATS)
    name, path = "", text
    if match := _EXPLICIT.fullmatch(text):
        name, path = match[1].lower(), match[2]
        if name not in FORMATS:
            raise ReportError(
                f'{text}: there is no format "{name}", but there are {known} '
                f'(a file of that name is written as "./{text}")'
            )
    # In an ini file no shell does it.
    for variable in _VARIABLE.findall(path):
        if not environment.get(variable):
            raise ReportError(f"{text}: the environment has no {variable}")
    path = _VARIABLE.sub(lambda match: environment[match[1]], path)
    if not path:
        raise ReportError(f"{text}: expected FORMAT:PATH, and there is no path")
    whole = Path(os.path.abspath(folder / Path(path).expanduser()))  # noqa: PTH100 - Path.absolute() leaves `..` in
    name = name or _by_name(whole.name)
    if not name:
        raise ReportError(
            f"{text}: its suffix names no format; expected one of "
            f"{', '.join(_SUFFIXES)}, or FORMAT:PATH with one of {known}"
        )
    summary = environment.get("GITHUB_STEP_SUMMARY")
    return ReportFile(format=name, path=whole, append=name == "md" and bool(summary) and whole == Path(summary or ""))


def _by_name(name: str) -> str:
    lowered = re.split(r"[/\\]", name.lower())[-1]
    suffixes = (kind for suffix, kind in _SUFFIXES.items() if lowered.endswith(suffix))
    return _NAMES.get(lowered) or next(suffixes, "")


def has_format(text: str, formats: Iterable[str]) -> bool:
    """Whether "[FORMAT:]PATH" names one of these formats; False where it names none."""
    match = _EXPLICIT.fullmatch(text)
    return (match[1].lower() if match else _by_name(text)) in formats


def _problem(path: Path) -> str:
    if path.is_dir():
        return f"{path} is a folder"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    try:
        # What permissions do not show: a file system that is read-only, or full.
        if _is_special(path):
            return "" if os.access(path, os.W_OK) else f"{path} must not be written to"
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        return f"no file can be made in {path.parent}: {error.strerror}"
    return "" if not path.exists() or os.access(path, os.W_OK) else f"{path} must not be written to"


def made_now(environment: Mapping[str, str]) -> str:
    """
    Return the time as reports have it, in UTC and whole seconds; that of SOURCE_DATE_EPOCH where it is set.

    Source: reproducible-builds.org, "SOURCE_DATE_EPOCH specification"; RFC 3339.
    """
    epoch = environment.get("SOURCE_DATE_EPOCH", "")
    now = datetime.now(timezone.utc)
    if re.fullmatch(r"[0-9]{1,11}", epoch):
        now = datetime.fromtimestamp(int(epoch), timezone.utc)
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def render(report: Report, kind: str, *, made: str, folder: str) -> str:
    """
    Return the report in a format.

    Args:
        report: The report.
        kind: One of FORMATS.
        made: The time of the report.
        folder: What pytest's root folder is called from the root of the repository.
    """
    return _RENDERERS[kind](report, made, folder)


def _json(report: Report, made: str, _folder: str) -> str:
    from pytest_golink.report.json_report import json_report

    return json_report(report, made=made)


def _html(report: Report, made: str, _folder: str) -> str:
    from pytest_golink.report.html import html_report

    return html_report(report, made=made)


def _markdown(report: Report, _made: str, _folder: str) -> str:
    from pytest_golink.report.markdown import markdown_report

    return markdown_report(report)


def _sarif(report: Report, made: str, folder: str) -> str:
    from pytest_golink.report.sarif import sarif_report

    return sarif_report(report, made=made, folder=folder)


def _codequality(report: Report, _made: str, folder: str) -> str:
    from pytest_golink.report.annotations import codequality_report

    return codequality_report(report, folder=folder)


_RENDERERS: dict[str, Callable[[Report, str, str], str]] = {
    "json": _json,
    "html": _html,
    "md": _markdown,
    "sarif": _sarif,
    "codequality": _codequality,
}


def write(file: ReportFile, text: str) -> None:
    """
    Write a report so that at each moment the file is the old one or the new one, whole.

    Raises:
        OSError: It cannot be written; the old file is as it was.
    """
    data = text.encode("utf-8", "backslashreplace")
    # A device or a pipe is no file to be replaced.
    if file.append or _is_special(file.path):
        with file.path.open("ab", buffering=0) as stream:
            _write_all(stream.fileno(), data)
        return
    write_whole(file.path, data)


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file()


def folder_in_repository(root: Path) -> str:
    """Return what a folder is called from the root of its Git repository: "" for that root, and where there is none."""
    for parent in (root, *root.parents):
        # A file in a worktree and in a submodule.
        if (parent / ".git").exists():
            return "" if parent == root else root.relative_to(parent).as_posix()
    return ""
