"""The public JSON object of a fact sheet, schema 1: keys are only ever added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

from pytest_golink.golang.cpu_levels import cpu_levels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.facts import (
        BinaryFacts,
        BuildInfo,
        Content,
        CryptoKind,
        Elf,
        Format,
        ImportedSymbol,
        Instrumentation,
        Kind,
        LibcKind,
        LibcPresence,
        Linkage,
        LinkMode,
        Module,
        Relro,
        Resolver,
        Signature,
        SignatureKind,
        UserLookup,
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


class VersionNeedJson(TypedDict):
    """A version that a library must define; where it is weak, the loader only warns."""

    library: str
    version: str
    weak: bool


class LibcJson(TypedDict):
    """The C library, and for glibc the floor."""

    kind: LibcKind
    presence: LibcPresence
    floor: str | None
    floor_symbols: list[str]


class _LaterCgoJson(TypedDict, total=False):
    """Facts that came after the first report of this schema, which may lack them."""

    witnesses: list[str]
    from_source: list[str] | None
    source_error: str


class CgoJson(_LaterCgoJson):
    """What the image holds of cgo."""

    enabled: bool | None
    used: bool | None
    packages: list[str]
    calls: dict[str, list[str]]
    dynamic_imports: list[ImportJson]


class _LaterHardeningJson(TypedDict, total=False):
    """Facts that came after the first report of this schema, which may lack them."""

    textrel: bool | None


class HardeningJson(_LaterHardeningJson):
    """Hardening facts; null where the format has no such thing."""

    pie: bool | None
    nx: bool | None
    relro: Relro | None
    writable_code: bool | None


class DlopenJson(TypedDict):
    """Libraries that the image says it loads while it runs: any of the names will do."""

    sonames: list[str]
    priority: str
    feature: str | None
    description: str | None


class ElfJson(TypedDict):
    """What only ELF has."""

    relr: bool
    static_tls: bool
    tls_alignment: int | None
    kernel_minimum: str | None
    dlopen: list[DlopenJson] | None
    crashes: list[str]


class PeJson(TypedDict):
    """What only PE has."""

    subsystem: str
    control_flow_guard: bool
    high_entropy_va: bool


class SignatureJson(TypedDict):
    """What the signature is, and whether its hashes are those of the file."""

    kind: SignatureKind
    valid: bool | None
    problem: str | None


class CpuLevelJson(TypedDict):
    """A CPU level that the image asks for, and who says so."""

    setting: str
    level: str
    via: str


class ProgramHeaderJson(TypedDict):
    """An ELF program header that says how memory is laid out."""

    type: str
    flags: str
    offset: int
    address: int
    memory_size: int
    alignment: int


class _LaterMachOJson(TypedDict, total=False):
    """Facts that came after the first report of this schema, which may lack them."""

    environment: list[str]
    hardened_runtime: bool | None


class MachOJson(_LaterMachOJson):
    """What only Mach-O has; null where there is no such load command."""

    platform: str | None
    sdk: str | None
    uuid: str | None
    code_flags: int | None
    entitlements: list[str]
    restricted: bool


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


class BuildPathJson(TypedDict):
    """A folder of the build machine, and where it is named."""

    path: str
    where: str


class CryptoJson(TypedDict):
    """Cryptography that is linked in."""

    kind: CryptoKind
    version: str | None


class _LaterContentJson(TypedDict, total=False):
    """Facts that came after the first report of this schema, which may lack them."""

    damage: str | None


class ContentJson(_LaterContentJson):
    """What the pclntab shows, whatever the build info claims; null where the image does not say."""

    pclntab: str | None
    startup: str | None
    user_lookup: list[UserLookup] | None
    instrumentation: list[Instrumentation] | None
    crypto: list[CryptoJson] | None
    importers: list[str] | None
    build_paths: list[BuildPathJson] | None
    packed: str | None


class _Slice(TypedDict, total=False):
    slice: str
    # Reports of the first schema may lack these, which came later.
    soname: str | None
    exports: list[str] | None
    signature: SignatureJson | None
    elf: ElfJson | None
    pe: PeJson | None
    version_needs: list[VersionNeedJson]


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
    content: ContentJson
    cpu: list[CpuLevelJson]
    program_headers: list[ProgramHeaderJson] | None
    macho: MachOJson | None
    symtab_size: int | None
    dwarf_size: int | None


def facts_json(facts: BinaryFacts) -> FactsJson:
    """Return the fact sheet as plain data, in the order that people read it; lists keep the image's order."""
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
            "calls": {package: list(functions) for package, functions in facts.cgo.calls},
            "dynamic_imports": _imports(facts.cgo.dynamic_imports),
            "witnesses": list(facts.cgo.witnesses),
            "from_source": None if facts.cgo.from_source is None else list(facts.cgo.from_source),
            "source_error": facts.cgo.source_error,
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
            "textrel": facts.hardening.textrel,
        },
        "os_minimum": facts.os_minimum,
        "signed": facts.signed,
        "go": None if facts.go is None else _go(facts.go),
        "content": _content(facts.content),
        "cpu": [{"setting": each.setting, "level": each.level, "via": each.via} for each in cpu_levels(facts)],
        "program_headers": _program_headers(facts),
        "macho": None
        if facts.macho is None
        else {
            "platform": facts.macho.platform,
            "sdk": facts.macho.sdk,
            "uuid": facts.macho.uuid,
            "code_flags": facts.macho.code_flags,
            "entitlements": list(facts.macho.entitlements),
            "restricted": facts.macho.restricted,
            "environment": list(facts.macho.environment),
            "hardened_runtime": facts.macho.hardened_runtime,
        },
        "symtab_size": facts.symtab_size,
        "dwarf_size": facts.dwarf_size,
        "soname": facts.soname,
        "exports": None if facts.exports is None else list(facts.exports),
        "signature": None
        if facts.signature is None
        else {
            "kind": facts.signature.kind,
            "valid": facts.signature.valid,
            "problem": facts.signature.problem,
        },
        "elf": None if facts.elf is None else _elf(facts.elf),
        "pe": None
        if facts.pe is None
        else {
            "subsystem": facts.pe.subsystem,
            "control_flow_guard": facts.pe.control_flow_guard,
            "high_entropy_va": facts.pe.high_entropy_va,
        },
        "version_needs": [
            {"library": need.library, "version": need.version, "weak": need.weak} for need in facts.version_needs
        ],
    }
    if facts.slice is not None:
        sheet["slice"] = facts.slice
    return sheet


