"""The one reading of a platform's table, whether it is ours or stands in a golink.toml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, get_args

from pytest_golink.errors import ParameterError
from pytest_golink.facts import Target
from pytest_golink.golang.cpu import cpu_features, cpu_setting
from pytest_golink.platforms.model import Platform, PlatformLibc
from pytest_golink.text.suggest import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable

# Where each C library keeps its loader: PT_INTERP of every program that is linked against it.
# Source: glibc's sysdeps/unix/sysv/linux/*/shlib-versions and ldd-rewrite.sed; musl's configure and
# ldso/dynlink.c; Go's cmd/link/internal/*/obj.go; bionic's linker/arch.
LOADERS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "glibc": MappingProxyType(
            {
                "386": "/lib/ld-linux.so.2",
                "amd64": "/lib64/ld-linux-x86-64.so.2",
                "arm": "/lib/ld-linux-armhf.so.3",
                "arm64": "/lib/ld-linux-aarch64.so.1",
                "loong64": "/lib64/ld-linux-loongarch-lp64d.so.1",
                "mips64le": "/lib64/ld.so.1",
                "mipsle": "/lib/ld.so.1",
                "ppc64le": "/lib64/ld64.so.2",
                "riscv64": "/lib/ld-linux-riscv64-lp64d.so.1",
                "s390x": "/lib/ld64.so.1",
            }
        ),
        "musl": MappingProxyType(
            {
                "386": "/lib/ld-musl-i386.so.1",
                "amd64": "/lib/ld-musl-x86_64.so.1",
                "arm": "/lib/ld-musl-armhf.so.1",
                "arm64": "/lib/ld-musl-aarch64.so.1",
                "loong64": "/lib/ld-musl-loongarch64.so.1",
                "ppc64le": "/lib/ld-musl-powerpc64le.so.1",
                "riscv64": "/lib/ld-musl-riscv64.so.1",
                "s390x": "/lib/ld-musl-s390x.so.1",
            }
        ),
        "bionic": MappingProxyType(
            {
                "386": "/system/bin/linker",
                "amd64": "/system/bin/linker64",
                "arm": "/system/bin/linker",
                "arm64": "/system/bin/linker64",
                "riscv64": "/system/bin/linker64",
            }
        ),
    }
)

_NUMBERS = re.compile(r"[0-9]+(\.[0-9]+)*")
_SPELLING = re.compile(r"[a-z0-9][a-z0-9._-]*")
_MOST_ENTRIES = 10_000


def platform_of(
    name: str, table: Mapping[str, Any], parent: Platform | None, *, family: str = "", release: str = ""
) -> Platform:
    """
    Give the platform that a table describes, on top of `parent` where it extends one.

    Names and entries that the table gives replace the parent's; lists of libraries, loader paths and targets, and
    tables by prefix or GOARCH, are added to it.

    Raises:
        ParameterError: A key or a value is not of the accepted form.
    """
    if _SPELLING.fullmatch(name) is None:
        raise ParameterError(f'platform "{name}": a name is lower case: letters, digits, ".", "_" and "-"')
    for key in table:
        if key not in _KEYS:
            raise ParameterError(f'platform {name}: unknown key "{key}"{suggestion(key, _KEYS)}')
    read = {key: _KEYS[key](_Value(name, key, value)) for key, value in table.items()}
    libc: PlatformLibc = read.get("libc", parent.libc if parent else "none")
    version = read.get("libc-version", parent.libc_version if parent and parent.libc == libc else None)
    targets = (*(parent.targets if parent else ()), *read.get("targets", ()))
    if not targets:
        raise ParameterError(f'platform {name}: targets is missing: a list such as ["linux/amd64"], or extends')
    loaders = _loaders(libc, targets, read.get("loaders", {}), parent)
    libraries = {key: set(names) for key, names in (parent.libraries if parent else {}).items()}
    for key, names in read.get("libraries", {}).items():
        libraries.setdefault(key, set()).update(names)
    for key in libraries:
        libraries[key] -= read.get("without", frozenset())
    versions = {**(parent.versions if parent else {}), **read.get("versions", {})}
    if libc == "glibc" and version:
        versions["GLIBC"] = version
    cpu = {**(parent.cpu if parent else {}), **read.get("cpu", {})}
    kernel = read.get("kernel", parent.kernel if parent else None)
    os_version = read.get("os-version", parent.os_version if parent else None)
    return Platform(
        name=name,
        family=family or name,
        release=release,
        title=read.get("title", name),
        targets=tuple(dict.fromkeys(targets)),
        libc=libc,
        libc_version=version,
        loaders=loaders,
        libraries=MappingProxyType({key: frozenset(names) for key, names in libraries.items()}),
        versions=MappingProxyType(versions),
        directories=(*read.get("directories", ()), *(parent.directories if parent else ())),
        usrmerge=read.get("usrmerge", parent.usrmerge if parent else False),
        cpu=MappingProxyType(cpu),
        kernel=kernel,
        os_version=os_version,
        note=read.get("note", parent.note if parent else ""),
        sources=MappingProxyType({**(parent.sources if parent else {}), **read.get("sources", {})}),
        proven=read.get("proven", parent.proven if parent else ()),
        unverified=read.get("unverified", parent.unverified if parent else ()),
    )


def _loaders(
    libc: str, targets: tuple[Target, ...], more: Mapping[str, tuple[str, ...]], parent: Platform | None
) -> Mapping[str, tuple[str, ...]]:
    own: dict[str, tuple[str, ...]] = {}
    kept = parent.loaders if parent and parent.libc == libc else {}
    for goarch in dict.fromkeys(target.goarch for target in targets):
        usual = LOADERS.get(libc, {}).get(goarch)
        paths = kept.get(goarch, (usual,) if usual else ())
        # An empty list says that the usual loader is not there.
        paths = (*paths, *more[goarch]) if more.get(goarch, True) and goarch in more else more.get(goarch, paths)
        if paths:
            own[goarch] = tuple(dict.fromkeys(paths))
    return MappingProxyType(own)


class _Value:
    """A value of the table, with its place for the message."""

    def __init__(self, name: str, key: str, value: object) -> None:
        self.place = f"platform {name}: {key}"
        self.value = value

    def wrong(self, accepted: str) -> ParameterError:
        return ParameterError(f"{self.place}: {self.value!r} is not {accepted}")

    def inner(self, key: str, value: object) -> _Value:
        found = _Value("", "", value)
        found.place = f"{self.place}.{key}"
        return found


def _text(value: _Value) -> str:
    if not isinstance(value.value, str) or not value.value:
        raise value.wrong("a string")
    return value.value


def _version(value: _Value) -> str:
    if not isinstance(value.value, str) or _NUMBERS.fullmatch(value.value) is None:
        raise value.wrong('a version such as "2.17"')
    return value.value


def _bool(value: _Value) -> bool:
    if not isinstance(value.value, bool):
        raise value.wrong("true or false")
    return value.value


def _libc(value: _Value) -> str:
    if value.value not in get_args(PlatformLibc):
        raise value.wrong(f"one of {', '.join(get_args(PlatformLibc))}")
    return str(value.value)


def _list(value: _Value) -> tuple[str, ...]:
    entries = [value.value] if isinstance(value.value, str) else value.value
    if not isinstance(entries, (list, tuple)) or not all(isinstance(entry, str) and entry for entry in entries):
        raise value.wrong("a list of strings")
    if len(entries) > _MOST_ENTRIES:
        raise value.wrong(f"a list of at most {_MOST_ENTRIES} strings")
    return tuple(entries)


def _paths(value: _Value) -> tuple[str, ...]:
    paths = _list(value)
    for path in paths:
        if not path.startswith("/"):
            raise value.inner("", path).wrong("an absolute path")
    return paths


def _targets(value: _Value) -> tuple[Target, ...]:
    found = []
    for entry in _list(value):
        goos, slash, goarch = entry.partition("/")
        if not (goos and slash and goarch) or "/" in goarch:
            raise value.wrong('a list of GOOS/GOARCH such as "linux/amd64"')
        found.append(Target(goos=goos, goarch=goarch))
    return tuple(found)


def _table(of: Callable[[_Value], Any]) -> Callable[[_Value], dict[str, Any]]:
    def read(value: _Value) -> dict[str, Any]:
        if not isinstance(value.value, Mapping) or len(value.value) > _MOST_ENTRIES:
            raise value.wrong("a table")
        return {str(key): of(value.inner(str(key), entry)) for key, entry in value.value.items()}

    return read


def _libraries(value: _Value) -> dict[str, tuple[str, ...]]:
    # A list is for every architecture, a table by GOARCH.
    return _table(_list)(value) if isinstance(value.value, Mapping) else {"": _list(value)}


def _cpu(value: _Value) -> dict[str, str]:
    levels: dict[str, str] = _table(_text)(value)
    for goarch, level in levels.items():
        setting = cpu_setting(goarch)
        if setting is None or cpu_features(setting, level) is None:
            raise value.inner(goarch, level).wrong(f"a level of {setting or 'a GOARCH that has levels'}")
    return levels


# The keys of a table, and how the value of each is read. "extends" is looked up by who has the other platforms.
_KEYS: Mapping[str, Callable[[_Value], Any]] = MappingProxyType(
    {
        "extends": _text,
        "title": _text,
        "targets": _targets,
        "libc": _libc,
        "libc-version": _version,
        "loaders": _table(_paths),
        "libraries": _libraries,
        "without": lambda value: frozenset(_list(value)),
        "versions": _table(_version),
        "directories": _paths,
        "usrmerge": _bool,
        "cpu": _cpu,
        "kernel": _version,
        "os-version": _version,
        "note": _text,
        "sources": _table(_text),
        "proven": _list,
        "unverified": _list,
    }
)
