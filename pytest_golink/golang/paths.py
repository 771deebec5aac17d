"""
The folders of the build machine that an image names.

With -trimpath Go writes import paths in place of folders: "runtime/proc.go", "example.com/app/main.go".

Source: Go's src/cmd/go/internal/work/gc.go and exec.go (trimpath, -ffile-prefix-map), cmd/go/internal/load/pkg.go
(setBuildInfo).
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from pytest_golink.facts import BuildPath

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_golink.facts import BuildInfo

# The folder of a file with an absolute path, "/…" or "C:\…".
_FOLDER = re.compile(rb"(?:^|\0)((?:/|[A-Za-z]:[/\\]|\\\\)[^\0]*)[/\\][^\0/\\]*(?=\0)")
_ABSOLUTE = re.compile(r"/|[A-Za-z]:[/\\]|\\\\")
# A path inside a setting: behind "=", a quote, or a flag that is written without a blank (-I/opt, -L/opt).
_IN_SETTING = re.compile(
    r"(?:^|[=,;'\"]|(?<![A-Za-z]):|(?<=-[A-Za-z])|-isystem|-iquote)((?:/|[A-Za-z]:[/\\])[^\s,;:='\"]*)"
)
# Paths that say nothing about the build machine: what Go writes in place of build folders, and standard system folders.
_NOBODYS = re.compile(
    r"(?:/tmp/go-build|/_|\\\\_\\_|/usr/include|/usr/lib/gcc|/usr/lib/gcc-cross|/usr/lib/llvm-\d+|/usr/lib/clang)(?:[/\\]|$)"
)
# Go's distribution and the module cache: one entry covers every path inside them.
_GOROOT = re.compile(r"(.*?)[/\\]src[/\\]runtime$")
_MODULE_CACHE = re.compile(r"(.*?[/\\]pkg[/\\]mod)[/\\]")
# Linker flags with a path on the target machine, not on the build machine: the loader, run paths, -X's strings.
_FOR_THE_TARGET = frozenset(
    {"-I", "-r", "-X", "-rpath", "-dynamic-linker", "--dynamic-linker", "-rpath-link", "-soname"}
)
_FOR_THE_TARGET_PREFIX = re.compile(
    r"-(?:X|I|r)=|-Wl,(?:-z,[^,]*,)?--?(?:rpath|dynamic-linker|R|soname)[=,]|--?(?:rpath|dynamic-linker)="
)
_LDFLAGS = frozenset({"-ldflags", "CGO_LDFLAGS"})
_MOST = 24


def is_build_path(path: str) -> bool:
    """Return whether a path is absolute and belongs to the build machine."""
    return _ABSOLUTE.match(path) is not None and _NOBODYS.match(path) is None


def is_standard(package: str) -> bool:
    """
    Return whether an import path, as source code writes it ("gopkg.in/yaml"), looks like the standard library's.

    cmd/go reserves paths whose first element has no dot (cmd/go/internal/search, IsStandardImportPath);
    "vendor/golang.org/…" belongs to it too.
    """
    return package != "main" and "." not in package.partition("/")[0]


def folders_of(files: bytes) -> set[str]:
    """Return the folders of the build machine in a file table, whose paths have a NUL after each."""
    folders = {match.decode(errors="backslashreplace") for match in set(_FOLDER.findall(files))}
    return {folder for folder in folders if is_build_path(folder + "/")}


def build_paths(files: bytes, build: BuildInfo, dwarf: Iterable[str]) -> tuple[BuildPath, ...]:
    """
    Return the folders of the build machine that an image names, a sample where there are many.

    Args:
        files: The file table of its pclntab.
        build: Its build info.
        dwarf: The folders and files in its DWARF.
    """
    found = [BuildPath(path=path, where="pclntab") for path in _outermost(folders_of(files))]
    in_dwarf = _outermost({path for path in dwarf if is_build_path(path)})
    found += [BuildPath(path=path, where="DWARF") for path in in_dwarf]
    for key, value in build.settings.items():
        found += [BuildPath(path=path, where=f"build setting {key}") for path in dict.fromkeys(_paths_in(key, value))][
            :_MOST
        ]
    for module in (*((build.module,) if build.module else ()), *build.modules):
        if module.replace is not None and is_build_path(module.replace.path):
            found.append(BuildPath(path=module.replace.path, where=f"replacement of module {module.path}"))
    return tuple(found[: 4 * _MOST])


def _outermost(folders: set[str]) -> list[str]:
    """Return GOROOT and the module cache in place of their contents, and the outermost of the other folders, sorted."""
    roots = {match[1] for folder in folders if (match := _GOROOT.match(folder))}
    roots |= {match[1] for folder in folders if (match := _MODULE_CACHE.match(folder))}
    kept: list[str] = sorted(root for root in roots if root)
    for folder in sorted(folders):
        if not any(folder == outer or folder.startswith((outer + "/", outer + "\\")) for outer in kept):
            kept.append(folder)
            if len(kept) >= _MOST:
                break
    return kept


def _paths_in(key: str, value: str) -> Iterator[str]:
    words = _words(value)
    for_the_target = False
    for word in words:
        skipped, for_the_target = for_the_target, key == "-ldflags" and word in _FOR_THE_TARGET
        if skipped or (key in _LDFLAGS and _FOR_THE_TARGET_PREFIX.match(word)):
            continue
        if " " in word and len(words) > 1:
            # Flags inside a flag: -extldflags "-L/opt -static".
            yield from _paths_in(key, word.removeprefix("-extldflags="))
            continue
        yield from (match[1] for match in _IN_SETTING.finditer(word) if is_build_path(match[1]))


def _words(value: str) -> list[str]:
    try:
        # A backslash is a separator on Windows; only a shell reads it as a quote.
        return [word.strip("'\"") for word in shlex.split(value, posix="\\" not in value)]
    except ValueError:
        return value.split()
