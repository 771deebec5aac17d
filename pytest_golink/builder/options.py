"""What can be asked of a build."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from pytest_golink.errors import ParameterError
from pytest_golink.toolchain.quoting import join_quoted, split_quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LINK_MODES = ("internal", "external")
# Those that make one image of one main package: not archive and shared.
BUILD_MODES = ("default", "exe", "pie", "c-archive", "c-shared", "plugin")
_TARGET = re.compile(r"[a-z0-9]+/[a-z0-9]+")
_VARIABLE = re.compile(r"[^=\0]+")
# What golink sets by itself: named in env=, they would contradict the option of that name.
_OPTION_OF_VARIABLE = {
    "GOOS": "target",
    "GOARCH": "target",
    "LC_ALL": None,
    "LANG": None,
    "LANGUAGE": None,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildOptions:
    """
    One `go build`, as it was asked for; `None` leaves the choice to Go.

    Attributes:
        package: A folder or .go file, relative to `cwd`, or an import path.
        target: "GOOS/GOARCH".
        cgo: CGO_ENABLED.
        tags: Build tags, in the order given.
        ldflags: Flags of Go's linker.
        linkmode: "internal" or "external".
        extldflags: Flags of the C linker.
        buildmode: One of `BUILD_MODES`.
        trimpath: Whether file system paths stay out of the image.
        race: Whether the race detector is built in.
        cc: The C compiler; a first word `zig` stands for the zig that golink finds.
        env: More environment, sorted by name.
        cwd: The folder that `package` is relative to; pytest's rootdir by default.
    """

    package: str = "."
    target: str | None = None
    cgo: bool | None = None
    tags: tuple[str, ...] = ()
    ldflags: str = ""
    linkmode: str | None = None
    extldflags: str = ""
    buildmode: str | None = None
    trimpath: bool = False
    race: bool = False
    cc: str | None = None
    env: tuple[tuple[str, str], ...] = ()
    cwd: str | None = None

    @property
    def linker_flags(self) -> str:
        """The one -ldflags that `ldflags`, `linkmode` and `extldflags` make together."""
        added = []
        if self.linkmode:
            added.append(f"-linkmode={self.linkmode}")
        if self.extldflags:
            word = f"-extldflags={self.extldflags}"
            # `go build` takes no -ldflags that starts with a quote.
            added += [word] if join_quoted([word]) == word else ["-extldflags", self.extldflags]
        return " ".join(part for part in (self.ldflags.strip(), join_quoted(added)) if part)

    def flags(self) -> list[str]:
        """Give the flags of `go build`, but for -o."""
        flags = []
        if self.buildmode:
            flags.append(f"-buildmode={self.buildmode}")
        if self.tags:
            flags.append(f"-tags={','.join(self.tags)}")
        if self.trimpath:
            flags.append("-trimpath")
        if self.race:
            flags.append("-race")
        if self.linker_flags:
            flags.append(f"-ldflags={self.linker_flags}")
        return flags


OPTION_NAMES = tuple(field.name for field in fields(BuildOptions))


def parse_options(values: Mapping[str, object]) -> BuildOptions:
    """
    Check the options of a build, as a marker, the ini file or a call of `go_build` gives them.

    Raises:
        ParameterError: An option does not exist, or has a value of the wrong form.
    """
    for name in values:
        if name not in OPTION_NAMES:
            near = difflib.get_close_matches(name, OPTION_NAMES, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(OPTION_NAMES)}"
            raise ParameterError(f"unknown build option {name!r}; {hint}")
    options = BuildOptions(
        package=_text("package", values.get("package", "."), empty=False),
        target=_target(values.get("target")),
        cgo=_flag("cgo", values.get("cgo"), default=None),
        tags=_tags(values.get("tags", ())),
        ldflags=_text("ldflags", values.get("ldflags", "")),
        linkmode=_choice("linkmode", values.get("linkmode"), LINK_MODES),
        extldflags=_text("extldflags", values.get("extldflags", "")),
        buildmode=_choice("buildmode", values.get("buildmode"), BUILD_MODES),
        trimpath=bool(_flag("trimpath", values.get("trimpath", False), default=False)),
        race=bool(_flag("race", values.get("race", False), default=False)),
        cc=None if values.get("cc") is None else _text("cc", values["cc"], empty=False),
        env=_environment(values.get("env")),
        cwd=_folder(values.get("cwd")),
    )
    _check_together(options)
    return options


def _check_together(options: BuildOptions) -> None:
    if "..." in options.package:
        raise ParameterError(f"package: {options.package!r} is a pattern; a build makes one image of one main package")
    if options.package.startswith("-"):
        raise ParameterError(f"package: {options.package!r} is a flag")
    for name in ("ldflags", "extldflags", "cc"):
        try:
            words = split_quoted(getattr(options, name) or "")
        except ParameterError as error:
            raise ParameterError(f"{name}: {error}") from None
        for option in ("linkmode", "extldflags"):
            given = any(re.match(rf"--?{option}(=|$)", word) for word in words)
            if name == "ldflags" and given and getattr(options, option):
                raise ParameterError(f"ldflags: it has -{option} already; give it once, in {option}= or in ldflags=")
    try:
        _ = options.linker_flags
    except ParameterError as error:
        raise ParameterError(f"extldflags: {error}") from None
    for name, _value in options.env:
        owner = _OPTION_OF_VARIABLE.get(name, "")
        if owner is None:
            raise ParameterError(f"env: {name} is always C, so that the linker's warnings can be read")
        if owner:
            raise ParameterError(f"env: {name} is what {owner}= is for")
        if (name == "CGO_ENABLED" and options.cgo is not None) or (name == "CC" and options.cc is not None):
            raise ParameterError(f"env: {name} is given twice, here and in {'cgo' if name == 'CGO_ENABLED' else 'cc'}=")


def _wrong(name: str, value: object, expected: str) -> ParameterError:
    return ParameterError(f"{name}: expected {expected}, not {value!r}")


def _text(name: str, value: object, *, empty: bool = True) -> str:
    if not isinstance(value, str) or "\0" in value or not (empty or value.strip()):
        raise _wrong(name, value, "a string" if empty else "a string that is not empty")
    return value


def _flag(name: str, value: object, *, default: bool | None) -> bool | None:
    if value is default:
        return default
    if not isinstance(value, bool):
        raise _wrong(name, value, "true or false" if default is False else "true, false, or nothing for Go's default")
    return value


def _choice(name: str, value: object, choices: tuple[str, ...]) -> str | None:
    if value is None:
        return None
    if value not in choices:
        near = difflib.get_close_matches(str(value), choices, n=1)
        raise _wrong(name, value, " or ".join(choices) + (f" (did you mean {near[0]!r}?)" if near else ""))
    return str(value)


def _target(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _TARGET.fullmatch(value):
        raise _wrong("target", value, 'GOOS/GOARCH, such as "linux/arm64"')
    return value


def _tags(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        # Go takes commas, and spaces from of old.
        value = value.replace(",", " ").split()
    if not isinstance(value, (tuple, list, set, frozenset)):
        raise _wrong("tags", value, "a list of build tags")
    tags: Iterable[object] = sorted(value) if isinstance(value, (set, frozenset)) else value
    checked = []
    for tag in tags:
        if not isinstance(tag, str) or not re.fullmatch(r"[\w.]+", tag):
            raise _wrong("tags", tag, 'build tags such as "netgo"')
        checked.append(tag)
    return tuple(checked)


def _environment(value: object) -> tuple[tuple[str, str], ...]:
    if value is None:
        return ()
    items = getattr(value, "items", None)
    if items is None:
        raise _wrong("env", value, "a mapping of names to strings")
    checked = []
    for name, text in items():
        if not isinstance(name, str) or not _VARIABLE.fullmatch(name) or not isinstance(text, str) or "\0" in text:
            raise _wrong("env", {name: text}, "names and values that are strings")
        checked.append((name, text))
    return tuple(sorted(checked))


def _folder(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, (str, os.PathLike)) or not isinstance(path := os.fspath(value), str) or not path:
        raise _wrong("cwd", value, "a folder")
    return path
