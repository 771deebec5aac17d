"""A change of a build, written as its user writes it: as flags, for golink.toml, for goreleaser."""

from __future__ import annotations

import shlex
from dataclasses import fields
from typing import TYPE_CHECKING

from pytest_golink.text.toml import toml

if TYPE_CHECKING:
    from pytest_golink.builder.options import BuildOptions


def as_flags(before: BuildOptions, after: BuildOptions) -> str:
    """Return what changes on the command line: "CGO_ENABLED=0 -tags=netgo", "without -race"."""
    words = [
        f"{name}={_shell(value)}" for name, value in _environment(after) if (name, value) not in _environment(before)
    ]
    flags, old = after.flags(), before.flags()
    words += [_quoted(flag) for flag in flags if flag not in old]
    names = {flag.partition("=")[0] for flag in flags}
    gone = [flag for flag in old if flag.partition("=")[0] not in names]
    gone += [name for name, value in _environment(before) if name not in dict(_environment(after))]
    if gone:
        words.append(f"without {' '.join(map(_quoted, gone))}")
    return " ".join(words)


def _quoted(flag: str) -> str:
    name, equals, value = flag.partition("=")
    return f"{name}{equals}{_shell(value)}" if value else flag


def _shell(text: str) -> str:
    # A text with single quotes is easier to read in double ones, where a shell does nothing to the rest of it.
    if "'" in text and not set(text) & set('"$`\\!'):
        return f'"{text}"'
    return shlex.quote(text)


def as_toml(before: BuildOptions, after: BuildOptions) -> str:
    """Return the lines of golink.toml's `[[binary]]` that make the change; a line to delete is commented out."""
    lines = []
    for field in fields(after):
        value = getattr(after, field.name)
        if value == getattr(before, field.name):
            continue
        if value is None or (value in ("", (), False) and field.name != "cgo"):
            lines.append(f"# without {field.name}")
        elif field.name == "env":
            lines.append(f"env = {toml(dict(value))}")
        else:
            lines.append(f"{field.name} = {toml(value)}")
    return "\n".join(lines)


def as_goreleaser(before: BuildOptions, after: BuildOptions) -> str:
    """
    Return the lines of a goreleaser `builds:` entry that make the change; strings and lists of TOML are YAML too.

    Source: goreleaser's documentation, "Builds (Go)": env, flags, ldflags, tags and buildmode are lists and strings of
    an entry.
    """
    lines = []
    if added := [f"{name}={value}" for name, value in _environment(after) if (name, value) not in _environment(before)]:
        lines.append(f"env: {toml(added)}")
    if (after.trimpath, after.race) != (before.trimpath, before.race):
        flags = [name for name, on in (("-trimpath", after.trimpath), ("-race", after.race)) if on]
        lines.append(f"flags: {toml(flags)}")
    if after.linker_flags != before.linker_flags:
        lines.append(f"ldflags: {toml([after.linker_flags] if after.linker_flags else [])}")
    if after.tags != before.tags:
        lines.append(f"tags: {toml(list(after.tags))}")
    if after.buildmode != before.buildmode:
        # An empty string is goreleaser's default.
        lines.append(f"buildmode: {toml('' if after.buildmode in (None, 'exe') else after.buildmode)}")
    return "\n".join(lines)


def as_shell(given: BuildOptions, before: BuildOptions, after: BuildOptions) -> str:
    """
    Return the whole command line of a changed build.

    Args:
        given: The options as their user wrote them.
        before: The same, with what the environment adds to them.
        after: The options after the change.
    """
    target = after.target.split("/") if after.target else []
    words = [f"{name}={value}" for name, value in zip(("GOOS", "GOARCH"), target, strict=False)]
    known = {*_environment(before)} - {*_environment(given)}
    words += [f"{name}={_shell(value)}" for name, value in _environment(after) if (name, value) not in known]
    return " ".join([*words, "go build", *map(_quoted, after.flags()), _shell(after.package)])


def _environment(options: BuildOptions) -> list[tuple[str, str]]:
    variables = dict(options.env)
    if options.cgo is not None:
        variables["CGO_ENABLED"] = str(int(options.cgo))
    if options.cc is not None:
        variables["CC"] = options.cc
    return sorted(variables.items())
