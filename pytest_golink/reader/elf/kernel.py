"""
What Linux takes for an ELF program.

Every fact rests on headers that are read here as Linux reads them. Where it and golink would read two things, the file
is refused.

Source: Linux' fs/binfmt_elf.c (load_elf_phdrs, elf_load) and each port's elf_check_arch (arch/*/include/asm/elf.h).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.reader.bounds import View

# The smallest page that each port of Linux has. With larger ones more is shared, and fewer programs start.
PAGE_BYTES = 4096
# The larger pages that kernels of a port may have, by e_machine: MIPS, both PowerPCs, arm64, LoongArch.
# Source: Linux' arch/*/Kconfig: PAGE_SIZE_16KB, PAGE_SIZE_64KB and their names before 6.9.
LARGER_PAGES: Mapping[int, tuple[int, ...]] = MappingProxyType(
    {8: (1 << 14, 1 << 16), 20: (1 << 16,), 21: (1 << 16,), 183: (1 << 14, 1 << 16), 258: (1 << 14, 1 << 16)}
)
# Linux reads no table of program headers that is larger, and knows nothing of PN_XNUM (load_elf_phdrs).
_MOST_HEADER_BYTES = 65_536

# Where e_phentsize is in a header of either width, and the one value that Linux takes there.
_PHENTSIZE = {32: (42, 32), 64: (54, 56)}
_CLASS_BITS = {1: 32, 2: 64}
_STARTED_TYPES = (2, 3)
# Ports whose kernel takes a file by e_machine and e_phentsize, whatever EI_CLASS and EI_DATA say: the byte order and
# the width that it reads. Little: 386, mips, ppc64, arm, amd64, arm64, riscv64, loong64; big: mips, ppc, ppc64, s390x,
# arm, arm64.
_READS: dict[Literal["little", "big"], dict[int, int]] = {
    "little": {3: 32, 8: 64, 21: 64, 40: 32, 62: 64, 183: 64, 243: 64, 258: 64},
    "big": {8: 64, 20: 32, 21: 64, 22: 64, 40: 32, 183: 64},
}


def check_ident(view: View) -> None:
    """
    Refuse a file that the kernel would read in another width or byte order than EI_CLASS and EI_DATA say.

    Raises:
        UnreadableBinaryError: It has two headers in one.
    """
    head = bytes(view.data[:64])
    bits = _CLASS_BITS[head[4]]
    own = "little" if head[5] == 1 else "big"
    for order, widths in _READS.items():
        started, machine = (int.from_bytes(head[at : at + 2], order) for at in (16, 18))
        width = widths.get(machine)
        if width is None or (width, order) == (bits, own) or started not in _STARTED_TYPES:
            continue
        # A 32-bit file of a machine with 64 bits may be real: x32, 32-bit RISC-V, LoongArch and MIPS.
        at, size = _PHENTSIZE[width]
        if int.from_bytes(head[at : at + 2], order) == size:
            raise view.error(
                f"EI_CLASS and EI_DATA say {bits} bits and {own}-endian, but Linux takes e_machine {machine} with "
                f"e_phentsize {size} for a {width}-bit, {order}-endian program",
                4,
            )


def check_table_size(view: View, count: int, entry_size: int) -> None:
    """
    Refuse more program headers than the kernel reads.

    Raises:
        UnreadableBinaryError: Their table is larger than 64 KiB.
    """
    if count * entry_size > _MOST_HEADER_BYTES:
        raise view.error(
            f"there are {count} program headers, and Linux reads {_MOST_HEADER_BYTES} bytes of them at most"
        )
