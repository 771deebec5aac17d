"""Edits of Mach-O images that no tool at hand makes."""

from __future__ import annotations

import struct
from hashlib import sha256

# Source: <mach-o/loader.h>: the size of mach_header_64, and a command.
_HEADER = 32
_LC_BUILD_VERSION = 0x32
_LC_CODE_SIGNATURE = 0x1D


def without_command(image: bytes, number: int) -> bytes:
    """Cut a load command out of a thin 64-bit image; what is behind the table stays where it is."""
    count, size = struct.unpack_from("<2I", image, 16)
    at, length = _command(image, number)
    end = _HEADER + size
    table = image[_HEADER:at] + image[at + length : end] + bytes(length)
    head = image[:16] + struct.pack("<2I", count - 1, size - length) + image[24:_HEADER]
    return head + table + image[end:]


def with_sdk(image: bytes, major: int, minor: int) -> bytes:
    """Write another SDK version into the LC_BUILD_VERSION of a thin 64-bit image: Go's differs between its releases."""
    at, _ = _command(image, _LC_BUILD_VERSION)
    return image[: at + 16] + struct.pack("<I", major << 16 | minor << 8) + image[at + 20 :]


def signed_again(image: bytes) -> bytes:
    """
    Write the hashes of the pages anew into the ad-hoc signature of a thin 64-bit image, as `codesign --sign -` does.

    Source: <kern/cs_blobs.h>: CS_SuperBlob, CS_CodeDirectory; Go's cmd/internal/codesign writes one of each.
    """
    at, _ = _command(image, _LC_CODE_SIGNATURE)
    (blob,) = struct.unpack_from("<I", image, at + 8)
    (directory,) = struct.unpack_from(">I", image, blob + 16)
    hashes, _, _, count, limit = struct.unpack_from(">5I", image, blob + directory + 16)
    page = 1 << image[blob + directory + 39]
    signed = bytearray(image)
    for slot in range(count):
        start = blob + directory + hashes + 32 * slot
        signed[start : start + 32] = sha256(image[slot * page : min((slot + 1) * page, limit)]).digest()
    return bytes(signed)


def _command(image: bytes, number: int) -> tuple[int, int]:
    """Return where the first load command of that number is, and its length."""
    (size,) = struct.unpack_from("<I", image, 20)
    at = _HEADER
    while at < _HEADER + size:
        found, length = struct.unpack_from("<2I", image, at)
        if found == number:
            return at, length
        at += length
    raise AssertionError(f"there is no load command 0x{number:x}")
