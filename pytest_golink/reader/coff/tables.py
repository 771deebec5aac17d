"""
The string table and the section names that COFF objects and PE images share.

Source: Microsoft's PE Format specification, "COFF String Table" and "Section Table".
"""

from __future__ import annotations

import base64
import binascii
from struct import Struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_golink.reader.bounds import View

# IMAGE_FILE_MACHINE_*: the ports of Go.
GOARCH = {0x14C: "386", 0x8664: "amd64", 0x1C0: "arm", 0x1C4: "arm", 0xAA64: "arm64"}
DWARF_SECTIONS = frozenset({".debug_info", ".zdebug_info"})

_SIZE = Struct("<I")


def read_string_table(view: View, symbols: int, count: int, entry_bytes: int) -> memoryview | None:
    """
    Return the string table, which stands behind the symbol table; offsets in it count from its own size field.

    Returns:
        None where the header points to no symbol table: UPX keeps the pointer of an empty one that it cut away.

    Raises:
        UnreadableBinaryError: One of the two tables goes past the end of the file.
    """
    if not symbols or (not count and symbols > view.size):
        return None
    view.check(symbols, count * entry_bytes, f"the COFF symbol table of {count} symbols")
    start = symbols + count * entry_bytes
    (size,) = view.unpack(_SIZE, start, "the COFF string table")
    # A table without strings: 4 by the specification, 0 by some linkers.
    return view.slice(start, max(size, _SIZE.size), "the COFF string table")


def read_section_name(view: View, raw: bytes, strings: memoryview | None, header: int) -> str:
    """
    Return a section's name: up to eight bytes, or "/" and where it stands in the string table ("/4": ".debug_info").

    Raises:
        UnreadableBinaryError: The string table has no such place.
    """
    short = raw.rstrip(b"\0")
    offset = _long_name_offset(short)
    if offset is None:
        return short.decode("utf-8", "backslashreplace")
    if strings is None or offset >= len(strings):
        raise view.error(f"a section's long name {short!r} is not in the COFF string table", header)
    name, end, _ = bytes(strings[offset:]).partition(b"\0")
    if not end:
        raise view.error(f"a section's long name {short!r} has no terminating NUL", header)
    return name.decode("utf-8", "backslashreplace")


def _long_name_offset(short: bytes) -> int | None:
    if short.startswith(b"//"):
        # LLVM's and GNU's form for tables that seven decimal digits cannot address: base64, most significant first.
        try:
            return int.from_bytes(base64.b64decode(b"AA" + short[2:].rjust(6, b"A"), validate=True), "big")
        except binascii.Error:
            return None
    digits = short[1:]
    return int(digits) if short.startswith(b"/") and digits.isdigit() else None


def read_symbols(view: View, offset: int, count: int, bases: Sequence[int], *, wide: bool = False) -> Mapping[str, int]:
    """
    Return the defined symbols, with their sections' addresses added; of two with one name, the first.

    Args:
        view: The image.
        offset: Where the symbol table starts.
        count: Its entries, auxiliary ones included.
        bases: The address of each section; section numbers count from 1.
        wide: Whether section numbers have 32 bits (/bigobj).
    """
    entry = Struct("<8sIiH2B" if wide else "<8sIhH2B")
    table = view.slice(offset, count * entry.size, "the COFF symbol table")
    strings = bytes(read_string_table(view, offset, count, entry.size) or b"")
    found: dict[str, int] = {}
    skip = 0
    for raw, value, section, _, _, auxiliary in entry.iter_unpack(table):
        if skip:
            skip -= 1
            continue
        skip = auxiliary
        if 0 < section <= len(bases):
            if raw.startswith(b"\0\0\0\0"):
                start = int.from_bytes(raw[4:], "little")
                raw = strings[start : max(strings.find(b"\0", start), start)]
            # Names of Go symbols may hold any bytes; none that is looked for does.
            found.setdefault(raw.rstrip(b"\0").decode("utf-8", "surrogateescape"), bases[section - 1] + value)
    return found
