"""The keys of a platform's table, [platform.NAME] of a golink.toml and those of golink's own tables: their forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, get_args

from pytest_golink.facts import Target
from pytest_golink.forms import BOOL, WORDS, Form, array, choice, either, string, table
from pytest_golink.platforms.model import PlatformLibc

# Far above any system: a list of this length is a mistake or an attack.
_MOST_ENTRIES = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformKey:
    """One key: the form of its value, what an editor shows, and how the value of a right form is read."""

    form: Form
    summary: str
    read: Callable[[Any], Any] = lambda value: value


def _list(one: Form, entries: str) -> Form:
    text = f"{one.text}, or a list of at most {_MOST_ENTRIES} {entries}"
    return array(one, text, alone=True, empty=True, most=_MOST_ENTRIES)


def _table(one: Form) -> Form:
    return table(one, "a table", most=_MOST_ENTRIES)


def _several(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _by_key(value: Mapping[str, str | list[str]]) -> dict[str, tuple[str, ...]]:
    return {key: _several(entry) for key, entry in value.items()}


def _libraries(value: str | list[str] | Mapping[str, str | list[str]]) -> dict[str, tuple[str, ...]]:
    # A list is for every architecture, a table by GOARCH.
    return _by_key(value) if isinstance(value, Mapping) else {"": _several(value)}


def _targets(value: str | list[str]) -> tuple[Target, ...]:
    pairs = (entry.split("/") for entry in _several(value))
    return tuple(Target(goos=goos, goarch=goarch) for goos, goarch in pairs)


_STRINGS = _list(WORDS, "strings")
_PATHS = _list(
    replace(string("an absolute path", r"/[^\0]*"), schema={"type": "string", "pattern": "^/"}), "absolute paths"
)
_PORTS = _list(string('GOOS/GOARCH such as "linux/amd64"', "[^/]+/[^/]+"), "of them")
_VERSION = string('a version such as "2.17"', r"[0-9]+(\.[0-9]+)*")

# `extends` is looked up by the caller, who has the other platforms.
PLATFORM_KEYS: Mapping[str, PlatformKey] = MappingProxyType(
    {
        "extends": PlatformKey(
            form=WORDS, summary="A platform that this one adds to: one of the file, or one that is known."
        ),
        "title": PlatformKey(form=WORDS, summary="Its name for people."),
        "targets": PlatformKey(
            form=_PORTS,
            summary="The ports of Go that it is offered for; needed unless it extends one.",
            read=_targets,
        ),
        "libc": PlatformKey(form=choice(*get_args(PlatformLibc)), summary="Its C library; none by default."),
        "libc-version": PlatformKey(form=_VERSION, summary="That library's version."),
        "loaders": PlatformKey(
            form=_table(_PATHS),
            summary="Paths that PT_INTERP may name, by GOARCH; [] where the usual is missing.",
            read=_by_key,
        ),
        "libraries": PlatformKey(
            form=either(_STRINGS, _table(_STRINGS), "a list of strings, or a table of such lists by GOARCH"),
            summary="What the loader finds; a table by GOARCH.",
            read=_libraries,
        ),
        "without": PlatformKey(
            form=_STRINGS, summary="Libraries of the extended platform that are not there.", read=_several
        ),
        "versions": PlatformKey(
            form=_table(_VERSION), summary='The highest symbol versions by prefix, such as GLIBCXX = "3.4.30".'
        ),
        "directories": PlatformKey(form=_PATHS, summary="Where the loader looks.", read=_several),
        "usrmerge": PlatformKey(form=BOOL, summary="Whether /lib is /usr/lib."),
        "cpu": PlatformKey(
            form=_table(WORDS), summary='The CPU level that every machine has, by GOARCH: { amd64 = "v2" }.'
        ),
        "kernel": PlatformKey(form=_VERSION, summary="The oldest Linux that runs there."),
        "os-version": PlatformKey(form=_VERSION, summary="The version of macOS, Windows or a BSD, or Android's API."),
        "note": PlatformKey(form=WORDS, summary="What to know of it, for people."),
        "sources": PlatformKey(form=_table(WORDS), summary="Where each fact is from."),
        "proven": PlatformKey(
            form=_STRINGS, summary="Facts that a run or the system's own files showed.", read=_several
        ),
        "unverified": PlatformKey(form=_STRINGS, summary="Facts that no opened source says.", read=_several),
    }
)