def _imports(symbols: Iterable[ImportedSymbol]) -> list[ImportJson]:
    return [{"name": symbol.name, "library": symbol.library, "version": symbol.version} for symbol in symbols]


def _elf(elf: Elf) -> ElfJson:
    return {
        "relr": elf.relr,
        "static_tls": elf.static_tls,
        "tls_alignment": elf.tls_alignment,
        "kernel_minimum": elf.kernel_minimum,
        "dlopen": None
        if elf.dlopen is None
        else [
            {
                "sonames": list(note.sonames),
                "priority": note.priority,
                "feature": note.feature,
                "description": note.description,
            }
            for note in elf.dlopen
        ],
        "crashes": list(elf.crashes),
    }


def _program_headers(facts: BinaryFacts) -> list[ProgramHeaderJson] | None:
    if facts.format != "elf":
        return None
    return [
        {
            "type": header.type,
            "flags": header.flags,
            "offset": header.offset,
            "address": header.address,
            "memory_size": header.memory_size,
            "alignment": header.alignment,
        }
        for header in facts.program_headers
    ]


def _content(content: Content) -> ContentJson:
    return {
        "pclntab": content.pclntab,
        "startup": content.startup,
        "user_lookup": None if content.user_lookup is None else list(content.user_lookup),
        "instrumentation": None if content.instrumentation is None else list(content.instrumentation),
        "crypto": None
        if content.crypto is None
        else [{"kind": module.kind, "version": module.version} for module in content.crypto],
        "importers": None if content.importers is None else list(content.importers),
        "build_paths": None
        if content.build_paths is None
        else [{"path": found.path, "where": found.where} for found in content.build_paths],
        "packed": content.packed,
        "damage": content.damage,
    }


def _go(build: BuildInfo) -> GoJson:
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
