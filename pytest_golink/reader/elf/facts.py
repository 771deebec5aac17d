"""ELF images to facts: executables, shared libraries, relocatable objects."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.facts import BinaryFacts, Hardening, NeededLibrary, Target
from pytest_golink.reader.bounds import View
from pytest_golink.reader.dwarf import DebugSection
from pytest_golink.reader.elf.dynamic import (
    DF_1_NOW,
    DF_1_PIE,
    DF_BIND_NOW,
    DT_BIND_NOW,
    DT_DEBUG,
    DT_FLAGS,
    DT_FLAGS_1,
    DT_JMPREL,
    DT_NEEDED,
    DT_RPATH,
    DT_RUNPATH,
    DT_SONAME,
    read_dynamic,
)
from pytest_golink.reader.elf.image import has_symbols, map_elf
from pytest_golink.reader.elf.imports import read_imports
from pytest_golink.reader.elf.layout import (
    ET_EXEC,
    ET_REL,
    PF_W,
    PF_X,
    PT_GNU_RELRO,
    PT_GNU_STACK,
    PT_LOAD,
    PT_SUNWSTACK,
    SHF_COMPRESSED,
    SHT_NOBITS,
    read_interpreter,
    read_layout,
)
from pytest_golink.reader.elf.loading import read_loading
from pytest_golink.reader.elf.memory import cpu_notes, dwarf_size, program_headers, symtab_size
from pytest_golink.reader.elf.target import check_machine, goarch_of, goos_of, read_notes
from pytest_golink.reader.go_facts import read_go_facts
from pytest_golink.reader.libc import classify_libc, find_embedded_libc, find_static_name_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.facts import Kind, Libc, LibcKind, Linkage, Relro
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """What LIEF reads, after the check that it is what the file's bytes say."""

    interpreter: str | None
    needed: tuple[str, ...]


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
    read = _read_with_lief(layout, interpreter, dynamic)
    kind = _kind(layout, dynamic, interpreter)
    linkage = _linkage(layout, kind, read)
    image = map_elf(layout, dynamic)
    told = _told_target(layout, imports, read)
    go = read_go_facts(
        image,
        imports=imports.symbols,
        target=told,
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
        needed=read.needed,
        interpreter=read.interpreter,
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
        needs_loader_only=read.interpreter is not None and not read.needed if kind == "executable" else None,
        interpreter=read.interpreter,
        needed=tuple(NeededLibrary(name=name, via="DT_NEEDED") for name in read.needed),
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
        hardening=_hardening(layout, dynamic, target),
        os_minimum=None,
        signed=None,
        go=go.build,
        content=go.content,
        program_headers=program_headers(layout),
        cpu_notes=cpu_notes(layout),
        symtab_size=symtab_size(layout),
        dwarf_size=dwarf_size(layout),
        loading=read_loading(layout, dynamic, image, go.image),
    )


