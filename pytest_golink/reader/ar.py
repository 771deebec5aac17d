"""
Archives: of objects (c-archive, a C static library) and of Go's compiled packages.

Source: ar(5) of System V (GNU) and of BSD; Microsoft's PE Format specification, "Archive (Library) File Format";
cmd/internal/archive for Go's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING

from pytest_golink.facts import Target
from pytest_golink.reader.bounds import View
from pytest_golink.reader.coff.tables import GOARCH as COFF_GOARCH
from pytest_golink.reader.elf.facts import read_elf
from pytest_golink.reader.formats import find_format
from pytest_golink.reader.macho.target import GOARCH as MACHO_GOARCH
from pytest_golink.reader.unlinked import unlinked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.facts import BinaryFacts

_MAGIC_BYTES = 8
_THIN = b"!<thin>\n"
_MEMBER = Struct("16s12s6s6s8s10s2s")  # name, date, uid, gid, mode, size, end: text, padded with spaces
_NUMBER = re.compile(rb"^[0-9]+ *$")
_LONG_NAME = re.compile(r"^/([0-9]+)$")
_BSD_LONG_NAME = re.compile(r"^#1/([0-9]+)$")
# The first line of a Go object, and of the export data beside it.
_GO_OBJECT = re.compile(rb"go object ([a-z0-9]+) ([a-z0-9]+) ")
# The symbol tables: GNU's, with 64-bit offsets, and BSD's.
_FIRST_TABLE = "/"
_GNU_TABLES = {_FIRST_TABLE: Struct(">I"), "/SYM64/": Struct(">Q")}
_BSD_TABLES = ("__.SYMDEF", "__.SYMDEF SORTED", "__.SYMDEF_64", "__.SYMDEF_64 SORTED")
_LONG_NAMES = "//"
_COFF_HEADER_BYTES = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class _Member:
    name: str
    header: int
    offset: int
    size: int


def read_archive(path: str, data: memoryview) -> BinaryFacts:
    """
    Read the facts of an archive: that it is one, and what its first object is for.

    Raises:
        UnreadableBinaryError: A member's header is damaged, or a member is not in the file whole.
    """
    view = View(data, path=path, format="ar")
    thin = bytes(view.slice(0, _MAGIC_BYTES, "the archive's magic number")) == _THIN
    members = tuple(_members(view, thin=thin))
    if not members:
        # ar can make such a file, and so can a download that stopped at once.
        raise view.error("has no member: is it cut?")
    _check_symbol_tables(view, members)
    return unlinked(view, format="ar", kind="archive", target=None if thin else _target(view, members))


def _members(view: View, *, thin: bool) -> Iterator[_Member]:
    """Yield the members in file order, with long names resolved."""
    at = _MAGIC_BYTES
    long_names: _Member | None = None
    index = 0
    while at < view.size:
        what = f"archive member {index}"
        raw_name, _, _, _, _, raw_size, end = view.unpack(_MEMBER, at, f"the header of {what}")
        if end != b"`\n" or not _NUMBER.match(raw_size):
            raise view.error(f"the header of {what} is damaged", at)
        size, start = int(raw_size), at + _MEMBER.size
        name = raw_name.decode("latin-1").rstrip()
        special = name in _GNU_TABLES or name == _LONG_NAMES
        # The members of a thin archive are separate files.
        stored = size if special or not thin else 0
        view.check(start, stored, what)
        member = _Member(name=name, header=at, offset=start, size=stored)
        if name == _LONG_NAMES:
            long_names = member
        elif not special:
            member = _named(view, member, long_names, what)
        yield member
        at = start + stored
        # Members start at even offsets; the last one's padding may be missing.
        at += at & 1
        index += 1


def _named(view: View, member: _Member, long_names: _Member | None, what: str) -> _Member:
    if bsd := _BSD_LONG_NAME.match(member.name):
        length = int(bsd[1])
        if length > member.size:
            raise view.error(f"the name of {what} is longer than the member", member.offset)
        text = bytes(view.slice(member.offset, length, f"the name of {what}")).rstrip(b"\0").decode("latin-1")
        return _Member(name=text, header=member.header, offset=member.offset + length, size=member.size - length)
    if gnu := _LONG_NAME.match(member.name):
        index = int(gnu[1])
        if long_names is None or index >= long_names.size:
            raise view.error(f"the name of {what} is not in the table of long names", member.header)
        table = bytes(view.slice(long_names.offset, long_names.size, "the table of long names"))
        name = re.split(rb"/?[\n\0]", table[index:], maxsplit=1)[0].decode("latin-1")
    else:
        name = member.name.rstrip("/")
    return _Member(name=name, header=member.header, offset=member.offset, size=member.size)


def _check_symbol_tables(view: View, members: tuple[_Member, ...]) -> None:
    """Check that every member in a symbol table is there: an archive may be cut between two members."""
    headers = {member.header for member in members}
    for index, member in enumerate(members):
        # Microsoft's archives (import libraries) have two in a row under the one name.
        second = index > 0 and member.name == members[index - 1].name == _FIRST_TABLE
        for offset in _promised(view, member, second=second):
            if offset not in headers:
                raise view.error(f"the symbol table refers to a member at offset 0x{offset:x}", member.offset)


def _promised(view: View, member: _Member, *, second: bool) -> set[int]:
    """Return the offsets of the members that a symbol table names."""
    data = view.slice(member.offset, member.size, "the symbol table")
    table = View(data, path=view.path, format=view.format, base=member.offset)
    if second:
        # The second linker member: the members' offsets in their order, little-endian, then the symbols by number.
        word = Struct("<I")
        (count,) = table.unpack(word, 0, "the second symbol table")
        offsets = table.slice(word.size, count * word.size, "the second symbol table")
        return {offset for (offset,) in word.iter_unpack(offsets)}
    if member.name in _GNU_TABLES:
        word = _GNU_TABLES[member.name]
        (count,) = table.unpack(word, 0, "the symbol table")
        offsets = table.slice(word.size, count * word.size, "the symbol table")
        return {offset for (offset,) in word.iter_unpack(offsets)}
    if member.name in _BSD_TABLES:
        # Pairs of (name, member), in the byte order of its machine: little-endian on all current ones.
        word = Struct("<Q" if "_64" in member.name else "<I")
        (size,) = table.unpack(word, 0, "the symbol table")
        entries = table.slice(word.size, size - size % (2 * word.size), "the symbol table")
        return {offset for index, (offset,) in enumerate(word.iter_unpack(entries)) if index % 2}
    return set()


def _target(view: View, members: tuple[_Member, ...]) -> Target | None:
    """Return the port that the first object is for."""
    for member in members:
        data = view.slice(member.offset, member.size, member.name)
        head = bytes(data[:64])
        if go := _GO_OBJECT.match(head):
            return Target(goos=go[1].decode(), goarch=go[2].decode())
        row = find_format(head)
        if row is None:
            continue
        if row.name == "elf":
            return read_elf(f"{view.path}({member.name})", data).target
        if row.name == "macho":
            # Also for a simulator's or another platform's object: only a linked image names its system.
            goarch = MACHO_GOARCH.get(int.from_bytes(head[4:8], "little"))
            return Target(goos="darwin", goarch=goarch) if goarch else None
        if row.name == "coff" and len(head) >= _COFF_HEADER_BYTES and (machine := _coff_machine(head)) in COFF_GOARCH:
            return Target(goos="windows", goarch=COFF_GOARCH[machine])
    return None


def _coff_machine(head: bytes) -> int:
    """Return the machine field of a COFF object, or of /bigobj's and an import library's anonymous header."""
    at = 6 if head.startswith(b"\0\0\xff\xff") else 0
    return int.from_bytes(head[at : at + 2], "little")
