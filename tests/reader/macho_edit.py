"""Edits of Mach-O images that no tool at hand makes."""

from __future__ import annotations

import struct


def without_command(image: bytes, number: int) -> bytes:
    """Cut a load command out of a thin 64-bit image; what is behind the table stays where it is."""
    count, size = struct.unpack_from("<2I", image, 16)
    at, end = 32, 32 + size
    while at < end:
        found, length = struct.unpack_from("<2I", image, at)
        if found == number:
            table = image[32:at] + image[at + length : end] + bytes(length)
            head = image[:16] + struct.pack("<2I", count - 1, size - length) + image[24:32]
            return head + table + image[end:]
        at += length
    raise AssertionError(f"there is no load command 0x{number:x}")
