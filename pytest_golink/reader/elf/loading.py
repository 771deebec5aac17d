"""What the kernel and the loader do with an ELF image before it starts: relocations, bindings, notes, TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.facts import Loading
from pytest_golink.reader.elf.dynamic import (
    DF_1_NOW,
    DF_BIND_NOW,
    DT_BIND_NOW,
    DT_DEBUG,
    DT_FLAGS,
    DT_FLAGS_1,
    DT_JMPREL,
    DT_RELR,
    DT_SYMTAB,
)
from pytest_golink.reader.elf.layout import ET_REL, PF_W, PF_X, PT_DYNAMIC, PT_LOAD, PT_NOTE
from pytest_golink.reader.elf.target import read_notes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.golang import GoImage
    from pytest_golink.golang.image import MappedImage
    from pytest_golink.reader.elf.dynamic import Dynamic, Relocations
    from pytest_golink.reader.elf.layout import Layout, Segment

PT_TLS = 7
DT_TEXTREL, DT_INIT_ARRAY, DT_INIT_ARRAYSZ = 22, 25, 27
DF_TEXTREL, DF_STATIC_TLS = 4, 0x10
_EM_MIPS, _EM_PPC64 = 8, 21
_STB_LOCAL, _STB_WEAK = 0, 2
# The relocation of an offset from the thread pointer, by machine. Source: each psABI's TPOFF or TPREL.
_TPOFF = {3: {14, 37}, 21: {73}, 22: {56}, 40: {19}, 62: {18}, 183: {1030}, 243: {11}, 258: {11}}
# Go's entry point in a library: "_rt0_amd64_linux_lib".
_CONSTRUCTOR = rb"^_rt0_[a-z0-9]+_[a-z0-9]+_lib$"
_GNU, _NT_GNU_ABI_TAG, _LINUX = b"GNU", 1, 0
# What a static glibc up to 2.35 ends with on an older kernel; later ones do not look at it.
# Source: glibc 2.35: sysdeps/unix/sysv/linux/dl-sysdep.h, DL_SYSDEP_OSCHECK; 2.36 has none.
_TOO_OLD = b"kernel too old"


def read_loading(layout: Layout, dynamic: Dynamic, image: MappedImage, go: GoImage | None) -> Loading | None:
    """
    Read what the loader does; None of an object, which no loader takes.

    Raises:
        UnreadableBinaryError: A table is damaged.
    """
    if layout.header.type == ET_REL:
        return None
    reader = _Relocated(layout, dynamic)
    reader.read()
    flags = _last(dynamic, DT_FLAGS)
    tls = layout.one(PT_TLS)
    abi_kernel = _abi_kernel(layout)
    return Loading(
        bound=reader.names(reader.bound),
        lazy=reader.names(reader.lazy - reader.bound),
        now=bool(dynamic.has(DT_BIND_NOW) or flags & DF_BIND_NOW or _last(dynamic, DT_FLAGS_1) & DF_1_NOW),
        relocations=tuple(sorted(reader.types)),
        plt_relocations=tuple(sorted(reader.plt_types)),
        packed=dynamic.has(DT_RELR),
        text_relocations=dynamic.has(DT_TEXTREL) or bool(flags & DF_TEXTREL),
        written=_written(layout, dynamic) or reader.written,
        misplaced_entry=_misplaced_entry(layout),
        static_tls=tls is not None and (reader.static_tls or bool(flags & DF_STATIC_TLS)),
        tls_alignment=None if tls is None else tls.alignment,
        go_constructor=go is not None and any(go.functions.matching(_CONSTRUCTOR)),
        notes=tuple(segment.file_size for segment in layout.segments_of(PT_NOTE)),
        abi_kernel=abi_kernel,
        checks_kernel=abi_kernel is not None and any(_TOO_OLD in _bytes(region.data) for region in image.segments),
    )


def _bytes(data: memoryview) -> bytes:
    return bytes(data)


def _last(dynamic: Dynamic, tag: int) -> int:
    """Return the value that loaders take of a tag: that of its last entry."""
    return (dynamic.values(tag) or (0,))[-1]


class _Relocated:
    """Reads the relocation tables once: their types, the symbols that they name, and what they write to."""

    def __init__(self, layout: Layout, dynamic: Dynamic) -> None:
        self.layout = layout
        self.dynamic = dynamic
        self.types: set[int] = set()
        self.plt_types: set[int] = set()
        self.bound: set[int] = set()
        self.lazy: set[int] = set()
        self.static_tls = False
        self.written: str | None = None
        self.known = layout.header.machine != _EM_MIPS

    def read(self) -> None:
        """Read the tables; those of MIPS pack their fields in another way, and bind symbols without them."""
        if not self.known:
            return
        plt = self.dynamic.value(DT_JMPREL)
        at = None if plt is None else self.layout.offset_of(plt, 1, "DT_JMPREL")
        for relocation in self.dynamic.relocations():
            if not relocation.relr:
                self._read(relocation, plt=relocation.table.offset == at)

    def _read(self, relocation: Relocations, *, plt: bool) -> None:
        header = self.layout.header
        entry = header.layout("III" if relocation.addend else "II", "QQQ" if relocation.addend else "QQ")
        data = self.layout.view.slice(relocation.table.offset, relocation.table.size, "the relocations")
        shift, mask = (8, 0xFF) if header.bits == 32 else (32, 0xFFFFFFFF)
        places: dict[int, int] = {}
        read_only = self._read_only()
        for fields in entry.iter_unpack(data):
            places[fields[1]] = fields[0]
            if read_only and self.written is None and fields[1] & mask:
                self._note(fields[0], read_only)
        for info in places:
            kind, symbol = info & mask, info >> shift
            (self.plt_types if plt else self.types).add(kind)
            if symbol:
                (self.lazy if plt else self.bound).add(symbol)
            elif kind in _TPOFF.get(header.machine, ()):
                self.static_tls = True

    def _read_only(self) -> tuple[Segment, ...]:
        return tuple(segment for segment in self.layout.segments_of(PT_LOAD) if not segment.flags & PF_W)

    def _note(self, address: int, read_only: tuple[Segment, ...]) -> None:
        if any(segment.address <= address < segment.address + segment.memory_size for segment in read_only):
            self.written = f"a relocation at 0x{address:x}"

    def names(self, symbols: set[int]) -> tuple[str, ...] | None:
        """Return the names of those symbols that are undefined and strong, in the table's order."""
        table = self.dynamic.value(DT_SYMTAB)
        if not self.known:
            return None
        if table is None:
            return ()
        return tuple(dict.fromkeys(self._names(table, symbols)))

    def _names(self, table: int, symbols: set[int]) -> Iterator[str]:
        record = self.layout.header.layout("IIIBBH", "IBBHQQ")
        for symbol in sorted(symbols):
            fields = self.dynamic.record(record, table + symbol * record.size, f"symbol {symbol} of DT_SYMTAB")
            name, info, section = (
                (fields[0], fields[3], fields[5])
                if self.layout.header.bits == 32
                else (fields[0], fields[1], fields[3])
            )
            if not section and name and info >> 4 not in (_STB_LOCAL, _STB_WEAK):
                yield self.dynamic.string(name, f"the name of symbol {symbol}")


