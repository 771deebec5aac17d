"""WebAssembly modules: the import section lists what they need from their host."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_golink.facts import BinaryFacts, Hardening, ImportedSymbol, Libc, NeededLibrary, Target
from pytest_golink.golang.cursor import Cursor
from pytest_golink.golang.image import MappedImage, Region
from pytest_golink.reader.bounds import View
from pytest_golink.reader.go_facts import read_go_facts

if TYPE_CHECKING:
    from pytest_golink.facts import Kind

_HEADER_BYTES = 8
_VERSION_1 = b"\x01\x00\x00\x00"

# Section ids: WebAssembly core specification, 5.5.2.
_CUSTOM, _TYPE, _IMPORT, _FUNCTION, _EXPORT, _START = 0, 1, 2, 3, 7, 8
_CODE, _DATA, _DATA_COUNT, _HIGHEST_ID = 10, 11, 12, 13

# Pairs that must count the same: functions and their code, data segments and their announcement.
_PAIRS = ((_FUNCTION, _CODE, "function types"), (_DATA_COUNT, _DATA, "data segments"))

# Data segments this near to each other are read as one. A few bytes can name addresses far apart: what is laid out in
# memory is held against the file's size.
_LONGEST_GAP_BYTES = 1 << 20
_FREE_BYTES, _MOST_TIMES = 32 << 20, 8

# The module names of Go's ports (cmd/link/internal/wasm/asm.go: "gojs" since 1.21, "go" before).
_PORTS = {"gojs": "js", "go": "js", "wasi_snapshot_preview1": "wasip1"}

_IMPORT_KINDS = ("function", "table", "memory", "global", "tag")


@dataclass
class _Module:
    """What one pass over the sections collects."""

    imports: list[tuple[str, str]] = field(default_factory=list)
    segments: list[tuple[int, int, memoryview]] = field(default_factory=list)
    custom: set[str] = field(default_factory=set)
    counts: dict[int, int] = field(default_factory=dict)
    code: tuple[int, int] | None = None
    go_version: str | None = None


class _Cursor(Cursor):
    """Reads LEB128 numbers and names from one section, in order."""

    def __init__(self, view: View, start: int, end: int, what: str) -> None:
        super().__init__(view.data, start=start, end=end, fail=lambda reason, at: view.error(f"{what} {reason}", at))

    def name(self) -> str:
        start = self.at
        raw = self.take(self.leb128(bits=32))
        try:
            return str(raw, "utf-8")
        except UnicodeDecodeError as error:
            raise self._fail("has a name that is not UTF-8", start) from error

    def limits(self) -> None:
        """Skip the limits of a table or memory; the flags tell whether a maximum follows and how wide numbers are."""
        flags = self.byte()
        for _ in range(1 + (flags & 1)):
            self.leb128()


def read_wasm(path: str, data: memoryview) -> BinaryFacts:
    """
    Read the facts of one WebAssembly module.

    `needed` are the host modules that the import section names, once each; `imports` their functions, tables,
    memories and globals. `symtab` is the "name" section, `dwarf` a ".debug_info" section.

    Raises:
        UnreadableBinaryError: A section, a vector or a name goes past its end, or the module is a component.

    Source: WebAssembly core specification 2.0, chapter 5, "Binary Format".
    """
    view = View(data, path=path, format="wasm")
    view.check(0, _HEADER_BYTES, "the header")
    if bytes(view.data[4:8]) != _VERSION_1:
        raise view.error(f"version {bytes(view.data[4:8]).hex()} is not a core module of version 1", 4)
    module = _read_sections(view)

    names = tuple(dict.fromkeys(library for library, _ in module.imports))
    imports = tuple(ImportedSymbol(name=name, library=library) for library, name in module.imports)
    goos = next((_PORTS[name] for name in names if name in _PORTS), None)
    target = Target(goos=goos, goarch="wasm") if goos else None
    # No shared library's symbols: what the host gives comes by //go:wasmimport, not by //go:cgo_import_dynamic.
    go = read_go_facts(_map(view, module), imports=())
    build = go.build and replace(go.build, version=module.go_version)
    # The tool conventions' "linking" marks a relocatable object, "dylink.0" a library for a dynamic linker.
    kind: Kind = (
        "object" if "linking" in module.custom else "shared-library" if "dylink.0" in module.custom else "executable"
    )
    return BinaryFacts(
        path=path,
        size=view.size,
        format="wasm",
        kind=kind,
        target=target if build else None,
        linkage=None if kind == "object" else "dynamic" if names else "static",
        needs_loader_only=None,
        interpreter=None,
        needed=tuple(NeededLibrary(name=name, via="import section") for name in names),
        rpath=None,
        runpath=None,
        imports=imports,
        libc=Libc(kind="none", presence="none"),
        cgo=go.cgo,
        link_mode=go.link_mode,
        resolver=go.resolver,
        static_name_service=(),
        symtab="name" in module.custom,
        dwarf=".debug_info" in module.custom,
        hardening=Hardening(),
        os_minimum=None,
        signed=None,
        go=build,
        content=go.content,
    )


def map_image(path: str, data: memoryview) -> MappedImage:
    """
    Return the initial memory of one WebAssembly module.

    Raises:
        UnreadableBinaryError: A section, a vector or a name goes past its end, or the module is a component.
    """
    view = View(data, path=path, format="wasm")
    return _map(view, _read_sections(view))


def _read_sections(view: View) -> _Module:
    module = _Module()
    offset = _HEADER_BYTES
    while offset < view.size:
        header = _Cursor(view, offset, view.size, "a section header")
        section = header.byte()
        size = header.leb128(bits=32)
        if section > _HIGHEST_ID:
            raise view.error(f"section id {section} is not known", offset)
        view.check(header.at, size, f"section {section}")
        cursor = _Cursor(view, header.at, header.at + size, f"section {section}")
        if section == _CUSTOM:
            name = cursor.name()
            module.custom.add(name)
            if name == "producers":
                module.go_version = _read_go_version(cursor)
        elif section in module.counts:
            raise view.error(f"section {section} stands there twice", offset)
        elif size:
            module.counts[section] = _Cursor(view, cursor.at, cursor.end, f"section {section}").leb128(bits=32)
        if section == _IMPORT:
            _read_imports(view, cursor, module)
        elif section == _CODE:
            module.code = cursor.at, cursor.end
        elif section == _DATA:
            _read_data(view, cursor, module)
        offset = header.at + size
    _check_whole(view, module)
    return module


def _check_whole(view: View, module: _Module) -> None:
    """Hold the sections against each other: a file that was cut between two sections parses."""
    if not module.counts and not module.custom:
        raise view.error("there is nothing behind the header: is it cut?", _HEADER_BYTES)
    for announced, held, what in _PAIRS:
        count = module.counts.get(announced, 0)
        found = module.counts.get(held, 0)
        if count != found and (announced in module.counts or announced == _FUNCTION):
            raise view.error(f"section {announced} announces {count} {what}, section {held} has {found}: is it cut?")
    # What has types has functions, and of a program the host calls one: the sections that name it come after all that
    # it imports.
    library = {"linking", "dylink.0"} & module.custom
    if _TYPE in module.counts and not library and not {_EXPORT, _START} & module.counts.keys():
        raise view.error("there is no export and no start function, nothing that a host could call: is it cut?")
    # Go's linker writes its build ID first, its data, the pclntab and all, behind the code, and then who produced it.
    if "go:buildid" in module.custom and _DATA not in module.counts:
        raise view.error("a Go module without a data section: is it cut?")
    if "go:buildid" in module.custom and "producers" not in module.custom:
        raise view.error("a Go module without its producers section: is it cut?")


def _read_go_version(cursor: _Cursor) -> str | None:
    """
    Read Go's version from the "producers" section, where Go's linker names itself.

    Source: the WebAssembly tool conventions, ProducersSection.md; cmd/link/internal/wasm/asm.go, writeProducerSec.
    """
    version = None
    for _ in range(cursor.leb128(bits=32)):
        section = cursor.name()
        for _ in range(cursor.leb128(bits=32)):
            name, value = cursor.name(), cursor.name()
            if (section, name) == ("language", "Go"):
                version = value
    return version


def _read_imports(view: View, cursor: _Cursor, module: _Module) -> None:
    for _ in range(cursor.leb128(bits=32)):
        module.imports.append((cursor.name(), cursor.name()))
        kind = cursor.byte()
        if kind == 0:
            cursor.leb128(bits=32)
        elif kind == 1:
            cursor.byte()
            cursor.limits()
        elif kind == 2:
            cursor.limits()
        elif kind in (3, 4):
            cursor.take(1)
            cursor.leb128(bits=32)
        else:
            raise view.error(f"import kind {kind} is not one of {', '.join(_IMPORT_KINDS)}", cursor.at)
    _require_end(view, cursor)


def _read_data(view: View, cursor: _Cursor, module: _Module) -> None:
    """Read the data segments: the initial contents of the memory, at constant addresses."""
    for _ in range(cursor.leb128(bits=32)):
        start = cursor.at
        mode = cursor.leb128(bits=32)
        address: int | None = None
        if mode == 2:
            cursor.leb128(bits=32)
        if mode in (0, 2):
            instruction = cursor.byte()
            value = cursor.leb128(signed=True) & 0xFFFFFFFF
            # i32.const or i64.const gives the address; global.get leaves it to the loader.
            address = value if instruction in (0x41, 0x42) else None
            if cursor.byte() != 0x0B:
                raise view.error("a data segment's address is not a constant", start)
        elif mode != 1:
            raise view.error(f"data segment mode {mode} is not known", start)
        size = cursor.leb128(bits=32)
        offset = cursor.at
        data = view.data[offset : offset + size]
        cursor.skip(size)
        if address is not None:
            module.segments.append((address, offset, data))
    _require_end(view, cursor)


def _require_end(view: View, cursor: _Cursor) -> None:
    if cursor.at != cursor.end:
        raise view.error(f"a section has {cursor.end - cursor.at} bytes more than it counts", cursor.at)


def _map(view: View, module: _Module) -> MappedImage:
    """Lay the data segments out in memory: Go's linker splits its data at every run of zeros."""
    spans: list[list[int]] = []
    for start, end in sorted((address, address + len(data)) for address, _, data in module.segments):
        if spans and start - spans[-1][1] <= _LONGEST_GAP_BYTES:
            spans[-1][1] = max(spans[-1][1], end)
        else:
            spans.append([start, end])
    total = sum(end - start for start, end in spans)
    if total > _FREE_BYTES + _MOST_TIMES * view.size:
        raise view.error(f"{view.size} bytes make data of {total}: too far apart")
    blocks = [(start, bytearray(end - start)) for start, end in spans]
    starts = [start for start, _ in blocks]
    for address, _, data in module.segments:
        base, block = blocks[bisect_right(starts, address) - 1]
        block[address - base : address - base + len(data)] = data
    regions = tuple(
        Region(name="", address=start, offset=0, data=memoryview(block).toreadonly(), writable=True, executable=False)
        for start, block in blocks
        if block
    )
    return MappedImage(
        path=view.path,
        format="wasm",
        pointer_size=8,  # Go's GOARCH=wasm has 64-bit pointers.
        byteorder="little",
        entry=None,
        segments=regions,
        sections=(),
        relocated=lambda _address: None,
        symbols=dict,
        bodies=lambda: _bodies(view, module),
    )


def _bodies(view: View, module: _Module) -> tuple[int, ...]:
    """Return the sizes of the functions in the code section."""
    if module.code is None:
        return ()
    cursor = _Cursor(view, *module.code, f"section {_CODE}")
    sizes = []
    for _ in range(cursor.leb128(bits=32)):
        sizes.append(cursor.leb128(bits=32))
        cursor.take(sizes[-1])
    _require_end(view, cursor)
    return tuple(sizes)
