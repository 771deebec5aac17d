"""What the loader does with an ELF image before it starts: relocations, bindings, TLS; and what the kernel looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.facts import Loading
from pytest_golink.reader.elf.dynamic import (
    DT_ANDROID_REL,
    DT_ANDROID_RELA,
    DT_ANDROID_RELR,
    DT_FLAGS,
    DT_FLAGS_1,
    DT_RELACOUNT,
    DT_RELCOUNT,
    DT_RPATH,
    DT_RUNPATH,
    DT_SYMTAB,
)
from pytest_golink.reader.elf.kernel import PAGE_BYTES
from pytest_golink.reader.elf.layout import (
    ET_EXEC,
    ET_REL,
    PF_W,
    PF_X,
    PT_DYNAMIC,
    PT_GNU_RELRO,
    PT_INTERP,
    PT_LOAD,
    PT_NOTE,
    PT_PHDR,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    SHT_NOBITS,
)
from pytest_golink.reader.elf.notes import kernel_minimum
from pytest_golink.reader.elf.places import relro_end, whole_pages

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
# The relocation that only adds the place of the image, by machine. Source: each psABI's RELATIVE.
_RELATIVE = {3: {8}, 21: {22}, 22: {12}, 40: {23}, 62: {8, 38}, 183: {1027}, 243: {3}, 258: {3}}
_PACKED = {
    DT_ANDROID_REL: "DT_ANDROID_REL",
    DT_ANDROID_RELA: "DT_ANDROID_RELA",
    DT_ANDROID_RELR: "DT_ANDROID_RELR",
}
# Go's entry point in a library: "_rt0_amd64_linux_lib".
_CONSTRUCTOR = rb"^_rt0_[a-z0-9]+_[a-z0-9]+_lib$"
# What a static glibc up to 2.35 ends with on an older kernel; later ones do not look at it.
# Source: glibc 2.35: sysdeps/unix/sysv/linux/dl-sysdep.h, DL_SYSDEP_OSCHECK; 2.36 has none.
_TOO_OLD = b"kernel too old"

# What a static PIE of glibc asserts of itself before it starts.
# Source: glibc's elf/get-dynamic-info.h, STATIC_PIE_BOOTSTRAP.
_NO_PATH = b"info[DT_RUNPATH] == NULL"


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
    asserts = layout.one(PT_INTERP) is None and (dynamic.has(DT_RPATH) or dynamic.has(DT_RUNPATH))
    asks = kernel_minimum(layout) is not None
    return Loading(
        bound=reader.names(reader.bound),
        lazy=reader.names(reader.lazy - reader.bound),
        now=dynamic.binds_now,
        relocations=tuple(sorted(reader.types)),
        plt_relocations=tuple(sorted(reader.plt_types)),
        read_only_relocation=reader.read_only,
        counts_others=reader.counts_others,
        android_packed=tuple(name for tag, name in _PACKED.items() if dynamic.value(tag)),
        protected_slot=reader.protected_slot,
        static_tls=own_tls and (reader.static_tls or dynamic.has(DT_FLAGS, DF_STATIC_TLS)),
        go_constructor=go is not None and any(go.functions.matching(_CONSTRUCTOR)),
        notes=tuple(segment.file_size for segment in layout.segments_of(PT_NOTE)),
        checks_kernel=asks and any(_TOO_OLD in bytes(region.data) for region in image.segments),
        refuses_path=asserts and any(_NO_PATH in bytes(region.data) for region in image.segments),
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
            # .tbss has memory in each thread only, and patchelf moves the address that it has no use for.
            if section.type == SHT_NOBITS:
                lost = tls is None or section.size > tls.memory_size
            else:
                lost = tls is None or not tls.address <= section.address < tls.address + tls.memory_size
            if lost:
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
        self.counts_others = False
        self.protected_slot: int | None = None
        relro = layout.one(PT_GNU_RELRO)
        self.protected = range(0)
        if relro is not None and not dynamic.binds_now:
            self.protected = range(relro.address // PAGE_BYTES * PAGE_BYTES, relro_end(layout, relro))
        self.known = layout.header.machine != _EM_MIPS and not any(map(dynamic.has, _PACKED))
        self.writable = [whole_pages(load) for load in layout.loads if load.flags & PF_W]

    def read(self) -> None:
        """Read the tables; those of MIPS pack their fields in another way, and bind symbols without them."""
        for relocation in self.dynamic.relocations() if self.known else ():
            if relocation.relr:
                self._read_packed(relocation)
            else:
                self._read(relocation)

    def _read(self, relocation: Relocations) -> None:
        header = self.layout.header
        entry = header.layout("III" if relocation.addend else "II", "QQQ" if relocation.addend else "QQ")
        data = self.layout.view.slice(relocation.table.offset, relocation.table.size, "the relocations")
        shift, mask = (8, 0xFF) if header.bits == 32 else (32, 0xFFFFFFFF)
        count = None if relocation.lazy else self.dynamic.value(DT_RELACOUNT if relocation.addend else DT_RELCOUNT)
        relative = _RELATIVE.get(header.machine)
        infos = set()
        for index, (place, info, *_) in enumerate(entry.iter_unpack(data)):
            infos.add(info)
            if info & mask:
                self._write(place)
                if relocation.lazy and place in self.protected and info >> shift:
                    self.protected_slot = place
            if count and index < count and relative is not None and info & mask not in relative:
                self.counts_others = True
        for info in infos:
            kind, symbol = info & mask, info >> shift
            (self.plt_types if relocation.lazy else self.types).add(kind)
            if symbol:
                (self.lazy if relocation.lazy else self.bound).add(symbol)
            elif kind in _TPOFF.get(header.machine, ()):
                self.static_tls = True

    def _read_packed(self, relocation: Relocations) -> None:
        """Read where each run of DT_RELR begins: an even word is an address, odd ones are bits."""
        entry = self.layout.header.layout("I", "Q")
        data = self.layout.view.slice(relocation.table.offset, relocation.table.size, "DT_RELR")
        for index, (word,) in enumerate(entry.iter_unpack(data)):
            if not word & 1:
                self._write(word)
            elif not index:
                # Nothing says where its words are.
                self._write(0)

    def _write(self, place: int) -> None:
        if self.read_only is None and not any(start <= place < end for start, end in self.writable):
            self.read_only = place

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
