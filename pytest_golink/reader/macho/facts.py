"""
Mach-O images, thin and fat: libraries, imports, signature and the rest of the fact sheet.

Source: Apple's mach-o/loader.h and mach-o/fat.h.
"""

from __future__ import annotations

from dataclasses import replace
from struct import Struct
from typing import TYPE_CHECKING

from pytest_golink.facts import BinaryFacts, Hardening, NeededLibrary
from pytest_golink.golang.image import MappedImage
from pytest_golink.reader.bounds import View
from pytest_golink.reader.dwarf import DebugSection
from pytest_golink.reader.go_facts import read_go_facts
from pytest_golink.reader.libc import classify_libc
from pytest_golink.reader.macho.commands import (
    LC_DYLD_ENVIRONMENT,
    LC_ID_DYLIB,
    LC_LOAD_DYLINKER,
    LC_MAIN,
    LC_RPATH,
    LC_UNIXTHREAD,
    LOAD_DYLIB,
    MH_BUNDLE,
    MH_DYLIB,
    MH_EXECUTE,
    MH_OBJECT,
    read_commands,
)
from pytest_golink.reader.macho.exports import read_exports
from pytest_golink.reader.macho.fixups import read_rebases
from pytest_golink.reader.macho.identity import read_identity
from pytest_golink.reader.macho.imports import read_imports
from pytest_golink.reader.macho.layout import read_layout
from pytest_golink.reader.macho.policy import read_policy
from pytest_golink.reader.macho.signature import CodeSignature, read_signature
from pytest_golink.reader.macho.symbols import read_symbols
from pytest_golink.reader.macho.target import read_platform, slice_name
from pytest_golink.reader.witnesses.lief_macho import agree_with_lief

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.facts import Kind, Linkage
    from pytest_golink.reader.macho.commands import Commands
    from pytest_golink.reader.macho.layout import Layout
    from pytest_golink.reader.macho.symbols import SymbolTable

# Without CPU_SUBTYPE_MASK, whose bits are capabilities.
_CPU_SUBTYPE = 0x00FFFFFF
_FAT_MAGIC, _FAT_MAGIC_64 = 0xCAFEBABE, 0xCAFEBABF
_MH_PIE, _MH_ALLOW_STACK_EXECUTION = 0x200000, 0x20000
_KINDS: dict[int, Kind] = {
    MH_OBJECT: "object",
    MH_EXECUTE: "executable",
    MH_DYLIB: "shared-library",
    MH_BUNDLE: "shared-library",
}
# The program counter in LC_UNIXTHREAD: the thread state's flavor, a register's width and the register's place
# (mach/i386/thread_status.h, mach/arm/thread_status.h).
_PROGRAM_COUNTERS = {0x7: (1, "I", 10), 0x01000007: (4, "Q", 16), 0xC: (1, "I", 15), 0x0100000C: (6, "Q", 32)}


def read_macho(path: str, data: memoryview) -> tuple[BinaryFacts, ...]:
    """
    Read the facts of a Mach-O file: one image, or one for each slice of a fat file, in the file's order.

    Raises:
        UnreadableBinaryError: The file is damaged, or of a kind that is not read (core file, dSYM, …).
    """
    view = View(data, path=path, format="macho")
    fat64 = bytes(view.data[:4]) == Struct(">I").pack(_FAT_MAGIC_64)
    return tuple(_read_image(part, fat_cpu=cpu, fat64=fat64, file_size=view.size) for cpu, part in _parts(view))


def map_images(path: str, data: memoryview) -> tuple[tuple[str | None, MappedImage], ...]:
    """
    Return each slice's name and the image as its loader maps it.

    Raises:
        UnreadableBinaryError: The file is truncated or damaged, or not of a kind that is read.
    """
    mapped = []
    for cpu, part in _parts(View(data, path=path, format="macho")):
        image = read_commands(part)
        mapped.append((slice_name(cpu), _map(image, read_layout(image), read_symbols(image))))
    return tuple(mapped)


def _parts(view: View) -> Iterator[tuple[int | None, View]]:
    """Yield the images in a file: itself, or a fat file's slices with their CPU types."""
    (magic,) = view.unpack(Struct(">I"), 0, "the magic number")
    if magic not in (_FAT_MAGIC, _FAT_MAGIC_64):
        yield None, view
        return
    for cpu, start, size in _slices(view, wide=magic == _FAT_MAGIC_64):
        yield cpu, View(view.slice(start, size, "a slice"), path=view.path, format="macho", base=start)


def _slices(view: View, *, wide: bool) -> tuple[tuple[int, int, int], ...]:
    """CPU type, offset and size of each slice."""
    (count,) = view.unpack(Struct(">4xI"), 0, "the fat header")
    # fat_arch: cputype, cpusubtype, offset, size, align; fat_arch_64 ends in a reserved word.
    entry = Struct(">2I2Q2I" if wide else ">5I")
    table = view.slice(8, count * entry.size, f"the table of {count} slices")
    if not count:
        raise view.error("is a fat file without a slice")
    parts = [fields[:4] for fields in entry.iter_unpack(table)]
    kinds: set[tuple[int, int]] = set()
    for cpu, subtype, *_ in parts:
        kind = (cpu, subtype & _CPU_SUBTYPE)
        if kind in kinds:
            raise view.error(f"has two slices for {slice_name(cpu)} (CPU subtype {subtype}), which no loader takes")
        kinds.add(kind)
    found = tuple((cpu, start, size) for cpu, _, start, size in parts)
    free = 8 + len(table)
    for cpu, start, size in sorted(found, key=lambda item: item[1]):
        view.check(start, size, f"the slice for CPU type 0x{cpu:x}")
        if start < free:
            raise view.error(f"the slice for CPU type 0x{cpu:x} overlaps what ends at 0x{free:x}", start)
        free = start + size
    return found


