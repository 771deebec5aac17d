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
# Lists of functions, with the tag of their size.
_INIT_ARRAY = (25, 27, "DT_INIT_ARRAY")
_PREINIT_ARRAY = (32, 33, "DT_PREINIT_ARRAY")


def unmapped_places(layout: Layout, dynamic: Dynamic, *, calls_init: bool) -> Iterator[str]:
    """
    Yield what is read, called or protected at the start where the program has no memory, a reason each.

    Args:
        layout: The headers.
        dynamic: The dynamic table.
        calls_init: Whether start-up code calls DT_INIT and DT_INIT_ARRAY, which the loader leaves to it: not that of
            Go, nor that of C from before glibc 2.34, which knows its functions itself.

    Raises:
        UnreadableBinaryError: Loaders count another number of functions in an array.

    Source: glibc's elf/dl-init.c (call_init), csu/libc-start.c; csu/elf-init.c of 2.33.
    """
    yield from _thread_local(layout)
    yield from _protected(layout)
    first = dynamic.value(_DT_INIT)
    if first and calls_init and not _is_mapped(layout, first, 1):
        yield f"DT_INIT 0x{first:x}, which C's start-up code calls, lies in no PT_LOAD"
    for tag, size_tag, name in (_INIT_ARRAY, _PREINIT_ARRAY) if calls_init else (_PREINIT_ARRAY,):
        address, size = dynamic.value(tag), dynamic.value(size_tag)
        if size and size // (layout.header.bits // 8) >> 32:
            # glibc counts in an unsigned int, musl in a size_t.
            raise layout.view.error(f"{name} has {size} bytes: glibc and musl count its functions in another way")
        if address and size and not _is_mapped(layout, address, size):
            yield f"{name} (0x{address:x}, {size} bytes) lies in no PT_LOAD"
    table = dynamic.value(DT_PLTGOT)
    if table and dynamic.value(DT_JMPREL) and not dynamic.binds_now and not _is_mapped(layout, table, 1):
        yield f"DT_PLTGOT 0x{table:x}, which the loader writes, lies in no PT_LOAD"


def _is_mapped(layout: Layout, address: int, size: int) -> bool:
    return any(first <= address and address + size <= end for first, end in map(whole_pages, layout.loads))


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
