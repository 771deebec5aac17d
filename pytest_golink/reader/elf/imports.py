"""
The symbols that an ELF image imports, with the version and the library that each is bound to.

Not by LIEF: version 1.0.0 gives none for big-endian s390x, leaves `@VERSION` in some names, and says nothing of a
table that is cut off.

Source: System V gABI, chapter 5, "Hash Table"; Linux Standard Base, "Symbol Versioning".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from struct import Struct
from typing import TYPE_CHECKING

from pytest_golink.facts import ImportedSymbol, VersionNeed
from pytest_golink.reader.bounds import NameBudget
from pytest_golink.reader.elf.dynamic import (
    DT_AUXILIARY,
    DT_FILTER,
    DT_GNU_HASH,
    DT_HASH,
    DT_MIPS_SYMTABNO,
    DT_NEEDED,
    DT_SYMENT,
    DT_SYMTAB,
    DT_VERDEF,
    DT_VERDEFNUM,
    DT_VERNEED,
    DT_VERNEEDNUM,
    DT_VERSYM,
)
from pytest_golink.reader.elf.layout import SHT_DYNSYM
from pytest_golink.reader.elf.relocations import Relocated, read_relocated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.reader.elf.dynamic import Dynamic, Table

# Version indices 0 and 1 are "local" and "global": no version. The top bit hides the symbol from link editors.
_VERSION_MASK = 0x7FFF
# A name in the table of strings that only version needs, and glibc's own definitions, refer to.
_GLIBC_VERSION = b"\0GLIBC_2."
_VER_FLG_BASE, _VER_FLG_WEAK = 1, 2
_LONGEST_VERSION = 1000
_STB_LOCAL, _STB_WEAK = 0, 2
_EM_MIPS, _EM_S390, _EM_ALPHA = 8, 22, 0x9026


@dataclass(frozen=True, kw_only=True, slots=True)
class Imports:
    """What an image asks of its libraries and offers to others, in the order of its tables."""

    symbols: tuple[ImportedSymbol, ...] = ()
    version_needs: tuple[VersionNeed, ...] = ()
    exports: tuple[str, ...] = ()
    relocated: Relocated = field(default_factory=Relocated)


def read_imports(dynamic: Dynamic) -> Imports:
    """
    Read the imported symbols and the version needs.

    Raises:
        UnreadableBinaryError: A table is damaged, not in the file whole, or at odds with another.
    """
    reader = _Reader(dynamic)
    needs, versions = reader.version_needs()
    _check_needs(dynamic, needs)
    symbols = tuple(reader.symbols(versions))
    # A weak need only spares the library's check: a symbol of it that is not weak must be found all the same.
    strong = {(symbol.library, symbol.version) for symbol in symbols if not symbol.weak}
    return Imports(
        symbols=symbols,
        version_needs=tuple(
            replace(need, weak=need.weak and (need.library, need.version) not in strong) for need in needs
        ),
        exports=tuple(reader.defined()),
        relocated=reader.relocated,
    )


def defined_versions(dynamic: Dynamic) -> tuple[str, ...]:
    """
    Return the symbol versions that a library defines, in the order of its table: "GLIBC_2.2.5", "GCC_3.0".

    Raises:
        UnreadableBinaryError: The table is damaged.
    """
    return tuple(name for _, flags, name in _Reader(dynamic).definitions() if not flags & _VER_FLG_BASE)


def defined_symbols(dynamic: Dynamic) -> frozenset[str]:
    """
    Return the names of the symbols that a library defines for others.

    Raises:
        UnreadableBinaryError: A table is damaged, not in the file whole, or at odds with another.
    """
    return frozenset(_Reader(dynamic).defined())


def _check_needs(dynamic: Dynamic, needs: tuple[VersionNeed, ...]) -> None:
    """Hold the version needs against the libraries, and the table of strings against both: an entry may be missing."""
    libraries = {library for tag in (DT_NEEDED, DT_AUXILIARY, DT_FILTER) for library in dynamic.texts(tag)}
    for need in needs:
        if need.library not in libraries:
            raise dynamic.layout.view.error(
                f"{need.library} must define {need.version}, but DT_NEEDED does not name it"
            )
    if dynamic.text is not None and not dynamic.has(DT_VERNEED) and not dynamic.has(DT_VERDEF):
        text = dynamic.layout.view.slice(dynamic.text.offset, dynamic.text.size, "DT_STRTAB")
        if _GLIBC_VERSION in bytes(text):
            raise dynamic.layout.view.error("DT_STRTAB has a version of glibc, but there is no DT_VERNEED")


def _hash(name: str) -> int:
    """Return the hash of a version's name. Source: System V gABI, chapter 5, "Hash Table"."""
    value = 0
    for byte in name.encode(errors="surrogateescape"):
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ high >> 24) & ~high
    return value & 0xFFFFFFFF


