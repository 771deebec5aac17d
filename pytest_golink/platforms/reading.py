"""A platform from its table, of golink's own tables or of a golink.toml."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pytest_golink.errors import ParameterError
from pytest_golink.golang.cpu import cpu_features, cpu_setting
from pytest_golink.platforms.keys import PLATFORM_KEYS
from pytest_golink.platforms.model import Platform, PlatformLibc
from pytest_golink.text.suggest import suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.facts import Target

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

_SPELLING = re.compile(r"[a-z0-9][a-z0-9._-]*")
# The base of a platform that extends no other.
_EMPTY = Platform(name="", family="", release="", title="", targets=(), libc="none")


def platform_of(
    name: str, table: Mapping[str, Any], parent: Platform | None, *, family: str = "", release: str = ""
) -> Platform:
    """
    Return the platform that a table describes, on top of `parent` where it extends one.

    The table's names and entries replace the parent's; its lists of libraries, loader paths and targets, and its tables
    by prefix or GOARCH, are added to the parent's.

    Raises:
        ParameterError: A key or a value is not of the accepted form.
    """
    if _SPELLING.fullmatch(name) is None:
        raise ParameterError(f'platform "{name}": a name is lower case: letters, digits, ".", "_" and "-"')
    read = _read(name, table)
    parent = parent or _EMPTY
    libc: PlatformLibc = read.get("libc", parent.libc)
    version = read.get("libc-version", parent.libc_version if parent.libc == libc else None)
    targets = tuple(dict.fromkeys((*parent.targets, *read.get("targets", ()))))
    if not targets:
        raise ParameterError(f'platform {name}: targets is missing: a list such as ["linux/amd64"], or extends')
    versions = {**parent.versions, **read.get("versions", {})}
    if libc == "glibc" and version:
        versions["GLIBC"] = version
    return Platform(
        name=name,
        family=family or name,
        release=release,
        title=read.get("title", name),
        targets=targets,
        libc=libc,
        libc_version=version,
        loaders=_loaders(libc, targets, read.get("loaders", {}), parent),
        libraries=_libraries(parent, read.get("libraries", {}), frozenset(read.get("without", ()))),
        versions=MappingProxyType(versions),
        directories=(*read.get("directories", ()), *parent.directories),
        usrmerge=read.get("usrmerge", parent.usrmerge),
        cpu=MappingProxyType({**parent.cpu, **read.get("cpu", {})}),
        kernel=read.get("kernel", parent.kernel),
        os_version=read.get("os-version", parent.os_version),
        note=read.get("note", parent.note),
        sources=MappingProxyType({**parent.sources, **read.get("sources", {})}),
        proven=read.get("proven", parent.proven),
        unverified=read.get("unverified", parent.unverified),
    )


def _read(name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    read = {}
    for key, value in table.items():
        declared = PLATFORM_KEYS.get(key)
        if declared is None:
            reason = f'platform {name}: unknown key "{key}"{suggestion(key, PLATFORM_KEYS)}'
            raise ParameterError(reason, parameter=key)
        for mistake in declared.form.mistakes(value):
            raise _error(name, key, f"{mistake.name(key)}: {mistake.value!r} is not {mistake.form.text}{mistake.hint}")
        read[key] = declared.read(value)
    for goarch, level in read.get("cpu", {}).items():
        setting = cpu_setting(goarch)
        if setting is None or cpu_features(setting, level) is None:
            accepted = f"a level of {setting or 'a GOARCH that has levels'}"
            raise _error(name, "cpu", f"cpu.{goarch}: {level!r} is not {accepted}")
    return read


def _error(name: str, key: str, reason: str) -> ParameterError:
    return ParameterError(f"platform {name}: {reason}", parameter=key)


def _libraries(
    parent: Platform, added: Mapping[str, tuple[str, ...]], removed: frozenset[str]
) -> Mapping[str, frozenset[str]]:
    keys = dict.fromkeys((*parent.libraries, *added))
    return MappingProxyType(
        {key: (parent.libraries.get(key, frozenset()) | set(added.get(key, ()))) - removed for key in keys}
    )


def _loaders(
    libc: str, targets: tuple[Target, ...], added: Mapping[str, tuple[str, ...]], parent: Platform
) -> Mapping[str, tuple[str, ...]]:
    loaders: dict[str, tuple[str, ...]] = {}
    kept = parent.loaders if parent.libc == libc else {}
    for goarch in dict.fromkeys(target.goarch for target in targets):
        usual = LOADERS.get(libc, {}).get(goarch)
        paths = kept.get(goarch, (usual,) if usual else ())
        # An empty list says that the usual loader is not there.
        paths = () if added.get(goarch) == () else (*paths, *added.get(goarch, ()))
        if paths:
            loaders[goarch] = tuple(dict.fromkeys(paths))
    return MappingProxyType(loaders)
