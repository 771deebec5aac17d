"""Go's structures written by hand, in every layout, byte order and pointer size."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_golink.golang.image import MappedImage, Region

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_golink.facts import Format
    from pytest_golink.golang.pclntab import Layout

START = bytes.fromhex("3077af0c9274080241e1c107e6d618e6")
END = bytes.fromhex("f932433186182072008242104116d8f2")
MODULE_TEXT = (
    "path\texample.com/app\n"
    "mod\texample.com/app\t(devel)\t\n"
    "dep\texample.com/x\tv1.2.3\th1:abc=\n"
    "build\t-compiler=gc\n"
    "build\tGOARCH=amd64\n"
    "build\tGOOS=linux\n"
)
TEXT_START = 0x401000
FUNCTION_SIZE = 0x20

_MAGIC = {"1.2": 0xFFFFFFFB, "1.16": 0xFFFFFFFA, "1.18": 0xFFFFFFF0, "1.20": 0xFFFFFFF1}


def framed(text: str | bytes) -> bytes:
    """The module text between its two marks."""
    return START + (text.encode() if isinstance(text, str) else text) + END


def varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*encoded, number))


def inline_blob(version: bytes = b"go1.27.3", module: bytes | None = None) -> bytes:
    """A build info as it has been since Go 1.18."""
    module = framed(MODULE_TEXT) if module is None else module
    header = b"\xff Go buildinf:" + bytes([8, 2]) + bytes(16)
    return header + varint(len(version)) + version + varint(len(module)) + module


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A byte order and a pointer size."""

    byteorder: Literal["little", "big"] = "little"
    pointer_size: Literal[4, 8] = 8

    @property
    def order(self) -> str:
        return "<" if self.byteorder == "little" else ">"

    def words(self, *values: int) -> bytes:
        return struct.pack(f"{self.order}{len(values)}{'Q' if self.pointer_size == 8 else 'I'}", *values)

    def halves(self, *values: int) -> bytes:
        return struct.pack(f"{self.order}{len(values)}I", *values)

    def pointer_blob(self, at: int, version: bytes = b"go1.16.6", module: bytes | None = None) -> bytes:
        """A build info as it was up to Go 1.17, for this address."""
        module = framed(MODULE_TEXT) if module is None else module
        first, second = at + 32, at + 32 + 2 * self.pointer_size
        strings = second + 2 * self.pointer_size
        header = b"\xff Go buildinf:" + bytes([self.pointer_size, int(self.byteorder == "big")])
        header = (header + self.words(first, second)).ljust(32, b"\0")
        return (
            header
            + self.words(strings, len(version))
            + self.words(strings + len(version), len(module))
            + version
            + module
        )

    def pclntab(
        self,
        names: Sequence[str],
        layout: Layout = "1.20",
        *,
        inlined: Sequence[str] = (),
        files: Sequence[str] = ("main.go",),
        text_start: int = TEXT_START,
    ) -> bytes:
        """A table of functions that lie one after the other from `text_start`; its last bytes are the last function."""
        head = self.halves(_MAGIC[layout]) + bytes([0, 0, 1, self.pointer_size])
        count = len(names)
        absolute = layout in ("1.2", "1.16")
        entries = [(text_start if absolute else 0) + index * FUNCTION_SIZE for index in range(count + 1)]
        pack = self.words if absolute else self.halves
        width = len(pack(0))
        block, name_at = _strings([*names, *inlined])
        file_block, file_at = _strings(files)
        function_size = width + 4
        table_size = (2 * count + 1) * width

        def table(first: int, base: int) -> bytes:
            rows = b"".join(pack(entries[index], first + index * function_size) for index in range(count))
            functions = b"".join(
                pack(entry) + self.halves(base + at) for entry, at in zip(entries, name_at, strict=False)
            )
            assert len(functions) >= count * function_size
            return rows + pack(entries[count]) + functions[: count * function_size]

        if layout == "1.2":
            start = len(head) + self.pointer_size
            files_at = start + table_size + 4
            strings = files_at + 4 * (len(files) + 1)
            file_table = self.halves(len(files) + 1, *(strings + len(block) + at for at in file_at))
            body = table(strings + len(block) + len(file_block), strings)
            rows, functions = body[:table_size], body[table_size:]
            return head + self.words(count) + rows + self.halves(files_at) + file_table + block + file_block + functions
        header_size = len(head) + self.pointer_size * (7 if absolute else 8)
        offsets = [header_size, header_size + len(block)]  # funcnametab, cutab
        offsets.append(offsets[-1] + 4)  # filetab
        offsets.append(offsets[-1] + len(file_block))  # pctab
        offsets.append(offsets[-1] + 4)  # functab
        header = head + self.words(count, len(files), *(() if absolute else (text_start,)), *offsets)
        return header + block + bytes(4) + file_block + bytes(4) + table(table_size, 0)

    def moduledata(self, pclntab: int, count: int, text: tuple[int, int], layout: Layout = "1.20") -> bytes:
        """The beginning of a moduledata, up to etext."""
        slices = 2 if layout == "1.2" else 6
        first = (pclntab, 7, 7) if layout == "1.2" else (pclntab, *(0x10, 5, 5) * (slices - 1))
        return self.words(*first, 0x20, count + 1, count + 1, *((0, 0, 0) if layout == "1.2" else ()), 0, 0, 0, *text)


def _strings(strings: Sequence[str]) -> tuple[bytes, list[int]]:
    block, offsets = b"", []
    for string in strings:
        offsets.append(len(block))
        block += string.encode() + b"\0"
    return block, offsets


def region(
    data: bytes, address: int = 0x10000, *, name: str = "", writable: bool = True, executable: bool = False
) -> Region:
    return Region(
        name=name,
        address=address,
        offset=0x100,
        data=memoryview(data),
        writable=writable,
        executable=executable,
    )


def image(
    *segments: Region,
    sections: Sequence[Region] = (),
    machine: Machine | None = None,
    image_format: Format = "elf",
    entry: int | None = TEXT_START,
    relocated: Mapping[int, int] | None = None,
    symbols: Mapping[str, int] | None = None,
    bodies: Sequence[int] | None = None,
) -> MappedImage:
    machine = machine or Machine()
    return MappedImage(
        path="app",
        format=image_format,
        pointer_size=machine.pointer_size,
        byteorder=machine.byteorder,
        entry=entry,
        segments=segments,
        sections=tuple(sections),
        relocated=(relocated or {}).get,
        symbols=lambda: symbols or {},
        bodies=None if bodies is None else lambda: bodies,
    )
