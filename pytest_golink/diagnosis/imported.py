"""Who calls shared libraries without cgo, as far as the image alone tells."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pytest_golink.diagnosis.origin import always_dynamic
from pytest_golink.diagnosis.sizes import module_of

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Finding

# What these rules are about is a library or a symbol, so that whoever asks for it is the cause.
_RULES = frozenset(
    {
        "static", "self-contained", "no-libc", "only-needs", "no-interpreter", "interpreter", "no-imports", "runs-on",
        "no-dynamic-imports", "ignores-preload", "starts-alone", "glibc-at-most",
    }
)  # fmt: skip
_APPLE = frozenset({"darwin", "ios"})
# Functions of libSystem that packages of the standard library call by directives of their own, cgo or not.
# Source: Go 1.27's src/internal/syscall/unix/net_darwin.go and user_darwin.go.
_STANDARD = {
    "net": ("getaddrinfo", "freeaddrinfo", "gai_strerror", "getnameinfo", "res_n*"),
    "os/user": ("getpw*", "getgr*"),
}
_RESOLVERS = {
    "system": "package net calls libSystem's getaddrinfo by itself on macOS, with cgo and without",
    "windows": "package net asks Windows (GetAddrInfoW): no flag of a build for Windows changes that",
}
_FAKECGO = "/purego/internal/fakecgo"
_PACKAGES = 4


def importer_lines(finding: Finding, facts: BinaryFacts) -> list[str]:
    """Say which packages call shared libraries without cgo, where a finding is about that."""
    apple = facts.target is not None and facts.target.goos in _APPLE and not facts.cgo.used
    if finding.rule == "resolver":
        return [_RESOLVERS[path] for path in facts.resolver or () if path in _RESOLVERS]
    if finding.rule == "user-lookup":
        calls = apple and "system" in (facts.content.user_lookup or ())
        return ["os/user calls libSystem by itself on macOS, with cgo and without"] if calls else []
    if finding.rule not in _RULES:
        return []
    lines = []
    if apple and finding.rule == "no-imports":
        asked = finding.names("symbols")
        found = [symbol.name for symbol in facts.imports if any(fnmatchcase(symbol.name, glob) for glob in asked)]
        lines = [
            f"{package} of the standard library asks for {name}"
            for name in found
            for package, globs in _STANDARD.items()
            if any(fnmatchcase(name, glob) for glob in globs)
        ]
    if always_dynamic(facts) is None or finding.rule in ("no-dynamic-imports", "self-contained", "only-needs"):
        lines += [_importer(facts, package) for package in facts.content.importers or ()]
    return lines[:_PACKAGES]


def _importer(facts: BinaryFacts, package: str) -> str:
    module = module_of(facts, package)
    of = f" ({module})" if module else ""
    if package.endswith(_FAKECGO):
        return f"{package}{of} stands in for runtime/cgo: CGO_ENABLED=0 does not rule it out"
    return f"{package}{of} calls shared libraries without cgo"
