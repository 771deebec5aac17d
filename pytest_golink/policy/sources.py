"""Where a binary's images come from: the paths that are allowed, and the name of a package's program."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from pytest_golink.archives.globs import is_glob, split_reach
from pytest_golink.builder.names import program_name

# go.mod's module line stands near its top.
_GO_MOD_BYTES = 64 * 1024


def wrong_path(folder: Path, written: str) -> str | None:
    """
    Return what is wrong with a glob of files, None if it is right.

    Args:
        folder: The policy's folder; no path may lead out of it.
        written: With `/` between folders; "archive!member" reaches into an archive, also several times.
    """
    file, *members = split_reach(written)
    if not file or not all(members):
        return f'"{written}" is not of the form archive!member, such as "dist/*.tar.gz!**/app"'
    for member in members:
        if member.startswith("/") or ".." in member.split("/"):
            return f'"{member}" leads out of the archive; name the member as the archive does, such as "**/app"'
    return wrong_folder(folder, file)


def wrong_folder(folder: Path, written: str) -> str | None:
    """Return what is wrong with a path below the policy's folder, None if it is right."""
    if not written.isprintable():
        return f'"{written}" has characters that do not print'
    if "\\" in written or re.match(r"[A-Za-z]:", written):
        return f'"{written}": write it relative to the folder of the policy, with / between folders'
    parts = PurePosixPath(written).parts
    if written.startswith(("/", "~")) or ".." in parts:
        return f'"{written}" leads out of the folder of the policy; golink reads nothing outside of it'
    static = []
    for part in parts:
        if is_glob(part):
            break
        static.append(part)
    try:
        outside = not folder.joinpath(*static).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        # A circle of symbolic links, or a name that is too long: there is no file, and the search reports that.
        outside = False
    return f'"{written}" leads out of the folder of the policy, by a symbolic link' if outside else None


def package_name(folder: Path, package: str) -> str | None:
    """
    Return the name that Go gives the program of a package, None where the package does not show it.

    Args:
        folder: The folder that the package is relative to.
        package: A folder, a .go file or an import path.

    Source: cmd/go/internal/load, DefaultExecName: the import path's last element, before a major version.
    """
    name = PurePosixPath(package).name
    if name == "" and not package.startswith("/"):
        return program_name(_module(folder))
    if name == "..":
        return None
    if package.endswith(".go"):
        return name[: -len(".go")] or None
    return name if package.startswith((".", "/")) else program_name(package)


def _module(folder: Path) -> str:
    try:
        with (folder / "go.mod").open("rb") as stream:
            text = stream.read(_GO_MOD_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""
    match = re.search(r'^\s*module\s+["`]?([^\s"`]+)', text, re.MULTILINE)
    return match[1] if match else ""
