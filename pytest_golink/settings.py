"""Marker, command line and ini file → frozen settings. Nearest wins: marker, command line, ini, built-in default."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.build import BuildOptions

# The ini keys of the build that go_binary gives without a marker: option name → type and help of golink_<name>.
_BUILD_KEYS: dict[str, tuple[str, str]] = {
    "package": ("string", "Package that go_binary builds"),
    "target": ("string", "GOOS/GOARCH that go_binary builds for"),
    "cgo": ("bool", "Whether go_binary builds with cgo; Go's default if not set"),
    "tags": ("args", "Build tags of go_binary"),
    "ldflags": ("string", "Flags of Go's linker for go_binary"),
    "linkmode": ("string", "Link mode of go_binary: internal or external"),
    "extldflags": ("string", "Flags of the C linker for go_binary"),
    "buildmode": ("string", "Build mode of go_binary"),
    "trimpath": ("bool", "Whether go_binary builds with -trimpath"),
    "race": ("bool", "Whether go_binary builds with the race detector"),
    "cc": ("string", "C compiler of go_binary"),
    "cwd": ("string", "Folder that go_binary's package is relative to"),
    "env": ("linelist", "Environment of go_binary's build, a NAME=VALUE a line"),
}
MARKER = (
    'golink(package=".", *, target=None, cgo=None, tags=(), ldflags="", linkmode=None, extldflags="", buildmode=None, '
    "trimpath=False, race=False, cc=None, env=None, cwd=None): "
    "the image that the go_binary fixture builds for this test"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """
    What the command line and the ini file say.

    `go` is the `go` binary that `go_named_by` names, None to search for one. `build` are the build options that the ini
    file sets, and only those.
    """

    go: str | None
    go_named_by: str
    report: bool
    crosscheck: bool
    sample_dir: str
    build: tuple[tuple[str, object], ...]


def add_options(parser: pytest.Parser) -> None:
    """Declare the options, each with its ini twin, and the ini keys."""
    group = parser.getgroup("golink", "Go linkage policy")
    group.addoption("--golink-go", dest="golink_go", metavar="PATH", default=None, help="The go binary to build with")
    group.addoption(
        "--golink-report",
        dest="golink_report",
        action="store_true",
        default=None,
        help="Show the images and rules of this run in a table at its end",
    )
    group.addoption(
        "--golink-crosscheck",
        dest="golink_crosscheck",
        action="store_true",
        default=None,
        help="Read each image with pyelftools or macholib too; where two readers disagree, that is an error",
    )
    parser.addini("golink_go", "The go binary to build with", type="string", default="")
    parser.addini("golink_report", "Show the images and rules of a run at its end", type="bool", default=False)
    parser.addini("golink_crosscheck", "Read each image with a second reader too", type="bool", default=False)
    parser.addini(
        "golink_sample_dir", "Folder of the programs that go_sample builds", type="string", default="sample_go"
    )
    for name, (kind, text) in _BUILD_KEYS.items():
        parser.addini(f"golink_{name}", text, type=kind, default=None)  # type: ignore[arg-type]


def read_settings(config: pytest.Config) -> Settings:
    """
    Read the command line and the ini file.

    Raises:
        pytest.UsageError: A value is wrong; the message names its ini key.
    """
    option, key = config.getoption("golink_go"), str(_ini(config, "golink_go")).strip()
    build = tuple((name, value) for name in _BUILD_KEYS if (value := _build_value(config, name)) is not None)
    settings = Settings(
        go=_path(config, option, key),
        go_named_by="--golink-go" if option is not None else "ini key golink_go",
        report=bool(config.getoption("golink_report") or _ini(config, "golink_report")),
        crosscheck=bool(config.getoption("golink_crosscheck") or _ini(config, "golink_crosscheck")),
        sample_dir=str(_ini(config, "golink_sample_dir")),
        build=build,
    )
    for name, value in build:
        # One by one, so that the message can name the key.
        _parse({name: value}, f"ini key golink_{name}")
    if build:
        _parse(dict(build), "ini keys golink_*")
    return settings


def build_options(settings: Settings, item: pytest.Item) -> BuildOptions:
    """
    Give what go_binary builds for a test: the nearest marker that sets an option, else the ini file.

    Raises:
        pytest.UsageError: A marker is wrong; the message names the test.
    """
    return _parse({**dict(settings.build), **_marked(item)}, f"{item.nodeid}: golink marker")


def check_markers(items: Iterable[pytest.Item]) -> None:
    """
    Check the markers of all tests, whether or not they will run.

    Raises:
        pytest.UsageError: One is wrong; the message names its test.
    """
    for item in items:
        if values := _marked(item):
            _parse(values, f"{item.nodeid}: golink marker")


def _marked(item: pytest.Item) -> dict[str, object]:
    values: dict[str, object] = {}
    # From the farthest (module, class) to the nearest (function): the nearest wins, option by option.
    for marker in reversed(list(item.iter_markers("golink"))):
        if len(marker.args) > 1:
            raise pytest.UsageError(
                f"{item.nodeid}: golink marker: package is the only positional argument, but there are {marker.args!r}"
            )
        if marker.args and "package" in marker.kwargs:
            raise pytest.UsageError(f"{item.nodeid}: golink marker: package is given twice")
        values.update(marker.kwargs)
        if marker.args:
            values["package"] = marker.args[0]
    return values


def _parse(values: dict[str, object], place: str) -> BuildOptions:
    from pytest_golink.build import parse_options

    try:
        return parse_options(values)
    except ParameterError as error:
        raise pytest.UsageError(f"{place}: {error}") from None


def _build_value(config: pytest.Config, name: str) -> object:
    value = _ini(config, f"golink_{name}")
    if name == "env" and value is not None:
        return dict(_variable(line) for line in value)  # type: ignore[attr-defined]
    # An empty string unsets a key for one run: -o golink_target=
    return None if value == "" else value


def _variable(line: str) -> tuple[str, str]:
    name, equals, value = line.partition("=")
    if not equals:
        raise pytest.UsageError(f"ini key golink_env: expected NAME=VALUE, not {line!r}")
    return name.strip(), value.strip()


def _ini(config: pytest.Config, key: str) -> object:
    try:
        return config.getini(key)
    except (ValueError, TypeError, pytest.UsageError) as error:
        raise pytest.UsageError(f"ini key {key}: {error}") from None


def _path(config: pytest.Config, option: str | None, key: str) -> str | None:
    if option is not None:
        return _absolute(option, config.invocation_params.dir)
    return _absolute(key, config.rootpath) if key else None


def _absolute(path: str, folder: Path) -> str:
    expanded = Path(path).expanduser()
    # A bare name ("go1.27.3") is a command on PATH, unless there is such a file.
    if os.sep not in path and not (folder / expanded).exists() and (found := shutil.which(path)):
        return found
    return str(folder / expanded)