def _read_image(view: View, *, fat_cpu: int | None, fat64: bool, file_size: int) -> BinaryFacts:
    image = read_commands(view)
    if fat_cpu not in (None, image.cpu):
        raise view.error(f"the fat header says CPU type 0x{fat_cpu:x}, the slice 0x{image.cpu:x}", 0)
    layout = read_layout(image)
    needed, interpreter, rpath = _libraries(image)
    symbols = read_symbols(image)
    imports = read_imports(image, symbols, [library.name for library in needed])
    kind = _KINDS[image.file_type]
    target, os_minimum = read_platform(image)
    signature = CodeSignature(kind="none") if kind == "object" else read_signature(image)
    go = read_go_facts(
        _map(image, layout, symbols),
        imports=imports,
        debug=(
            DebugSection(name=section.name, data=section.data)
            for section in layout.sections
            if section.name.startswith("__DWARF,")
        ),
    )
    linkage: Linkage | None = None if kind == "object" else "dynamic"
    if kind == "executable" and interpreter is None and not needed:
        linkage = "static"
    return BinaryFacts(
        path=view.path,
        size=file_size,
        format="macho",
        kind=kind,
        target=target,
        linkage=linkage,
        needs_loader_only=interpreter is not None and not needed if kind == "executable" else None,
        interpreter=interpreter,
        needed=needed,
        rpath=rpath,
        runpath=None,
        imports=imports,
        # Whatever Apple system it is for, libSystem is the C library.
        libc=classify_libc(goos="darwin", needed=[library.name for library in needed], imports=imports),
        cgo=go.cgo,
        link_mode=go.link_mode,
        resolver=go.resolver,
        static_name_service=(),
        symtab=symbols is not None and symbols.unneeded,
        dwarf=_has_dwarf(layout),
        hardening=_hardening(image, layout),
        os_minimum=os_minimum,
        signed=None if kind == "object" else signature.kind,
        go=go.build,
        content=go.content,
        slice=slice_name(fat_cpu),
        macho=replace(
            read_identity(image),
            policy=read_policy(image, needed),
            slice_offset=None if fat_cpu is None else view.base,
            fat64=fat64,
            code_flags=signature.flags,
            entitlements=signature.entitlements,
            restricted=any(section.name == "__RESTRICT,__restrict" for section in layout.sections),
            environment=tuple(image.string(command) for command in image.all(LC_DYLD_ENVIRONMENT)),
            hardened_runtime=signature.hardened_runtime,
        ),
        soname=next((image.string(command) for command in image.all(LC_ID_DYLIB)), None),
        exports=None if kind == "object" else read_exports(image, symbols),
        signature=signature.content,
        symtab_size=0 if symbols is None else symbols.size,
        dwarf_size=sum(len(section.data) for section in layout.sections if section.name.startswith("__DWARF,")),
    )


def _map(image: Commands, layout: Layout, symbols: SymbolTable | None) -> MappedImage:
    return MappedImage(
        path=image.view.path,
        format="macho",
        pointer_size=8 if image.wide else 4,
        byteorder="little" if image.order == "<" else "big",
        entry=_entry(image, layout),
        segments=layout.segments,
        sections=layout.sections,
        relocated=read_rebases(image, layout),
        symbols=dict if symbols is None else symbols.defined,
    )


def _libraries(image: Commands) -> tuple[tuple[NeededLibrary, ...], str | None, tuple[str, ...]]:
    """Return the needed libraries, the dynamic linker and the run paths; LIEF must have read the same ones."""
    needed = tuple(
        NeededLibrary(name=image.string(command), via=LOAD_DYLIB[command.number]) for command in image.all(*LOAD_DYLIB)
    )
    interpreter = next((image.string(command) for command in image.all(LC_LOAD_DYLINKER)), None)
    rpath = tuple(image.string(command) for command in image.all(LC_RPATH))
    agree_with_lief(image, needed, interpreter, rpath)
    return needed, interpreter, rpath


def _entry(image: Commands, layout: Layout) -> int | None:
    """Return the address of the entry point, None in a library or an object."""
    main = image.first(LC_MAIN)
    if main is not None:
        offset, _ = image.fields(main, "2Q", "LC_MAIN")
        if layout.base is None:
            raise image.view.error("LC_MAIN has no segment to count from", main.offset)
        return layout.base + int(offset)
    thread = image.first(LC_UNIXTHREAD)
    if thread is None or image.cpu not in _PROGRAM_COUNTERS:
        return None
    flavor, width, place = _PROGRAM_COUNTERS[image.cpu]
    found, _, *registers = image.fields(thread, f"2I{place + 1}{width}", "LC_UNIXTHREAD")
    if found != flavor:
        raise image.view.error(f"LC_UNIXTHREAD has the thread state flavor {found}, not {flavor}", thread.offset)
    return int(registers[place])


def _has_dwarf(layout: Layout) -> bool:
    names = ("__DWARF,__debug_info", "__DWARF,__zdebug_info")
    return any(section.name in names and len(section.data) > 0 for section in layout.sections)


def _hardening(image: Commands, layout: Layout) -> Hardening:
    if image.file_type == MH_OBJECT:
        return Hardening()
    return Hardening(
        # Libraries and bundles always are; MH_PIE is for executables.
        pie=image.file_type != MH_EXECUTE or bool(image.flags & _MH_PIE),
        nx=not image.flags & _MH_ALLOW_STACK_EXECUTION,
        writable_code=any(segment.writable and segment.executable for segment in layout.segments),
    )
