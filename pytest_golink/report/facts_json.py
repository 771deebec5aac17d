"""The public JSON object of a fact sheet, schema 1: keys are only ever added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.facts import (
        BinaryFacts,
        Format,
        GoBuild,
        ImportedSymbol,
        Kind,
        LibcKind,
        LibcPresence,
        Linkage,
        LinkMode,
        Module,
        Relro,
        Resolver,
        Signature,
    )


class NeededJson(TypedDict):
    """A needed library, and the format's word for how it is needed."""

    name: str
    via: str


class ImportJson(TypedDict):
    """An imported symbol."""

    name: str
    library: str | None
    version: str | None


class LibcJson(TypedDict):
    """The C library, and for glibc the floor."""

    kind: LibcKind
    presence: LibcPresence
    floor: str | None
    floor_symbols: list[str]


class CgoJson(TypedDict):
    """What the image holds of cgo."""

    enabled: bool | None
    used: bool | None
    packages: list[str]
    dynamic_imports: list[ImportJson]


class HardeningJson(TypedDict):
    """Hardening facts; null where the format has no such thing."""

    pie: bool | None
    nx: bool | None
    relro: Relro | None
    writable_code: bool | None


class _Replaceable(TypedDict, total=False):
    sum: str
    replace: ModuleJson


class ModuleJson(_Replaceable):
    """A Go module; `sum` and `replace` stand only where the build info has them."""

    path: str
    version: str


class GoJson(TypedDict):
    """The build info."""

    version: str | None
    path: str | None
    module: ModuleJson | None
    modules: list[ModuleJson]
    settings: dict[str, str]


class _Slice(TypedDict, total=False):
    slice: str


class FactsJson(_Slice):
    """The fact sheet; `slice` stands only for a slice of a fat Mach-O."""

    schema: Literal[1]
    path: str
    size: int
    format: Format
    kind: Kind
    target: str | None
    linkage: Linkage | None
    needs_loader_only: bool | None
    interpreter: str | None
    needed: list[NeededJson]
    rpath: list[str] | None
    runpath: list[str] | None
    imports: list[ImportJson]
    libc: LibcJson
    cgo: CgoJson
    link_mode: LinkMode | None
    resolver: list[Resolver] | None
    static_name_service: list[str]
    symtab: bool | None
    dwarf: bool | None
    stripped: bool | None
    hardening: HardeningJson
    os_minimum: str | None
    signed: Signature | None
    go: GoJson | None


def facts_json(facts: BinaryFacts) -> FactsJson:
    """Give the fact sheet as plain data, in the order that people read it; lists keep the image's order."""
    sheet: FactsJson = {
        "schema": 1,
        "path": facts.path,
        "size": facts.size,
        "format": facts.format,
        "kind": facts.kind,
        "target": str(facts.target) if facts.target else None,
        "linkage": facts.linkage,
        "needs_loader_only": facts.needs_loader_only,
        "interpreter": facts.interpreter,
        "needed": [{"name": library.name, "via": library.via} for library in facts.needed],
        "rpath": None if facts.rpath is None else list(facts.rpath),
        "runpath": None if facts.runpath is None else list(facts.runpath),
        "imports": _imports(facts.imports),
        "libc": {
            "kind": facts.libc.kind,
            "presence": facts.libc.presence,
            "floor": facts.libc.floor,
            "floor_symbols": list(facts.libc.floor_symbols),
        },
        "cgo": {
            "enabled": facts.cgo.enabled,
            "used": facts.cgo.used,
            "packages": list(facts.cgo.packages),
            "dynamic_imports": _imports(facts.cgo.dynamic_imports),
        },
        "link_mode": facts.link_mode,
        "resolver": None if facts.resolver is None else list(facts.resolver),
        "static_name_service": list(facts.static_name_service),
        "symtab": facts.symtab,
        "dwarf": facts.dwarf,
        "stripped": facts.stripped,
        "hardening": {
            "pie": facts.hardening.pie,
            "nx": facts.hardening.nx,
            "relro": facts.hardening.relro,
            "writable_code": facts.hardening.writable_code,
        },
        "os_minimum": facts.os_minimum,
        "signed": facts.signed,
        "go": None if facts.go is None else _go(facts.go),
    }
    if facts.slice is not None:
        sheet["slice"] = facts.slice
    return sheet


def _imports(symbols: Iterable[ImportedSymbol]) -> list[ImportJson]:
    return [{"name": symbol.name, "library": symbol.library, "version": symbol.version} for symbol in symbols]


def _go(build: GoBuild) -> GoJson:
    return {
        "version": build.version,
        "path": build.path,
        "module": None if build.module is None else _module(build.module),
        "modules": [_module(module) for module in build.modules],
        "settings": dict(build.settings),
    }


def _module(module: Module) -> ModuleJson:
    entry: ModuleJson = {"path": module.path, "version": module.version}
    if module.sum is not None:
        entry["sum"] = module.sum
    if module.replace is not None:
        entry["replace"] = _module(module.replace)
    return entry
