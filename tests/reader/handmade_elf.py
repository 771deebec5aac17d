"""A small program for 64-bit s390, written by hand: what C compilers and releases of Go at hand do not all link."""

from __future__ import annotations

import struct

# Source: System V gABI, "Object Files"; "zSeries ELF Application Binary Interface Supplement": numbers of the machine.
_EM_S390, _R_390_GLOB_DAT = 22, 10
_BASE = 0x1000000
_HEADER, _PROGRAM_HEADER, _SECTION_HEADER, _DYNAMIC = ">HHIQQQIHHHHHH", ">2I6Q", ">2I4Q2I2Q", ">qQ"
_STRINGS = b"\0puts\0libc.so.6\0"
_INTERPRETER = b"/lib/ld64.so.1\0"
_NAMES = b"\0.interp\0.hash\0.dynsym\0.dynstr\0.rela.dyn\0.dynamic\0.shstrtab\0"
# nbucket, nchain, one bucket, a chain of symbol 1.
HASH = (1, 2, 1, 0, 0)


def s390x_program(*, sections: bool = True) -> tuple[bytes, int, int]:
    """
    A dynamic program that imports puts from libc.so.6, found through a DT_HASH of words of 8 bytes.

    Returns:
        The image; where in it the hash table is, and how many bytes it has.
    """
    places: dict[str, tuple[int, int]] = {}
    body = bytearray(64 + 3 * 56)

    def add(name: str, content: bytes) -> int:
        body.extend(bytes(-len(body) % 8))
        places[name] = (len(body), len(content))
        body.extend(content)
        return _BASE + places[name][0]

    add(".interp", _INTERPRETER)
    table = add(".hash", struct.pack(f">{len(HASH)}Q", *HASH))
    symbols = add(".dynsym", bytes(24) + struct.pack(">IBBHQQ", 1, 0x12, 0, 0, 0, 0))
    strings = add(".dynstr", _STRINGS)
    relocations = add(".rela.dyn", struct.pack(">QQq", _BASE + 0x800, 1 << 32 | _R_390_GLOB_DAT, 0))
    # DT_NEEDED, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT; DT_RELA, DT_RELASZ, DT_RELAENT; DT_NULL.
    entries = [(1, 6), (4, table), (5, strings), (6, symbols), (10, len(_STRINGS)), (11, 24)]
    entries += [(7, relocations), (8, 24), (9, 24), (0, 0)]
    add(".dynamic", b"".join(struct.pack(_DYNAMIC, *entry) for entry in entries))
    body.extend(bytes(0x808 - len(body)))
    end = len(body)

    headers = b""
    for type_, flags, (start, size) in (
        (3, 4, places[".interp"]),
        (1, 7, (0, end)),
        (2, 6, places[".dynamic"]),
    ):
        address = _BASE + start
        headers += struct.pack(
            _PROGRAM_HEADER, type_, flags, start, address, address, size, size, 0x1000 if type_ == 1 else 8
        )
    count = 0
    if sections:
        add(".shstrtab", _NAMES)
        body.extend(bytes(-len(body) % 8))
        kinds = {".interp": 1, ".hash": 5, ".dynsym": 11, ".dynstr": 3, ".rela.dyn": 4, ".dynamic": 6, ".shstrtab": 3}
        links = {".hash": (3, 8), ".dynsym": (4, 24), ".rela.dyn": (3, 24), ".dynamic": (4, 16)}
        rows = [bytes(64)]
        for name, kind in kinds.items():
            (start, size), (link, entry_size) = places[name], links.get(name, (0, 0))
            loaded = name != ".shstrtab"
            rows.append(
                struct.pack(
                    _SECTION_HEADER,
                    _NAMES.index(name.encode() + b"\0"),
                    kind,
                    2 if loaded else 0,
                    _BASE + start if loaded else 0,
                    start,
                    size,
                    link,
                    1 if name == ".dynsym" else 0,
                    8,
                    entry_size,
                )
            )
        count, at = len(rows), len(body)
        body.extend(b"".join(rows))
    header = struct.pack(
        _HEADER,
        *(2, _EM_S390, 1, _BASE + 0x800, 64, at if count else 0, 0, 64, 56, 3, 64, count, count - 1 if count else 0),
    )
    body[: 64 + len(headers)] = b"\x7fELF\2\2\1" + bytes(9) + header + headers
    return bytes(body), *places[".hash"]
