"""A change of a build, and the options of that build: flags join those that the user has, and never replace them."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pytest_golink.remedies.linker_flags import (
    extldflags_of,
    has_words,
    linkmode_of,
    with_extldflags,
    with_linkmode,
    with_words,
    without_words,
)
from pytest_golink.toolchain.quoting import join_quoted, split_quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.builder.options import BuildOptions
    from pytest_golink.findings import BuildChange

# What Go takes where a variable is not set: a value of it replaces them.
# Source: cmd/go/internal/work/exec.go, DefaultCFlags.
_DEFAULTS: Mapping[str, str] = MappingProxyType(
    {"CGO_CFLAGS": "-O2 -g", "CGO_CXXFLAGS": "-O2 -g", "CGO_LDFLAGS": "-O2 -g"}
)
# An option and its variable must not contradict each other.
_VARIABLE_OF_OPTION = {"cgo": "CGO_ENABLED", "cc": "CC"}


def changed(options: BuildOptions, change: BuildChange) -> BuildOptions:
    """Return the options of a build with a change made."""
    environment = {**dict(options.env), **dict(change.environment)}
    for option, variable in _VARIABLE_OF_OPTION.items():
        if option in change.options:
            environment.pop(variable, None)
    values: dict[str, Any] = dict(change.options)
    after = with_linkmode(options, values.pop("linkmode")) if "linkmode" in values else options
    after = replace(after, **values)
    for name in dict.fromkeys((*change.dropped, *change.added)):
        added, dropped = change.added.get(name, ()), change.dropped.get(name, ())
        if name == "tags":
            kept = [tag for tag in after.tags if tag not in dropped]
            after = replace(after, tags=tuple(dict.fromkeys((*kept, *added))))
        elif name == "extldflags":
            after = with_extldflags(after, _joined(extldflags_of(after), added, dropped))
        elif name == "ldflags":
            after = replace(after, ldflags=_joined(after.ldflags, added, dropped))
        else:
            environment[name] = _joined(environment.get(name, _DEFAULTS.get(name, "")), added, dropped)
    return _without_goflags(replace(after, env=tuple(sorted(environment.items()))), options)


def _joined(text: str, added: tuple[str, ...], dropped: tuple[str, ...]) -> str:
    text = without_words(text, dropped) if dropped else text
    return with_words(text, added) if added else text


def has(options: BuildOptions, change: BuildChange) -> bool:
    """Return whether a build has what a change sets and adds, and lacks what it drops."""
    if any(getattr(options, name) != value for name, value in change.options.items() if name != "linkmode"):
        return False
    if "linkmode" in change.options and linkmode_of(options) != change.options["linkmode"]:
        return False
    if not {*change.environment} <= {*options.env}:
        return False
    for name in (*change.added, *change.dropped):
        text = _text(options, name)
        if not all(has_words(text, flag) for flag in change.added.get(name, ())):
            return False
        if any(has_words(text, flag) for flag in change.dropped.get(name, ())):
            return False
    return True


def _text(options: BuildOptions, name: str) -> str:
    if name == "tags":
        return " ".join(options.tags)
    if name == "extldflags":
        return extldflags_of(options)
    return options.ldflags if name == "ldflags" else dict(options.env).get(name, "")


# Flags in GOFLAGS that an option of a build replaces as a whole, and whether they have a value.
_OF_GOFLAGS = {"buildmode": True, "ldflags": True, "race": False, "tags": True, "trimpath": False}
_VARIABLES = ("CGO_CFLAGS", "CGO_CXXFLAGS", "CGO_LDFLAGS", "GOFLAGS")


def folded(options: BuildOptions, environment: Mapping[str, str]) -> BuildOptions:
    """
    Return the options of a build with what its environment adds to them, so that a change joins that too.

    Args:
        options: The options that the user gave.
        environment: The environment of the build, with GOFLAGS of Go's own file.
    """
    variables = {name: environment[name] for name in _VARIABLES if environment.get(name)}
    values: dict[str, Any] = {}
    for name, value in _goflags(variables.get("GOFLAGS", "")).items():
        # A flag of the command line is the last word.
        if not getattr(options, name):
            values[name] = tuple(value.replace(",", " ").split()) if name == "tags" else value or True
    given = {**variables, **dict(options.env)}
    return replace(options, **values, env=tuple(sorted(given.items())))


def _goflags(text: str) -> dict[str, str]:
    found = {}
    for word in split_quoted(text):
        name, equals, value = word.lstrip("-").partition("=")
        if name in _OF_GOFLAGS and (not equals or value not in ("false", "0")):
            found[name] = value if _OF_GOFLAGS[name] else ""
    return found


def _without_goflags(after: BuildOptions, before: BuildOptions) -> BuildOptions:
    """Return the options without those flags of GOFLAGS that a change has left out."""
    environment = dict(after.env)
    gone = {name for name in _OF_GOFLAGS if getattr(before, name) and not getattr(after, name)}
    if not gone or not environment.get("GOFLAGS"):
        return after
    words = split_quoted(environment["GOFLAGS"])
    environment["GOFLAGS"] = join_quoted(word for word in words if word.lstrip("-").partition("=")[0] not in gone)
    return replace(after, env=tuple(sorted(environment.items())))
