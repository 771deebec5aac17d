"""XCOFF, the images of AIX: what the loader must find stands in the loader section."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING

from pytest_golink.facts import BinaryFacts, Hardening, ImportedSymbol, Libc, NeededLibrary, Target
from pytest_golink.golang.image import MappedImage, Region
from pytest_golink.reader.bounds import View
from pytest_golink.reader.dwarf import DebugSection
from pytest_golink.reader.go_facts import read_go_facts

if TYPE_CHECKING:
    from typing import Literal

    from pytest_golink.facts import Kind

# Source: AIX Files Reference, "XCOFF Object File Format"; Go's internal/xcoff/xcoff.go. All fields are big-endian.
_MAGIC64 = 0x01F7

_F_EXEC, _F_SHROBJ = 0x0002, 0x2000
_STYP_DWARF, _STYP_TEXT, _STYP_DATA, _STYP_BSS = 0x10, 0x20, 0x40, 0x80
_STYP_TDATA, _STYP_TBSS, _STYP_LOADER, _STYP_OVRFLO = 0x400, 0x800, 0x1000, 0x8000
_SSUBTYP_DWINFO = 0x10000
# SSUBTYP_DWINFO, _DWLINE, _DWABREV, _DWSTR: DWARF's sections, which have short names of their own here.
_DWARF_NAMES = {0x10000: ".debug_info", 0x20000: ".debug_line", 0x60000: ".debug_abbrev", 0x70000: ".debug_str"}
_NO_BYTES = _STYP_BSS | _STYP_TBSS | _STYP_OVRFLO
_L_WEAK, _L_IMPORT = 0x08, 0x40
_SYMBOL_SIZE = 18
_LENGTH = Struct(">I")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Width:
    """The structures of one of the two widths: each layout gives the fields that are used, in the order named."""

    goarch: str
    pointer_size: Literal[4, 8]
    header: Struct  # nscns, symptr, opthdr, flags, nsyms, sorted by `read_header`
    section: Struct  # name, vaddr, size, scnptr, flags
    entry: Struct  # o_entry, at `entry_offset` of the auxiliary header
    entry_offset: int
    loader: Struct  # l_nsyms, l_istlen, l_nimpid, l_impoff, l_stlen, l_stoff
    symbol_size: int


_WIDE = _Width(
    goarch="ppc64",
    pointer_size=8,
    header=Struct(">2xH4xQHHI"),
    section=Struct(">8s8xQQQ16x8xI4x"),
    entry=Struct(">Q"),
    entry_offset=80,
    loader=Struct(">2I4xIIIQQQ8x"),
    symbol_size=24,
)
_NARROW = _Width(
    goarch="ppc",
    pointer_size=4,
    header=Struct(">2xH4xIIHH"),
    section=Struct(">8s4xIII8x4xI"),
    entry=Struct(">I"),
    entry_offset=16,
    loader=Struct(">2I4xIIIII"),
    symbol_size=24,
)
_SYMBOL64 = Struct(">8xI2xBxI4x")  # l_offset, l_smtype, l_ifile
_SYMBOL32 = Struct(">8s4x2xBxI4x")  # l_name, l_smtype, l_ifile
_SHORT_NAME = Struct(">II")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Section:
    name: str
    address: int
    size: int
    offset: int
    flags: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Headers:
    """The file header (its auxiliary header by its size, its symbols by their number) and the section headers."""

    width: _Width
    auxiliary: int
    flags: int
    symbols: int
    sections: tuple[_Section, ...]


def read_xcoff(path: str, data: memoryview) -> BinaryFacts:
    """
    Read the facts of one XCOFF image, 32- or 64-bit.

    `needed` are the import files of the loader section without their members ("libc.a" for libc.a(shr_64.o)), `rpath`
    is its library search path.

    Raises:
        UnreadableBinaryError: A header, a section or the loader section goes past the file's end.

    Source: AIX Files Reference, "XCOFF Object File Format".
    """
    view = View(data, path=path, format="xcoff")
    headers = _read_headers(view)
    flags, sections = headers.flags, headers.sections
    if flags & _F_EXEC and not any(section.flags & _STYP_LOADER for section in sections):
        raise view.error("an executable without a loader section")
    needed: tuple[NeededLibrary, ...] = ()
    imports: tuple[ImportedSymbol, ...] = ()
    rpath: tuple[str, ...] = ()
    for section in sections:
        if section.flags & _STYP_LOADER:
            rpath, needed, imports = _read_loader(view, headers.width, section)

    kind = _kind(flags)
    target = Target(goos="aix", goarch=headers.width.goarch)
    go = read_go_facts(
        _map(view, headers),
        imports=imports,
        debug=(
            DebugSection(
                name=_DWARF_NAMES[section.flags & 0xFFFF0000],
                data=view.slice(section.offset, section.size, f"section {section.name}"),
            )
            for section in sections
            if section.flags & 0xFFFF == _STYP_DWARF and section.flags & 0xFFFF0000 in _DWARF_NAMES
        ),
    )
    libc = any(library.name == "libc.a" for library in needed)
    return BinaryFacts(
        path=path,
        size=view.size,
        format="xcoff",
        kind=kind,
        target=target,
        linkage=None if kind == "object" else "dynamic" if needed or kind == "shared-library" else "static",
        needs_loader_only=None,
        interpreter=None,
        needed=needed,
        rpath=rpath,
        runpath=None,
        imports=imports,
        libc=Libc(kind="aix", presence="dynamic") if libc else Libc(kind="none", presence="none"),
        cgo=go.cgo,
        link_mode=go.link_mode,
        resolver=go.resolver,
        static_name_service=(),
        symtab=headers.symbols > 0,
        dwarf=any(s.flags & 0xFFFF == _STYP_DWARF and s.flags & _SSUBTYP_DWINFO and s.size for s in sections),
        hardening=Hardening(),
        os_minimum=None,
        signed=None,
        go=go.build,
        content=go.content,
    )


def map_image(path: str, data: memoryview) -> MappedImage:
    """
    Return one XCOFF image as its loader maps it.

    Raises:
        UnreadableBinaryError: A header or a section goes past the file's end.
    """
    view = View(data, path=path, format="xcoff")
    return _map(view, _read_headers(view))


def _map(view: View, headers: _Headers) -> MappedImage:
    regions = tuple(
        Region(
            name=section.name,
            address=section.address,
            offset=section.offset,
            data=view.slice(section.offset, section.size, f"section {section.name}"),
            writable=bool(section.flags & (_STYP_DATA | _STYP_TDATA)),
            executable=bool(section.flags & _STYP_TEXT),
        )
        for section in headers.sections
        if section.flags & (_STYP_TEXT | _STYP_DATA | _STYP_TDATA)
    )
    start = _kind(headers.flags) == "executable"
    return MappedImage(
        path=view.path,
        format="xcoff",
        pointer_size=headers.width.pointer_size,
        byteorder="big",
        entry=_entry(view, headers.width, headers.auxiliary, regions) if start else None,
        segments=regions,
        sections=(),
        relocated=lambda _address: None,
        symbols=dict,
    )


def _kind(flags: int) -> Kind:
    return "shared-library" if flags & _F_SHROBJ else "executable" if flags & _F_EXEC else "object"


def _read_headers(view: View) -> _Headers:
    wide = int.from_bytes(view.slice(0, 2, "the magic number"), "big") == _MAGIC64
    width = _WIDE if wide else _NARROW
    fields = view.unpack(width.header, 0, "the file header")
    if wide:
        count, symbols_offset, auxiliary, flags, symbols = fields
    else:
        count, symbols_offset, symbols, auxiliary, flags = fields
    _check_symbols(view, symbols_offset, symbols, wide=wide)
    view.check(width.header.size, auxiliary, "the auxiliary header")
    return _Headers(
        width=width,
        auxiliary=auxiliary,
        flags=flags,
        symbols=symbols,
        sections=_read_sections(view, width, width.header.size + auxiliary, count),
    )


def _check_symbols(view: View, offset: int, count: int, *, wide: bool) -> None:
    """Hold the symbol table and the string table behind it against the file's end."""
    if not count:
        return
    view.check(offset, count * _SYMBOL_SIZE, "the symbol table")
    strings = offset + count * _SYMBOL_SIZE
    # It is left out where no name is longer than eight characters; symbols of 64-bit images have all names there.
    if wide or strings < view.size:
        (length,) = view.unpack(_LENGTH, strings, "the length of the string table")
        view.check(strings, length, "the string table")


