"""
A platform read from its own files: what the loader of a root file system finds, and in which versions.

The loader's own directories are read from the loader itself, the others from ld.so.cache or ld-musl-ARCH.path; nothing
of the system is run.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from itertools import chain, islice
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.errors import GolinkError
from pytest_golink.golang.cpu import LOWEST_CPU, cpu_features, cpu_setting
from pytest_golink.platforms.reading import LOADERS
from pytest_golink.reader.elf.system import read_system_file
from pytest_golink.text.versions import numbers, symbol_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_golink.archives.roots import Root
    from pytest_golink.platforms.model import Platform
    from pytest_golink.reader.elf.system import SystemFile

# glibc writes its version into the library, musl into its loader.
# Source: glibc's csu/version.c (banner); musl's src/internal/version.c.
_GLIBC_BANNER = re.compile(rb"GNU C Library [^\n\0]*(?:release|development) version ([0-9]+\.[0-9]+)")
_MUSL_VERSION = re.compile(rb"(?<![0-9.])(1\.[0-9]+\.[0-9]+)(?:[_-][0-9A-Za-z_.-]+)?\0")
# The directories that glibc's loader looks into without any configuration: texts that stand together, with a slash at
# their ends.
# Source: glibc's elf/dl-load.c: SYSTEM_DIRS.
_SYSTEM_DIRS = re.compile(rb"\0((?:/(?:[\w.+-]+/)*lib[\w.+-]*/(?:[\w.+-]+/)*\0)+)")
# Source: musl's ldso/dynlink.c, and its configuration file.
_MUSL_DIRS = ("/lib", "/usr/local/lib", "/usr/lib")
# Source: bionic's linker/linker.cpp, kDefaultLdPaths.
_BIONIC_DIRS = ("/system/lib64", "/system/lib")
_LIB = ("/lib", "/lib64")
_UCLIBC = re.compile(r"/lib(?:64)?/ld(?:64)?-uClibc\.so\.[0-9]+")
# What ldconfig found in the directories of ld.so.conf, which the loader itself does not read. Libraries only for some
# CPUs do not count.
# Source: glibc's elf/dl-load.c, _dl_map_object; elf/dl-cache.c.
_CACHE = "/etc/ld.so.cache"
_CACHED = re.compile(rb"(?:/(?!glibc-hwcaps/)[^\0/\s]+)+(?=\0)")
_LIBRARY = re.compile(r".+\.so(\.[\w.+-]+)?|.+-[\d.]+\.so")
# A library by the name of another release or another system: Debian's libbz2.so.1.0 is libbz2.so.1 elsewhere.
_OTHER_NAME = re.compile(r".+\.so(\.[0-9]+)+")
# Every system that has programs has one of these.
_PROGRAMS = ("/bin/sh", "/bin/busybox", "/bin/bash", "/bin/true", "/usr/bin/env", "/system/bin/sh")
# How many files golink looks at if there is neither loader nor library, as in an image of one static program.
_MOST_FILES = 20_000


@dataclass(kw_only=True, slots=True)
class _Found:
    """The findings for one architecture."""

    goarch: str
    loaders: list[str] = field(default_factory=list)
    libraries: set[str] = field(default_factory=set)
    levels: set[str] = field(default_factory=set)


def describe_root(root: Root) -> dict[str, object]:
    """
    Describe the Linux system in a root file system, as a table [platform.NAME] has it.

    Its kernel is the host's, and its files do not show its CPUs, only the level that its C library itself needs.

    Returns:
        Keys and values of the table: title, targets, libc, libc-version, loaders, libraries, versions, directories,
        usrmerge, cpu; without those that say nothing.

    Raises:
        ArchiveError: An archive is damaged, or a file over the bounds.
        OSError: A folder's file cannot be read.
        UnreadableBinaryError: A library is damaged.
        GolinkError: There is no program and no library in it, or it has a loader that is not known.
    """
    loaders = _known_loaders(root)
    libc = next((kind for kind, _ in loaders.values()), "none")
    found = {goarch: _Found(goarch=goarch) for _, goarch in loaders.values()}
    cached = _cached(root) if loaders and libc not in ("musl", "bionic") else ()
    built_in = _directories(root, libc, loaders)
    directories = tuple(dict.fromkeys((*map(posixpath.dirname, cached), *built_in)))
    for path, (_, goarch) in loaders.items():
        found[goarch].loaders.append(path)
        if posixpath.dirname(path) in directories:
            # musl's has another name in itself, and is found by this one too.
            found[goarch].libraries.add(posixpath.basename(path))
    versions, version = _add_libraries(root, found, _candidates(root, cached, built_in))
    if libc == "musl":
        # Its loader is the C library.
        version = next(filter(None, (_libc_version(root, path) for path in loaders)), None)
    if libc == "none":
        found = {goarch: _Found(goarch=goarch) for goarch in _architectures(root)}
    if not found:
        raise GolinkError("holds no program and no library of a machine that Go has a port to")
    return _table(root, libc, version, found, versions, directories)


def _known_loaders(root: Root) -> dict[str, tuple[str, str]]:
    """Return the loaders that programs name, all of one C library: path, then C library and GOARCH."""
    named = _interpreters(root)
    loaders = dict(_loaders(root, named))
    if named and not loaders:
        raise GolinkError(f"its programs are for a loader that is not known: {', '.join(named)}")
    for path, (kind, goarch) in loaders.items():
        usual = LOADERS.get(kind, {}).get(goarch, path)
        if usual not in loaders:
            raise GolinkError(f"has {kind}'s loader at {path}, and not at {usual}, which programs name")
    kinds = {kind for kind, _ in loaders.values()}
    if len(kinds) > 1:
        raise GolinkError(f"has loaders of {' and '.join(sorted(kinds))}: describe the one that programs are to use")
    return loaders


def _add_libraries(root: Root, found: dict[str, _Found], names: Iterable[str]) -> tuple[dict[str, str], str | None]:
    """Add the shared libraries to what is known; return their highest symbol versions, and the version of glibc."""
    versions: dict[str, str] = {}
    version = None
    for name in names:
        library = _file(root, name)
        if library is None or not library.shared or library.goarch not in found:
            continue
        base = posixpath.basename(name)
        # What is needed is the name that the library has itself; most links of other names are for link editors.
        if base != (library.soname or base) and not _is_other_name(root, name, library.soname or ""):
            continue
        own = found[library.goarch]
        own.libraries.add(base)
        for each in library.versions:
            _raise_to(versions, each)
        if base == "libc.so.6":
            own.levels |= {level.level for level in library.cpu}
            version = _libc_version(root, name)
    return versions, version


def _table(
    root: Root,
    libc: str,
    version: str | None,
    found: Mapping[str, _Found],
    versions: Mapping[str, str],
    directories: tuple[str, ...],
) -> dict[str, object]:
    goos = "android" if libc == "bionic" else "linux"
    usual = LOADERS.get(libc, MappingProxyType({}))
    more = {goarch: own.loaders for goarch, own in found.items() if own.loaders not in ([], [usual.get(goarch)])}
    common = frozenset.intersection(*(frozenset(own.libraries) for own in found.values()))
    libraries = {"": sorted(common)} | {goarch: sorted(own.libraries - common) for goarch, own in found.items()}
    libraries = {key: names for key, names in libraries.items() if names}
    cpu = {goarch: level for goarch, own in found.items() if (level := _level(goarch, own.levels))}
    table: dict[str, object] = {
        "title": _title(root),
        "targets": [f"{goos}/{goarch}" for goarch in found],
        "libc": libc,
        "libc-version": version,
        "loaders": more,
        "libraries": libraries[""] if set(libraries) == {""} else libraries,
        "versions": {prefix: number for prefix, number in sorted(versions.items()) if prefix != "GLIBC"},
        "directories": list(directories) if libc != "none" else [],
        "usrmerge": (root.link("lib") or "").lstrip("/") == "usr/lib",
        "cpu": cpu,
    }
    return {key: value for key, value in table.items() if value not in (None, {}, [], False)}


def _level(goarch: str, levels: Iterable[str]) -> str | None:
    """Return the level that includes the others, None where that is what every CPU has; of amd64 they are in a line."""
    setting = cpu_setting(goarch)
    if setting is None:
        return None
    lowest = cpu_features(setting, LOWEST_CPU[setting]) or frozenset()
    features = {level: cpu_features(setting, level) or frozenset() for level in levels}
    highest = max(features, key=lambda level: len(features[level]), default=None)
    return highest if highest is not None and features[highest] - lowest else None


def differences(known: Platform, read: Platform) -> tuple[str, ...]:
    """
    Return where the description of a platform is at odds with its files: () where they agree.

    Args:
        known: The description.
        read: The same, read from a root file system; only of its architectures.
    """
    found = []
    for target in read.targets:
        if target not in known.targets:
            found.append(f"targets: {target} is not among them")
            continue
        goarch = target.goarch
        pairs = (known.loaders.get(goarch, ()), read.loaders.get(goarch, ()))
        found += [
            f"loaders: {path} is not there, for {goarch}" for path in pairs[0] if not read.has_loader(path, goarch)
        ]
        found += [
            f"loaders: {path} is missing, for {goarch}" for path in pairs[1] if not known.has_loader(path, goarch)
        ]
        listed, there = (
            frozenset().union(*(each.libraries.get(key, ()) for key in ("", goarch))) for each in (known, read)
        )
        found += [f"libraries: {name} is not there, for {goarch}" for name in sorted(listed - there)]
        found += [f"libraries: {name} is missing, for {goarch}" for name in sorted(there - listed)]
        levels = known.cpu.get(goarch), read.cpu.get(goarch)
        if levels[1] is not None and levels[0] != levels[1]:
            found.append(f"cpu: its C library is for {levels[1]}, and not for {levels[0] or 'any'}, of {goarch}")
    pairs_of = {
        "libc": (known.libc, read.libc),
        "libc-version": (known.libc_version, read.libc_version),
        "usrmerge": (known.usrmerge, read.usrmerge),
        **{f"versions.{prefix}": (has, read.versions.get(prefix)) for prefix, has in known.versions.items()},
    }
    return (
        *found,
        *(f"{key}: {pair[0]} here, {pair[1]} there" for key, pair in pairs_of.items() if pair[0] != pair[1]),
    )


def _interpreters(root: Root) -> tuple[str, ...]:
    """Return the loaders that PT_INTERP of the system's own programs names."""
    programs = (_file(root, name) for name in _PROGRAMS)
    return tuple(dict.fromkeys(program.interpreter for program in programs if program and program.interpreter))


