"""
PE images: executables and DLLs.

Source: Microsoft's PE Format specification.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.facts import BinaryFacts, Hardening, ImportedSymbol, Pe, Target
from pytest_golink.golang.image import MappedImage, Region
from pytest_golink.reader.bounds import View
from pytest_golink.reader.coff.tables import DWARF_SECTIONS, GOARCH, read_string_table, read_symbols
from pytest_golink.reader.dwarf import DebugSection
from pytest_golink.reader.go_facts import read_go_facts
from pytest_golink.reader.libc import classify_libc
from pytest_golink.reader.pe.exports import read_exports
from pytest_golink.reader.pe.imports import read_imports
from pytest_golink.reader.pe.layout import RELOCATION, SYMBOL_BYTES, read_layout
from pytest_golink.reader.pe.signature import read_signature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.reader.pe.layout import Layout

_DYNAMIC_BASE, _NX_COMPAT = 0x40, 0x100
# IMAGE_SUBSYSTEM_EFI_APPLICATION, _EFI_BOOT_SERVICE_DRIVER, _EFI_RUNTIME_DRIVER, _EFI_ROM, _WINDOWS_BOOT_APPLICATION:
# firmware or the boot loader starts these, not Windows.
_EFI = frozenset({10, 11, 12, 13, 16})
# winnt.h's IMAGE_SUBSYSTEM_*.
_SUBSYSTEMS = {
    1: "native",
    2: "gui",
    3: "console",
    5: "os/2 console",
    7: "posix console",
    8: "native windows",
    9: "windows ce",
    10: "efi application",
    11: "efi boot service driver",
    12: "efi runtime driver",
    13: "efi rom",
    14: "xbox",
    16: "windows boot application",
}
_HIGH_ENTROPY_VA, _GUARD_CF = 0x20, 0x4000


def read_pe(path: str, data: memoryview) -> BinaryFacts:
    """
    Read the facts of one PE image.

    `os_minimum` is the subsystem version: the loader refuses an image whose subsystem version is above the system's
    own; nothing looks at the operating system version beside it. Go's linker writes the same into both.

    Raises:
        UnreadableBinaryError: The file is no PE image, or damaged.
    """
    view = View(data, path=path, format="pe")
    layout = read_layout(view)
    libraries = read_imports(layout)
    needed = tuple(each.library for each in libraries)
    # Go's linker, for one, names some functions twice.
    imports = tuple(
        dict.fromkeys(
            ImportedSymbol(name=name, library=each.library.name) for each in libraries for name in each.symbols
        )
    )
    goarch = GOARCH.get(layout.machine)
    efi = layout.subsystem in _EFI
    target = None if efi or goarch is None else Target(goos="windows", goarch=goarch)
    debug = (DebugSection(name=section.name, data=section.data) for section in layout.sections)
    go = read_go_facts(_map(layout), imports=imports, debug=debug)
    major, minor = layout.subsystem_version
    signature = read_signature(layout)
    name, exports = read_exports(layout)
    return BinaryFacts(
        path=path,
        size=view.size,
        format="pe",
        kind="shared-library" if layout.is_library else "executable",
        target=target,
        linkage="dynamic" if needed else "static",
        needs_loader_only=None,
        interpreter=None,
        needed=needed,
        rpath=None,
        runpath=None,
        imports=imports,
        libc=classify_libc(goos="windows", needed=[library.name for library in needed], imports=imports),
        cgo=go.cgo,
        link_mode=go.link_mode,
        resolver=go.resolver,
        static_name_service=(),
        symtab=layout.symbols[1] > 0,
        dwarf=any(section.name in DWARF_SECTIONS and len(section.data) > 0 for section in layout.sections),
        hardening=_hardening(layout),
        os_minimum=None if efi else f"{major}.{minor}",
        signed="none" if signature is None else "signed",
        go=go.build,
        content=go.content,
        symtab_size=_symtab_size(layout),
        dwarf_size=sum(
            len(section.data) for section in layout.sections if section.name.startswith((".debug_", ".zdebug_"))
        ),
        soname=name,
        exports=exports,
        signature=signature,
        pe=Pe(
            subsystem=_SUBSYSTEMS.get(layout.subsystem, f"subsystem {layout.subsystem}"),
            control_flow_guard=bool(layout.dll_characteristics & _GUARD_CF),
            high_entropy_va=bool(layout.dll_characteristics & _HIGH_ENTROPY_VA),
        ),
    )


def map_image(path: str, data: memoryview) -> MappedImage:
    """
    Return one PE image as its loader maps it.

    Raises:
        UnreadableBinaryError: The file is no PE image, or damaged.
    """
    return _map(read_layout(View(data, path=path, format="pe")))


def _map(layout: Layout) -> MappedImage:
    sections = tuple(
        Region(
            name=section.name,
            address=layout.image_base + section.rva,
            offset=section.offset,
            data=section.data,
            writable=section.writable,
            executable=section.executable,
        )
        for section in layout.sections
    )
    return MappedImage(
        path=layout.view.path,
        format="pe",
        pointer_size=8 if layout.wide else 4,
        byteorder="little",
        entry=layout.image_base + layout.entry_rva if layout.entry_rva else None,
        segments=sections,
        sections=sections,
        # Base relocations only add to what stands in place: the addresses there are already the linker's.
        relocated=lambda _: None,
        symbols=lambda: _symbols(layout),
    )


def _symbols(layout: Layout) -> Mapping[str, int]:
    bases = [layout.image_base + section.rva for section in layout.sections]
    return read_symbols(layout.view, *layout.symbols, bases)


def _symtab_size(layout: Layout) -> int:
    start, count = layout.symbols
    return count * SYMBOL_BYTES + len(read_string_table(layout.view, start, count, SYMBOL_BYTES) or b"")


def _hardening(layout: Layout) -> Hardening:
    relocations = layout.directory(RELOCATION)
    return Hardening(
        # The flag alone moves nothing: without base relocations the loader leaves the image where it is.
        pie=bool(layout.dll_characteristics & _DYNAMIC_BASE)
        and not layout.relocations_stripped
        and relocations is not None
        and relocations[1] > 0,
        nx=bool(layout.dll_characteristics & _NX_COMPAT),
        writable_code=any(section.writable and section.executable for section in layout.sections),
    )
