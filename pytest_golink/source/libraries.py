"""Which line of a build asks for a library that its image needs: `#cgo` lines, CGO_LDFLAGS, -extldflags, directives."""

from __future__ import annotations

import re
import shlex
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.builder.listing import environment_of
from pytest_golink.source.go_files import read_go_file
from pytest_golink.text.words import listed
from pytest_golink.toolchain.process import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_golink.builder.binary import Origin
    from pytest_golink.builder.listing import Variables
    from pytest_golink.source.graph import Graph
    from pytest_golink.toolchain.packages import Package

_PKG_CONFIG_TIMEOUT_S = 20.0
# What stands after a library's name in the name of its file.
_ENDING = re.compile(r"(\.so(\.[\w.]+)?|(\.[\w]+)*\.dylib|\.tbd|(-\d+)?\.dll(\.a)?|\.a)$", re.IGNORECASE)
# What the C compilers' own drivers add, with no line of the build.
_COMPILERS = {"stdc++": "the C++ compiler", "c++": "the C++ compiler", "gcc_s": "the C compiler"}
# More places than these say the same thing again.
_PLACES = 3


def asked_lines(names: Iterable[str], graph: Graph, origin: Origin) -> tuple[list[str], list[Package]]:
    """
    Return which lines of a build ask for these libraries, and the packages of these lines.

    Args:
        names: The libraries, as the image needs them ("libseccomp.so.2").
        graph: The packages of the build.
        origin: The build.
    """
    environment = environment_of(origin.job, origin.builder.toolchain)
    lines: list[str] = []
    asking: dict[str, Package] = {}
    for name in names:
        found: list[str] = []
        for package in graph.packages.values():
            places = [*_places(name, package, graph, environment)]
            if places:
                asking.setdefault(package.name, package)
            found += places
        found += _flags(name, origin, environment)
        if not found and (compiler := _COMPILERS.get(_bare(name))):
            found = [f"{compiler}, which adds it by itself"]
        if found:
            # One text at several places stands there once.
            first = f"{found[0].rpartition(' at ')[0]} at "
            places = [text.removeprefix(first) if number else text for number, text in enumerate(found)]
            lines.append(f"{name} comes from {listed(places, most=_PLACES)}")
    return lines, [*asking.values()]


def asks_for(words: Sequence[str], name: str) -> str | None:
    """Return which of these words of a linker's command line asks for a library, None where none does."""
    for number, word in enumerate(words):
        if word in ("-l", "-framework") and number + 1 < len(words):
            wanted, shown = words[number + 1], f"{word} {words[number + 1]}"
        elif word.startswith("-l"):
            wanted, shown = word[2:], word
        elif "/" in word and not word.startswith("-"):
            wanted, shown = f":{word}", word
        else:
            continue
        # "-l:libfoo.so.1" names the file itself.
        exact = wanted.startswith(":")
        if (_bare(wanted[1:]) if exact else wanted.casefold()) == _bare(name):
            return shown
    return None


def _bare(name: str) -> str:
    """Return what -l calls a library: "foo" of "libfoo.so.1", "/usr/lib/libfoo.1.dylib", "foo.dll"."""
    file = name.replace("\\", "/").rpartition("/")[2]
    return _ENDING.sub("", file).removeprefix("lib").casefold()


def _places(name: str, package: Package, graph: Graph, environment: Variables) -> Iterator[str]:
    for file in package.go_files:
        for library, line in read_go_file(package.folder / file).dynamic_libraries:
            if library == name:
                yield f"//go:cgo_import_dynamic at {graph.shown(package, file, line)}"
    if not package.ld_flags and not package.pkg_config:
        return
    for file in package.cgo_files:
        for each in read_go_file(package.folder / file).cgo_lines:
            if each.kind == "pkg-config":
                # Go lists only those whose condition holds.
                words = [word for word in each.words if word in package.pkg_config]
                found = next((word for word in words if _config_asks(word, name, environment)), None)
            else:
                found = asks_for(each.words, name)
                if found is not None and not {*found.split()} & {*_expanded(package)}:
                    found = None
            if found is not None:
                condition = f"{each.condition} " if each.condition else ""
                yield f"#cgo {condition}{each.kind}: {found} at {graph.shown(package, file, each.line)}"


def _expanded(package: Package) -> Iterator[str]:
    # Go writes the package's folder for ${SRCDIR}.
    for word in package.ld_flags:
        yield word
        yield word.replace(str(package.folder), "${SRCDIR}")


def _config_asks(config: str, name: str, environment: Variables) -> bool:
    return asks_for(_libs_of(config, environment), name) is not None or _bare(config) == _bare(name)


@lru_cache(maxsize=64)
def _libs_of(config: str, environment: Variables) -> tuple[str, ...]:
    """Return the linker's words that pkg-config answers for a name, () where it has no answer."""
    variables = dict(environment)
    command = [*_words(variables.get("PKG_CONFIG") or "pkg-config"), "--libs", "--", config]
    try:
        done = run(command, cwd=Path.cwd(), environment=variables, timeout_s=_PKG_CONFIG_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(_words(done.stdout)) if done.status == 0 else ()


def _flags(name: str, origin: Origin, environment: Variables) -> Iterator[str]:
    """Yield the settings of the build that ask for a library."""
    own = dict(origin.job.options.env)
    for where, value in (
        ("this build's env", own.get("CGO_LDFLAGS", "")),
        ("the environment", "" if "CGO_LDFLAGS" in own else dict(environment).get("CGO_LDFLAGS", "")),
    ):
        if found := asks_for(_words(value), name):
            yield f"CGO_LDFLAGS of {where}: {found}"
    if "CGO_LDFLAGS" not in dict(environment):
        found = asks_for(_words(origin.builder.toolchain.settings.get("CGO_LDFLAGS", "")), name)
        if found:
            yield f"CGO_LDFLAGS of go env: {found}"
    # A word of -ldflags may be the whole of -extldflags.
    words = [inner for flag in origin.job.flags for outer in _words(flag) for inner in _words(outer)]
    flat = [inner.rpartition("=")[2] if inner.startswith("-extldflags=") else inner for inner in words]
    if found := asks_for([inner for word in flat for inner in _words(word)], name):
        yield f"-extldflags: {found}"


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
