"""Small files that ask for much work: it is bounded by the file's size."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.reader.elf.facts import read_elf

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_SECONDS = 5.0
BASE = 0x400000


def image(entries: Sequence[tuple[int, int]], body: bytes, *, loads: int = 1, at: int = 0x10000) -> bytes:
    """A 64-bit program of one PT_LOAD with the dynamic table, and others of one page each."""
    headers = [(1, 6, 0, BASE, BASE, at + len(body), at + len(body), 0x1000)]
    headers += [(1, 4, 0, BASE + 0x10000000 + 0x1000 * n, 0, 16, 16, 0x1000) for n in range(loads - 1)]
    table = struct.pack(f"<{2 * len(entries) + 2}Q", *(word for entry in entries for word in entry), 0, 0)
    headers.append((2, 6, at - len(table), BASE + at - len(table), 0, len(table), len(table), 8))
    head = b"\x7fELF\2\1\1".ljust(16, b"\0")
    head += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, BASE + 0x1000, 64, 0, 0, 64, 56, len(headers), 0, 0, 0)
    head += b"".join(struct.pack("<IIQQQQQQ", *header) for header in headers)
    return head.ljust(at - len(table), b"\0") + table + body


def test_symbols_that_share_one_long_name_do_not_multiply_it() -> None:
    names = b"\0" + b"a" * 100_000 + b"\0"
    count = 20_000
    symbols = bytes(24) + struct.pack("<IBBHQQ", 1, 0x12, 0, 0, 0, 0) * (count - 1)
    start = BASE + 0x10000
    hashes = struct.pack("<2I", 1, count) + bytes(4 + 4 * count)
    entries = [
        (5, start),
        (10, len(names)),
        (6, start + len(names)),
        (4, start + len(names) + len(symbols)),
    ]

    with pytest.raises(UnreadableBinaryError, match="the names in DT_STRTAB overlap"):
        read_elf("image", memoryview(image(entries, names + symbols + hashes)))


def test_many_segments_and_a_long_chain_take_no_time() -> None:
    # 1,100 PT_LOADs, and a DT_GNU_HASH whose last chain has 200,000 links.
    links = 200_000
    table = struct.pack("<4IQI", 1, 1, 1, 0, 0, 1) + struct.pack(f"<{links}I", *[2] * (links - 1), 1)
    start = BASE + 0x20000
    names = b"\0a\0".ljust(8, b"\0")
    symbols = bytes(24) + struct.pack("<IBBHQQ", 1, 0x12, 0, 1, 0, 0) * links
    entries = [(5, start), (10, 3), (6, start + 8), (0x6FFFFEF5, start + 8 + len(symbols))]

    before = time.process_time()
    facts = read_elf("image", memoryview(image(entries, names + symbols + table, loads=1100, at=0x20000)))
    assert time.process_time() - before < MOST_SECONDS
    assert facts.exports is not None
    assert len(facts.exports) == links


def test_version_needs_that_overlap_do_not_multiply() -> None:
    start = BASE + 0x10000
    names = b"\0lib.so\0V_1\0".ljust(16, b"\0")
    # Every need counts 65,535 versions from one place on, which leads back to itself.
    need = struct.pack("<HHIII", 1, 0xFFFF, 1, 16, 0) + struct.pack("<IHHII", 0, 0, 2, 8, 16)
    body = names + need + struct.pack("<IHHII", 0, 0, 2, 8, 16) * 64
    entries = [(1, 1), (5, start), (10, 12), (6, start), (0x6FFFFFFE, start + 16), (0x6FFFFFFF, 1), (0x6FFFFFF0, start)]

    with pytest.raises(UnreadableBinaryError, match="DT_VERNEED entry 0 has 65535 versions"):
        read_elf("image", memoryview(image(entries, body)))
