"""What an ELF image's headers and notes say of memory, of the CPU, and of the bytes that stripping takes away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.facts import CpuLevel, ProgramHeader
from pytest_golink.reader.elf.attributes import attribute_levels
from pytest_golink.reader.elf.layout import (
    ET_REL,
    PF_W,
    PF_X,
    PT_GNU_RELRO,
    PT_GNU_STACK,
    PT_LOAD,
    SHT_NOBITS,
    SHT_SYMTAB,
)
from pytest_golink.reader.elf.notes import read_notes
from pytest_golink.reader.elf.target import goarch_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.reader.elf.layout import Layout

_PF_R = 4
_SHOWN = frozenset({PT_LOAD, PT_GNU_STACK, PT_GNU_RELRO})

_NT_GNU_PROPERTY_TYPE_0 = 5
# Each linked object that says so needs this level: the linker keeps the union of the bits.
# Source: x86-64 psABI, "Program Property"; GNU_PROPERTY_X86_ISA_1_BASELINE, _V2, _V3, _V4.
_X86_ISA_1_NEEDED = 0xC0008002
_X86_KNOWN = 0xF
_X86_LEVELS = ((8, "v4"), (4, "v3"), (2, "v2"), (1, "v1"))


def program_headers(layout: Layout) -> tuple[ProgramHeader, ...]:
    """Return the program headers that say how memory is laid out, in the file's order."""
    return tuple(
        ProgramHeader(
            type=segment.name,
            flags="".join(
                letter if segment.flags & bit else "-" for bit, letter in ((_PF_R, "r"), (PF_W, "w"), (PF_X, "x"))
            ),
            offset=segment.offset,
            address=segment.address,
            memory_size=segment.memory_size,
            alignment=segment.alignment,
        )
        for segment in layout.segments
        if segment.type in _SHOWN
    )


def cpu_notes(layout: Layout) -> tuple[CpuLevel, ...]:
    """
    Return the CPU level that the notes and attributes of an image's C code ask for.

    On amd64 it is the GNU property note, which C compilers write only with -mneeded. A note that says v2 proves that
    v2 is needed, and none proves nothing.

    Raises:
        UnreadableBinaryError: The attributes are damaged.
    """
    if layout.header.type == ET_REL:
        return ()
    if goarch_of(layout.header) != "amd64":
        return attribute_levels(layout)
    return tuple(
        CpuLevel(setting="GOAMD64", level=level, via="GNU_PROPERTY_X86_ISA_1_NEEDED")
        for kind, content in _properties(layout)
        if kind == _X86_ISA_1_NEEDED
        for level in [_x86_level(int.from_bytes(content, "little"))]
        if level is not None
    )


def _x86_level(bits: int) -> str | None:
    if bits & ~_X86_KNOWN:
        # A level that was not there when this was written: a loader that does not know it refuses the image.
        return f"0x{bits:x}"
    return next((name for bit, name in _X86_LEVELS if bits & bit), None)


def _properties(layout: Layout) -> Iterator[tuple[int, bytes]]:
    """Yield (type, data) of each GNU property of an amd64 image, up to a damaged one."""
    head = layout.header.layout("II", "II")
    for owner, kind, content in read_notes(layout):
        if (owner, kind) != (b"GNU", _NT_GNU_PROPERTY_TYPE_0):
            continue
        at = 0
        while len(content) - at >= head.size:
            property_, size = head.unpack_from(content, at)
            data = content[at + head.size : at + head.size + size]
            if len(data) < size:
                return
            yield property_, data
            at += head.size + -(-size // 8) * 8


def symtab_size(layout: Layout) -> int:
    """Count the bytes of .symtab with the names of its symbols, which is what -s leaves out."""
    return sum(
        section.size + layout.sections[section.link].size for section in layout.sections if section.type == SHT_SYMTAB
    )


def dwarf_size(layout: Layout) -> int:
    """Count the bytes of the DWARF sections, compressed ones as they are in the file."""
    return sum(
        section.size
        for section in layout.sections
        if section.name.startswith((".debug_", ".zdebug_")) and section.type != SHT_NOBITS
    )
