"""An image's facts and what it links, as plain data that is safe to show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_golink.report.terminal_table import libc_words
from pytest_golink.text.escape import escape
from pytest_golink.text.sizes import size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.report.facts_json import FactsJson, ImportJson, ModuleJson

    # A heading, and its rows of label and lines.
    Rows = list[tuple[str, list[str]]]

# A program for macOS or Windows imports hundreds of symbols: the JSON report has them all.
_MOST_SYMBOLS = 40
_MOST_LIBRARIES = 60
_MOST_LINES = 60


def sheet(facts: FactsJson) -> dict[str, Any]:
    """Return the fact sheet: a few words for the head of the page, and groups of rows."""
    groups: list[tuple[str, Rows]] = [
        ("Linkage", _linkage(facts)),
        ("Go build", _go(facts)),
        ("Content", _content(facts)),
        ("Hardening", _hardening(facts)),
    ]
    shown = [
        [heading, [[label, lines] for label, lines in rows if lines]]
        for heading, rows in groups
        if any(lines for _, lines in rows)
    ]
    return {"words": [word for word in _words(facts) if word], "size": facts["size"], "groups": shown}


def _words(facts: FactsJson) -> list[str]:
    go = facts["go"]
    return [
        f"{facts['format']} {facts['kind']}",
        size(facts["size"]),
        facts["linkage"] or "",
        f"libc {escape(libc_words(facts))}",
        f"{facts['link_mode']} link" if facts["link_mode"] else "",
        f"cgo {'used' if facts['cgo']['used'] else 'not used'}" if facts["cgo"]["used"] is not None else "",
        escape(go["version"]) if go and go["version"] else "",
    ]


def links(facts: FactsJson) -> dict[str, Any]:
    """
    Return what an image links: its loader, its libraries, and of each the imported symbols by version.

    A library is (name, via, groups), a group (version, whether it sets the glibc floor, names, how many more). Symbols
    that the format binds to no library are under the library "".
    """
    libraries: dict[str, tuple[str, str, list[ImportJson]]] = {}
    for library in facts["needed"]:
        libraries.setdefault(library["name"].casefold(), (library["name"], library["via"], []))
    for symbol in facts["imports"]:
        name = symbol["library"] or ""
        # PE names compare without case.
        libraries.setdefault(name.casefold(), (name, "", []))[2].append(symbol)
    libc = facts["libc"]
    floor = f"GLIBC_{libc['floor']}" if libc["kind"] == "glibc" and libc["floor"] else None
    shown = [
        (escape(name), via, _versions(symbols, floor)) for name, via, symbols in [*libraries.values()][:_MOST_LIBRARIES]
    ]
    return {
        "loader": escape(facts["interpreter"] or ""),
        "libraries": shown,
        "more": max(0, len(libraries) - _MOST_LIBRARIES),
        "embedded": libc["kind"] if libc["presence"] == "embedded" else "",
        "floor": escape(floor or ""),
        "linked": facts["linkage"] is not None,
    }


def _versions(symbols: Iterable[ImportJson], floor: str | None) -> list[tuple[str, bool, list[str], int]]:
    by_version: dict[str, list[str]] = {}
    for symbol in symbols:
        by_version.setdefault(symbol["version"] or "", []).append(symbol["name"])
    # What sets the floor stands first.
    ordered = sorted(by_version.items(), key=lambda entry: entry[0] != floor)
    return [
        (escape(version), version == floor, _names(names), max(0, len(names) - _MOST_SYMBOLS))
        for version, names in ordered[:_MOST_LIBRARIES]
    ]


def _names(names: list[str]) -> list[str]:
    return [escape(name) for name in names[:_MOST_SYMBOLS]]


def _linkage(facts: FactsJson) -> Rows:
    cgo, libc = facts["cgo"], facts["libc"]
    return [
        ("linkage", [facts["linkage"] or f"none: {facts['kind']}, not linked yet"]),
        ("loader only", ["a loader, but no library"] if facts["needs_loader_only"] else []),
        ("interpreter", _names([facts["interpreter"]] if facts["interpreter"] else [])),
        ("run path", _lines([*(facts["rpath"] or ()), *(facts["runpath"] or ())])),
        ("libc", [escape(libc_words(facts))]),
        ("glibc floor", [f"{escape(libc['floor'])}, set by {_joined(libc['floor_symbols'])}"] if libc["floor"] else []),
        ("link mode", [facts["link_mode"]] if facts["link_mode"] else []),
        ("resolver", list(facts["resolver"] or ())),
        ("static name service", _lines(facts["static_name_service"])),
        ("cgo", [] if cgo["used"] is None else ["runtime/cgo is linked in" if cgo["used"] else "not used"]),
        ("cgo packages", _lines(cgo["packages"])),
    ]


def _go(facts: FactsJson) -> Rows:
    go = facts["go"]
    if go is None:
        return [("made by Go", ["no"])]
    return [
        ("version", _names([go["version"]] if go["version"] else [])),
        ("package", _names([go["path"]] if go["path"] else [])),
        ("module", [_module(go["module"])] if go["module"] else []),
        ("settings", _lines([f"{name}={value}" for name, value in go["settings"].items() if value])),
        ("modules", _cut([_module(module) for module in go["modules"]])),
    ]


def _module(module: ModuleJson) -> str:
    replaced = f" => {_module(module['replace'])}" if "replace" in module else ""
    return f"{escape(module['path'])} {escape(module['version'])}{replaced}"


def _content(facts: FactsJson) -> Rows:
    content = facts["content"]
    return [
        ("symbol table", _amount(facts["symtab"], facts["symtab_size"])),
        ("DWARF", _amount(facts["dwarf"], facts["dwarf_size"])),
        ("user lookup", list(content["user_lookup"] or ())),
        ("instrumentation", list(content["instrumentation"] or ())),
        (
            "cryptography",
            [f"{each['kind']} {escape(each['version'] or '')}".strip() for each in content["crypto"] or ()],
        ),
        ("calls libraries without cgo", _lines(content["importers"] or ())),
        ("build paths", _lines([f"{each['path']} ({each['where']})" for each in content["build_paths"] or ()])),
        ("packed by", _names([content["packed"]] if content["packed"] else [])),
    ]


def _amount(present: bool | None, amount: int | None) -> list[str]:
    if present is None:
        return []
    return [f"yes, {size(amount)}" if present and amount else "yes" if present else "no"]


def _hardening(facts: FactsJson) -> Rows:
    hardening = facts["hardening"]
    return [
        ("PIE", _yes_no(hardening["pie"])),
        ("stack not executable", _yes_no(hardening["nx"])),
        ("RELRO", [hardening["relro"]] if hardening["relro"] else []),
        ("writable code", _yes_no(hardening["writable_code"])),
        ("signature", [facts["signed"]] if facts["signed"] else []),
        ("OS minimum", _names([facts["os_minimum"]] if facts["os_minimum"] else [])),
        ("CPU level", _lines([f"{each['setting']}={each['level']} ({each['via']})" for each in facts["cpu"]])),
    ]


def _yes_no(value: bool | None) -> list[str]:
    return [] if value is None else ["yes" if value else "no"]


def _joined(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_SYMBOLS} more" if len(names) > _MOST_SYMBOLS else ""
    return ", ".join(_names(names)) + more


def _lines(texts: Iterable[str]) -> list[str]:
    return _cut([escape(text) for text in texts])


def _cut(lines: list[str]) -> list[str]:
    return [*lines[:_MOST_LINES], f"… and {len(lines) - _MOST_LINES} more"] if len(lines) > _MOST_LINES else lines
