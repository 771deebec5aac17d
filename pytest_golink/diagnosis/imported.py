"""Which packages call shared libraries without cgo, as far as the image shows."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.diagnosis.sizes import module_of
from pytest_golink.traits import always_dynamic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Finding

_APPLE = frozenset({"darwin", "ios"})
# Functions of libSystem that packages of the standard library call by their own directives, cgo or not.
# Source: Go 1.27's src/internal/syscall/unix/net_darwin.go and user_darwin.go.
_STANDARD = {
    "net": ("getaddrinfo", "freeaddrinfo", "gai_strerror", "getnameinfo", "res_n*"),
    "os/user": ("getpw*", "getgr*"),
}
_RESOLVERS = {
    "system": "package net calls libSystem's getaddrinfo by itself on macOS, with cgo and without",
    "windows": "package net calls Windows' GetAddrInfoW: no flag of a build for Windows changes that",
}
_FAKECGO = "/purego/internal/fakecgo"
_PACKAGES = 4


def importer_lines(finding: Finding, facts: BinaryFacts, concerns: frozenset[Concern]) -> list[str]:
    """Return which packages call shared libraries without cgo, where a finding is about that."""
    lines = _lookup_lines(facts, concerns)
    if Concern.IMPORTED_SYMBOLS in concerns and _calls_libsystem(facts):
        lines += _standard_lines(facts, finding.names("symbols"))
    wanted = Concern.IMPORTERS in concerns and always_dynamic(facts) is None
    if wanted or Concern.IMPORTERS_ANYWHERE in concerns:
        lines += [_importer(facts, package) for package in facts.content.importers or ()]
    return lines[:_PACKAGES]


def _calls_libsystem(facts: BinaryFacts) -> bool:
    return facts.target is not None and facts.target.goos in _APPLE and not facts.cgo.used


def _lookup_lines(facts: BinaryFacts, concerns: frozenset[Concern]) -> list[str]:
    """Return which packages look hosts and users up through the system."""
    lines = []
    if Concern.RESOLVER in concerns:
        lines += [_RESOLVERS[path] for path in facts.resolver or () if path in _RESOLVERS]
    if Concern.USER_LOOKUP in concerns and _calls_libsystem(facts) and "system" in (facts.content.user_lookup or ()):
        lines.append("os/user calls libSystem by itself on macOS, with cgo and without")
    return lines


def _standard_lines(facts: BinaryFacts, symbols: Iterable[str]) -> list[str]:
    """Return which packages of the standard library import these symbols (globs) from libSystem."""
    found = [symbol.name for symbol in facts.imports if any(fnmatchcase(symbol.name, glob) for glob in symbols)]
    return [
        f"{package} of the standard library imports {name}"
        for name in found
        for package, globs in _STANDARD.items()
        if any(fnmatchcase(name, glob) for glob in globs)
    ]


def _importer(facts: BinaryFacts, package: str) -> str:
    module = module_of(facts, package)
    of = f" ({module})" if module else ""
    if package.endswith(_FAKECGO):
        return f"{package}{of} stands in for runtime/cgo: CGO_ENABLED=0 does not rule it out"
    return f"{package}{of} calls shared libraries without cgo"
