"""Marker, command line and ini file → frozen settings. Nearest wins: marker, command line, ini, built-in default."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_golink.errors import ParameterError
from pytest_golink.text.escape import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.builder import BuildOptions

_IniType = Literal["string", "args", "linelist", "bool"]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Option:
    """
    One option of the command line, with the ini key of the same name.

    Attributes:
        name: Without prefix, as in the ini key: "report_file" is --golink-report-file and golink_report_file.
        help: What `pytest --help` says of the option.
        metavar: What help calls its value; None for a switch.
        bare: Whether it may stand without the value too, which is "" then.
        repeated: Whether it may be given several times.
        ini: Type and help of the ini key; None where there is no such key.
    """

    name: str
    help: str
    metavar: str | None = None
    bare: bool = False
    repeated: bool = False
    ini: tuple[_IniType, str] | None = None


_OPTIONS = (
    _Option(
        name="go",
        metavar="PATH",
        help="The go binary to build with",
        ini=("string", "The go binary to build with"),
    ),
    _Option(
        name="report",
        help="Show the images and rules of this run in a table at its end",
        ini=("bool", "Show the images and rules of a run at its end"),
    ),
    _Option(
        name="report_file",
        metavar="[FORMAT:]PATH",
        repeated=True,
        help="Write the report to a file: json, html, md, sarif or codequality, by suffix or by name. May be repeated",
        ini=("linelist", "Files to write the report to, a [FORMAT:]PATH a line"),
    ),
    _Option(
        name="crosscheck",
        help="Read each image with pyelftools or macholib too; it is an error where two readers disagree",
        ini=("bool", "Read each image with a second reader too"),
    ),
    _Option(
        name="policy",
        metavar="PATH",
        repeated=True,
        help="The policy file to check binaries against, in place of each golink.toml that is found. May be repeated",
        ini=("args", "Policy files, in place of each golink.toml that is found"),
    ),
    _Option(
        name="binary",
        metavar="PATH",
        repeated=True,
        help="An existing image: tests of go_binary without a golink marker run once for each. "
        "A glob, and ARCHIVE!MEMBER, name several. May be repeated",
        ini=("linelist", "Existing images for go_binary"),
    ),
    _Option(
        name="lock",
        help="Compare each image of a policy with its entry in golink.lock, beside the policy",
        ini=("bool", "Compare each image of a policy with golink.lock"),
    ),
    _Option(
        name="update_lock",
        help="Write golink.lock. A partial run (-k, node ids) renews only the entries of the images that ran",
    ),
    _Option(
        name="try_remedies",
        metavar="SECONDS",
        bare=True,
        help="Rebuild each image that violates a rule with the flags that may mend it, and report which do. "
        "With =SECONDS no such build starts after so many seconds of them",
        ini=("bool", "Try the remedies of each violation"),
    ),
)
# The ini keys of the build that go_binary gives without a marker: option name → type and help of golink_<name>.
_BUILD_KEYS: dict[str, tuple[_IniType, str]] = {
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
    "gcflags": ("string", "Flags of Go's compiler for go_binary"),
    "asmflags": ("string", "Flags of Go's assembler for go_binary"),
    "mod": ("string", "go build's -mod for go_binary: readonly, vendor or mod"),
    "modfile": ("string", "File in place of go.mod for go_binary"),
    "overlay": ("string", "JSON file that replaces source files of go_binary"),
    "pgo": ("string", "Profile for the compiler of go_binary, or auto, or off"),
    "cc": ("string", "C compiler of go_binary"),
    "cwd": ("string", "Folder that go_binary's package is relative to"),
    "env": ("linelist", "Environment of go_binary's build, a NAME=VALUE a line"),
}
POLICY_FILE = "golink.toml"
MARKER = (
    'golink(package=".", *, target=None, cgo=None, tags=(), ldflags="", linkmode=None, extldflags="", buildmode=None, '
    'trimpath=False, race=False, gcflags="", asmflags="", mod=None, modfile=None, overlay=None, pgo=None, cc=None, '
    "env=None, cwd=None): "
    "the image that the go_binary fixture builds for this test"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """
    What the command line and the ini file say.

    `go` is the `go` binary that `go_named_by` names, None to search for one. `build` are the build options that the ini
    file sets, and only those. `policies` are the policy files that are named, absolute; `policies_always` whether they
    are collected whatever the arguments are. `lock` holds images to golink.lock, `update_lock` writes it. `binaries`
    are paths and globs relative to `binary_folder`, and with `binaries_anywhere` may lead out of it. `report_files` are
    "[FORMAT:]PATH", relative to `report_folder`.
    """

    go: str | None
    go_named_by: str
    report: bool
    crosscheck: bool
    try_remedies: bool
    sample_dir: str
    build: tuple[tuple[str, object], ...]
    policies: tuple[Path, ...]
    policies_always: bool
    lock: bool
    update_lock: bool
    binaries: tuple[str, ...]
    binary_folder: Path
    binaries_anywhere: bool
    binaries_named_by: str
    report_files: tuple[str, ...]
    report_folder: Path


def add_options(parser: pytest.Parser) -> None:
    """Declare the options, each with its ini twin, and the ini keys."""
    group = parser.getgroup("golink", "Go linkage policy")
    for option in _OPTIONS:
        key = f"golink_{option.name}"
        # None tells an option that is not given from one that is false or empty: the ini key counts then.
        values: dict[str, Any] = {"action": "store_true"} if option.metavar is None else {"metavar": option.metavar}
        if option.bare:
            values |= {"nargs": "?", "const": ""}
        if option.repeated:
            values["action"] = "append"
        group.addoption(f"--{key.replace('_', '-')}", dest=key, default=None, help=option.help, **values)
        if option.ini is not None:
            kind, text = option.ini
            parser.addini(key, text, type=kind, default={"bool": False, "string": ""}.get(kind, []))
    parser.addini(
        "golink_try_remedies_seconds", "After so many seconds of trials none starts", type="string", default=""
    )
    parser.addini(
        "golink_sample_dir", "Folder of the programs that go_sample builds", type="string", default="sample_go"
    )
    for name, (kind, text) in _BUILD_KEYS.items():
        parser.addini(f"golink_{name}", text, type=kind, default=None)


def read_settings(config: pytest.Config) -> Settings:
    """
    Read the command line and the ini file.

    Raises:
        pytest.UsageError: A value is wrong; the message names its ini key.
    """
    option, key = config.getoption("golink_go"), str(_ini(config, "golink_go")).strip()
    policies, named = _paths(config, "golink_policy")
    binaries, binaries_named = _paths(config, "golink_binary")
    report_files, report_files_named = _paths(config, "golink_report_file")
    lock, update_lock = _lock(config)
    build = tuple((name, value) for name in _BUILD_KEYS if (value := _build_value(config, name)) is not None)
    settings = Settings(
        go=_path(config, option, key),
        go_named_by="--golink-go" if option is not None else "ini key golink_go",
        report=bool(config.getoption("golink_report") or _ini(config, "golink_report")),
        try_remedies=config.getoption("golink_try_remedies") is not None or bool(_ini(config, "golink_try_remedies")),
        crosscheck=bool(config.getoption("golink_crosscheck") or _ini(config, "golink_crosscheck")),
        sample_dir=str(_ini(config, "golink_sample_dir")),
        build=build,
        policies=tuple(_policy(path, _folder(config, named), _named_by("policy", named)) for path in policies),
        policies_always=named,
        lock=lock,
        update_lock=update_lock,
        binaries=binaries,
        binary_folder=_folder(config, binaries_named),
        binaries_anywhere=binaries_named,
        binaries_named_by=_named_by("binary", binaries_named),
        report_files=report_files,
        report_folder=_folder(config, report_files_named),
    )
    for name, value in build:
        # One by one, so that the message can name the key.
        _parse({name: value}, f"ini key golink_{name}")
    if build:
        _parse(dict(build), "ini keys golink_*")
    return settings


def _lock(config: pytest.Config) -> tuple[bool, bool]:
    lock, update = bool(config.getoption("golink_lock")), bool(config.getoption("golink_update_lock"))
    if lock and update:
        raise pytest.UsageError(
            "--golink-lock holds images to golink.lock, --golink-update-lock writes it: give one of them"
        )
    # The ini key is for every run, and the option for this one.
    return (lock or bool(_ini(config, "golink_lock"))) and not update, update


def check_lock(config: pytest.Config, *, has_policy: bool) -> None:
    """
    Check that a run with a lock has images to compare with it.

    Raises:
        pytest.UsageError: It has no policy.
    """
    option = "--golink-update-lock" if config.getoption("golink_update_lock") else "--golink-lock"
    if not has_policy and (config.getoption("golink_lock") or config.getoption("golink_update_lock")):
        raise pytest.UsageError(f"{option}: this run has no {POLICY_FILE}, and so no image to lock")


def named_policies(config: pytest.Config, settings: Settings) -> list[Path]:
    """
    Return the policies that go with this run whether or not they lie under its arguments.

    These are the ones that are named; else a golink.toml of the root folder, where only the ini file's `testpaths`
    says which folders pytest collects: it names folders of Python tests, and would hide the policy.
    """
    root = config.rootpath / POLICY_FILE
    if not settings.policies and config.args_source is pytest.Config.ArgsSource.TESTPATHS and root.is_file():
        return [root]
    if settings.policies_always or config.args_source is not pytest.Config.ArgsSource.ARGS:
        return list(settings.policies)
    # Those of the ini file go with a whole run, as testpaths do, or with a folder that they lie in.
    arguments = _arguments(config)
    return [path for path in settings.policies if any(one == path or one in path.parents for one in arguments)]


def known_policies(config: pytest.Config, settings: Settings) -> list[Path]:
    """Return the policies that are known before the collection, which finds those in other folders."""
    known = named_policies(config, settings)
    for path in _arguments(config):
        if path.name == POLICY_FILE and path.is_file():
            known.append(path)
        elif not settings.policies and (path / POLICY_FILE).is_file():
            known.append(path / POLICY_FILE)
    return list(dict.fromkeys(known))


def policy_header(config: pytest.Config, settings: Settings) -> str | None:
    """Name the policies of a run, None where it is not known to have one."""
    paths = known_policies(config, settings)
    if not paths:
        return None
    relative = [os.path.relpath(path, config.invocation_params.dir) for path in paths]
    return f"golink: {'policy' if len(paths) == 1 else 'policies'} {', '.join(relative)}"


def _arguments(config: pytest.Config) -> list[Path]:
    folder = config.invocation_params.dir
    return [
        Path(os.path.abspath(folder / argument.partition("[")[0].partition("::")[0]))  # noqa: PTH100 - leaves no `..`
        for argument in config.args
    ]


def build_options(settings: Settings, item: pytest.Item) -> BuildOptions:
    """
    Return what go_binary builds for a test: the nearest marker that sets an option, else the ini file.

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


def is_marked(node: pytest.Item) -> bool:
    """Whether a golink marker says what go_binary builds."""
    return any(True for _ in node.iter_markers("golink"))


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
    from pytest_golink.builder import parse_options

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


def _paths(config: pytest.Config, key: str) -> tuple[tuple[str, ...], bool]:
    # What is named, and whether the command line names it.
    option: list[str] | None = config.getoption(key)
    given = option if option is not None else _ini(config, key)
    return tuple(path for path in given if path.strip()), option is not None  # type: ignore[attr-defined]


def _folder(config: pytest.Config, named: bool) -> Path:
    return config.invocation_params.dir if named else config.rootpath


def _named_by(what: str, named: bool) -> str:
    return f"--golink-{what}" if named else f"ini key golink_{what}"


def _policy(path: str, folder: Path, named_by: str) -> Path:
    whole = Path(os.path.abspath(folder / Path(path).expanduser()))  # noqa: PTH100 - Path.absolute() leaves `..` in
    if not whole.is_file():
        raise pytest.UsageError(
            f"{named_by}: there is no file {escape(path)}; a policy is a TOML file such as golink.toml"
        )
    return whole


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
