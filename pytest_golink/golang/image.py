"""The view of an image from which golink reads Go's structures: mapped bytes, whatever the format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_golink.facts import Format


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """
    The bytes that the file holds for a section or a segment, at the address that the linker gave it.

    `name` is the section's ("__TEXT,__text" on Mach-O), "" for a segment; `offset` is where `data` starts in the
    file. Zero-fill beyond the file's bytes is not part of `data`.
    """

    name: str
    address: int
    offset: int
    data: memoryview
    writable: bool
    executable: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class MappedImage:
    """
    One image as its loader maps it, every region already checked against the file's bounds.

    `entry` is the entry point's address, None where there is none (a library, an object). Sections may be absent
    (stripped section headers): `segments` alone must do. `relocated` gives the address that the loader will put into
    the pointer slot at an address, where a relative relocation (RELA, REL, RELR, rebase) covers it, else None: in a
    position-independent image the file's own bytes there may be 0. `symbols` gives the symbol table's defined names
    and addresses, empty for a stripped image; it is costly, so it is called only when needed. `bodies` gives the sizes
    of the functions' code in order, where addresses do not count bytes (WebAssembly), and is None elsewhere.
    """

    path: str
    format: Format
    pointer_size: Literal[4, 8]
    byteorder: Literal["little", "big"]
    entry: int | None
    segments: tuple[Region, ...]
    sections: tuple[Region, ...]
    relocated: Callable[[int], int | None]
    symbols: Callable[[], Mapping[str, int]]
    bodies: Callable[[], Sequence[int]] | None = None