def _loaders(root: Root, asked: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the path of each loader that is there, its C library and its architecture."""
    kinds = {path: kind for kind, paths in LOADERS.items() for path in paths.values()}
    for path in asked:
        kind = "uclibc" if _UCLIBC.fullmatch(path) else "musl" if "/ld-musl-" in path else "glibc"
        kinds.setdefault(path, kind)
    # /lib64 may be a link to /lib: both paths lead to the loader then.
    kinds |= {f"{folder}/{posixpath.basename(path)}": kind for path, kind in kinds.items() for folder in _LIB} | kinds
    for path, kind in kinds.items():
        loader = _file(root, path)
        if loader is not None and loader.goarch is not None and _is_of(kind, path, loader):
            yield path, (kind, loader.goarch)


def _is_of(kind: str, path: str, loader: SystemFile) -> bool:
    base = posixpath.basename(path)
    # NixOS has a program there that says that it is no loader; glibc's own knows its name.
    # Source: nixpkgs: nixos/modules/config/stub-ld.nix.
    if kind == "glibc" and loader.soname != base:
        return False
    # MIPS's glibc and that of others share a name; the file decides whose it is.
    return posixpath.basename(LOADERS.get(kind, {}).get(loader.goarch or "", path)) == base


def _file(root: Root, name: str) -> SystemFile | None:
    data = root.read(name)
    return None if data is None else read_system_file(name, memoryview(data))


def _is_other_name(root: Root, name: str, soname: str) -> bool:
    base = posixpath.basename(name)
    return _OTHER_NAME.fullmatch(base) is not None and not base.startswith(f"{soname}.") and root.link(name) is not None


def _candidates(root: Root, cached: Iterable[str], directories: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in chain(cached, chain.from_iterable(map(root.entries, directories))):
        if name not in seen and _LIBRARY.fullmatch(posixpath.basename(name)):
            seen.add(name)
            yield name


def _cached(root: Root) -> tuple[str, ...]:
    """Return the libraries that ld.so.cache names; it may be older than the rest, and name missing libraries."""
    names = (match[0].decode("utf-8", "replace") for match in _CACHED.finditer(root.read(_CACHE) or b""))
    return tuple(dict.fromkeys(name for name in names if _LIBRARY.fullmatch(posixpath.basename(name))))


def _directories(root: Root, libc: str, loaders: Mapping[str, tuple[str, str]]) -> tuple[str, ...]:
    if libc == "musl":
        return tuple(dict.fromkeys(path for loader in loaders for path in _musl_path(root, loader)))
    if libc == "bionic":
        return _BIONIC_DIRS
    found: list[str] = []
    for loader in loaders:
        for run in _SYSTEM_DIRS.finditer(root.read(loader) or b""):
            found += [part.decode("ascii").rstrip("/") for part in run[1].split(b"\0") if part]
    return tuple(dict.fromkeys(found))


def _musl_path(root: Root, loader: str) -> tuple[str, ...]:
    # /lib/ld-musl-x86_64.so.1 reads /etc/ld-musl-x86_64.path.
    name = posixpath.basename(loader).removesuffix(".so.1")
    data = root.read(f"/etc/{name}.path")
    if data is None:
        return _MUSL_DIRS
    return tuple(part for part in re.split(r"[:\n]", data.decode("utf-8", "replace")) if part.startswith("/"))


def _raise_to(versions: dict[str, str], name: str) -> None:
    version = symbol_version(name)
    if version is None:
        return
    prefix, number = version
    if prefix not in versions or numbers(number) > numbers(versions[prefix]):
        versions[prefix] = number


def _libc_version(root: Root, name: str) -> str | None:
    data = root.read(name) or b""
    match = _GLIBC_BANNER.search(data) or (_MUSL_VERSION.search(data) if b"musl libc" in data else None)
    return match[1].decode("ascii") if match else None


def _architectures(root: Root) -> list[str]:
    """Return the architecture of the first program in a root file system without a loader."""
    for name in islice(root.names(), _MOST_FILES):
        program = _file(root, name)
        if program is not None and program.goarch is not None:
            return [program.goarch]
    return []


def _title(root: Root) -> str | None:
    for name in ("/etc/os-release", "/usr/lib/os-release"):
        data = root.read(name)
        match = re.search(r'^PRETTY_NAME="?([^"\n]{1,200})"?$', (data or b"").decode("utf-8", "replace"), re.MULTILINE)
        if match and match[1].isprintable():
            return match[1]
    return None
