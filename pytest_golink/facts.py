"""
The fact sheet of one image: frozen values, and no logic beyond derived properties.

Absence is data: `None` is "the format has no such fact, or the image does not say", an empty tuple is "none".
Collections keep the image's order and spelling.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping


Format = Literal["elf", "macho", "pe", "coff", "ar", "xcoff", "plan9", "wasm"]
Kind = Literal["executable", "shared-library", "object", "archive"]
Linkage = Literal["static", "static-pie", "dynamic"]
LinkMode = Literal["internal", "external"]
LibcKind = Literal["glibc", "musl", "bionic", "libSystem", "bsd", "solaris", "aix", "ucrt", "msvcrt", "none", "unknown"]
LibcPresence = Literal["dynamic", "embedded", "none"]
Resolver = Literal["cgo", "go", "system", "windows", "none"]
Relro = Literal["none", "partial", "full"]
Signature = Literal["none", "ad-hoc", "signed"]
SignatureKind = Literal["ad-hoc", "certificate", "developer-id", "authenticode"]
UserLookup = Literal["files", "system", "none"]
Instrumentation = Literal["race", "msan", "asan", "cover"]
CryptoKind = Literal["boringcrypto", "go", "openssl", "plain"]


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Target:
    """A port of Go, written GOOS/GOARCH ("linux/amd64")."""

    goos: str
    goarch: str

    def __str__(self) -> str:
        return f"{self.goos}/{self.goarch}"


@dataclass(frozen=True, kw_only=True, slots=True)
class NeededLibrary:
    """
    A library that the loader must find.

    `via` keeps the format's own word: "DT_NEEDED", "DT_FILTER", "DT_AUDIT", "LC_LOAD_DYLIB", "LC_LOAD_WEAK_DYLIB",
    "import directory", "delay-import directory", …
    """

    name: str
    via: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedSymbol:
    """
    A symbol that a shared library must provide.

    Mach-O names stand without the leading underscore, PE imports by ordinal as "#17". `library` is None where the
    format does not bind symbols to libraries (ELF without a version need, Mach-O flat namespace); `version` is an
    ELF symbol version ("GLIBC_2.34"). `weak` imports may stay unresolved.
    """

    name: str
    library: str | None = None
    version: str | None = None
    weak: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionNeed:
    """An ELF version need: `library` must define `version`, or the loader refuses the image (weak: it only warns)."""

    library: str
    version: str
    weak: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Libc:
    """
    The C library of an image.

    `floor` is the highest "x.y" of the `GLIBC_x.y` version needs (None for any other libc), `floor_symbols` the
    imported symbols that cause it.
    """

    kind: LibcKind
    presence: LibcPresence
    floor: str | None = None
    floor_symbols: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Cgo:
    """
    What an image holds of cgo.

    `enabled` is the build setting CGO_ENABLED, `used` whether runtime/cgo is linked in; both None where the image
    does not say. `packages` are the Go packages with cgo wrappers, sorted, from the pclntab; `calls` are the functions
    of C that each of them calls through its wrappers, sorted. A package whose C is only a constructor, a variable or a
    function whose address is taken has no wrapper: the image does not show it. For an image that golink built,
    `from_source` are these packages, as `go list` has them, and `packages` has them too; it is None where the source is
    not known, and `source_error` is Go's words where it did not list them. `dynamic_imports` are symbols imported by
    `//go:cgo_import_dynamic`, without cgo. `witnesses` show that runtime/cgo is linked in although the pclntab has
    no name of it: `used` is then None, for one of the two was altered.
    """

    enabled: bool | None = None
    used: bool | None = None
    packages: tuple[str, ...] = ()
    calls: tuple[tuple[str, tuple[str, ...]], ...] = ()
    dynamic_imports: tuple[ImportedSymbol, ...] = ()
    witnesses: tuple[str, ...] = ()
    from_source: tuple[str, ...] | None = None
    source_error: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hardening:
    """
    `relro` and `textrel` are None outside ELF; `nx` and `writable_code` are None where the format does not say.

    `relro` is what is protected: "full" where all imports are bound at the start and no page with them stays writable.
    `textrel` is whether the loader makes code writable to relocate it.
    """

    pie: bool | None = None
    nx: bool | None = None
    relro: Relro | None = None
    writable_code: bool | None = None
    textrel: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProgramHeader:
    """
    An ELF program header that says how memory is laid out: PT_LOAD, PT_GNU_STACK or PT_GNU_RELRO, as `type`.

    `flags` are written as readelf's neighbours do, "r-x"; `alignment` is p_align.
    """

    type: str
    flags: str
    offset: int
    address: int
    memory_size: int
    alignment: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CpuLevel:
    """
    A CPU level that an image needs, in Go's words: `setting` "GOAMD64", `level` "v3".

    `via` is who says so: "build setting", the first Go version with a choice, or the note of a C linker.
    """

    setting: str
    level: str
    via: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DlopenNote:
    """
    Libraries that a program says it loads while it runs, in the note of the UAPI group: any of `sonames` will do.

    `priority` is "required", "recommended" or "suggested".
    """

    sonames: tuple[str, ...]
    priority: str = "recommended"
    feature: str | None = None
    description: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Elf:
    """
    What only ELF has.

    `relr` is whether there are packed relative relocations (DT_RELR), which loaders know since glibc 2.36 and
    musl 1.2.4; `static_tls` DF_STATIC_TLS: dlopen may refuse the library. `tls_alignment` is p_align of PT_TLS, None
    without one. `kernel_minimum` is the oldest Linux that C start-up code needs (NT_GNU_ABI_TAG). `dlopen` are the
    notes of libraries that are loaded while the program runs; None where one is damaged. `crashes` says why it
    would not start on any system, a reason each.
    """

    relr: bool = False
    static_tls: bool = False
    tls_alignment: int | None = None
    kernel_minimum: str | None = None
    dlopen: tuple[DlopenNote, ...] | None = ()
    crashes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Pe:
    """
    What only PE has.

    `subsystem` is Windows' word in lower case: "console", "gui", "native", "efi application", … `control_flow_guard`
    and `high_entropy_va` are the bits of DllCharacteristics.
    """

    subsystem: str
    control_flow_guard: bool = False
    high_entropy_va: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SignatureContent:
    """
    What an image's signature is, and whether the image is still the one that was signed.

    `valid` is whether the hashes in the signature are those of the file; None where they are of a kind that is not
    read. Who signed, and whether a system trusts them, is the system's question. `problem` names the first difference.
    """

    kind: SignatureKind
    valid: bool | None = None
    problem: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyBreach:
    """What dyld refuses of an image that was linked for an SDK of this version or a newer one, in its own words."""

    text: str
    sdk: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MachO:
    """
    What only Mach-O has.

    `platform` is the platform of LC_BUILD_VERSION or LC_VERSION_MIN_*, in Apple's words and lower case ("macos"),
    `sdk` the SDK's version there, `uuid` the UUID of LC_UUID; each None where there is no such load command.
    `code_flags` are those that every code directory of the signature has, None without one; `entitlements` the names of
    those that it says are true. `restricted` is whether there is a section __RESTRICT,__restrict. `environment` are the
    variables of LC_DYLD_ENVIRONMENT ("DYLD_…=…"), which dyld takes from an executable. `hardened_runtime` is the flag
    of the code directories, None without a signature. `policy` is what dyld's rules forbid from some SDK on;
    `slice_offset` is where the slice of a fat file lies, and `fat64` whether the fat header is of 64 bits.
    """

    platform: str | None = None
    sdk: str | None = None
    uuid: str | None = None
    code_flags: int | None = None
    entitlements: tuple[str, ...] = ()
    restricted: bool = False
    environment: tuple[str, ...] = ()
    hardened_runtime: bool | None = None
    policy: tuple[PolicyBreach, ...] = ()
    slice_offset: int | None = None
    fat64: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Module:
    """A Go module of the build info; `sum` is its go.sum hash, `replace` what a replace directive put in its place."""

    path: str
    version: str
    sum: str | None = None
    replace: Module | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildInfo:
    """
    What the image says of its Go build.

    All of it is None or empty where the build info was cut out of an image whose pclntab shows that Go made it.
    `path` is the main package's import path; `settings` are the build settings in the image's order.
    """

    version: str | None = None
    path: str | None = None
    module: Module | None = None
    modules: tuple[Module, ...] = ()
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildPath:
    """
    A folder of the build machine that an image names, and where: "pclntab", "DWARF", "build setting -ldflags", …

    Of folders in one another only the outer one is named: GOROOT, the module cache.
    """

    path: str
    where: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CryptoModule:
    """
    Cryptography that is linked in.

    "go" is the Go Cryptographic Module (Go 1.24), its `version` ("v1.0.0-c2097c7c") where a frozen copy was chosen with
    GOFIPS140; "plain" is Go's cryptography of the versions before.
    """

    kind: CryptoKind
    version: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """
    What an image holds, whatever its build info claims: read from the pclntab, so that stripping does not hide it.

    Each is None where the image does not say. `pclntab` is the Go version that began to write its layout ("1.2",
    "1.16", "1.18", "1.20"), `startup` the GOOS in the name of Go's entry point. `user_lookup` is where os/user looks
    users up.
    `importers` are packages outside the standard library that call shared libraries without cgo, as far as they follow
    the customary names. `build_paths` is bounded: a sample of the folders. `packed` names the packer whose mark the
    file has. `damage` says why the pclntab of an image that gc made is not read.
    """

    pclntab: str | None = None
    startup: str | None = None
    user_lookup: tuple[UserLookup, ...] | None = None
    instrumentation: tuple[Instrumentation, ...] | None = None
    crypto: tuple[CryptoModule, ...] | None = None
    importers: tuple[str, ...] | None = None
    build_paths: tuple[BuildPath, ...] | None = None
    packed: str | None = None
    damage: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Loading:
    """
    What the loader does with an ELF image, beside finding libraries and their versions.

    `bound` are the undefined strong symbols that it looks up before the program starts, `lazy` those that it may look
    up at the first call (glibc's and the BSDs' loaders do, where `now` is false); both None on MIPS, whose tables are
    others. A symbol that no relocation names is in neither. `relocations` are the types in DT_REL and DT_RELA,
    `plt_relocations` those in DT_JMPREL, by their numbers; `read_only_relocation` is the address of one that lies in
    no writable segment; `counts_others` is whether DT_RELACOUNT or DT_RELCOUNT counts some that are not relative.
    `android_packed` are the tags of relocation tables that only bionic reads; what they have is in no other
    attribute. `protected_slot` is the address of one that the loader binds at the first call, where PT_GNU_RELRO has
    made its page read-only by then. `static_tls` says that the image's own thread-local variables have a fixed place
    beside the thread pointer, `go_constructor` that Go's runtime starts before main, as a constructor. `notes` are the
    sizes of each PT_NOTE in the file; `checks_kernel` is whether a static glibc is in it that refuses a kernel older
    than its start files say. `lowest_address` is where the first segment of an image with fixed addresses lies;
    `misplaced` says in words which section with memory has no segment that maps it as it asks for. `told_its_place` is
    whether the loader learns where a program without fixed addresses lies, by a PT_PHDR before what it needs that for.
    `no_default_path` is DF_1_NODEFLIB: glibc's loader then looks into no folder of the system. `refuses_path` is
    whether a static glibc is in it that ends a program with DT_RUNPATH or DT_RPATH.
    """

    bound: tuple[str, ...] | None = ()
    lazy: tuple[str, ...] | None = ()
    now: bool = False
    relocations: tuple[int, ...] = ()
    plt_relocations: tuple[int, ...] = ()
    read_only_relocation: int | None = None
    counts_others: bool = False
    android_packed: tuple[str, ...] = ()
    protected_slot: int | None = None
    static_tls: bool = False
    go_constructor: bool = False
    notes: tuple[int, ...] = ()
    checks_kernel: bool = False
    refuses_path: bool = False
    lowest_address: int | None = None
    misplaced: str | None = None
    told_its_place: bool = True
    no_default_path: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BinaryFacts:
    """
    The linkage facts of one image (a fat Mach-O: of one slice).

    `needs_loader_only` is PT_INTERP (or LC_LOAD_DYLINKER) without any needed library. `static_name_service` names the
    glibc name-service functions (getaddrinfo, getpwnam_r, …, dlopen) inside a static image, sorted. `resolver` is
    sorted, ("none",) where no resolver code is linked in, None for an image that Go did not make. `slice` is the
    GOARCH of a slice. `cpu_notes` are the CPU levels that the image's own notes record, whatever the build info says.
    `symtab_size` and `dwarf_size` are bytes in the file, what names the symbols included. `soname` is the name that a
    library has for those that need it: DT_SONAME, the install name of LC_ID_DYLIB, the name in PE's export directory.
    `exports` are the names that the image offers to others, None where the format has no such table. `loading` is
    None outside ELF, and of an object.
    """

    path: str
    size: int
    format: Format
    kind: Kind
    target: Target | None
    linkage: Linkage | None
    needs_loader_only: bool | None
    interpreter: str | None
    needed: tuple[NeededLibrary, ...]
    rpath: tuple[str, ...] | None
    runpath: tuple[str, ...] | None
    imports: tuple[ImportedSymbol, ...]
    version_needs: tuple[VersionNeed, ...] = ()
    libc: Libc
    cgo: Cgo
    link_mode: LinkMode | None
    resolver: tuple[Resolver, ...] | None
    static_name_service: tuple[str, ...]
    symtab: bool | None
    dwarf: bool | None
    hardening: Hardening
    os_minimum: str | None
    signed: Signature | None
    go: BuildInfo | None
    slice: str | None = None
    content: Content = Content()
    program_headers: tuple[ProgramHeader, ...] = ()
    cpu_notes: tuple[CpuLevel, ...] = ()
    macho: MachO | None = None
    symtab_size: int | None = None
    dwarf_size: int | None = None
    soname: str | None = None
    exports: tuple[str, ...] | None = None
    signature: SignatureContent | None = None
    elf: Elf | None = None
    pe: Pe | None = None
    loading: Loading | None = None

    @property
    def stripped(self) -> bool | None:
        """No symbol table and no DWARF; None where the format has neither."""
        if self.symtab is None and self.dwarf is None:
            return None
        return not self.symtab and not self.dwarf


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkWarning:
    """
    One warning of the linker.

    `function` is the libc function it is about ("getaddrinfo"), `object` the object file, `caller` the function in it
    that makes the call, `source` the source line ("cgo-gcc-prolog:60"); each None where the linker does not say.
    `text` is the whole line as it was printed, with LC_ALL=C.
    """

    text: str
    function: str | None = None
    object: str | None = None
    caller: str | None = None
    source: str | None = None
