"""ELF images to facts: executables, shared libraries, relocatable objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.facts import BinaryFacts, Elf, Hardening, Target
from pytest_golink.reader.bounds import View
from pytest_golink.reader.dwarf import DebugSection
from pytest_golink.reader.elf.dynamic import (
    DF_1_PIE,
    DF_STATIC_TLS,
    DF_TEXTREL,
    DT_FLAGS,
    DT_FLAGS_1,
    DT_JMPREL,
    DT_NEEDED,
    DT_RELR,
    DT_RELRSZ,
    DT_RPATH,
    DT_RUNPATH,
    DT_SONAME,
    DT_TEXTREL,
    read_dynamic,
)
from pytest_golink.reader.elf.image import has_symbols, map_elf
from pytest_golink.reader.elf.imports import read_imports
from pytest_golink.reader.elf.layout import (
    ET_EXEC,
    ET_REL,
    PF_W,
    PF_X,
    PT_GNU_STACK,
    PT_INTERP,
    PT_LOAD,
    PT_SUNWSTACK,
    PT_TLS,
    SHF_ALLOC,
    SHF_COMPRESSED,
    SHT_NOBITS,
    SHT_PROGBITS,
    read_interpreter,
    read_layout,
)
from pytest_golink.reader.elf.loading import read_loading
from pytest_golink.reader.elf.memory import cpu_notes, dwarf_size, program_headers, symtab_size
from pytest_golink.reader.elf.notes import dlopen_notes, kernel_minimum, read_notes
from pytest_golink.reader.elf.start import crashes, kind_of, linkage_of, relro_of
from pytest_golink.reader.elf.target import PORTS, check_machine, goarch_of, goos_of
from pytest_golink.reader.go_facts import read_go_facts
from pytest_golink.reader.libc import classify_libc, find_embedded_libc, find_static_name_service
from pytest_golink.reader.witnesses.lief_elf import agree_with_lief

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_golink.facts import Kind, Libc, LibcKind
    from pytest_golink.golang.image import MappedImage
    from pytest_golink.reader.elf.dynamic import Dynamic
    from pytest_golink.reader.elf.imports import Imports
    from pytest_golink.reader.elf.layout import Layout
    from pytest_golink.reader.go_facts import GoFacts

# glibc's DEFAULT_STACK_PERMS and the kernel agree that a stack is not executable where no PT_GNU_STACK says
# (sysdeps/aarch64, riscv, loongarch: stackinfo.h). Elsewhere one of them maps it executable.
_NX_BY_DEFAULT = frozenset({"arm64", "loong64", "riscv64"})

# The note that cmd/link writes Go's build ID into (cmd/link/internal/ld/elf.go: ELF_NOTE_GOBUILDID_TAG).
_GO_BUILD_ID = (b"Go", 4)

# These map no stack executable, whatever a header says (sys/kern/exec_subr.c of both).
_NX_ALWAYS = frozenset({"netbsd", "openbsd"})
# These read PT_SUNWSTACK, and a 64-bit process without it has no executable stack (illumos: uts/common/exec/elf/elf.c).
_SUN = frozenset({"illumos", "solaris"})


def read_elf(path: str, data: memoryview) -> BinaryFacts:
    """
    Read the linkage facts of one ELF image, without running it.

    Returns:
        Facts whose `needed` keeps DT_NEEDED order and spelling: sonames such as "libc.so.6", never resolved paths.
        `()` means the image needs no library. `imports` are the dynamic symbols that a shared library must provide:
        the undefined ones, and the variables that the image copies out of a library.

    Raises:
        UnreadableBinaryError: The file is not an ELF image, or it is truncated or damaged.

    Source: System V gABI, chapter 5, "Program Loading and Dynamic Linking".
    """
    view = View(data, path=path, format="elf")
    layout = read_layout(view)
    check_machine(layout)
    _check_entry(layout)
    interpreter = read_interpreter(layout)
    dynamic = read_dynamic(layout)
    imports = read_imports(dynamic)
    needed = dynamic.texts(DT_NEEDED)
    agree_with_lief(layout, interpreter, needed)
    loaded = dynamic.needed()
    kind = kind_of(layout, dynamic, interpreter)
    linkage = linkage_of(layout, kind, interpreter, loaded)
    image = map_elf(layout, dynamic)
    told = _told_target(layout, imports, interpreter, needed)
    go = read_go_facts(
        image,
        imports=imports.symbols,
        debug=_debug_sections(layout),
        noted=any((owner, kind) == _GO_BUILD_ID for owner, kind, _ in read_notes(layout)),
    )
    _check_tail(layout, kind, dynamic, imports, go)
    target = _target(layout, told, go)
    embedded = _embedded_libc(image, go) if linkage in ("static", "static-pie") else None
    if target is None and embedded in ("glibc", "musl"):
        goarch = goarch_of(layout.header)
        target = None if goarch is None else Target(goos="linux", goarch=goarch)
    libc = classify_libc(
        goos=target.goos if target else None,
        needed=needed,
        interpreter=interpreter,
        version_needs=imports.version_needs,
        imports=imports.symbols,
        embedded=embedded,
    )
    return BinaryFacts(
        path=path,
        size=view.size,
        format="elf",
        kind=kind,
        target=target,
        linkage=linkage,
        needs_loader_only=interpreter is not None and not loaded if kind == "executable" else None,
        interpreter=interpreter,
        needed=loaded,
        rpath=_search_path(dynamic, DT_RPATH),
        runpath=_search_path(dynamic, DT_RUNPATH),
        imports=imports.symbols,
        version_needs=imports.version_needs,
        libc=libc,
        cgo=go.cgo,
        link_mode=go.link_mode,
        resolver=go.resolver,
        static_name_service=_static_name_service(image, go, libc),
        symtab=has_symbols(layout),
        dwarf=_has_dwarf(layout),
        hardening=_hardening(layout, dynamic, imports, target),
        os_minimum=None,
        signed=None,
        go=go.build,
        content=go.content,
        program_headers=program_headers(layout),
        cpu_notes=cpu_notes(layout),
        symtab_size=symtab_size(layout),
        dwarf_size=dwarf_size(layout),
        soname=next(iter(dynamic.texts(DT_SONAME)), None),
        exports=None if kind == "object" else imports.exports,
        elf=Elf(
            relr=bool(dynamic.value(DT_RELR) and dynamic.value(DT_RELRSZ)),
            static_tls=dynamic.has(DT_FLAGS, DF_STATIC_TLS),
            tls_alignment=next((segment.alignment for segment in layout.segments_of(PT_TLS)), None),
            kernel_minimum=kernel_minimum(layout),
            dlopen=dlopen_notes(layout),
            crashes=tuple(
                crashes(
                    layout,
                    dynamic,
                    kind,
                    interpreter,
                    imports.relocated,
                    calls_init=go.link_mode != "internal" and not _has_old_start(imports),
                )
            ),
        ),
        loading=read_loading(layout, dynamic, image, go.image),
    )


def _has_old_start(imports: Imports) -> bool:
    """Whether the start-up code of C is from before glibc 2.34."""
    versions = {each.version for each in imports.symbols if each.name == "__libc_start_main"}
    return any(version and version.startswith("GLIBC_") and version != "GLIBC_2.34" for version in versions)


def map_image(path: str, data: memoryview) -> MappedImage:
    """
    Return one ELF image as its loader maps it.

    Raises:
        UnreadableBinaryError: The file is not an ELF image, or it is truncated or damaged.
    """
    layout = read_layout(View(data, path=path, format="elf"))
    return map_elf(layout, read_dynamic(layout))


def _check_entry(layout: Layout) -> None:
    """
    Refuse a file whose first instruction was taken out: `objcopy --only-keep-debug` keeps the headers of what it drops.

    Nothing else tells a static program's debug information from the program.
    """
    entry = layout.header.entry
    for segment in layout.segments_of(PT_LOAD) if entry and layout.header.type != ET_REL else ():
        if segment.address + segment.file_size <= entry < segment.address + segment.memory_size:
            what = f"the entry point 0x{entry:x} has no bytes in the file (a file of debug information?)"
            raise layout.view.error(what, segment.offset)


def _check_tail(layout: Layout, kind: Kind, dynamic: Dynamic, imports: Imports, go: GoFacts) -> None:
    """
    Refuse an image whose dynamic table has lost its last entries to a hole in the file: zeros read as its end.

    C link editors write DT_NEEDED first, Go's among the last, before DT_JMPREL; and it leaves no room behind them.
    """
    required = next((symbol.name for symbol in imports.symbols if not symbol.weak), None)
    if (
        kind == "executable"
        and required is not None
        and not dynamic.has(DT_NEEDED)
        and not _relocates_itself(dynamic, imports)
    ):
        raise layout.view.error(f"imports {required}, but there is no DT_NEEDED: is the dynamic table whole?")
    if go.link_mode == "internal" and dynamic.ends > 1 and imports.symbols and not dynamic.has(DT_JMPREL):
        raise layout.view.error(f"the dynamic table ends with {dynamic.ends} DT_NULL, before its DT_JMPREL")


def _relocates_itself(dynamic: Dynamic, imports: Imports) -> bool:
    """
    Return whether an image is a static PIE as C link editors make it, whose relocations name no symbol.

    LLD leaves symbols in its table that nothing refers to any more, such as __tls_get_addr.
    """
    marked = dynamic.has(DT_FLAGS_1, DF_1_PIE) and dynamic.layout.one(PT_INTERP) is None
    return marked and not imports.relocated.highest_symbol


def _told_target(layout: Layout, imports: Imports, interpreter: str | None, needed: Sequence[str]) -> Target | None:
    """Return the port as the headers tell it."""
    goarch = goarch_of(layout.header)
    versions = [need.version for need in imports.version_needs]
    goos = goos_of(layout.header, read_notes(layout), interpreter, versions, needed)
    return None if goos is None or goarch is None else Target(goos=goos, goarch=goarch)


def _target(layout: Layout, told: Target | None, go: GoFacts) -> Target | None:
    """
    Return the port: the machine field tells the architecture, the build info the system.

    The build info is a witness only of the architecture (a rule holds the two against each other). Of the system the
    headers say little: Android and illumos look like Linux and Solaris. Before Go 1.18 the build info had no GOOS, but
    Go's entry point is named after it.
    """
    built = go.image.target if go.image else None
    goos = built.goos if built else told.goos if told else go.content.startup
    goarch = goarch_of(layout.header)
    if goarch is None and built is not None and built.goarch not in PORTS:
        # gccgo has architectures that Go has no port to; Go's own say so in the header.
        goarch = built.goarch
    return None if goos is None or goarch is None else Target(goos=goos, goarch=goarch)


def _search_path(dynamic: Dynamic, tag: int) -> tuple[str, ...]:
    """Split at ":" as the loader does: an empty entry is the current directory, an empty text is no entry."""
    return tuple(entry for text in dynamic.texts(tag) if text for entry in text.split(":"))


def _embedded_libc(image: MappedImage, go: GoFacts) -> LibcKind | None:
    # Without runtime/cgo and with Go's own entry point there is no C to have a library; Go code may hold its texts.
    if go.build is not None and go.cgo.used is False and go.link_mode != "external":
        return None
    return find_embedded_libc((region.data for region in image.segments), image.symbols)


def _static_name_service(image: MappedImage, go: GoFacts, libc: Libc) -> tuple[str, ...]:
    # musl has no name-service modules: its getaddrinfo reads the files and asks the servers itself.
    if (libc.kind, libc.presence) != ("glibc", "embedded"):
        return ()
    return find_static_name_service(
        symbols=image.symbols(),
        wrappers=go.image.functions.matching if go.image else lambda _: (),
        regions=(region.data for region in image.segments),
    )


def _debug_sections(layout: Layout) -> Iterator[DebugSection]:
    for section in layout.sections:
        if section.name.startswith((".debug_", ".zdebug_")) and section.type != SHT_NOBITS:
            data = layout.view.data[section.offset : section.offset + section.size]
            yield DebugSection(name=section.name, data=data, compressed=bool(section.flags & SHF_COMPRESSED))


def _has_dwarf(layout: Layout) -> bool:
    """
    Return whether there is DWARF.

    Raises:
        UnreadableBinaryError: A section that no loader maps has no readable name: it may be DWARF.
    """
    there = [section for section in layout.sections if section.size and section.type != SHT_NOBITS]
    named = any(section.name for section in layout.sections)
    for section in there if named else ():
        if not section.name and section.type == SHT_PROGBITS and not section.flags & SHF_ALLOC:
            raise layout.view.error("a section that no loader maps has no readable name: is it DWARF?", section.offset)
    return any(section.name in (".debug_info", ".zdebug_info") for section in there)


def _hardening(layout: Layout, dynamic: Dynamic, imports: Imports, target: Target | None) -> Hardening:
    if layout.header.type == ET_REL:
        return Hardening()
    return Hardening(
        pie=layout.header.type != ET_EXEC,
        nx=_nx(layout, target.goos if target else None),
        relro=relro_of(layout, dynamic, imports.relocated),
        writable_code=any(segment.flags & PF_W and segment.flags & PF_X for segment in layout.segments_of(PT_LOAD)),
        textrel=dynamic.has(DT_TEXTREL) or dynamic.has(DT_FLAGS, DF_TEXTREL),
    )


def _nx(layout: Layout, goos: str | None) -> bool:
    """Return whether the system that the image is for maps its stack not executable."""
    if goos in _NX_ALWAYS:
        return True
    stack = layout.one(PT_SUNWSTACK if goos in _SUN else PT_GNU_STACK)
    if stack is not None:
        return not stack.flags & PF_X
    return layout.header.bits == 64 if goos in _SUN else goarch_of(layout.header) in _NX_BY_DEFAULT
