"""
The tables of an ELF file, held against the file's bounds and against each other.

An absence is believed only after this module has found every header, segment and section whole.

Source: System V gABI, chapters 4 and 5.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import chain
from struct import Struct
from typing import TYPE_CHECKING, Literal

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.reader.elf.kernel import LARGER_PAGES, PAGE_BYTES, check_ident, check_table_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.reader.bounds import View

ET_REL, ET_EXEC, ET_DYN, ET_CORE = 1, 2, 3, 4
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_PHDR, PT_TLS = 1, 2, 3, 4, 6, 7
PT_GNU_STACK, PT_GNU_RELRO = 0x6474E551, 0x6474E552
PT_SUNWSTACK = 0x6FFFFFFB
PF_X, PF_W = 1, 2
SHT_NULL, SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_DYNAMIC, SHT_NOBITS, SHT_DYNSYM = 0, 1, 2, 3, 6, 8, 11
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_COMPRESSED = 1, 2, 4, 0x800

_SHN_XINDEX = 0xFFFF  # the index of the section names is in section header 0
# Types up to PT_TLS, and the ranges left to systems and processors; nothing is defined outside.
_PT_LAST, _PT_LOOS, _PT_HIPROC = 7, 0x60000000, 0x7FFFFFFF
_SEGMENT_NAMES = {
    PT_LOAD: "PT_LOAD",
    PT_DYNAMIC: "PT_DYNAMIC",
    PT_INTERP: "PT_INTERP",
    PT_NOTE: "PT_NOTE",
    PT_PHDR: "PT_PHDR",
    PT_GNU_STACK: "PT_GNU_STACK",
    PT_GNU_RELRO: "PT_GNU_RELRO",
    PT_SUNWSTACK: "PT_SUNWSTACK",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """The file header, byte order and width applied; `count` fields are the real ones, past 0xffff too."""

    bits: Literal[32, 64]
    byteorder: Literal["little", "big"]
    os_abi: int
    type: int
    machine: int
    flags: int
    entry: int

    def layout(self, narrow: str, wide: str) -> Struct:
        """Make the structure with these fields in this file's byte order: `narrow` in 32-bit files, `wide` in 64."""
        return Struct(("<" if self.byteorder == "little" else ">") + (narrow if self.bits == 32 else wide))


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """One program header; its bytes are in the file."""

    type: int
    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int
    alignment: int

    @property
    def name(self) -> str:
        """The type's name in the specification."""
        return _SEGMENT_NAMES.get(self.type, f"segment of type 0x{self.type:x}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """One section header; its bytes are in the file unless it is NOBITS."""

    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    entry_size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """The checked tables of a file, in file order; `loads` are the PT_LOADs, which have ascending addresses."""

    view: View
    header: Header
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    loads: tuple[Segment, ...] = ()

    def segments_of(self, type_: int) -> tuple[Segment, ...]:
        """Return the segments of one type."""
        return tuple(segment for segment in self.segments if segment.type == type_)

    def one(self, type_: int) -> Segment | None:
        """Return the segment of a type that an image has at most once."""
        found = self.segments_of(type_)
        if len(found) > 1:
            raise self.view.error(f"there are {len(found)} {found[0].name} segments")
        return found[0] if found else None

    def offset_of(self, address: int, size: int, what: str) -> int:
        """
        Return the file offset of `size` bytes at `address`, which the file must hold in one piece.

        They are in one PT_LOAD, or go on in the next where that continues it in memory and in the file.
        """
        segment = self.load_at(address)
        if segment is None:
            raise self.view.error(f"{what} at address 0x{address:x} is in no PT_LOAD")
        end = address + size
        if end <= segment.address + segment.file_size or end <= self._mapped_up_to(segment):
            return segment.offset + address - segment.address
        raise self.view.error(
            f"{what} at address 0x{address:x} (size {size}) goes past the file bytes of its PT_LOAD", segment.offset
        )

    def load_at(self, address: int) -> Segment | None:
        """Return the PT_LOAD that an address lies in, None for one that is not mapped."""
        index = bisect_right(self.loads, address, key=lambda segment: segment.address) - 1
        segment = self.loads[index] if index >= 0 else None
        return segment if segment and address < segment.address + max(segment.memory_size, 1) else None

    def _mapped_up_to(self, segment: Segment) -> int:
        """Return the address up to which the bytes of a PT_LOAD, and of those that continue it, are in the file."""
        end = segment
        for following in self.loads[self.loads.index(segment) + 1 :]:
            # Must be contiguous both in memory and in the file; .bss in between ends the run.
            if (following.address, following.offset) != (end.address + end.file_size, end.offset + end.memory_size):
                break
            end = following
        return end.address + end.file_size


def read_layout(view: View) -> Layout:
    """
    Read and check the headers of an ELF file.

    Raises:
        UnreadableBinaryError: A header, segment or section is damaged, or its bytes are not all in the file.
    """
    ident = view.slice(0, 16, "the file header")
    bits = _choose(view, ident[4], {1: 32, 2: 64}, "EI_CLASS", 4)
    byteorder = _choose(view, ident[5], {1: "little", 2: "big"}, "EI_DATA", 5)
    if ident[6] != 1:
        raise view.error(f"EI_VERSION is {ident[6]}, not 1", 6)
    order = "<" if byteorder == "little" else ">"
    check_ident(view)
    layout = Struct(order + ("HHIIIIIHHHHHH" if bits == 32 else "HHIQQQIHHHHHH"))
    type_, machine, version, entry, phoff, shoff, flags, ehsize, phentsize, phnum, shentsize, shnum, shstrndx = (
        view.unpack(layout, 16, "the file header")
    )
    if version != 1:
        raise view.error(f"e_version is {version}, not 1", 20)
    header_size = 16 + layout.size
    if ehsize != header_size:
        raise view.error(f"e_ehsize is {ehsize}, not {header_size}", header_size - 12)
    if type_ == ET_CORE:
        raise view.error("a core file, not an image", 16)
    if type_ not in (ET_REL, ET_EXEC, ET_DYN):
        raise view.error(f"e_type is 0x{type_:x}: not an object, executable or shared library", 16)
    header = Header(
        bits=32 if bits == 32 else 64,
        byteorder="little" if byteorder == "little" else "big",
        os_abi=ident[7],
        type=type_,
        machine=machine,
        flags=flags,
        entry=entry,
    )
    # patchelf 0.14 lets the program headers grow over section header 0, in which nothing is needed then.
    overwritten = 0 < shoff < phoff + phentsize * phnum and bool(shnum) and shstrndx != _SHN_XINDEX
    first = _first_section(view, header, shoff, shentsize, shnum, overwritten=overwritten)
    if first is None and shnum:
        raise view.error(f"e_shoff is 0, but e_shnum is {shnum}", header_size - 12)
    if first is not None:
        # Section header 0 holds the counts that have no room in the file header.
        shnum = shnum or first.size
        shstrndx = first.link if shstrndx == _SHN_XINDEX else shstrndx
    segments = _read_segments(view, header, phoff, phentsize, phnum)
    sections = _read_sections(view, header, shoff, shnum, shstrndx) if first is not None else ()
    loads = () if type_ == ET_REL else tuple(segment for segment in segments if segment.type == PT_LOAD)
    checked = Layout(view=view, header=header, segments=segments, sections=sections, loads=loads)
    if type_ != ET_REL:
        _check_image(checked, phoff, phentsize * phnum)
    return checked


def read_interpreter(layout: Layout) -> str | None:
    """
    Read PT_INTERP, None where there is none.

    Raises:
        UnreadableBinaryError: It is not one text, or not in the file.
    """
    segment = layout.one(PT_INTERP)
    if segment is None:
        return None
    if not segment.file_size:
        raise layout.view.error("PT_INTERP has no bytes in the file (a file of debug information?)", segment.offset)
    text = layout.view.cstring(segment.offset, segment.offset + segment.file_size, "PT_INTERP")
    rest = bytes(layout.view.slice(segment.offset, segment.file_size, "PT_INTERP"))[len(text.encode()) :]
    if not text or rest.strip(b"\0"):
        raise layout.view.error(f"PT_INTERP is not one text: {text!r} and {rest!r}", segment.offset)
    return text


def _choose(view: View, value: int, values: dict[int, int] | dict[int, str], what: str, offset: int) -> int | str:
    if value not in values:
        raise view.error(f"{what} is {value}: neither 1 nor 2", offset)
    return values[value]


def _section_layout(header: Header) -> Struct:
    return header.layout("10I", "IIQQQQIIQQ")


def _first_section(
    view: View, header: Header, offset: int, entry_size: int, count: int, *, overwritten: bool
) -> Section | None:
    """Return section header 0; None where there is no table."""
    if not offset:
        return None
    layout = _section_layout(header)
    if entry_size != layout.size:
        raise view.error(f"e_shentsize is {entry_size}, not {layout.size}", 46 if header.bits == 32 else 58)
    _, type_, _, _, _, size, link, _, _, _ = view.unpack(layout, offset, "section header 0")
    if type_ != SHT_NULL and not overwritten:
        raise view.error(f"section header 0 is of type {type_}, not SHT_NULL", offset)
    if not count and not size:
        raise view.error("there is a section header table, but no count of its entries", offset)
    return Section(name="", type=type_, flags=0, address=0, offset=0, size=size, link=link, entry_size=0)


def _read_segments(view: View, header: Header, offset: int, entry_size: int, count: int) -> tuple[Segment, ...]:
    if not count:
        if header.type != ET_REL:
            raise view.error("there is no program header: nothing that a loader could map")
        return ()
    layout = header.layout("8I", "IIQQQQQQ")
    if entry_size != layout.size:
        raise view.error(f"e_phentsize is {entry_size}, not {layout.size}", 42 if header.bits == 32 else 54)
    check_table_size(view, count, entry_size)
    table = view.slice(offset, count * layout.size, f"the table of {count} program headers")
    segments = []
    for index, fields in enumerate(layout.iter_unpack(table)):
        if header.bits == 32:
            type_, start, address, _, file_size, memory_size, flags, alignment = fields
        else:
            type_, flags, start, address, _, file_size, memory_size, alignment = fields
        segment = Segment(
            type=type_,
            flags=flags,
            offset=start,
            address=address,
            file_size=file_size,
            memory_size=memory_size,
            alignment=alignment,
        )
        if not (type_ <= _PT_LAST or _PT_LOOS <= type_ <= _PT_HIPROC):
            raise view.error(f"program header {index} is of type 0x{type_:x}, which means nothing", offset)
        if file_size and type_:
            view.check(start, file_size, f"{segment.name} (program header {index})")
        segments.append(segment)
    return tuple(segments)


def _read_sections(view: View, header: Header, offset: int, count: int, names_index: int) -> tuple[Section, ...]:
    layout = _section_layout(header)
    table = view.slice(offset, count * layout.size, f"the table of {count} section headers")
    raw = list(layout.iter_unpack(table))
    names: tuple[int, int] | None = None
    if names_index:
        if names_index >= count:
            raise view.error(f"e_shstrndx is {names_index}, but there are {count} sections", offset)
        _, type_, _, _, start, size, *_ = raw[names_index]
        if type_ != SHT_STRTAB:
            raise view.error(f"the table of section names is of type {type_}, not SHT_STRTAB", start)
        view.check(start, size, "the table of section names")
        names = (start, start + size)
    sections = []
    for index, (name, type_, flags, address, start, size, link, _, _, entry_size) in enumerate(raw):
        # What an SHT_NULL header holds is undefined (gABI); header 0 holds the extended counts.
        if type_ == SHT_NULL or not index:
            type_, name, flags, address, start, size, link, entry_size = SHT_NULL, 0, 0, 0, 0, 0, 0, 0
        text = _section_name(view, names, name) if names and type_ != SHT_NULL else ""
        if type_ not in (SHT_NULL, SHT_NOBITS):
            view.check(start, size, f"section {index} ({text})")
        if link >= count:
            raise view.error(f"section {index} ({text}) refers to section {link} of {count}", offset)
        sections.append(
            Section(
                name=text,
                type=type_,
                flags=flags,
                address=address,
                offset=start,
                size=size,
                link=link,
                entry_size=entry_size,
            )
        )
    return tuple(sections)


def _section_name(view: View, names: tuple[int, int], index: int) -> str:
    """
    Return a section's name, "" for one that is no text of the table.

    No loader reads it, and llvm-strip leaves such names: it shortens the table of Go's linker as if that were its own.
    """
    start, end = names
    try:
        return view.cstring(start + index, end, "a section's name")
    except UnreadableBinaryError:
        return ""


def _check_image(layout: Layout, phoff: int, table_size: int) -> None:
    """Check what an executable or a shared library keeps besides, so that its loader sees what we see."""
    view = layout.view
    if not layout.loads:
        raise view.error("there is no PT_LOAD: nothing that a loader could map", phoff)
    for problem, segment in chain(_segment_problems(layout, phoff, table_size), _mapping_problems(layout)):
        raise view.error(f"{segment.name} {problem}", segment.offset)
    _check_twins(layout)


def _mapping_problems(layout: Layout) -> Iterator[tuple[str, Segment]]:
    """Yield the PT_LOADs that replace what an earlier one brought: the kernel maps whole pages, in this order."""
    # Two in one page do no harm where they map the same page of the file, and the first one has no zeros to keep.
    last: Segment | None = None
    for segment in layout.loads:
        if not segment.memory_size:
            continue
        for page in (PAGE_BYTES, *LARGER_PAGES.get(layout.header.machine, ())):
            # A kernel with pages larger than p_align finds other things to refuse.
            if last is None or page > max(PAGE_BYTES, min(segment.alignment, last.alignment)):
                continue
            shared = segment.address // page <= (last.address + last.memory_size - 1) // page
            same = segment.address - segment.offset == last.address - last.offset
            if shared and (not same or last.memory_size > last.file_size or not segment.file_size):
                yield (
                    f"at address 0x{segment.address:x} begins in the last page of the PT_LOAD before it: Linux maps "
                    f"whole pages{'' if page == PAGE_BYTES else f', here of {page >> 10} KiB'}, and this one replaces "
                    "what that one has there",
                    segment,
                )
        last = segment


def _segment_problems(layout: Layout, phoff: int, table_size: int) -> Iterator[tuple[str, Segment]]:
    end = 0
    for segment in layout.loads:
        if segment.file_size > segment.memory_size:
            yield f"has {segment.file_size} bytes in the file and only {segment.memory_size} in memory", segment
        if segment.address + segment.memory_size > 1 << layout.header.bits:
            yield f"at address 0x{segment.address:x} goes past the end of the address space", segment
        if segment.address < end:
            yield f"at address 0x{segment.address:x} overlaps the PT_LOAD before it, or has a lower address", segment
        end = segment.address + segment.memory_size
        if segment.alignment & (segment.alignment - 1):
            yield f"has an alignment of 0x{segment.alignment:x}, not a power of two", segment
        elif segment.alignment > 1 and (segment.address - segment.offset) % segment.alignment:
            yield f"at address 0x{segment.address:x} is not aligned as its offset in the file", segment
    table = layout.one(PT_PHDR)
    if table is not None and (table.offset != phoff or not _is_padded(layout, table, table_size)):
        yield f"is not the table of program headers, {table_size} bytes at offset 0x{phoff:x}", table


def _is_padded(layout: Layout, table: Segment, size: int) -> bool:
    """Whether PT_PHDR is the table, or that and zeros: LLD keeps the room of a header that it took away at the end."""
    surplus = table.file_size - size
    if surplus < 0:
        return False
    return not any(layout.view.slice(table.offset + size, surplus, "PT_PHDR"))


def _check_twins(layout: Layout) -> None:
    """Hold the segments that say what is linked against the sections that say the same."""
    view = layout.view
    dynamic = layout.one(PT_DYNAMIC)
    sections = [section for section in layout.sections if section.type == SHT_DYNAMIC and section.flags & SHF_ALLOC]
    for section in sections:
        if dynamic is None:
            raise view.error(f"section {section.name} is there, but no PT_DYNAMIC", section.offset)
        if (section.offset, section.address) != (dynamic.offset, dynamic.address):
            raise view.error(
                f"PT_DYNAMIC (offset 0x{dynamic.offset:x}, address 0x{dynamic.address:x}) is not the section "
                f"{section.name} (offset 0x{section.offset:x}, address 0x{section.address:x})",
                section.offset,
            )
    interpreter = layout.one(PT_INTERP)
    for section in layout.sections:
        if section.name == ".interp" and section.flags & SHF_ALLOC and section.type != SHT_NOBITS:
            if interpreter is None:
                raise view.error("section .interp is there, but no PT_INTERP", section.offset)
            if section.offset != interpreter.offset:
                raise view.error(
                    f"PT_INTERP is at offset 0x{interpreter.offset:x}, section .interp is not", section.offset
                )
