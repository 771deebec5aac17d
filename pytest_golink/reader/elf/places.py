"""
What glibc's and musl's loader touch at a program's start by the addresses that its headers name: it must be mapped.

Linux maps whole pages, so that what lies behind a segment in its last page is there too.

Source: glibc's elf/dl-init.c (call_init), elf/dl-reloc.c (_dl_protect_relro), elf/dl-tls.c (_dl_allocate_tls_init).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.reader.elf.dynamic import DT_JMPREL, DT_PLTGOT
from pytest_golink.reader.elf.kernel import PAGE_BYTES
from pytest_golink.reader.elf.layout import PF_W, PF_X, PT_GNU_RELRO, PT_TLS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.reader.elf.dynamic import Dynamic
    from pytest_golink.reader.elf.layout import Layout, Segment

# What is called at the end (DT_FINI) keeps no program from starting.
_DT_INIT = 12
# In the first ABI of 64-bit PowerPC a function's address is that of its descriptor, in data.
_EM_PPC64 = 21
# Machines on which the loader writes to DT_PLTGOT before it binds lazily; on others the processor's ABI does without.
# Source: glibc's sysdeps/*/dl-machine.h, elf_machine_runtime_setup.
_WRITES_PLTGOT = frozenset({3, 22, 40, 62, 183, 243, 258})
# Source: musl's ldso/dynlink.c, do_init_fini: it calls no DT_INIT of 0, and binds everything at the start.
_MUSL = "ld-musl-"
# Lists of functions, with the tag of their size.
_INIT_ARRAY = (25, 27, "DT_INIT_ARRAY")
_PREINIT_ARRAY = (32, 33, "DT_PREINIT_ARRAY")


def unmapped_places(layout: Layout, dynamic: Dynamic, interpreter: str, *, calls_init: bool) -> Iterator[str]:
    """
    Yield what is read, called, written or protected at the start where the program has no memory for that.

    Args:
        layout: The headers.
        dynamic: The dynamic table.
        interpreter: The loader.
        calls_init: Whether start-up code calls DT_INIT and DT_INIT_ARRAY, which the loader leaves to it: not that of
            Go, nor that of C from before glibc 2.34, which knows its functions itself.

    Raises:
        UnreadableBinaryError: Loaders count another number of functions in an array.

    Source: glibc's elf/dl-init.c (call_init), csu/libc-start.c; csu/elf-init.c of 2.33.
    """
    musl = _MUSL in interpreter
    yield from _thread_local(layout)
    yield from _protected(layout)
    first = dynamic.value(_DT_INIT)
    if first is not None and calls_init and not (_is_code(layout, first) or (musl and not first)):
        yield f"DT_INIT 0x{first:x}, which C's start-up code calls, lies in no executable PT_LOAD"
    for tag, size_tag, name in (_INIT_ARRAY, _PREINIT_ARRAY) if calls_init else (_PREINIT_ARRAY,):
        address, size = dynamic.value(tag), dynamic.value(size_tag)
        if size and size // (layout.header.bits // 8) >> 32:
            # glibc counts in an unsigned int, musl in a size_t.
            raise layout.view.error(f"{name} has {size} bytes: glibc and musl count its functions in another way")
        # At 0 lies the ELF header, or nothing: never a list.
        if address is not None and size and not (address and _is_mapped(layout, address, size)):
            yield f"{name} (0x{address:x}, {size} bytes) lies in no PT_LOAD"
    table = dynamic.value(DT_PLTGOT)
    if table is None or not dynamic.value(DT_JMPREL) or dynamic.binds_now or musl:
        return
    if layout.header.machine in _WRITES_PLTGOT and not _is_mapped(layout, table, 1, flag=PF_W):
        yield f"DT_PLTGOT 0x{table:x}, which the loader writes, lies in no writable PT_LOAD"


def _is_code(layout: Layout, address: int) -> bool:
    return _is_mapped(layout, address, 1, flag=0 if layout.header.machine == _EM_PPC64 else PF_X)


def _is_mapped(layout: Layout, address: int, size: int, *, flag: int = 0) -> bool:
    """Whether the pages of one segment, which has the flag, hold that many bytes."""
    loads = (load for load in layout.loads if load.flags & flag == flag)
    return any(first <= address and address + size <= end for first, end in map(whole_pages, loads))


def whole_pages(segment: Segment) -> tuple[int, int]:
    """Return where the pages of a segment begin and end."""
    end = segment.address + segment.memory_size
    return segment.address // PAGE_BYTES * PAGE_BYTES, -(-end // PAGE_BYTES) * PAGE_BYTES


def _thread_local(layout: Layout) -> Iterator[str]:
    tls = layout.one(PT_TLS)
    if tls is None or not tls.memory_size:
        return
    if tls.file_size > tls.memory_size:
        yield f"PT_TLS has {tls.file_size} bytes in the file and only {tls.memory_size} in memory"
    if tls.file_size and not _is_mapped(layout, tls.address, tls.file_size):
        yield f"PT_TLS 0x{tls.address:x}, which the loader copies, lies in no PT_LOAD"


def _protected(layout: Layout) -> Iterator[str]:
    """Yield why the loader cannot make the pages of PT_GNU_RELRO read-only, or takes code away with them."""
    relro = layout.one(PT_GNU_RELRO)
    if relro is None:
        return
    end = relro_end(layout, relro)
    start = at = relro.address // PAGE_BYTES * PAGE_BYTES
    for segment in layout.loads:
        first, behind = whole_pages(segment)
        if not first <= at < min(end, behind):
            continue
        if segment.flags & PF_X and not segment.flags & PF_W:
            yield f"PT_GNU_RELRO 0x{relro.address:x} covers code, which the loader makes not executable"
            return
        at = behind
    if at < end or end < start:
        yield f"PT_GNU_RELRO 0x{relro.address:x} covers memory that no PT_LOAD maps"


def relro_end(layout: Layout, relro: Segment) -> int:
    """Return where the last whole page of PT_GNU_RELRO ends, in the arithmetic of the loader."""
    return (relro.address + relro.memory_size) % (1 << layout.header.bits) // PAGE_BYTES * PAGE_BYTES