def _read_sections(view: View, width: _Width, start: int, count: int) -> tuple[_Section, ...]:
    sections = []
    for index in range(count):
        what = f"section header {index + 1}"
        raw, address, size, offset, flags = view.unpack(width.section, start + index * width.section.size, what)
        name = raw.rstrip(b"\0").decode("latin-1")
        if not flags & _NO_BYTES and size:
            view.check(offset, size, f"section {name}")
        sections.append(_Section(name=name, address=address, size=size, offset=offset, flags=flags))
    return tuple(sections)


def _read_loader(
    view: View, width: _Width, section: _Section
) -> tuple[tuple[str, ...], tuple[NeededLibrary, ...], tuple[ImportedSymbol, ...]]:
    """Return the library search path, the import files and the imported symbols of the loader section."""
    base = section.offset
    loader = View(view.slice(base, section.size, "the loader section"), path=view.path, format="xcoff", base=base)
    fields = loader.unpack(width.loader, 0, "the loader section's header")
    symbols_offset = width.loader.size
    version = 2 if width is _WIDE else 1
    if fields[0] != version:
        raise loader.error(f"the loader section is of version {fields[0]}, not {version}", 0)
    fields = fields[1:]
    if width is _WIDE:
        symbols, import_size, files, string_size, import_offset, string_offset, symbols_offset = fields
    else:
        symbols, import_size, files, import_offset, string_size, string_offset = fields
    table = loader.slice(import_offset, import_size, "the import file table")
    strings = loader.slice(string_offset, string_size, "the loader's string table")

    texts = bytes(table).split(b"\0")
    # Three strings a file: path, base name, member. The first file is the library search path.
    if len(texts) != 3 * files + 1 or texts[-1]:
        raise loader.error(f"the import file table does not hold {files} import files", import_offset)
    paths = [loader.cstring(import_offset + at, import_offset + import_size, "an import file") for at in _starts(texts)]
    rpath = tuple(part for part in paths[0].split(":") if part) if files else ()
    names = paths[1::3]
    needed = tuple(dict.fromkeys(names[1:]))

    imports = []
    symbol = _SYMBOL64 if width is _WIDE else _SYMBOL32
    loader.check(symbols_offset, symbols * width.symbol_size, "the loader's symbol table")
    for index in range(symbols):
        at = symbols_offset + index * width.symbol_size
        name_field, kind, file = symbol.unpack_from(loader.data, at)
        if not kind & _L_IMPORT:
            continue
        if file >= files:
            raise loader.error(f"loader symbol {index} comes from import file {file} of {files}", at)
        if width is _NARROW:
            zeros, name_offset = _SHORT_NAME.unpack(name_field)
            if zeros:
                name = name_field.rstrip(b"\0").decode("latin-1")
                imports.append(ImportedSymbol(name=name, library=names[file] or None, weak=bool(kind & _L_WEAK)))
                continue
        else:
            name_offset = name_field
        if name_offset >= len(strings):
            raise loader.error(f"the name of loader symbol {index} lies outside the string table", at)
        name = loader.cstring(string_offset + name_offset, string_offset + string_size, f"loader symbol {index}")
        imports.append(ImportedSymbol(name=name, library=names[file] or None, weak=bool(kind & _L_WEAK)))
    return rpath, tuple(NeededLibrary(name=name, via="loader section") for name in needed if name), tuple(imports)


def _starts(texts: list[bytes]) -> list[int]:
    """Return the offset of each text in the table that they were split from."""
    starts = []
    offset = 0
    for text in texts[:-1]:
        starts.append(offset)
        offset += len(text) + 1
    return starts


def _entry(view: View, width: _Width, auxiliary: int, regions: tuple[Region, ...]) -> int | None:
    """Return the address of the first instruction: the entry point names a function descriptor, in data."""
    if auxiliary < width.entry_offset + width.entry.size:
        raise view.error("an executable whose auxiliary header has no entry point", width.header.size)
    (descriptor,) = view.unpack(width.entry, width.header.size + width.entry_offset, "the entry point")
    for region in regions:
        if region.address <= descriptor <= region.address + len(region.data) - width.pointer_size:
            (code,) = width.entry.unpack_from(region.data, descriptor - region.address)
            return int(code)
    raise view.error(f"the entry point's descriptor 0x{descriptor:x} lies outside text and data")