def map_image(path: str, data: memoryview) -> MappedImage:
    """
    Give one ELF image as its loader maps it.

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
    if kind == "executable" and required is not None and not dynamic.has(DT_NEEDED):
        raise layout.view.error(f"imports {required}, but there is no DT_NEEDED: is the dynamic table whole?")
    if go.link_mode == "internal" and dynamic.ends > 1 and imports.symbols and not dynamic.has(DT_JMPREL):
        raise layout.view.error(f"the dynamic table ends with {dynamic.ends} DT_NULL, before its DT_JMPREL")


def _read_with_lief(layout: Layout, interpreter: str | None, dynamic: Dynamic) -> _Read:
    """
    Read with LIEF what the checked tables promise.

    Raises:
        UnreadableBinaryError: LIEF gives up, or sees something else than the loader will.
    """
    import lief

    lief.logging.disable()
    config = lief.ELF.ParserConfig()
    # Symbols, versions and relocations are read in elf_dynamic; the overlay is no part of the image. A note's owner
    # may be any bytes, and lief raises UnicodeDecodeError where they are not UTF-8 (Node.js has such notes).
    config.parse_notes = False
    config.parse_relocations = False
    config.parse_dyn_symbols = False
    config.parse_symtab_symbols = False
    config.parse_symbol_versions = False
    config.parse_overlay = False
    view = layout.view
    whole = view.data.obj
    # From a stream: lief copies bytes twice. BytesIO shares the bytes object where the view is all of it.
    stream = io.BytesIO(whole if isinstance(whole, bytes) and len(whole) == view.size else view.data)
    try:
        binary = lief.ELF.parse(stream, config)
        if not isinstance(binary, lief.ELF.Binary):
            raise view.error("LIEF cannot read it")
        read = _Read(
            interpreter=binary.interpreter if binary.has_interpreter else None,
            needed=tuple(str(name) for name in binary.libraries),
        )
    except (ValueError, RuntimeError, TypeError) as error:
        # UnicodeDecodeError is a ValueError.
        raise view.error(f"LIEF cannot read it: {error}") from error
    for what, seen, expected in (
        ("PT_INTERP", read.interpreter, interpreter),
        ("DT_NEEDED", read.needed, dynamic.texts(DT_NEEDED)),
    ):
        if seen != expected:
            raise view.error(f"two readers disagree about {what}: {seen!r} and {expected!r}")
    return read


def _kind(layout: Layout, dynamic: Dynamic, interpreter: str | None) -> Kind:
    """
    Tell an executable from a shared library; both are ET_DYN.

    DF_1_PIE is an executable's alone (glibc refuses to dlopen it), but Go's internal linker and old ones do not set it.
    A DT_SONAME is a library's, though that library may also start: libc.so.6 has a PT_INTERP. DT_DEBUG is written
    into executables only. What has no dynamic table can only be started.
    """
    if layout.header.type == ET_REL:
        return "object"
    if layout.header.type == ET_EXEC or dynamic.has(DT_FLAGS_1, DF_1_PIE):
        return "executable"
    if dynamic.has(DT_SONAME):
        return "shared-library"
    if interpreter is not None or dynamic.has(DT_DEBUG) or not dynamic.entries:
        return "executable"
    return "shared-library"


def _linkage(layout: Layout, kind: Kind, read: _Read) -> Linkage | None:
    if kind == "object":
        return None
    if kind == "shared-library" or read.interpreter is not None or read.needed:
        return "dynamic"
    return "static" if layout.header.type == ET_EXEC else "static-pie"


def _told_target(layout: Layout, imports: Imports, read: _Read) -> Target | None:
    """Give the port as the headers tell it."""
    goarch = goarch_of(layout.header)
    versions = [need.version for need in imports.version_needs]
    goos = goos_of(layout.header, read_notes(layout), read.interpreter, versions, read.needed)
    return None if goos is None or goarch is None else Target(goos=goos, goarch=goarch)


def _target(layout: Layout, told: Target | None, go: GoFacts) -> Target | None:
    """
    Give the port: the machine field tells the architecture, the build info the system.

    The build info is a witness only of the architecture (a rule holds the two against each other). Of the system the
    headers say little: Android and illumos look like Linux and Solaris. Before Go 1.18 the build info had no GOOS, but
    Go's entry point is named after it.
    """
    built = go.image.target if go.image else None
    goos = built.goos if built else told.goos if told else go.content.startup
    goarch = goarch_of(layout.header) or (built.goarch if built else None)
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
    return any(
        section.name in (".debug_info", ".zdebug_info") and section.size and section.type != SHT_NOBITS
        for section in layout.sections
    )


def _hardening(layout: Layout, dynamic: Dynamic, target: Target | None) -> Hardening:
    if layout.header.type == ET_REL:
        return Hardening()
    return Hardening(
        pie=layout.header.type != ET_EXEC,
        nx=_nx(layout, target.goos if target else None),
        relro=_relro(layout, dynamic),
        writable_code=any(segment.flags & PF_W and segment.flags & PF_X for segment in layout.segments_of(PT_LOAD)),
    )


def _nx(layout: Layout, goos: str | None) -> bool:
    """Say whether the system that the image is for maps its stack not executable."""
    if goos in _NX_ALWAYS:
        return True
    stack = layout.one(PT_SUNWSTACK if goos in _SUN else PT_GNU_STACK)
    if stack is not None:
        return not stack.flags & PF_X
    return layout.header.bits == 64 if goos in _SUN else goarch_of(layout.header) in _NX_BY_DEFAULT


def _relro(layout: Layout, dynamic: Dynamic) -> Relro:
    segment = layout.one(PT_GNU_RELRO)
    if segment is None or not segment.memory_size:
        return "none"
    now = dynamic.has(DT_BIND_NOW) or dynamic.has(DT_FLAGS, DF_BIND_NOW) or dynamic.has(DT_FLAGS_1, DF_1_NOW)
    return "full" if now else "partial"
