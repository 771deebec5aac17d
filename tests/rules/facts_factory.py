"""Facts written by hand: what a reader returns for the images that the tests are about."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

from pytest_golink.facts import (
    BinaryFacts,
    BuildInfo,
    Cgo,
    Hardening,
    ImportedSymbol,
    Libc,
    LinkWarning,
    NeededLibrary,
    ProgramHeader,
    SignatureContent,
    Target,
    VersionNeed,
)
from pytest_golink.rules.subject import Subject

LOADER = "/lib64/ld-linux-x86-64.so.2"


def go(**settings: str) -> BuildInfo:
    """A build of example.com/app; an underscore at the start of a setting is a hyphen ("_race" is "-race")."""
    named = {name.replace("_", "-", 1) if name.startswith("_") else name: value for name, value in settings.items()}
    return BuildInfo(version="go1.27.3", path="example.com/app", settings=MappingProxyType(named))


def by_go(version: str, **settings: str) -> BuildInfo:
    """The same build by another release of Go."""
    return replace(go(**settings), version=version)


def symbols(*names: str, library: str | None = None, version: str | None = None) -> tuple[ImportedSymbol, ...]:
    return tuple(ImportedSymbol(name=name, library=library, version=version) for name in names)


def needed(*names: str, via: str = "DT_NEEDED") -> tuple[NeededLibrary, ...]:
    return tuple(NeededLibrary(name=name, via=via) for name in names)


def target(name: str) -> Target:
    goos, goarch = name.split("/")
    return Target(goos=goos, goarch=goarch)


STATIC = BinaryFacts(
    path="build/app",
    size=1_500_000,
    format="elf",
    kind="executable",
    target=target("linux/amd64"),
    linkage="static",
    needs_loader_only=False,
    interpreter=None,
    needed=(),
    rpath=(),
    runpath=(),
    imports=(),
    libc=Libc(kind="none", presence="none"),
    cgo=Cgo(enabled=False, used=False),
    link_mode="internal",
    resolver=("none",),
    static_name_service=(),
    symtab=True,
    dwarf=True,
    hardening=Hardening(pie=False, nx=True, relro="none", writable_code=False),
    os_minimum=None,
    signed=None,
    go=go(CGO_ENABLED="0", GOOS="linux", GOARCH="amd64"),
)


def header(type_: str, flags: str, address: int, size: int, alignment: int, offset: int | None = None) -> ProgramHeader:
    """A program header; its offset in the file is its address without what is above 4 MiB, unless it is given."""
    return ProgramHeader(
        type=type_,
        flags=flags,
        offset=address % 0x400000 if offset is None else offset,
        address=address,
        memory_size=size,
        alignment=alignment,
    )


# The segments of a small internal link for linux/amd64.
LOADED = replace(
    STATIC,
    program_headers=(
        header("PT_LOAD", "r-x", 0x400000, 0x99F41, 0x1000),
        header("PT_LOAD", "r--", 0x49A000, 0xCE1B8, 0x1000),
        header("PT_LOAD", "rw-", 0x569000, 0x4BA20, 0x1000),
        header("PT_GNU_STACK", "rw-", 0, 0, 8),
    ),
)

DYNAMIC = replace(
    STATIC,
    linkage="dynamic",
    interpreter=LOADER,
    needed=needed("libc.so.6"),
    imports=(
        *symbols("getaddrinfo", library="libc.so.6", version="GLIBC_2.2.5"),
        *symbols("pthread_create", library="libc.so.6", version="GLIBC_2.34"),
    ),
    version_needs=(
        VersionNeed(library="libc.so.6", version="GLIBC_2.2.5"),
        VersionNeed(library="libc.so.6", version="GLIBC_2.34"),
    ),
    libc=Libc(kind="glibc", presence="dynamic", floor="2.34", floor_symbols=("pthread_create",)),
    cgo=Cgo(enabled=True, used=True, packages=("net", "runtime/cgo")),
    resolver=("cgo", "go"),
    go=go(CGO_ENABLED="1", GOOS="linux", GOARCH="amd64"),
)

# -buildmode=pie with cgo off.
PIE = replace(
    STATIC,
    linkage="dynamic",
    interpreter=LOADER,
    needs_loader_only=True,
    hardening=Hardening(pie=True, nx=True, relro="none", writable_code=False),
    go=go(_buildmode="pie", CGO_ENABLED="0", GOOS="linux", GOARCH="amd64"),
)

# net, linked statically against glibc.
GLIBC_STATIC = replace(
    STATIC,
    libc=Libc(kind="glibc", presence="embedded"),
    cgo=Cgo(enabled=True, used=True, packages=("net", "runtime/cgo")),
    link_mode="external",
    resolver=("cgo", "go"),
    static_name_service=("getaddrinfo",),
    go=go(CGO_ENABLED="1", GOOS="linux", GOARCH="amd64"),
)

# Its own C code, with -lm.
OWN_C = replace(
    DYNAMIC,
    needed=needed("libm.so.6", "libc.so.6"),
    cgo=Cgo(enabled=True, used=True, packages=("main", "runtime/cgo")),
    link_mode="external",
    resolver=("none",),
)

# //go:cgo_import_dynamic with cgo off.
IMPORT_DYNAMIC = replace(
    STATIC,
    linkage="dynamic",
    interpreter=LOADER,
    needed=needed("libc.so.6"),
    imports=symbols("puts"),
    libc=Libc(kind="glibc", presence="dynamic"),
    cgo=Cgo(enabled=False, used=False, dynamic_imports=symbols("puts", library="libc.so.6")),
)

MACHO = replace(
    STATIC,
    format="macho",
    target=target("darwin/arm64"),
    linkage="dynamic",
    interpreter="/usr/lib/dyld",
    needed=needed("/usr/lib/libSystem.B.dylib", "/usr/lib/libresolv.9.dylib", via="LC_LOAD_DYLIB"),
    rpath=None,
    runpath=(),
    imports=symbols("getaddrinfo", library="/usr/lib/libSystem.B.dylib"),
    libc=Libc(kind="libSystem", presence="dynamic"),
    resolver=("go", "system"),
    hardening=Hardening(pie=True, nx=True, relro=None, writable_code=False),
    os_minimum="13.0",
    signed="ad-hoc",
    signature=SignatureContent(kind="ad-hoc", valid=True),
    go=go(CGO_ENABLED="0", GOOS="darwin", GOARCH="arm64"),
)

PE = replace(
    STATIC,
    path="build/app.exe",
    format="pe",
    target=target("windows/amd64"),
    linkage="dynamic",
    needs_loader_only=None,
    needed=needed("kernel32.dll", via="import directory"),
    rpath=None,
    runpath=None,
    imports=symbols("WriteFile", "ExitProcess", library="kernel32.dll"),
    resolver=("windows",),
    hardening=Hardening(pie=True, nx=True, relro=None, writable_code=False),
    os_minimum="10.0",
    signed="none",
    go=go(CGO_ENABLED="0", GOOS="windows", GOARCH="amd64"),
)

ARCHIVE = replace(
    STATIC,
    path="build/app.a",
    format="ar",
    kind="archive",
    linkage=None,
    needs_loader_only=None,
    rpath=None,
    runpath=None,
    cgo=Cgo(),
    link_mode=None,
    resolver=None,
    symtab=None,
    dwarf=None,
    hardening=Hardening(),
    go=None,
)

# A program that Go did not make.
FOREIGN = replace(DYNAMIC, cgo=Cgo(), link_mode=None, resolver=None, go=None)


def subject(facts: BinaryFacts, *warnings: LinkWarning, built: bool = False, **changes: Any) -> Subject:
    """The image under the name "app"; `built` or any warning: it was built here."""
    said = warnings if warnings or built else None
    return Subject(name="app", facts=replace(facts, **changes), link_warnings=said)
