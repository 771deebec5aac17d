"""What a lock holds: an entry an image, a line a fact; sizes rounded, with a tolerance."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.errors import ParameterError
from pytest_golink.text.sizes import parse_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    Value = str | int | bool
    # The field and, in a field of many, the name ("needed", "libc.so.6"); "" in a field of one value.
    Key = tuple[str, str]

# The version of the lock that golink writes; it reads the older ones too.
VERSION = 2
# The fields in the order of the file, and whether a field has many lines, one a name. A new field is one of a new
# version: a lock that lacks a fact must not pass for one that knows it is not there.
FIELDS: Mapping[str, bool] = MappingProxyType(
    {
        "target": False,
        "format": False,
        "kind": False,
        "linkage": False,
        "interpreter": False,
        "needed": True,
        "rpath": True,
        "runpath": True,
        "dlopen": True,
        "dlopen-notes": False,
        "libc": False,
        "libc-presence": False,
        "libc-floor": False,
        "version-need": True,
        "named-version": True,
        "import": True,
        "soname": False,
        "export": True,
        "exports": False,
        "cgo": False,
        "cgo-package": True,
        "cgo-witness": True,
        "import-without-cgo": True,
        "importer-without-cgo": True,
        "link-mode": False,
        "resolver": False,
        "user-lookup": False,
        "static-name-service": True,
        "crypto": True,
        "instrumentation": True,
        "main-package": False,
        "main-module": False,
        "godebug": True,
        "packed": False,
        "pclntab-damage": False,
        "symbol-table": False,
        "dwarf": False,
        "pie": False,
        "nx": False,
        "relro": False,
        "writable-code": False,
        "text-relocations": False,
        "control-flow-guard": False,
        "high-entropy-va": False,
        "signed": False,
        "signature": False,
        "signature-valid": False,
        "code-flags": False,
        "runtime-hardened": False,
        "entitlement": True,
        "restricted": False,
        "dyld-environment": True,
        "os-minimum": False,
        "platform": False,
        "sdk": False,
        "uuid": False,
        "subsystem": False,
        "kernel-minimum": False,
        "load-alignment": False,
        "packed-relocations": False,
        "static-tls": False,
        "tls-alignment": False,
        "crash": True,
        "cpu": True,
        "size": False,
    }
)
_NEW_IN_2 = """
    main-package main-module dlopen dlopen-notes named-version soname export exports cgo-witness godebug pclntab-damage
    text-relocations control-flow-guard high-entropy-va signature signature-valid code-flags runtime-hardened
    entitlement restricted dyld-environment platform sdk uuid subsystem kernel-minimum load-alignment
    packed-relocations static-tls tls-alignment crash
"""
# The fields that each version does not have.
LACKING: Mapping[int, frozenset[str]] = MappingProxyType({1: frozenset(_NEW_IN_2.split()), VERSION: frozenset()})
_ORDER = {field: position for position, field in enumerate(FIELDS)}

_ROUNDED_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}
_AMOUNT = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?(%|[A-Za-z]{1,3})")
_ROUNDED = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})? (B|kB|MB|GB)")


@dataclass(frozen=True, kw_only=True, slots=True)
class LockEntry:
    """
    The linkage facts of one image, named as its test items name it ("app[linux/amd64]").

    `facts` are in the order of the file; a fact that the image does not have is not there. All text is printable:
    other characters are escaped. `line` is where the entry begins in its file, 0 for one that was read off an image;
    `because` says in a word what is behind a fact of such an image, and is not written. `unknown` are the fields that
    the entry does not tell: those of a lock, or of a report, that an older golink wrote.
    """

    image: str
    facts: tuple[tuple[Key, Value], ...]
    line: int = 0
    because: tuple[tuple[Key, str], ...] = field(default=(), compare=False)
    unknown: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """A lock file: its entries, sorted by image, and the version of the form in which they are written."""

    entries: tuple[LockEntry, ...] = ()
    version: int = VERSION

    def entry(self, image: str) -> LockEntry | None:
        """Return an image's entry, None where there is none."""
        return next((entry for entry in self.entries if entry.image == image), None)


def in_order(key: Key) -> tuple[int, str]:
    """Return what sorts keys as the file has them: fields in their order, names by code point."""
    field, name = key
    return _ORDER[field], name


@dataclass(frozen=True, kw_only=True, slots=True)
class Tolerance:
    """How far a size may move without counting: a share of the locked size, or bytes; the other one is 0."""

    share: float = 0.0
    count: int = 0

    def around(self, size: int) -> float:
        """Return the bytes that a size may move."""
        return size * self.share + self.count


def parse_tolerance(text: object) -> Tolerance:
    """
    Read `size-tolerance` of golink.toml's [lock].

    Raises:
        ParameterError: It is neither a share ("5%") nor a size ("200 KB").
    """
    match = _AMOUNT.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is not None:
        amount, unit = match.groups()
        if unit == "%":
            return Tolerance(share=float(amount) / 100)
        if (count := parse_size(f"{amount} {unit}")) is not None:
            return Tolerance(count=count)
    raise ParameterError(f'size-tolerance: {text!r} is not a share such as "5%" or a size such as "200 KB"')


def rounded(size: int) -> str:
    """Return a size with three digits: "812 B", "2.35 MB", in powers of 1000."""
    amount, unit = float(size), "B"
    for larger in ("kB", "MB", "GB"):
        # 999.5 would round to "1000".
        if amount < (1000 if unit == "B" else 999.5):
            break
        amount, unit = amount / 1000, larger
    digits = 0 if unit == "B" or amount >= 99.95 else 1 if amount >= 9.995 else 2
    return f"{amount:.{digits}f} {unit}"


def is_rounded(text: str) -> bool:
    """Whether a text is a size as `rounded` writes them."""
    return _ROUNDED.fullmatch(text) is not None


def bytes_of(text: str) -> int:
    """Return the bytes of a size that `rounded` wrote."""
    amount, unit = text.split(" ")
    return round(float(amount) * _ROUNDED_UNITS[unit])
