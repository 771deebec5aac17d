"""The compression methods of a zip's members; golink unpacks each in bounded memory."""

from __future__ import annotations

import bz2
import lzma
from typing import TYPE_CHECKING

from pytest_golink.archives import limits
from pytest_golink.archives.members import shown
from pytest_golink.archives.streams import Zlib, zstd_decoder
from pytest_golink.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_golink.archives.streams import Decoder, Range

_STORED, _DEFLATE, _BZIP2, _LZMA, _ZSTD, _XZ = 0, 8, 12, 14, 93, 95
# Source: APPNOTE.TXT 6.3.10, 4.4.5.
_NAMES = {
    1: "Shrink", 6: "Implode", 9: "Deflate64", 10: "PKWARE DCL Implode", 16: "IBM z/OS CMPSC", 18: "IBM TERSE",
    19: "IBM LZ77", 20: "zstd by its old number", 94: "MP3", 96: "JPEG", 97: "WavPack", 98: "PPMd", 99: "AES",
}  # fmt: skip
# The value by which zlib reads data without a header (wbits of inflateInit2).
_RAW_DEFLATE = -15
_FED_BYTES = 1 << 14
_MOST_BYTES = 1 << 18
# Version of the tool, and length of the properties, which follow: lc, lp and pb in one byte, the dictionary's size.
_LZMA_HEADER_BYTES, _LZMA_PROPERTIES_BYTES = 4, 5


def unsupported(method: int) -> str:
    """Return why members of a compression method cannot be read; "" where they can."""
    if method == _STORED or method in _DECODERS:
        return ""
    name = _NAMES.get(method)
    return f"compression method not supported: {method}{f' ({name})' if name else ''}; pack it with Deflate"


def decoded(packed: Range, method: int, most: int) -> Iterator[bytes]:
    """
    Yield the bytes of a member.

    Args:
        packed: The member's compressed bytes.
        method: How it is compressed; one that is supported.
        most: The number of bytes that the caller expects: the last chunk may go beyond it.

    Raises:
        ArchiveError: It is damaged, or unpacks to more than the bound.
    """
    try:
        if method == _STORED:
            while part := packed.read(min(_MOST_BYTES, packed.size)):
                yield part
            return
        decoder = _DECODERS[method](packed)
        done = 0
        while not decoder.eof and done <= most:
            data = packed.read(_FED_BYTES) if decoder.needs_input else b""
            part = decoder.decompress(data, min(_MOST_BYTES, most - done + 1))
            if not part and not data and decoder.needs_input:
                raise ArchiveError(packed.path, "is damaged: its compressed data has no end")
            done += len(part)
            if done > limits.RATIO_FROM_BYTES and done > limits.RATIO * packed.tell():
                raise ArchiveError(
                    packed.path, f"unpacks to more than {limits.RATIO} times its size: a decompression bomb"
                )
            if part:
                yield part
    except ArchiveError:
        raise
    except Exception as error:
        # Each decoder has its own error.
        raise ArchiveError(packed.path, f"is damaged: {shown(str(error))}") from error


def _lzma(packed: Range) -> Decoder:
    header = packed.read(_LZMA_HEADER_BYTES)
    size = int.from_bytes(header[2:4], "little")
    properties = packed.read(_LZMA_PROPERTIES_BYTES)
    if size != _LZMA_PROPERTIES_BYTES or len(properties) < size:
        raise ArchiveError(packed.path, "is damaged: its LZMA properties are not there")
    bits, dictionary = properties[0], int.from_bytes(properties[1:], "little")
    # liblzma allocates the dictionary at once, whatever the member's size.
    if dictionary > limits.DECODER_BYTES:
        raise ArchiveError(
            packed.path, f"needs {dictionary} bytes to be unpacked, more than the bound of {limits.DECODER_BYTES}"
        )
    numbers = {"lc": bits % 9, "lp": bits // 9 % 5, "pb": bits // 45, "dict_size": dictionary}
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, **numbers}])


_DECODERS: dict[int, Callable[[Range], Decoder]] = {
    _DEFLATE: lambda _packed: Zlib(_RAW_DEFLATE),
    _BZIP2: lambda _packed: bz2.BZ2Decompressor(),
    _LZMA: _lzma,
    _ZSTD: lambda _packed: zstd_decoder(),
    _XZ: lambda _packed: lzma.LZMADecompressor(lzma.FORMAT_XZ, limits.DECODER_BYTES),
}
