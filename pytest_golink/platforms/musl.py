"""The symbols that musl has: a program may find them there, whatever it was linked against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.text.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class _Availability:
    """The musls that have a symbol: from a release on, without those of `gap`; on these architectures, or on all."""

    since: str = "0"
    gap: tuple[str, str] | None = None
    goarchs: frozenset[str] = frozenset()


_STAT = _Availability(since="1.2.5")
_X86 = frozenset({"386", "amd64"})
# Source: .dynsym of musl in Alpine 3.15 (1.2.2) to 3.20 (1.2.5) and Debian's packages; musl's WHATSNEW. The names in 64
# are found by the loader from 1.2.4 on, those of up to 16 characters until 1.2.6: ldso/dynlink.c, get_lfs64.
_VARYING: Mapping[str, _Availability] = MappingProxyType(
    {
        "pthread_getname_np": _Availability(since="1.2.3"),
        "preadv2": _Availability(since="1.2.5"),
        "pwritev2": _Availability(since="1.2.5"),
        "statx": _Availability(since="1.2.5"),
        "posix_getdents": _Availability(since="1.2.6"),
        "renameat2": _Availability(since="1.2.6"),
        "posix_fallocate64": _Availability(gap=("1.2.4", "1.2.6")),
        "arch_prctl": _Availability(goarchs=_X86),
        "ioperm": _Availability(goarchs=_X86 | {"ppc64le"}),
        "iopl": _Availability(goarchs=_X86 | {"ppc64le"}),
        "___tls_get_addr": _Availability(goarchs=frozenset({"386"})),
        # The architectures whose time_t grew to 64 bits have these again from 1.2.5 on.
        **dict.fromkeys(("__xstat", "__fxstat", "__lxstat", "__fxstatat"), _STAT),
    }
)
_GREW = frozenset({"386", "arm"})


def musl_has(name: str, version: str, goarch: str) -> bool:
    """Whether the musl of that version exports a symbol, or finds it by that name."""
    varying = _VARYING.get(name)
    if varying is None:
        return name in _symbols()
    if varying.goarchs and goarch not in varying.goarchs:
        return False
    if varying is _STAT and goarch not in _GREW:
        return True
    at = numbers(version)
    if varying.gap is not None and numbers(varying.gap[0]) <= at < numbers(varying.gap[1]):
        return False
    return numbers(varying.since) <= at


def is_of_some_musls(name: str) -> bool:
    """Whether a symbol is musl's, but not in every version: a program for another version may miss it."""
    return name in _VARYING


@cache
def _symbols() -> frozenset[str]:
    """Return the names that every musl from 1.2.2 to 1.2.6 has, on every architecture."""
    text = files("pytest_golink.platforms.tables").joinpath("musl.symbols").read_text(encoding="ascii")
    return frozenset(line for line in text.splitlines() if not line.startswith("#"))
