"""Edits of 64-bit little-endian ELF images that no tool makes, and what becomes of the result when it is started."""

from __future__ import annotations

import os
import struct
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LOAD, DYNAMIC, INTERP, NOTE, RELRO = 1, 2, 3, 4, 0x6474E552
_RUN_TIMEOUT_S = 60


class Image:
    """An image under the knife: its program headers and dynamic entries as lists, written back by `data`."""

    def __init__(self, path: Path) -> None:
        self.bytes = bytearray(path.read_bytes())
        (self.headers_at,) = struct.unpack_from("<Q", self.bytes, 32)
        (count,) = struct.unpack_from("<H", self.bytes, 56)
        places = (self.headers_at + 56 * index for index in range(count))
        self.headers = [list(struct.unpack_from("<IIQQQQQQ", self.bytes, place)) for place in places]
        dynamic = next((header for header in self.headers if header[0] == DYNAMIC), None)
        self.table_at = dynamic[2] if dynamic else 0
        size = dynamic[5] // 16 if dynamic else 0
        self.entries = [list(struct.unpack_from("<QQ", self.bytes, self.table_at + 16 * i)) for i in range(size)]

    def header(self, type_: int) -> list[int]:
        """The first program header of a type: type, flags, offset, address, address, file size, memory size, align."""
        return next(header for header in self.headers if header[0] == type_)

    def writable(self) -> list[int]:
        """The program header of the writable PT_LOAD."""
        return next(header for header in self.headers if header[0] == LOAD and header[1] & 2)

    def entry(self, tag: int) -> list[int]:
        """The first dynamic entry with a tag."""
        return next(entry for entry in self.entries if entry[0] == tag)

    def add(self, tag: int, value: int) -> None:
        """Put an entry into the room that GNU ld leaves behind the table."""
        end = next(index for index, (found, _) in enumerate(self.entries) if found == 0)
        self.entries[end] = [tag, value]

    def offset(self, address: int) -> int:
        """Where the file has an address."""
        load = next(h for h in self.headers if h[0] == LOAD and h[3] <= address < h[3] + h[5])
        return int(address - load[3] + load[2])

    def put(self, at: int, layout: str, *values: int) -> None:
        struct.pack_into(layout, self.bytes, at, *values)

    def without_sections(self) -> None:
        self.put(40, "<Q", 0)
        self.put(60, "<HH", 0, 0)

    def data(self) -> bytes:
        for index, header in enumerate(self.headers):
            self.put(self.headers_at + 56 * index, "<IIQQQQQQ", *header)
        for index, entry in enumerate(self.entries):
            self.put(self.table_at + 16 * index, "<QQ", *entry)
        return bytes(self.bytes)


def start(data: bytes, folder: Path, **environment: str) -> tuple[int, str]:
    """Let the kernel and the loader judge: the exit status and everything that is printed."""
    program = folder / "program"
    program.write_bytes(data)
    program.chmod(0o755)
    done = subprocess.run(
        [str(program)],
        capture_output=True,
        timeout=_RUN_TIMEOUT_S,
        text=True,
        cwd=folder,
        env={**os.environ, **environment},
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
