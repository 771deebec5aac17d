"""The options of a build: their forms, and the flags of `go build` that they make."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, cast

from pytest_golink.archives.globs import is_glob
from pytest_golink.errors import ParameterError
from pytest_golink.forms import BOOL, Form, array_schema, choice, string, table
from pytest_golink.text.suggest import suggestion
from pytest_golink.toolchain.quoting import join_quoted, split_quoted

LINK_MODES = ("internal", "external")
# The modes that make one image of one main package: all except archive and shared.
BUILD_MODES = ("default", "exe", "pie", "c-archive", "c-shared", "plugin")
# Source: `go help modules`, "-mod".
MOD_MODES = ("readonly", "vendor", "mod")
# The values of -pgo that name no file.
PGO_WORDS = ("auto", "off")
_VARIABLE = re.compile(r"[^=\0]+")
# Variables that an option sets, with the option: in env= they would contradict it.
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
    The options of one `go build`; `None` leaves the choice to Go.

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
        gcflags: Flags of Go's compiler, for a pattern of packages: "all=-N -l".
        asmflags: Flags of Go's assembler.
        mod: "readonly", "vendor" or "mod".
        modfile: A file in place of go.mod, relative to `cwd`.
        overlay: A JSON file that replaces source files; it and the files that it names are relative to `cwd`.
        pgo: A profile, relative to `cwd`, or "auto" or "off".
        cc: The C compiler; a first word `zig` is the zig that golink finds.
        env: More environment variables, sorted by name.
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
    gcflags: str = ""
    asmflags: str = ""
    mod: str | None = None
    modfile: str | None = None
    overlay: str | None = None
    pgo: str | None = None
    cc: str | None = None
    env: tuple[tuple[str, str], ...] = ()
    cwd: str | None = None

    @property
    def linker_flags(self) -> str:
        """The value of -ldflags that `ldflags`, `linkmode` and `extldflags` make together."""
        added = []
        if self.linkmode:
            added.append(f"-linkmode={self.linkmode}")
        if self.extldflags:
            word = f"-extldflags={self.extldflags}"
            # `go build` rejects an -ldflags that starts with a quote.
            added += [word] if join_quoted([word]) == word else ["-extldflags", self.extldflags]
        return " ".join(part for part in (self.ldflags.strip(), join_quoted(added)) if part)

    def flags(self) -> list[str]:
        """Return the flags of `go build`, without -o."""
        flags = []
        if self.buildmode:
            flags.append(f"-buildmode={self.buildmode}")
        if self.tags:
            flags.append(f"-tags={','.join(self.tags)}")
        if self.trimpath:
            flags.append("-trimpath")
        if self.race:
            flags.append("-race")
        named = ("gcflags", "asmflags", "mod", "modfile", "overlay", "pgo")
        flags += [f"-{name}={value}" for name in named if (value := getattr(self, name))]
        if self.linker_flags:
            flags.append(f"-ldflags={self.linker_flags}")
        return flags


def _is_text(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(name, str) and _VARIABLE.fullmatch(name) for name in value)


def _is_folder(value: object) -> bool:
    return isinstance(value, (str, os.PathLike)) and isinstance(path := os.fspath(value), str) and path != ""


def _tag_entries(value: object) -> Iterator[tuple[int, object, Form]]:
    yield from ((number, tag, _TAG) for number, tag in enumerate(_split_tags(value)))


def _split_tags(value: object) -> Iterable[object]:
    if isinstance(value, str):
        # Go accepts commas, and since its first versions spaces.
        return value.replace(",", " ").split()
    tags = cast("Iterable[object]", value)
    return sorted(tags, key=str) if isinstance(tags, (set, frozenset)) else tags


_FLAGS = Form(text="a string", accepts=_is_text, schema={"type": "string"})
_FILLED = Form(
    text="a string that is not empty",
    accepts=lambda value: _is_text(value) and str(value).strip() != "",
    schema={"type": "string", "pattern": r"\S"},
)
_TAG = Form(
    text='build tags such as "netgo"',
    accepts=lambda value: isinstance(value, str) and re.fullmatch(r"[\w.]+", value) is not None,
)
_TAGS = Form(
    text="a list of build tags",
    accepts=lambda value: isinstance(value, (str, tuple, list, set, frozenset)),
    schema={"anyOf": [{"type": "string"}, array_schema(_TAG, empty=True)]},
    entries=_tag_entries,
)
_ENVIRONMENT = replace(table(_FLAGS, "a table of names and strings"), accepts=_is_mapping)


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """
    One option of a build.

    Attributes:
        form: The form of its value.
        summary: The text that an editor shows.
        may_be_none: Whether None leaves the choice to Go, as a missing option does.
        read: Returns the field of `BuildOptions` for a value of the right form.
    """

    form: Form
    summary: str
    may_be_none: bool = False
    read: Callable[[Any], object] = lambda value: value


OPTIONS: Mapping[str, Option] = MappingProxyType(
    {
        "package": Option(form=_FILLED, summary="Builds this main package: a folder, a .go file or an import path."),
        "target": Option(
            form=string('GOOS/GOARCH, such as "linux/arm64"', "[a-z0-9]+/[a-z0-9]+"),
            summary="The system and the architecture to build for.",
            may_be_none=True,
        ),
        "cgo": Option(
            form=replace(BOOL, text="true, false, or nothing for Go's default"),
            summary="CGO_ENABLED; without it Go's own default, which depends on the machine.",
            may_be_none=True,
        ),
        "tags": Option(form=_TAGS, summary="Build tags.", read=lambda value: tuple(_split_tags(value))),
        "ldflags": Option(form=_FLAGS, summary="Flags of Go's linker."),
        "linkmode": Option(form=choice(*LINK_MODES), summary="Go's own linker, or the C compiler's.", may_be_none=True),
        "extldflags": Option(form=_FLAGS, summary="Flags of the C linker."),
        "buildmode": Option(form=choice(*BUILD_MODES), summary="go build's -buildmode.", may_be_none=True),
        "trimpath": Option(form=BOOL, summary="go build's -trimpath."),
        "race": Option(form=BOOL, summary="go build's -race."),
        "gcflags": Option(form=_FLAGS, summary="Flags of Go's compiler, for a pattern of packages: all=-N -l."),
        "asmflags": Option(form=_FLAGS, summary="Flags of Go's assembler, for a pattern of packages."),
        "mod": Option(form=choice(*MOD_MODES), summary="go build's -mod.", may_be_none=True),
        "modfile": Option(
            form=string("the path of a .mod file", r".*\.mod"),
            summary="A file in place of go.mod, relative to cwd.",
            may_be_none=True,
        ),
        "overlay": Option(
            form=_FILLED,
            summary="A JSON file that replaces source files; it and the files that it names are relative to cwd.",
            may_be_none=True,
        ),
        "pgo": Option(
            form=_FILLED, summary="A profile, relative to cwd, for the compiler; or auto, or off.", may_be_none=True
        ),
        "cc": Option(
            form=_FILLED,
            summary="The C compiler; a first word zig is the zig that golink finds.",
            may_be_none=True,
        ),
        "env": Option(
            form=_ENVIRONMENT,
            summary="More environment of the build.",
            may_be_none=True,
            read=lambda value: tuple(sorted(value.items())),
        ),
        "cwd": Option(
            form=Form(text="a folder", accepts=_is_folder),
            summary="The folder that package is relative to; by default golink.toml's.",
            may_be_none=True,
            read=os.fspath,
        ),
    }
)


def is_pattern(package: str) -> bool:
    """Whether a package is a pattern of several: "./...", "./cmd/*"."""
    return "..." in package or is_glob(package)


def parse_options(values: Mapping[str, object], *, patterns: bool = False) -> BuildOptions:
    """
    Return the checked options of a build, from golink.toml, a marker, the ini file or a call of `go_build`.

    Args:
        values: The options by name.
        patterns: Whether the package may be a pattern of several packages.

    Raises:
        ParameterError: An option does not exist, or has a value of the wrong form.
    """
    fields: dict[str, Any] = {}
    for name, value in values.items():
        option = OPTIONS.get(name)
        if option is None:
            hint = suggestion(name, OPTIONS) or f"; there are {', '.join(OPTIONS)}"
            raise ParameterError(f'unknown build option "{name}"{hint}', parameter=name)
        if value is None and option.may_be_none:
            continue
        for mistake in option.form.mistakes(value):
            reason = f"{mistake.name(name)}: expected {mistake.form.text}, not {mistake.value!r}{mistake.hint}"
            raise ParameterError(reason, parameter=name)
        fields[name] = option.read(value)
    options = BuildOptions(**fields)
    if not patterns and is_pattern(options.package):
        reason = "is a pattern; a build makes one image of one main package. A [[binary]] of golink.toml takes patterns"
        raise _error("package", f"{options.package!r} {reason}")
    _check_together(options)
    return options


def _check_together(options: BuildOptions) -> None:
    if options.package.startswith("-"):
        raise _error("package", f"{options.package!r} is a flag")
    for name in ("ldflags", "extldflags", "gcflags", "asmflags", "cc"):
        try:
            words = split_quoted(getattr(options, name) or "")
        except ParameterError as error:
            raise _error(name, error.reason) from None
        for option in ("linkmode", "extldflags"):
            given = any(re.match(rf"--?{option}(=|$)", word) for word in words)
            if name == "ldflags" and given and getattr(options, option):
                raise _error("ldflags", f"it has -{option} already; give it once, in {option}= or in ldflags=")
    try:
        _ = options.linker_flags
    except ParameterError as error:
        raise _error("extldflags", error.reason) from None
    for name, _value in options.env:
        owner = _OPTION_OF_VARIABLE.get(name, "")
        if owner is None:
            raise _error("env", f"{name} is always C, so that golink can read the linker's warnings")
        if owner:
            raise _error("env", f"{name} is what {owner}= is for")
        if (name == "CGO_ENABLED" and options.cgo is not None) or (name == "CC" and options.cc is not None):
            raise _error("env", f"{name} is given twice, here and in {'cgo' if name == 'CGO_ENABLED' else 'cc'}=")


def _error(name: str, reason: str) -> ParameterError:
    return ParameterError(f"{name}: {reason}", parameter=name)
