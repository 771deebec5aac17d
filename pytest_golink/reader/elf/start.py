"""
What the kernel and the loader make of an ELF image: a program or a library, how it is linked, and why it would crash.

Source: Linux' fs/binfmt_elf.c; glibc's elf/rtld.c, elf/dl-reloc.c (_dl_protect_relro) and sysdeps/*/dl-machine.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.reader.elf.dynamic import (
    DF_1_PIE,
    DT_DEBUG,
    DT_FLAGS_1,
    DT_SONAME,
)
from pytest_golink.reader.elf.kernel import PAGE_BYTES
from pytest_golink.reader.elf.layout import (
    ET_EXEC,
    ET_REL,
    PF_W,
    PF_X,
    PT_DYNAMIC,
    PT_GNU_RELRO,
)
from pytest_golink.reader.elf.places import relro_end, unmapped_places

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_golink.facts import Kind, Linkage, Relro
    from pytest_golink.reader.elf.dynamic import Dynamic
    from pytest_golink.reader.elf.layout import Layout
    from pytest_golink.reader.elf.relocations import Relocated

_EM_MIPS, _EM_PPC64 = 8, 21


def kind_of(layout: Layout, dynamic: Dynamic, interpreter: str | None) -> Kind:
    """
    Tell an executable from a shared library; both are ET_DYN.

    Only an executable has DF_1_PIE (glibc refuses to dlopen it), but Go's internal linker and old ones do not set it.
    Only an executable has DT_DEBUG, which a link editor writes for the loader to fill in; with a PT_INTERP it starts,
    whatever DT_SONAME says. Else a DT_SONAME is a library's, though that library may also start: libc.so.6 has a
    PT_INTERP. What has no dynamic table can only be started.
    """
    if layout.header.type == ET_REL:
        return "object"
    if layout.header.type == ET_EXEC or dynamic.has(DT_FLAGS_1, DF_1_PIE):
        return "executable"
    if interpreter is not None and dynamic.has(DT_DEBUG):
        return "executable"
    if dynamic.has(DT_SONAME):
        return "shared-library"
    if interpreter is not None or dynamic.has(DT_DEBUG) or not dynamic.entries:
        return "executable"
    return "shared-library"


def linkage_of(layout: Layout, kind: Kind, interpreter: str | None, needed: Sequence[object]) -> Linkage | None:
    """Return how an image is linked, None for an object."""
    if kind == "object":
        return None
    if kind == "shared-library" or interpreter is not None or needed:
        return "dynamic"
    return "static" if layout.header.type == ET_EXEC else "static-pie"


def relro_of(layout: Layout, dynamic: Dynamic, relocated: Relocated) -> Relro:
    """
    Return what the loader protects after it has relocated the image, in whole pages.

    It is "full" where everything is bound at the start and the slots of all imports are protected.
    """
    segment = layout.one(PT_GNU_RELRO)
    if segment is None:
        return "none"
    start = segment.address // PAGE_BYTES * PAGE_BYTES
    end = relro_end(layout, segment)
    if end <= start:
        return "none"
    protected = all(start <= slot < end for slot in relocated.slots)
    return "full" if dynamic.binds_now and protected else "partial"


def crashes(
    layout: Layout,
    dynamic: Dynamic,
    kind: Kind,
    interpreter: str | None,
    relocated: Relocated,
    *,
    calls_init: bool,
) -> Iterator[str]:
    """Yield why a program would not start on any system, a reason each; `calls_init`: see unmapped_places."""
    if kind != "executable":
        return
    entry = layout.load_at(layout.header.entry)
    # In the first ABI of 64-bit PowerPC the entry point is a function descriptor, in data.
    descriptor = layout.header.machine == _EM_PPC64
    if entry is None or not (entry.flags & PF_X or descriptor):
        yield f"the entry point 0x{layout.header.entry:x} lies in no executable PT_LOAD"
    if interpreter is None:
        return
    table = layout.one(PT_DYNAMIC)
    segment = layout.load_at(table.address) if table else None
    if segment is None:
        yield "there is a PT_INTERP, but no PT_DYNAMIC for the loader that it names"
    elif table and not segment.flags & PF_W and layout.header.machine != _EM_MIPS:
        # The loader writes the address of its list for debuggers (on MIPS to where DT_MIPS_RLD_MAP points). The table
        # of what can lie anywhere it relocates, but for one that says it is read-only (glibc 2.35: l_ld_readonly).
        if dynamic.has(DT_DEBUG):
            yield "PT_DYNAMIC lies in a PT_LOAD that is not writable, and the loader writes DT_DEBUG there"
        elif layout.header.type != ET_EXEC and table.flags & PF_W:
            yield "PT_DYNAMIC lies in a PT_LOAD that is not writable, and the loader relocates it"
    yield from unmapped_places(layout, dynamic, interpreter, calls_init=calls_init)
    if relocated.odd and not dynamic.binds_now:
        listed = ", ".join(str(kind) for kind in sorted(relocated.odd))
        yield f"DT_JMPREL has relocations of type {listed}, which the loader refuses there"
