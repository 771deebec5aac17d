"""From an image's public facts to its entry in the lock."""

from __future__ import annotations

import hashlib
import re
from itertools import chain
from typing import TYPE_CHECKING

from pytest_golink.lock.format_facts import format_facts, unknown_fields
from pytest_golink.lock.model import LockEntry, in_order, rounded
from pytest_golink.platforms.standard_imports import STANDARD_IMPORTS
from pytest_golink.reader.libc import NAME_SERVICE
from pytest_golink.text.escape import escape
from pytest_golink.text.versions import comparable
from pytest_golink.text.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_golink.lock.format_facts import Line
    from pytest_golink.lock.model import Key
    from pytest_golink.report.facts_json import FactsJson, GoJson, ImportJson

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
    lines = chain(_linkage(facts), _go_facts(facts), format_facts(facts), [("size", "", rounded(facts["size"]))])
    found = {
        (field, _printable(name)): _printable(value) if isinstance(value, str) else value
        for field, name, value in lines
        if value is not None
    }
    return LockEntry(
        image=entry_name(image),
        facts=tuple((key, found[key]) for key in sorted(found, key=in_order)),
        because=tuple(_because(facts)),
        unknown=unknown_fields(facts),
    )


def _printable(text: str) -> str:
    """Return a text that no other text looks like: what is cut has the digest of the whole."""
    if len(text) <= _LONGEST:
        return escape(text, longest=_LONGEST)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{escape(text, longest=_LONGEST)} sha256:{digest}"


def _linkage(facts: FactsJson) -> Iterator[Line]:
    libc, hardening = facts["libc"], facts["hardening"]
    for field in ("target", "format", "kind", "linkage", "interpreter", "signed"):
        yield field, "", facts[field]
    yield "libc", "", libc["kind"]
    yield "libc-presence", "", libc["presence"]
    yield "libc-floor", "", libc["floor"]
    yield "symbol-table", "", facts["symtab"]
    yield "dwarf", "", facts["dwarf"]
    yield "pie", "", hardening["pie"]
    yield "nx", "", hardening["nx"]
    yield "relro", "", hardening["relro"]
    yield "writable-code", "", hardening["writable_code"]
    yield "os-minimum", "", facts["os_minimum"]
    yield from _libraries(facts)
    for field, paths in (("rpath", facts["rpath"]), ("runpath", facts["runpath"])):
        # The first place counts: what is searched again is not found again.
        for position, path in reversed([*enumerate(paths or (), 1)]):
            yield field, path, position
    yield from _versions(facts)
    asking = (each for each in facts["imports"] if _asks(each["name"]))
    yield from _symbols("import", asking, facts)
    for function in facts["static_name_service"]:
        yield "static-name-service", function, True
    for level in facts["cpu"]:
        # The build info describes only Go's code, a note the C code that is linked in.
        of_c = " of C code" if re.match(r"GNU_|\.", level["via"]) else ""
        yield "cpu", level["setting"] + of_c, level["level"]


def _libraries(facts: FactsJson) -> Iterator[Line]:
    needed: dict[str, set[str]] = {}
    for library in facts["needed"]:
        # Windows' loader compares names without case, and linkers differ in how they write them.
        name = library["name"].lower() if facts["format"] == "pe" else library["name"]
        needed.setdefault(name, set()).add(library["via"])
    for name, via in needed.items():
        yield "needed", name, ", ".join(sorted(via))


def _versions(facts: FactsJson) -> Iterator[Line]:
    versions: dict[str, str] = {}
    for need in (*facts["imports"], *facts.get("version_needs", ())):
        version = need["version"]
        if version is None:
            continue
        library = f"{need['library']} " if need["library"] else ""
        match = _VERSION.fullmatch(version)
        if match is None:
            yield "named-version", library + version, True
        elif match[1] != "GLIBC":
            # glibc's is the floor.
            family = library + match[1]
            versions[family] = max(versions.get(family, match[2]), match[2], key=comparable)
    for family, version in versions.items():
        yield "version-need", family, version


def _asks(name: str) -> bool:
    return name in NAME_SERVICE or name in _ASKING or _RESOLVER.fullmatch(name) is not None


def _symbols(field: str, symbols: Iterable[ImportJson], facts: FactsJson) -> Iterator[Line]:
    """Yield each symbol with its library, or all of them where it is asked of more than one."""
    found: dict[str, set[str]] = {}
    for symbol in symbols:
        libraries = found.setdefault(symbol["name"], set())
        if symbol["library"] is not None:
            libraries.add(symbol["library"].lower() if facts["format"] == "pe" else symbol["library"])
    for name, libraries in found.items():
        yield field, name, ", ".join(sorted(libraries)) if libraries else True


def _go_facts(facts: FactsJson) -> Iterator[Line]:
    cgo, content = facts["cgo"], facts["content"]
    yield "cgo", "", cgo["used"]
    yield "link-mode", "", facts["link_mode"]
    yield "resolver", "", _joined(facts["resolver"])
    yield "user-lookup", "", _joined(content["user_lookup"])
    yield "packed", "", content["packed"]
    yield "pclntab-damage", "", content.get("damage")
    for field, names in (
        ("cgo-package", cgo["packages"]),
        ("cgo-witness", cgo.get("witnesses")),
        ("importer-without-cgo", content["importers"]),
        ("instrumentation", content["instrumentation"]),
    ):
        for name in names or ():
            yield field, name, True
    standard = STANDARD_IMPORTS.get((facts["target"] or "").partition("/")[0], frozenset())
    own = (each for each in cgo["dynamic_imports"] if each["name"] not in standard)
    yield from _symbols("import-without-cgo", own, facts)
    for module in content["crypto"] or ():
        # Go's own cryptography is a choice only where GOFIPS140 froze it; "plain" is that of an older Go.
        if module["kind"] in ("boringcrypto", "openssl") or module["version"]:
            yield "crypto", module["kind"], module["version"] or True
    yield from _build_facts(facts["go"])


def _build_facts(go: GoJson | None) -> Iterator[Line]:
    if go is None:
        return
    yield "main-package", "", go["path"]
    yield "main-module", "", go["module"]["path"] if go["module"] else None
    # What cmd/go computed from go.mod, //go:debug and GODEBUG; the linker writes it into the program.
    # Source: cmd/go/internal/load/godebug.go, defaultGODEBUG.
    for setting in filter(None, go["settings"].get("DefaultGODEBUG", "").split(",")):
        name, _, value = setting.partition("=")
        yield "godebug", name, value


def _because(facts: FactsJson) -> Iterator[tuple[Key, str]]:
    if facts["libc"]["floor_symbols"]:
        symbols = [escape(symbol, longest=40) for symbol in facts["libc"]["floor_symbols"]]
        yield ("libc-floor", ""), listed(symbols, most=3)


def _joined(values: Sequence[str] | None) -> str | None:
    return None if values is None else ", ".join(sorted(values))
