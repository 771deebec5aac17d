"""From an image's public facts to its entry in the lock."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_golink.lock.model import LockEntry, in_order, rounded
from pytest_golink.platforms.standard_imports import STANDARD_IMPORTS
from pytest_golink.reader.libc import NAME_SERVICE
from pytest_golink.text.escape import escape
from pytest_golink.text.versions import comparable
from pytest_golink.text.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_golink.lock.model import Key, Value
    from pytest_golink.report.facts_json import FactsJson, ImportJson

# A path of Linux has at most 4096 bytes; longer names are cut, and say so.
_LONGEST = 4096

# What else asks a name service, or loads libraries while the program runs, beside what glibc's linker warns of.
# Source: resolver(3), dlopen(3), iconv(3); Windows' ws2tcpip.h.
_ASKING = frozenset(
    ["dladdr", "dlsym", "dlvsym", "getaddrinfo_a", "getnameinfo", "iconv_open", "GetAddrInfoW", "GetNameInfoW"]
)
_RESOLVER = re.compile(r"(__)?res_\w+")
# "GLIBCXX_3.4.29": the family, and the version in it.
_VERSION = re.compile(r"(.+?)_([0-9]{1,9}(?:\.[0-9]{1,9})*)")


def entry_name(image: str) -> str:
    """Return the name of an image's entry: that of its test items, made printable."""
    return escape(image, longest=_LONGEST)


def lock_entry(image: str, facts: FactsJson) -> LockEntry:
    """
    Return an image's entry: what it links to, and nothing that changes from one build of a program to the next.

    It therefore has no paths, hashes and versions of the build info (of Go, of modules, of the commit), no settings
    that only request something (CGO_ENABLED), and of the imports only those that call a name service or load libraries.
    """
    found = {(field, escape(name, longest=_LONGEST)): value for field, name, value in _facts(facts)}
    return LockEntry(
        image=entry_name(image),
        facts=tuple((key, found[key]) for key in sorted(found, key=in_order)),
        because=tuple(_because(facts)),
    )


def _facts(facts: FactsJson) -> Iterator[tuple[str, str, Value]]:
    libc, hardening, content = facts["libc"], facts["hardening"], facts["content"]
    yield from _scalars(
        ("target", facts["target"]),
        ("format", facts["format"]),
        ("kind", facts["kind"]),
        ("linkage", facts["linkage"]),
        ("interpreter", facts["interpreter"]),
        ("libc", libc["kind"]),
        ("libc-presence", libc["presence"]),
        ("libc-floor", libc["floor"]),
        ("cgo", facts["cgo"]["used"]),
        ("link-mode", facts["link_mode"]),
        ("resolver", _joined(facts["resolver"])),
        ("user-lookup", _joined(content["user_lookup"])),
        ("packed", content["packed"]),
        ("symbol-table", facts["symtab"]),
        ("dwarf", facts["dwarf"]),
        ("pie", hardening["pie"]),
        ("nx", hardening["nx"]),
        ("relro", hardening["relro"]),
        ("writable-code", hardening["writable_code"]),
        ("signed", facts["signed"]),
        ("os-minimum", facts["os_minimum"]),
        ("size", rounded(facts["size"])),
    )
    yield from _libraries(facts)
    for field, paths in (("rpath", facts["rpath"]), ("runpath", facts["runpath"])):
        # The first place counts: what is searched again is not found again.
        for position, path in reversed([*enumerate(paths or (), 1)]):
            yield field, path, position
    yield from _imports(facts)
    for package in facts["cgo"]["packages"]:
        yield "cgo-package", package, True
    for package in content["importers"] or ():
        yield "importer-without-cgo", package, True
    for function in facts["static_name_service"]:
        yield "static-name-service", function, True
    for kind in content["instrumentation"] or ():
        yield "instrumentation", kind, True
    for module in content["crypto"] or ():
        # Go's own cryptography is a choice only where GOFIPS140 froze it; "plain" is that of an older Go.
        if module["kind"] in ("boringcrypto", "openssl") or module["version"]:
            yield "crypto", module["kind"], escape(module["version"]) if module["version"] else True
    for level in facts["cpu"]:
        # A note is of the C code that is linked in; all others speak of Go's.
        of_c = " of C code" if level["via"].startswith("GNU_") else ""
        yield "cpu", level["setting"] + of_c, escape(level["level"])


def _scalars(*facts: tuple[str, Value | None]) -> Iterator[tuple[str, str, Value]]:
    for field, value in facts:
        if value is not None:
            yield field, "", escape(value, longest=_LONGEST) if isinstance(value, str) else value


def _libraries(facts: FactsJson) -> Iterator[tuple[str, str, Value]]:
    needed: dict[str, set[str]] = {}
    for library in facts["needed"]:
        # Windows' loader compares names without case, and linkers differ in how they write them.
        name = library["name"].lower() if facts["format"] == "pe" else library["name"]
        needed.setdefault(name, set()).add(library["via"])
    for name, via in needed.items():
        yield "needed", name, ", ".join(sorted(via))
    versions: dict[str, str] = {}
    for symbol in facts["imports"]:
        match = _VERSION.fullmatch(symbol["version"] or "")
        # glibc's is the floor.
        if match is None or match[1] == "GLIBC":
            continue
        family = f"{symbol['library']} {match[1]}" if symbol["library"] else match[1]
        versions[family] = max(versions.get(family, match[2]), match[2], key=comparable)
    for family, version in versions.items():
        yield "version-need", family, version


def _imports(facts: FactsJson) -> Iterator[tuple[str, str, Value]]:
    for symbol in facts["imports"]:
        name = symbol["name"]
        if name in NAME_SERVICE or name in _ASKING or _RESOLVER.fullmatch(name):
            yield "import", name, _library(symbol, facts)
    goos = (facts["target"] or "").partition("/")[0]
    standard = STANDARD_IMPORTS.get(goos, frozenset())
    for symbol in facts["cgo"]["dynamic_imports"]:
        if symbol["name"] not in standard:
            yield "import-without-cgo", symbol["name"], _library(symbol, facts)


def _library(symbol: ImportJson, facts: FactsJson) -> Value:
    if symbol["library"] is None:
        return True
    library = symbol["library"].lower() if facts["format"] == "pe" else symbol["library"]
    return escape(library, longest=_LONGEST)


def _because(facts: FactsJson) -> Iterator[tuple[Key, str]]:
    if facts["libc"]["floor_symbols"]:
        symbols = [escape(symbol, longest=40) for symbol in facts["libc"]["floor_symbols"]]
        yield ("libc-floor", ""), listed(symbols, most=3)


def _joined(values: Sequence[str] | None) -> str | None:
    return None if values is None else ", ".join(sorted(values))
