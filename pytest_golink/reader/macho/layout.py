"""
Where the parts of a Mach-O image lie: segments, sections and the tables of __LINKEDIT, all inside the file.

Source: Apple's mach-o/loader.h.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING

from pytest_golink.golang.image import Region
from pytest_golink.reader.macho.commands import (
    LC_CODE_SIGNATURE,
    LC_DYLD_CHAINED_FIXUPS,
    LC_DYLD_INFO,
    LC_DYLD_INFO_ONLY,
    LC_DYSYMTAB,
    LC_ENCRYPTION_INFO,
    LC_ENCRYPTION_INFO_64,
    LC_SEGMENT,
    LC_SEGMENT_64,
    LC_SYMTAB,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.reader.macho.commands import Command, Commands

# linkedit_data_command: an offset and a size in the file.
_LINKEDIT = {
    LC_CODE_SIGNATURE: "the code signature",
    0x1E: "LC_SEGMENT_SPLIT_INFO's data",
    0x26: "LC_FUNCTION_STARTS' data",
    0x29: "LC_DATA_IN_CODE's data",
    0x2B: "LC_DYLIB_CODE_SIGN_DRS' data",
    0x2E: "LC_LINKER_OPTIMIZATION_HINT's data",
    0x36: "LC_ATOM_INFO's data",
    0x37: "LC_FUNCTION_VARIANTS' data",
    0x38: "LC_FUNCTION_VARIANT_FIXUPS' data",
    0x80000033: "LC_DYLD_EXPORTS_TRIE's data",
    LC_DYLD_CHAINED_FIXUPS: "the chained fixups",
}
_DYLD_INFO_PARTS = ("rebase", "bind", "weak bind", "lazy bind", "export")
# LC_DYSYMTAB: where a pair of file offset and count stands among its fields, and the bytes of an entry
# (32-bit and 64-bit image).
_DYSYMTAB_TABLES = (
    (6, "the table of contents", 8, 8),
    (8, "the module table", 52, 56),
    (10, "the table of referenced symbols", 4, 4),
    (12, "the indirect symbol table", 4, 4),
    (14, "the table of external relocations", 8, 8),
    (16, "the table of local relocations", 8, 8),
)
# Section types without bytes in the file: S_ZEROFILL, S_GB_ZEROFILL, S_THREAD_LOCAL_ZEROFILL.
_ZEROFILL = frozenset({0x1, 0xC, 0x12})
_VM_PROT_WRITE, _VM_PROT_EXECUTE = 0x2, 0x4
_RELOCATION_BYTES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """
    The segments and sections of one image, with the bytes that the file holds for them.

    `names` are the segments' names and `spans` their sizes in memory, in the order of `segments`.
    """

    segments: tuple[Region, ...]
    names: tuple[str, ...]
    spans: tuple[int, ...]
    sections: tuple[Region, ...]

    @property
    def base(self) -> int | None:
        """The address of the segment that holds the Mach header: offsets of entry points and fixups count from it."""
        return next((segment.address for segment in self.segments if segment.offset == 0 and segment.data), None)


def read_layout(image: Commands) -> Layout:
    """
    Hold everything that the load commands point to against the file's bounds.

    Raises:
        UnreadableBinaryError: A segment, a section or a table goes past the end of the file.
    """
    segments: list[Region] = []
    names: list[str] = []
    spans: list[int] = []
    sections: list[Region] = []
    for command in image.all(LC_SEGMENT, LC_SEGMENT_64):
        name, span, segment, count = _segment(image, command)
        names.append(name)
        spans.append(span)
        segments.append(segment)
        sections.extend(_sections(image, command, segment, count))
    _check_linkedit(image)
    return Layout(segments=tuple(segments), names=tuple(names), spans=tuple(spans), sections=tuple(sections))


def _name(raw: bytes) -> str:
    # Sixteen bytes, NUL-padded, no terminator when all are used; a stranger's bytes are shown escaped.
    return raw.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")


def _segment(image: Commands, command: Command) -> tuple[str, int, Region, int]:
    if (command.number == LC_SEGMENT_64) is not image.wide:
        raise image.view.error("a segment command is of the other width than the Mach header", command.offset)
    fields = image.fields(command, "16s4Q4I" if image.wide else "16s8I", "a segment command")
    raw, address, span, offset, size, _, protection, count, _ = fields
    name = _name(raw)
    data = image.view.slice(offset, size, f'segment "{name}"')
    return (
        name,
        span,
        Region(
            name="",
            address=address,
            offset=offset,
            data=data,
            writable=bool(protection & _VM_PROT_WRITE),
            executable=bool(protection & _VM_PROT_EXECUTE),
        ),
        count,
    )


def _sections(image: Commands, command: Command, segment: Region, count: int) -> Iterator[Region]:
    entry = Struct(f"{image.order}16s16s2Q8I" if image.wide else f"{image.order}16s16s9I")
    start = 72 if image.wide else 56
    if start + count * entry.size > command.size:
        raise image.view.error(
            f"a segment command has {command.size} bytes, too few for {count} sections", command.offset
        )
    for index in range(count):
        fields = image.view.unpack(entry, command.offset + start + index * entry.size, "a section header")
        section, owner, address, size, offset, _, relocations, relocation_count, flags = fields[:9]
        name = f"{_name(owner)},{_name(section)}"
        image.view.check(relocations, relocation_count * _RELOCATION_BYTES, f'the relocations of section "{name}"')
        data = memoryview(b"")
        if flags & 0xFF not in _ZEROFILL:
            data = image.view.slice(offset, size, f'section "{name}"')
        yield Region(
            name=name,
            address=address,
            offset=offset,
            data=data,
            writable=segment.writable,
            executable=segment.executable,
        )


def _check_linkedit(image: Commands) -> None:
    check = image.view.check
    for command in image.commands:
        if command.number in _LINKEDIT:
            offset, size = image.fields(command, "2I", _LINKEDIT[command.number])
            check(offset, size, _LINKEDIT[command.number])
        elif command.number in (LC_DYLD_INFO, LC_DYLD_INFO_ONLY):
            fields = image.fields(command, "10I", "LC_DYLD_INFO")
            for index, part in enumerate(_DYLD_INFO_PARTS):
                check(fields[2 * index], fields[2 * index + 1], f"LC_DYLD_INFO's {part} information")
        elif command.number == LC_SYMTAB:
            symbols, count, strings, size = image.fields(command, "4I", "LC_SYMTAB")
            check(symbols, count * (16 if image.wide else 12), "the symbol table")
            check(strings, size, "the string table")
        elif command.number == LC_DYSYMTAB:
            fields = image.fields(command, "18I", "LC_DYSYMTAB")
            for index, part, narrow, wide in _DYSYMTAB_TABLES:
                check(fields[index], fields[index + 1] * (wide if image.wide else narrow), part)
        elif command.number in (LC_ENCRYPTION_INFO, LC_ENCRYPTION_INFO_64):
            offset, size, method = image.fields(command, "3I", "LC_ENCRYPTION_INFO")
            check(offset, size, "the encrypted range")
            if method:
                raise image.view.error(f"is encrypted (LC_ENCRYPTION_INFO, cryptid {method})", command.offset)