def _written(layout: Layout, dynamic: Dynamic) -> str | None:
    """Say that the loader writes into the dynamic table, for debuggers, and no segment lets it."""
    segment = layout.one(PT_DYNAMIC)
    # MIPS has DT_MIPS_RLD_MAP in its place: its table is read-only by design.
    if segment is None or layout.header.machine == _EM_MIPS or not dynamic.has(DT_DEBUG):
        return None
    # The later mapping of a page is the one that stays.
    for load in reversed(layout.segments_of(PT_LOAD)):
        if load.address <= segment.address < load.address + load.memory_size:
            return None if load.flags & PF_W else f"DT_DEBUG in PT_DYNAMIC at 0x{segment.address:x}"
    return None


def _misplaced_entry(layout: Layout) -> int | None:
    entry = layout.header.entry
    # An entry point of ppc64's first ABI is a descriptor, in data.
    if not entry or layout.header.machine == _EM_PPC64:
        return None
    for segment in layout.segments_of(PT_LOAD):
        if segment.flags & PF_X and segment.address <= entry < segment.address + segment.memory_size:
            return None
    return entry


def _abi_kernel(layout: Layout) -> str | None:
    """Return the Linux of NT_GNU_ABI_TAG: "3.2.0"."""
    word = layout.header.layout("4I", "4I")
    for owner, kind, content in read_notes(layout):
        if (owner, kind) == (_GNU, _NT_GNU_ABI_TAG) and len(content) >= word.size:
            system, *version = word.unpack_from(content)
            if system == _LINUX:
                return ".".join(map(str, version))
    return None