class _Reader:
    """Reads the symbol tables of one image."""

    def __init__(self, dynamic: Dynamic) -> None:
        self.dynamic = dynamic
        self.layout = dynamic.layout
        self.view = dynamic.layout.view
        # The last entry of a tag counts.
        self.values = dict(dynamic.entries)
        self.order = "<" if self.layout.header.byteorder == "little" else ">"

    def version_needs(self) -> tuple[tuple[VersionNeed, ...], dict[int, tuple[str | None, str | None]]]:
        """Read the version needs, and what each version index says: (library, version)."""
        # 0 is "local", 1 is "global": a symbol without a version.
        versions: dict[int, tuple[str | None, str | None]] = {0: (None, None), 1: (None, None)}
        needs: list[VersionNeed] = []
        need = self.layout.header.layout("HHIII", "HHIII")
        auxiliary = self.layout.header.layout("IHHII", "IHHII")
        if DT_VERNEED in self.values:
            address = self.values[DT_VERNEED]
            for index, remain in self._chain(DT_VERNEEDNUM, "DT_VERNEED"):
                what = f"DT_VERNEED entry {index}"
                revision, count, file, aux, following = self.dynamic.record(need, address, what)
                if revision != 1:
                    raise self.view.error(f"{what} is of revision {revision}, not 1")
                library = self.dynamic.string(file, f"the library of {what}")
                at = address + aux
                if len(needs) + count > self.view.size // auxiliary.size:
                    raise self.view.error(f"{what} has {count} versions, more than the file has room for")
                for number in range(count):
                    hashed, flags, other, name, next_aux = self.dynamic.record(
                        auxiliary, at, f"version {number} of {what}"
                    )
                    version = self._version(name, f"version {number} of {what}")
                    if hashed != _hash(version):
                        # Loaders compare it before the name.
                        raise self.view.error(f"version {number} of {what} has the hash of another name than {version}")
                    needs.append(VersionNeed(library=library, version=version, weak=bool(flags & _VER_FLG_WEAK)))
                    versions[other & _VERSION_MASK] = (library, version)
                    self._linked(next_aux, number + 1 < count, f"version {number} of {what}")
                    at += next_aux
                self._linked(following, remain, what)
                address += following
        for index, _, _ in self.definitions():
            # They bind nothing to a library.
            versions.setdefault(index, (None, None))
        return tuple(needs), versions

    def definitions(self) -> Iterator[tuple[int, int, str]]:
        """Yield (index, flags, name) of each version that the image itself defines."""
        definition = self.layout.header.layout("HHHHIII", "HHHHIII")
        auxiliary = self.layout.header.layout("II", "II")
        if DT_VERDEF in self.values:
            address = self.values[DT_VERDEF]
            for number, remain in self._chain(DT_VERDEFNUM, "DT_VERDEF"):
                what = f"DT_VERDEF entry {number}"
                revision, flags, index, _, _, aux, following = self.dynamic.record(definition, address, what)
                if revision != 1:
                    raise self.view.error(f"{what} is of revision {revision}, not 1")
                # The first name is the version's own, others are those that it builds on.
                name, _ = self.dynamic.record(auxiliary, address + aux, f"the name of {what}")
                yield index & _VERSION_MASK, flags, self._version(name, f"the name of {what}")
                self._linked(following, remain, what)
                address += following

    def _version(self, index: int, what: str) -> str:
        name = self.dynamic.string(index, what)
        if len(name) > _LONGEST_VERSION:
            # Its numbers are read as such, and Python reads none of more than 4300 digits.
            raise self.view.error(f"{what} is {len(name)} characters long")
        self._names.spend(name)
        return name

    def _name(self, index: int, number: int) -> str:
        name = self.dynamic.string(index, f"the name of symbol {number}")
        self._names.spend(name)
        return name

    @cached_property
    def relocated(self) -> Relocated:
        """What the relocation tables refer to."""
        return read_relocated(self.dynamic)

    @cached_property
    def _names(self) -> NameBudget:
        return NameBudget(self.view, "DT_STRTAB")

    def _chain(self, count_tag: int, what: str) -> Iterator[tuple[int, bool]]:
        count = self.values.get(count_tag, 0)
        if not count:
            raise self.view.error(f"the dynamic table has {what} but no count of its entries")
        for index in range(count):
            yield index, index + 1 < count

    def _linked(self, following: int, expected: bool, what: str) -> None:
        """Hold the end of a chain against its count."""
        if bool(following) != expected:
            raise self.view.error(f"{what} {'has nothing after it' if expected else 'goes on'}, against its count")

    def symbols(self, versions: dict[int, tuple[str | None, str | None]]) -> Iterator[ImportedSymbol]:
        """Yield the dynamic symbols that a library must provide."""
        if DT_SYMTAB not in self.values:
            return
        table, count = self._symbol_table
        numbers: tuple[int, ...] = ()
        if DT_VERSYM in self.values:
            at = self.dynamic.table(self.values[DT_VERSYM], count * 2, f"DT_VERSYM ({count} symbols)")
            numbers = Struct(f"{self.order}{count}H").unpack(self.view.slice(at.offset, at.size, "DT_VERSYM"))
        elif self.values.get(DT_VERNEED):
            raise self.view.error("the dynamic table has DT_VERNEED but no DT_VERSYM")
        for index, (name, info, section) in enumerate(self._fields(table)):
            number = numbers[index] & _VERSION_MASK if numbers else 1
            if number not in versions:
                raise self.view.error(f"symbol {index} has version index {number}, which is defined nowhere")
            library, version = versions[number]
            # A variable that the program copies out of a library (R_*_COPY) is defined here, with the library's
            # version: the library must provide it all the same.
            if (section and version is None) or not name or info >> 4 == _STB_LOCAL:
                continue
            yield ImportedSymbol(
                name=self._name(name, index),
                library=library,
                version=version,
                weak=info >> 4 == _STB_WEAK,
            )

    def defined(self) -> Iterator[str]:
        """Yield the names of the dynamic symbols that the image itself has, and that are not local."""
        if DT_SYMTAB not in self.values:
            return
        table, _ = self._symbol_table
        for index, (name, info, section) in enumerate(self._fields(table)):
            if section and name and info >> 4 != _STB_LOCAL:
                yield self._name(name, index)

    @cached_property
    def _symbol_table(self) -> tuple[Table, int]:
        """Where the dynamic symbols are, and how many."""
        symbol = self._symbol_layout()
        if self.values.get(DT_SYMENT, symbol.size) != symbol.size:
            raise self.view.error(f"DT_SYMENT is {self.values[DT_SYMENT]}, not {symbol.size}")
        count = self._symbol_count(symbol.size)
        return self.dynamic.table(self.values[DT_SYMTAB], count * symbol.size, f"DT_SYMTAB ({count} symbols)"), count

    def _fields(self, table: Table) -> Iterator[tuple[int, int, int]]:
        """Yield (st_name, st_info, st_shndx) of each dynamic symbol."""
        symbol = self._symbol_layout()
        data = self.view.slice(table.offset, table.size, "DT_SYMTAB")
        for index, fields in enumerate(symbol.iter_unpack(data)):
            # Only the first entry is empty (gABI): zeros further on are a hole in the file.
            if index and not any(fields):
                raise self.view.error(f"symbol {index} of DT_SYMTAB is empty", table.offset + index * symbol.size)
            if self.layout.header.bits == 32:
                name, _, _, info, _, section = fields
            else:
                name, info, _, section, _, _ = fields
            yield name, info, section

    def _symbol_layout(self) -> Struct:
        return self.layout.header.layout("IIIBBH", "IBBHQQ")

    def _symbol_count(self, entry_size: int) -> int:
        """
        Count the dynamic symbols; but on MIPS the dynamic table itself does not say how many there are.

        DT_HASH says it. DT_GNU_HASH knows the exported symbols only, and GNU ld's empty one not even where they
        start: then the section header, if there is one, and the relocations tell of the rest.
        """
        if DT_MIPS_SYMTABNO in self.values and self.layout.header.machine == _EM_MIPS:
            count = self.values[DT_MIPS_SYMTABNO]
            if DT_HASH in self.values and self._hash_count() > count:
                raise self.view.error(f"DT_MIPS_SYMTABNO is {count}, but DT_HASH has {self._hash_count()} symbols")
            return count
        section = self._section_count(entry_size)
        used = self.relocated.highest_symbol + 1
        if DT_GNU_HASH in self.values:
            used = max(used, self._gnu_hash_count())
        if DT_HASH in self.values:
            count = self._hash_count()
            if used > count:
                # Loaders take DT_GNU_HASH where both are there.
                raise self.view.error(f"symbol {used - 1} is used, but DT_HASH has {count} symbols")
            if section not in (None, count):
                raise self.view.error(f"DT_HASH has {count} symbols, the section of DT_SYMTAB {section}")
            return count
        if section is None:
            return max(used, 1)
        if used > section:
            raise self.view.error(f"symbol {used - 1} is used, but the section of DT_SYMTAB has {section} symbols")
        return section

    def _section_count(self, entry_size: int) -> int | None:
        for section in self.layout.sections:
            if section.type == SHT_DYNSYM and section.address == self.values[DT_SYMTAB]:
                return section.size // entry_size
        return None

    def _hash_count(self) -> int:
        header, address = self.layout.header, self.values[DT_HASH]
        word = header.layout("I", "I")
        if header.bits == 64 and header.machine in (_EM_S390, _EM_ALPHA):
            # Words of 8 bytes, against the gABI: GNU ld and Go write them, LLVM's link editor those of 4. A count of
            # neither buckets nor symbols is 0, so that the first 8 bytes hold one number or two.
            if 0 in self.dynamic.record(header.layout("II", "II"), address, "DT_HASH"):
                word = header.layout("Q", "Q")
            return self._checked_hash_count(word)
        buckets, chains = self.dynamic.record(header.layout("II", "II"), address, "DT_HASH")
        self.dynamic.table(address, (2 + buckets + chains) * word.size, "DT_HASH")
        return chains

    def _checked_hash_count(self, word: Struct) -> int:
        """Count by a table whose words were told by what is in them: then they must make sense, each of them."""
        address, size = self.values[DT_HASH], word.size
        (buckets,) = self.dynamic.record(word, address, "DT_HASH")
        (chains,) = self.dynamic.record(word, address + size, "DT_HASH")
        table = self.dynamic.table(address, (2 + buckets + chains) * size, "DT_HASH")
        numbers = [number for (number,) in word.iter_unpack(self.view.slice(table.offset, table.size, "DT_HASH"))][2:]
        if not buckets or max(numbers, default=0) >= chains:
            raise self.view.error(
                f"DT_HASH has {buckets} buckets and {chains} symbols, and refers to symbol {max(numbers, default=0)}",
                table.offset,
            )
        return int(chains)

    def _gnu_hash_count(self) -> int:
        """Count by the last chain, the one that ends the table."""
        head = self.layout.header.layout("IIII", "IIII")
        word = self.layout.header.layout("I", "Q").size
        address = self.values[DT_GNU_HASH]
        bucket_count, first, bloom, _ = self.dynamic.record(head, address, "DT_GNU_HASH")
        buckets_at = address + head.size + bloom * word
        offset = self.layout.offset_of(buckets_at, bucket_count * 4, "the buckets of DT_GNU_HASH")
        buckets = Struct(f"{self.order}{bucket_count}I").unpack(
            self.view.slice(offset, bucket_count * 4, "the buckets of DT_GNU_HASH")
        )
        last = max(buckets, default=0)
        if last < first:
            return int(first) if not last else self._broken_hash(last, first)
        link = Struct(self.order + "I")
        at = buckets_at + bucket_count * 4 + (last - first) * 4
        start, segment = self.layout.offset_of(at, 4, "a chain of DT_GNU_HASH"), self.layout.load_at(at)
        size = segment.address + segment.file_size - at if segment else 0
        chain = self.view.slice(start, size & ~3, "the chains of DT_GNU_HASH")
        for index, (hashed,) in enumerate(link.iter_unpack(chain)):
            if hashed & 1:
                return int(last) + index + 1
        raise self.view.error("the last chain of DT_GNU_HASH has no end", start)

    def _broken_hash(self, last: int, first: int) -> int:
        raise self.view.error(f"DT_GNU_HASH refers to symbol {last}, below its first symbol {first}")
