"""What the loader does with an ELF image before it starts: relocations, bindings, TLS; and what the kernel looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.facts import Loading
from pytest_golink.reader.elf.dynamic import DT_FLAGS, DT_FLAGS_1, DT_SYMTAB
from pytest_golink.reader.elf.layout import (
    ET_EXEC,
    ET_REL,
    PF_W,
    PF_X,
    PT_DYNAMIC,
    PT_INTERP,
    PT_LOAD,
    PT_NOTE,
    PT_PHDR,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
)
from pytest_golink.reader.elf.notes import kernel_minimum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.golang import GoImage
    from pytest_golink.golang.image import MappedImage
    from pytest_golink.reader.elf.dynamic import Dynamic, Relocations
    from pytest_golink.reader.elf.layout import Layout

PT_TLS = 7
_PF_R = 4
DF_STATIC_TLS, DF_1_NODEFLIB = 0x10, 0x800
SHF_TLS = 0x400
_EM_MIPS = 8
_STB_LOCAL, _STB_WEAK = 0, 2
# The relocation of an offset from the thread pointer, by machine. Source: each psABI's TPOFF or TPREL.
_TPOFF = {3: {14, 37}, 21: {73}, 22: {56}, 40: {19}, 62: {18}, 183: {1030}, 243: {11}, 258: {11}}
# Go's entry point in a library: "_rt0_amd64_linux_lib".
_CONSTRUCTOR = rb"^_rt0_[a-z0-9]+_[a-z0-9]+_lib$"
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
    own_tls = layout.one(PT_TLS) is not None
    asks = kernel_minimum(layout) is not None
    return Loading(
        bound=reader.names(reader.bound),
        lazy=reader.names(reader.lazy - reader.bound),
        now=dynamic.binds_now,
        relocations=tuple(sorted(reader.types)),
        plt_relocations=tuple(sorted(reader.plt_types)),
        read_only_relocation=reader.read_only,
        static_tls=own_tls and (reader.static_tls or dynamic.has(DT_FLAGS, DF_STATIC_TLS)),
        go_constructor=go is not None and any(go.functions.matching(_CONSTRUCTOR)),
        notes=tuple(segment.file_size for segment in layout.segments_of(PT_NOTE)),
        checks_kernel=asks and any(_TOO_OLD in bytes(region.data) for region in image.segments),
        lowest_address=layout.loads[0].address if layout.header.type == ET_EXEC and layout.loads else None,
        misplaced=_misplaced(layout),
        no_default_path=dynamic.has(DT_FLAGS_1, DF_1_NODEFLIB),
        told_its_place=layout.header.type == ET_EXEC or _told_its_place(layout),
    )


def _misplaced(layout: Layout) -> str | None:
    """Return the section that has memory but no segment that maps it: the program was linked to find it there."""
    tls = layout.one(PT_TLS)
    for section in layout.sections:
        if not section.flags & SHF_ALLOC or not section.size:
            continue
        name = section.name or "a section without a name"
        if section.flags & SHF_TLS:
            # .tbss has memory in each thread only.
            if tls is None or not tls.address <= section.address < tls.address + tls.memory_size:
                return f"{name} is in no PT_TLS"
            continue
        load = layout.load_at(section.address)
        if load is None or section.address + section.size > load.address + load.memory_size:
            return f"{name} is in no segment"
        if not load.flags & (_PF_R | PF_W) and not (section.flags & SHF_EXECINSTR and load.flags & PF_X):
            return f"{name} is in a segment that is not readable"
        if section.flags & SHF_WRITE and not load.flags & PF_W:
            return f"{name} is in a segment that is not writable"
        if section.flags & SHF_EXECINSTR and not load.flags & PF_X:
            return f"{name} is in a segment that is not executable"
    return None


def _told_its_place(layout: Layout) -> bool:
    for segment in layout.segments:
        if segment.type in (PT_PHDR, PT_LOAD, PT_INTERP, PT_DYNAMIC):
            return segment.type == PT_PHDR
    return False


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
        self.read_only: int | None = None
        self.known = layout.header.machine != _EM_MIPS

    def read(self) -> None:
        """Read the tables; those of MIPS pack their fields in another way, and bind symbols without them."""
        for relocation in self.dynamic.relocations() if self.known else ():
            if not relocation.relr:
                self._read(relocation)

    def _read(self, relocation: Relocations) -> None:
        header = self.layout.header
        entry = header.layout("III" if relocation.addend else "II", "QQQ" if relocation.addend else "QQ")
        data = self.layout.view.slice(relocation.table.offset, relocation.table.size, "the relocations")
        shift, mask = (8, 0xFF) if header.bits == 32 else (32, 0xFFFFFFFF)
        ranges = [
            (load.address, load.address + load.memory_size) for load in self.layout.loads if not load.flags & PF_W
        ]
        infos = set()
        for place, info, *_ in entry.iter_unpack(data):
            infos.add(info)
            if self.read_only is None and info & mask and any(start <= place < end for start, end in ranges):
                self.read_only = place
        for info in infos:
            kind, symbol = info & mask, info >> shift
            (self.plt_types if relocation.lazy else self.types).add(kind)
            if symbol:
                (self.lazy if relocation.lazy else self.bound).add(symbol)
            elif kind in _TPOFF.get(header.machine, ()):
                self.static_tls = True

    def names(self, symbols: set[int]) -> tuple[str, ...] | None:
        """Return the names of those symbols that are undefined and strong, in the table's order."""
        table = self.dynamic.value(DT_SYMTAB)
        if not self.known:
            return None
        return () if table is None else tuple(dict.fromkeys(self._names(table, symbols)))

    def _names(self, table: int, symbols: set[int]) -> Iterator[str]:
        record = self.layout.header.layout("IIIBBH", "IBBHQQ")
        order = (0, 3, 5) if self.layout.header.bits == 32 else (0, 1, 3)
        for symbol in sorted(symbols):
            fields = self.dynamic.record(record, table + symbol * record.size, f"symbol {symbol} of DT_SYMTAB")
            name, info, section = (fields[index] for index in order)
            if not section and name and info >> 4 not in (_STB_LOCAL, _STB_WEAK):
                yield self.dynamic.string(name, f"the name of symbol {symbol}")
