"""
What .goreleaser.yaml builds, as [[binary]] tables say it.

Source: goreleaser.com/customization/builds/go; goreleaser v2, internal/builders/golang/targets.go.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pytest_golink.errors import GolinkError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

FILES = (".goreleaser.yaml", ".goreleaser.yml", "goreleaser.yaml", "goreleaser.yml", ".config/goreleaser.yaml",
         ".config/goreleaser.yml")  # fmt: skip
_MOST_BYTES = 1024 * 1024
_GOOS = ("linux", "darwin", "windows")
_GOARCH = ("amd64", "arm64", "386")
# The default of ldflags is this, and -X flags with templates.
_LDFLAGS = "-s -w"
# The variable of each architecture whose level a build may list, and the name of the list.
_LEVELS = {"amd64": ("goamd64", "GOAMD64"), "arm64": ("goarm64", "GOARM64"), "arm": ("goarm", "GOARM"),
           "386": ("go386", "GO386"), "ppc64le": ("goppc64", "GOPPC64"), "ppc64": ("goppc64", "GOPPC64"),
           "riscv64": ("goriscv64", "GORISCV64")}  # fmt: skip
_QUIET_FLAGS = frozenset({"-v", "-x", "-a", "-n"})
_VARIABLE = re.compile(r"(GO[A-Z0-9]+|CGO_[A-Z]+|CC|CXX)=(.*)", re.DOTALL)


@dataclass(kw_only=True, slots=True)
class ReleaseBuild:
    """
    One entry of `builds`.

    Attributes:
        name: The name of the program.
        folder: Where Go runs, relative to the file's folder.
        package: The main package, relative to `folder`.
        targets: As golink writes them, in the file's order, those that Go may not have too.
        options: Build options of golink, by the names of [[binary]].
        notes: What of the entry has no place in a policy.
    """

    name: str
    folder: str
    package: str
    targets: tuple[str, ...]
    options: dict[str, object] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseConfig:
    """A goreleaser file: its name, what it builds, its dist folder, and what golink did not understand."""

    file: str
    builds: tuple[ReleaseBuild, ...]
    dist: str
    notes: tuple[str, ...]


def read_goreleaser(folder: Path) -> ReleaseConfig | None:
    """
    Return what the goreleaser file of a folder builds; None where there is none.

    Raises:
        GolinkError: It is no YAML, or no file of goreleaser's.
    """
    found = next((name for name in FILES if (folder / name).is_file()), None)
    if found is None:
        return None
    import yaml

    with (folder / found).open("rb") as stream:
        data = stream.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise GolinkError(f"{found}: larger than {_MOST_BYTES:,} bytes")
    try:
        values = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise GolinkError(f"{found}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise GolinkError(f"{found}: not a file of goreleaser's: it is no table")
    project = str(values.get("project_name") or folder.name)
    listed = values.get("builds", [values.get("build") or {}])
    builds = []
    notes = []
    for entry in listed if isinstance(listed, list) else []:
        if not isinstance(entry, dict) or entry.get("skip") is True:
            continue
        if entry.get("builder", "go") != "go" or entry.get("prebuilt"):
            notes.append(f"the build {entry.get('id', '?')} is not built by `go build`: only its dist folder shows it")
            continue
        builds.append(_build(entry, project, _texts(values.get("env"))))
    dist = values.get("dist")
    return ReleaseConfig(
        file=found,
        builds=tuple(builds),
        dist=dist if isinstance(dist, str) and "{{" not in dist else "dist",
        notes=tuple(notes),
    )


def _build(entry: Mapping[str, Any], project: str, environment: Sequence[str]) -> ReleaseBuild:
    main = str(entry.get("main") or ".").removesuffix("/main.go")
    build = ReleaseBuild(
        name=_without_template(str(entry.get("binary") or entry.get("id") or project)) or project,
        folder=str(entry.get("dir") or ".").removeprefix("./").rstrip("/") or ".",
        package=main if main.startswith(".") or main == "main.go" else f"./{main}",
        targets=_targets(entry),
    )
    _flags(build, _texts(entry.get("flags")))
    ldflags = entry.get("ldflags")
    linker = _LDFLAGS if ldflags is None else _plain_words(build, "ldflags", _texts(ldflags))
    if linker:
        build.options["ldflags"] = linker
    tags = [tag for text in _texts(entry.get("tags")) for tag in re.split(r"[ ,]+", text) if tag]
    if tags and _is_plain(build, "tags", " ".join(tags)):
        build.options["tags"] = tags
    if mode := entry.get("buildmode"):
        build.options["buildmode"] = str(mode)
    _environment(build, [*environment, *_texts(entry.get("env"))])
    _levels(build, entry)
    for name in ("overrides", "gcflags", "asmflags"):
        if entry.get(name):
            build.notes.append(f"{name} is not taken over: give the binary a [[binary.override]] or env")
    return build


def _targets(entry: Mapping[str, Any]) -> tuple[str, ...]:
    listed = _texts(entry.get("targets"))
    if listed and not any(one.startswith("go_") for one in listed):
        return tuple(dict.fromkeys("/".join(one.split("_")[:2]) for one in listed))
    systems, architectures = _texts(entry.get("goos")) or _GOOS, _texts(entry.get("goarch")) or _GOARCH
    ignored = [rule for rule in entry.get("ignore") or () if isinstance(rule, dict)]
    return tuple(
        f"{goos}/{goarch}"
        for goos in systems
        for goarch in architectures
        if not any(_is_ignored(rule, goos, goarch) for rule in ignored)
    )


def _is_ignored(rule: Mapping[str, Any], goos: str, goarch: str) -> bool:
    # An entry about one level of an architecture leaves its other levels.
    if any(name in rule for name, _variable in _LEVELS.values()):
        return False
    return str(rule.get("goos", goos)) == goos and str(rule.get("goarch", goarch)) == goarch


def _flags(build: ReleaseBuild, texts: Sequence[str]) -> None:
    others: list[str] = []
    words = iter([word for text in texts for word in _split(build, "flags", text)])
    for word in words:
        name, equals, value = word.partition("=")
        name = re.sub("^--", "-", name)
        if name in _QUIET_FLAGS or not _is_plain(build, "flags", word):
            continue
        if name in ("-trimpath", "-race"):
            build.options[name[1:]] = value != "false"
        elif name in ("-tags", "-buildmode", "-ldflags"):
            value = value if equals else next(words, "")
            build.options[name[1:]] = re.split(r"[ ,]+", value) if name == "-tags" else value
        elif " " in word:
            build.notes.append(f"flags: {word} is not taken over: GOFLAGS takes no blanks")
        else:
            others.append(word)
    if others:
        _variables(build)["GOFLAGS"] = " ".join(others)


def _plain_words(build: ReleaseBuild, name: str, texts: Sequence[str]) -> str:
    """Return flags of the linker without those that have a template, which only goreleaser can fill."""
    words = [word for text in texts for word in _split(build, name, text)]
    kept: list[str] = []
    left_out: list[str] = []
    at = 0
    while at < len(words):
        # -X takes its value from the next word.
        taken = words[at : at + (2 if words[at] == "-X" else 1)]
        (left_out if any("{{" in word for word in taken) else kept).extend(taken)
        at += len(taken)
    if left_out:
        build.notes.append(f"{name}: left out, since goreleaser fills them in: {' '.join(left_out)}")
    return shlex.join(kept)


def _split(build: ReleaseBuild, name: str, text: str) -> list[str]:
    # A template may have blanks and quotes: it is one word.
    templates = re.findall(r"\{\{.*?\}\}", text, re.DOTALL)
    for number, template in enumerate(templates):
        text = text.replace(template, f"\0{number}\0", 1)
    try:
        words = shlex.split(text)
    except ValueError:
        build.notes.append(f"{name}: not understood: {text}")
        return []
    return [re.sub("\0([0-9]+)\0", lambda found: templates[int(found[1])], word) for word in words]


def _environment(build: ReleaseBuild, texts: Iterable[str]) -> None:
    for text in texts:
        match = _VARIABLE.fullmatch(text)
        if match is None or not _is_plain(build, "env", text):
            continue
        name, value = match.groups()
        if name == "CGO_ENABLED" and value in ("0", "1"):
            build.options["cgo"] = value == "1"
        elif name == "CC":
            build.options["cc"] = value
        elif name not in ("GOOS", "GOARCH"):
            _variables(build)[name] = value


def _levels(build: ReleaseBuild, entry: Mapping[str, Any]) -> None:
    for goarch in dict.fromkeys(target.partition("/")[2] for target in build.targets):
        name, variable = _LEVELS.get(goarch, ("", ""))
        levels = _texts(entry.get(name)) if name else ()
        if levels:
            _variables(build)[variable] = levels[0]
        if len(levels) > 1:
            build.notes.append(f"{name}: of {', '.join(levels)} only {levels[0]} is built here")


def _variables(build: ReleaseBuild) -> dict[str, str]:
    return cast("dict[str, str]", build.options.setdefault("env", {}))


def _is_plain(build: ReleaseBuild, name: str, text: str) -> bool:
    if "{{" in text:
        build.notes.append(f"{name}: left out, since only goreleaser can fill it in: {text}")
        return False
    return True


def _without_template(text: str) -> str:
    return re.sub(r"\{\{.*?\}\}", "", text, flags=re.DOTALL).strip("-_. ")


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_each(value))


def _each(value: object) -> Iterator[str]:
    if isinstance(value, list):
        yield from (str(one) for one in value if isinstance(one, (str, int, float)) and not isinstance(one, bool))
    elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
        yield str(value)
