"""The sources of a program: from the Go module proxy, into a folder of their own, with the options of its release."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

from pytest_golink.builder import BuildOptions, parse_options
from pytest_golink.toolchain.quoting import split_quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.slow.programs.rows import Program

_DOWNLOAD_S = 600


class MissingError(Exception):
    """A program cannot be had or built here."""


def fetch(program: Program, folder: Path) -> Path:
    """
    Return the folder of a module's sources, which are fetched once.

    The module cache is read-only, and no module of it is the main one of a build: the sources are copied.
    """
    place = folder / f"{program.module.replace('/', '_')}@{program.version}"
    if place.is_dir():
        return place
    command = ["go", "mod", "download", "-json", f"{program.module}@{program.version}"]
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_DOWNLOAD_S, check=False)
    answer = json.loads(done.stdout or "{}")
    if not answer.get("Dir"):
        raise MissingError(f"{program.module}@{program.version}: {answer.get('Error') or done.stderr.strip()}")
    shutil.copytree(answer["Dir"], place.with_suffix(".part"), dirs_exist_ok=True)
    for path in (place.with_suffix(".part"), *place.with_suffix(".part").rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)
    return place.with_suffix(".part").rename(place)


def options_of(program: Program, source: Path) -> BuildOptions:
    """Return the options of a program's build: those of its row, over those of its goreleaser entry."""
    values = {**(_goreleaser(program, source) if program.goreleaser else {}), **program.options}
    return parse_options({**values, "cwd": str(source)})


def missing_packages(program: Program) -> list[str]:
    """Return the Debian packages that a program's C needs, and that are not installed."""

    def lacks(name: str) -> bool:
        return subprocess.run(["dpkg", "-s", name], capture_output=True, check=False).returncode != 0

    return [name for name in program.debian if lacks(name)]


def _goreleaser(program: Program, source: Path) -> dict[str, object]:
    """
    Return the build options of an entry of .goreleaser.yaml.

    Source: goreleaser's documentation, "Builds (Go)" and "Name templates".
    """
    import yaml

    file = next(path for name in (".goreleaser.yaml", ".goreleaser.yml") if (path := source / name).is_file())
    entries = yaml.safe_load(file.read_text(encoding="utf-8"))["builds"]
    wanted = program.goreleaser
    entry = entries[int(wanted)] if wanted.isdecimal() else next(one for one in entries if one.get("id") == wanted)
    options: dict[str, object] = {}
    environment = dict(text.partition("=")[::2] for text in entry.get("env") or ())
    if (cgo := environment.pop("CGO_ENABLED", None)) is not None:
        options["cgo"] = cgo == "1"
    # Which Go builds it is this machine's choice.
    environment.pop("GOTOOLCHAIN", None)
    if environment:
        options["env"] = environment
    if ldflags := " ".join(_texts(entry.get("ldflags"))):
        options["ldflags"] = _filled(ldflags, program)
    if tags := list(_texts(entry.get("tags"))):
        options["tags"] = tags
    if entry.get("buildmode"):
        options["buildmode"] = entry["buildmode"]
    flags = [word for text in _texts(entry.get("flags")) for word in split_quoted(_filled(text, program))]
    for flag in flags:
        name, _, value = flag.lstrip("-").partition("=")
        options[name] = value or True
    return options


def _texts(value: Any) -> Iterator[str]:
    yield from [value] if isinstance(value, str) else value or ()


def _filled(text: str, program: Program) -> str:
    known: Mapping[str, str] = {"Version": program.version.removeprefix("v"), "Tag": program.version}
    return re.sub(r"\{\{\s*\.(\w+)\s*\}\}", lambda match: known.get(match[1], "unknown"), text)


def plain_environment(options: BuildOptions) -> dict[str, str]:
    """Return the environment of a plain `go build` with these options."""
    whole = {**os.environ, **dict(options.env)}
    if options.cgo is not None:
        whole["CGO_ENABLED"] = str(int(options.cgo))
    return whole
