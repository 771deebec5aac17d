"""
The headers, sections and data directories of a PE image, each held against the file's bounds.

These checks are what lets golink believe an absence.

Source: Microsoft's PE Format specification.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Any

from pytest_golink.reader.coff.tables import read_section_name, read_string_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.reader.bounds import View

# Data directories by number.
EXPORT, IMPORT, CERTIFICATE, RELOCATION, BOUND_IMPORT, DELAY_IMPORT, COM_DESCRIPTOR = 0, 1, 4, 5, 11, 13, 14
_DIRECTORIES = (
    "export", "import", "resource", "exception", "certificate", "base relocation", "debug", "architecture",
    "global pointer", "TLS", "load configuration", "bound import", "import address", "delay-import", "COM descriptor",
    "reserved",
)  # fmt: skip
_FILE_RELOCS_STRIPPED, _FILE_EXECUTABLE_IMAGE, _FILE_DLL = 0x1, 0x2, 0x2000
_SCN_MEM_EXECUTE, _SCN_MEM_WRITE = 0x20000000, 0x80000000
_FILE_HEADER = Struct("<2H3I2H")
_SECTION = Struct("<8s6I2HI")
_DIRECTORY = Struct("<2I")
SYMBOL_BYTES = 18
_PE32, _PE32_PLUS = 0x10B, 0x20B
# In the optional header of either width.
_CHECKSUM_AT = 64
# Windows rounds a section's pointer into the file down to a sector, whatever FileAlignment says.
_SECTOR_BYTES = 512
_PAGE_BYTES = 4096
# IMAGE_SUBSYSTEM_NATIVE, _WINDOWS_GUI, _WINDOWS_CUI: what Windows loads. Firmware places each section by itself.
_OF_WINDOWS = (1, 2, 3)


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A section, its name in the string table's long form: `span` bytes in memory, of which the file holds `data`."""

    name: str
    rva: int
    span: int
    offset: int
    data: memoryview
    flags: int

    @property
    def writable(self) -> bool:
        """Whether it is mapped writable."""
        return bool(self.flags & _SCN_MEM_WRITE)

    @property
    def executable(self) -> bool:
        """Whether it is mapped executable."""
        return bool(self.flags & _SCN_MEM_EXECUTE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """
    What the headers of a PE image say.

    `subsystem_version` is (major, minor), `directories` are (RVA, size) pairs, `symbols` the COFF symbol table's
    offset and count. `checksum_at` and `directories_at` are offsets in the file.
    """

    view: View
    machine: int
    characteristics: int
    wide: bool
    entry_rva: int
    image_base: int
    subsystem: int
    subsystem_version: tuple[int, int]
    dll_characteristics: int
    headers: Section
    directories: tuple[tuple[int, int], ...]
    sections: tuple[Section, ...]
    symbols: tuple[int, int]
    checksum_at: int
    directories_at: int

    @property
    def is_library(self) -> bool:
        """Whether it is a DLL."""
        return bool(self.characteristics & _FILE_DLL)

    @property
    def relocations_stripped(self) -> bool:
        """Whether the image says that it cannot be loaded at another address."""
        return bool(self.characteristics & _FILE_RELOCS_STRIPPED)

    def directory(self, number: int) -> tuple[int, int] | None:
        """RVA and size of a data directory, None where it is empty or not there."""
        if number < len(self.directories) and self.directories[number][0]:
            return self.directories[number]
        return None

    def mapped(self, rva: int, what: str) -> tuple[memoryview, int]:
        """Return the file's bytes from an RVA to the end of its section, and how many zeros the loader adds."""
        for section in (*self.sections, self.headers):
            start = rva - section.rva
            if 0 <= start < section.span:
                data = section.data[start:]
                return data, section.span - start - len(data)
        raise self.view.error(f"{what} is at RVA 0x{rva:x}, in no section")

    def read(self, structure: Struct, rva: int, what: str) -> tuple[Any, ...]:
        """Return the fields of a structure at an RVA."""
        data, zeros = self.mapped(rva, what)
        missing = structure.size - len(data)
        if missing > zeros:
            raise self.view.error(f"{what} (RVA 0x{rva:x}) goes {missing - zeros} bytes past the end of its section")
        return structure.unpack(bytes(data[: structure.size]) + bytes(max(missing, 0)))

    def text(self, rva: int, what: str, *, most: int) -> str:
        """Return the NUL-terminated name at an RVA, printable ASCII or UTF-8 of at most `most` bytes."""
        data, zeros = self.mapped(rva, what)
        raw, end, _ = (bytes(data[:most]) + bytes(min(zeros, 1))).partition(b"\0")
        try:
            name = raw.decode()
        except UnicodeDecodeError:
            name = ""
        if not end or not name.isprintable() or not name:
            raise self.view.error(f"{what} (RVA 0x{rva:x}) is no name: {raw[:40]!r}")
        return name


def read_layout(view: View) -> Layout:
    """
    Read and check the headers.

    Raises:
        UnreadableBinaryError: Something that they describe does not lie inside the file, or this is no PE image.
    """
    (start,) = view.unpack(Struct("<60xI"), 0, "the DOS header")
    if start + 4 > view.size or bytes(view.data[start : start + 4]) != b"PE\0\0":
        raise view.error("has a DOS header and no PE signature: truncated, or a program for DOS", start)
    fields = view.unpack(_FILE_HEADER, start + 4, "the COFF file header")
    machine, section_count, _, symbols, symbol_count, optional_size, characteristics = fields
    if not characteristics & _FILE_EXECUTABLE_IMAGE:
        raise view.error("is not marked as an executable image: its linker failed", start + 22)
    optional = start + 24
    view.check(optional, optional_size, "the optional header")
    (magic,) = view.unpack(Struct("<H"), optional, "the optional header")
    if magic not in (_PE32, _PE32_PLUS):
        raise view.error(f"the optional header has the unknown magic number 0x{magic:x}", optional)
    wide = magic == _PE32_PLUS
    # Entry point; image base, section alignment; subsystem version; sizes of the image and of the headers; subsystem,
    # DLL characteristics; number of data directories.
    standard = Struct("<16xI4xQI12x2H4x2I4x2H32x4xI" if wide else "<16xI8xII12x2H4x2I4x2H16x4xI")
    if standard.size > optional_size:
        raise view.error(f"the optional header has {optional_size} bytes, fewer than {standard.size}", optional)
    entry, base, alignment, major, minor, image_size, headers_size, subsystem, dll, count = view.unpack(
        standard, optional, "the optional header"
    )
    # Windows reads sixteen at most, whatever the number says.
    count = min(count, len(_DIRECTORIES))
    if standard.size + count * _DIRECTORY.size > optional_size:
        raise view.error(
            f"the optional header has {optional_size} bytes, too few for {count} data directories", optional
        )
    table = view.slice(optional + standard.size, count * _DIRECTORY.size, "the data directories")
    if symbols + symbol_count * SYMBOL_BYTES > view.size and _packed(view, optional + optional_size, section_count):
        symbols = symbol_count = 0
    strings = read_string_table(view, symbols, symbol_count, SYMBOL_BYTES)
    flat = alignment < _PAGE_BYTES and subsystem in _OF_WINDOWS
    sections = tuple(_sections(view, optional + optional_size, section_count, max(alignment, 1), strings, flat=flat))
    layout = Layout(
        view=view,
        machine=machine,
        characteristics=characteristics,
        wide=wide,
        entry_rva=entry,
        image_base=base,
        subsystem=subsystem,
        subsystem_version=(major, minor),
        dll_characteristics=dll,
        headers=Section(
            name="",
            rva=0,
            span=headers_size,
            offset=0,
            data=view.slice(0, headers_size, "the headers"),
            flags=0,
        ),
        directories=tuple(_DIRECTORY.iter_unpack(table)),
        sections=sections,
        symbols=(symbols, symbol_count if symbols else 0),
        checksum_at=optional + _CHECKSUM_AT,
        directories_at=optional + standard.size,
    )
    _check_directories(layout, image_size)
    return layout


def _packed(view: View, table: int, count: int) -> bool:
    """Whether UPX packed the image: it leaves the pointer to a symbol table that it cut away."""
    names = {bytes(raw) for raw, *_ in _SECTION.iter_unpack(view.slice(table, count * _SECTION.size, "the sections"))}
    return {b"UPX0".ljust(8, b"\0"), b"UPX1".ljust(8, b"\0")} <= names


def _sections(
    view: View, table: int, count: int, alignment: int, strings: memoryview | None, *, flat: bool
) -> Iterator[Section]:
    free = 0
    for index in range(count):
        what = f"section header {index}"
        header = table + index * _SECTION.size
        raw, virtual_size, rva, size, offset, *_, flags = view.unpack(_SECTION, header, what)
        name = read_section_name(view, raw, strings, header)
        if rva < free:
            raise view.error(f'section "{name}" (RVA 0x{rva:x}) overlaps the one before it', header)
        if offset % _SECTOR_BYTES and size and alignment >= _PAGE_BYTES:
            # Windows reads other bytes than most tools do.
            raise view.error(f'section "{name}" begins at 0x{offset:x}, which Windows rounds down to a sector', header)
        if flat and offset and offset != rva:
            # With small alignments Windows maps the file as it is, and addresses are offsets.
            raise view.error(
                f'section "{name}" is at 0x{offset:x} of the file and at RVA 0x{rva:x}: with SectionAlignment '
                f"{alignment} Windows maps the file as it is",
                header,
            )
        # No pointer: uninitialised data, whatever the size says.
        data = view.slice(offset, size, f'section "{name}"') if offset else view.data[:0]
        # No virtual size: old linkers, which meant the file's.
        span = virtual_size or size
        free = rva + span
        rounded = -(-span // alignment) * alignment
        yield Section(name=name, rva=rva, span=rounded, offset=offset, data=data[:rounded], flags=flags)


def _check_directories(layout: Layout, image_size: int) -> None:
    for number, (rva, size) in enumerate(layout.directories):
        what = f"the {_DIRECTORIES[number]} directory"
        if number == CERTIFICATE:
            # The one that is no part of the mapped image: its first field is an offset in the file.
            layout.view.check(rva, size, what)
        elif rva and rva + size > image_size:
            raise layout.view.error(f"{what} (RVA 0x{rva:x}, {size} bytes) goes past the image's {image_size} bytes")
        elif rva and number in (EXPORT, IMPORT, RELOCATION, DELAY_IMPORT):
            data, zeros = layout.mapped(rva, what)
            if size > len(data) + zeros:
                raise layout.view.error(f"{what} (RVA 0x{rva:x}, {size} bytes) goes past the end of its section")
