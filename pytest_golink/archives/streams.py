"""The bytes of an archive: a range of a file, decompressed in one direction, within the bounds."""

from __future__ import annotations

import bz2
import lzma
import os
import sys
import tempfile
import threading
import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

from pytest_golink.archives import limits
from pytest_golink.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CHUNK_BYTES = 1 << 18
# The bytes that a decoder gets at once, twice as many each time: at the end of a frame it copies the rest of them.
_FED_FIRST_BYTES, _FED_BYTES = 1 << 9, 1 << 14
# The length of the longest magic number below.
_MAGIC_BYTES = 6
# Longer than a tick, at most 10 ms, of the clock that gives files their times.
_CLOCK_S = 0.05


class Stream(Protocol):
    """The methods of a file that readers of members need."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes: fewer than `size` only at the end."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go on at another place."""

    def tell(self) -> int:
        """Return the place."""


class Decoder(Protocol):
    """The common interface of the decoders in bz2, lzma and zstd."""

    @property
    def eof(self) -> bool:
        """Whether the end of a frame was decoded."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out without more input."""

    @property
    def unused_data(self) -> bytes:
        """What follows the end of the frame in the input."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Return the next bytes, at most so many."""


class Zlib:
    """zlib's decoder with that interface; zlib's number of the container selects the checksum that it checks."""

    def __init__(self, wbits: int) -> None:
        self._zlib = zlib.decompressobj(wbits=wbits)

    @property
    def eof(self) -> bool:
        """Whether the end of a frame was decoded."""
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out without more input."""
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        """What follows the end of the frame in the input."""
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Return the next bytes, at most so many."""
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


def zstd_decoder() -> Decoder:
    """Return a decoder of zstd; its window is at most 128 MiB by default."""
    # At first use: most archives are not zstd.
    if sys.version_info >= (3, 14):  # pragma: no cover - the other one is in a newer Python
        from compression.zstd import ZstdDecompressor
    else:
        from backports.zstd import ZstdDecompressor
    decoder: Decoder = ZstdDecompressor()
    return decoder


# By the first bytes. Old rpm packages have "lzma".
_CODECS: dict[str, tuple[bytes, Callable[[], Decoder]]] = {
    "gzip": (b"\x1f\x8b\x08", lambda: Zlib(31)),
    "bzip2": (b"BZh", bz2.BZ2Decompressor),
    "xz": (b"\xfd7zXZ\0", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, limits.DECODER_BYTES)),
    "zstd": (b"\x28\xb5\x2f\xfd", zstd_decoder),
    "lzma": (b"\x5d\x00\x00", lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, limits.DECODER_BYTES)),
}


# A skippable frame, such as the table of frames that pzstd writes first (RFC 8878, 3.1.2).
_ZSTD_SKIPPABLE = tuple(bytes((first,)) + b"\x2a\x4d\x18" for first in range(0x50, 0x60))


def codec_of(head: bytes) -> str | None:
    """Return the compression of a file that starts with `head`, None where there is none."""
    if head.startswith(_ZSTD_SKIPPABLE):
        return "zstd"
    return next((name for name, (magic, _decoder) in _CODECS.items() if head.startswith(magic)), None)


class Range:
    """
    A range of a file's bytes, readable at any position.

    Args:
        file: The whole file.
        path: The archive as reports show it.
        start: Where the range starts.
        size: How long it is; by default to the end of the file.
        largest: The most bytes to read at once, whatever a header promises.
    """

    def __init__(
        self, file: BinaryIO, *, path: str, start: int = 0, size: int | None = None, largest: int = limits.HEADER_BYTES
    ) -> None:
        end = file.seek(0, os.SEEK_END)
        self.path = path
        self.start = start
        self.size = end - start if size is None else size
        if not 0 <= start <= start + self.size <= end:
            raise ArchiveError(path, f"is cut short: {start + self.size} bytes are promised, and there are {end}")
        self._file = file
        self._largest = largest
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        left = max(0, self.size - self._at)
        size = left if size < 0 else min(size, left)
        if size > self._largest:
            raise ArchiveError(self.path, f"a header of {size} bytes, more than the bound of {self._largest}")
        self._file.seek(self.start + self._at)
        data = self._file.read(size)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go on at another place."""
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence])
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at


class Inflated:
    """The decompressed bytes of a range, forward only: gzip members, zstd frames and the like one after another."""

    def __init__(self, packed: Range, codec: str) -> None:
        self._packed = packed
        self._codec = codec
        self._new = _CODECS[codec][1]
        self._decoder: Decoder | None = self._new()
        # The bytes to decode next, and the bytes already read behind them.
        self._next = b""
        self._pending = memoryview(b"")
        self._ready = b""
        self._used = 0
        self._fed_bytes = _FED_FIRST_BYTES
        self._frames = 0
        self._unpacked = 0
        self._at = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        if not 0 <= size <= limits.HEADER_BYTES:
            raise ArchiveError(self._packed.path, f"a header of {size} bytes, over the bound of {limits.HEADER_BYTES}")
        parts = []
        wanted = size
        while wanted:
            if self._used == len(self._ready):
                self._ready, self._used = self._more(), 0
                if not self._ready:
                    break
            part = self._ready[self._used : self._used + wanted]
            parts.append(part)
            self._used += len(part)
            wanted -= len(part)
        self._at += size - wanted
        return b"".join(parts)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Skip forward; only a header with a negative size leads backward (CVE-2025-8194)."""
        if whence != os.SEEK_SET or offset < self._at:
            raise ArchiveError(self._packed.path, "a header leads backward")
        while self._at < offset and self.read(min(_CHUNK_BYTES, offset - self._at)):
            pass
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def _more(self) -> bytes:
        """Decompress some more; nothing at the very end."""
        while (decoder := self._decoder) is not None:
            data = self._fed() if decoder.needs_input else b""
            ended = decoder.needs_input and not data
            part = decoder.decompress(data, _CHUNK_BYTES)
            if decoder.eof:
                self._next_member(decoder.unused_data)
            elif ended and not part:
                raise ArchiveError(self._packed.path, f"is cut short: the {self._codec} data has no end")
            if part:
                self._check_bounds(len(part))
                return part
        return b""

    def _fed(self) -> bytes:
        """Return the next bytes to decode; none at the end of the range."""
        if self._next:
            data, self._next = self._next, b""
            return data
        if not self._pending:
            self._pending = memoryview(self._packed.read(_CHUNK_BYTES))
        data, self._pending = bytes(self._pending[: self._fed_bytes]), self._pending[self._fed_bytes :]
        self._fed_bytes = min(2 * self._fed_bytes, _FED_BYTES)
        return data

    def _next_member(self, unused: bytes) -> None:
        self._frames += 1
        if self._frames > min(limits.FRAMES + self._unpacked // limits.FRAME_BYTES, limits.FRAMES_IN_ALL):
            raise ArchiveError(
                self._packed.path, f"its {self._codec} data has more frames than the bound for what they unpack to"
            )
        self._fed_bytes = _FED_FIRST_BYTES
        # xz allows padding with zeros, and gzip files on tapes have it.
        rest = unused.lstrip(b"\0")
        while len(rest) < _MAGIC_BYTES and (more := self._fed()):
            rest = (rest + more).lstrip(b"\0")
        if not rest:
            self._decoder = None
        elif codec_of(rest) == self._codec:
            self._decoder = self._new()
            self._next = rest
        else:
            raise ArchiveError(self._packed.path, f"other data follows the {self._codec} data")

    def _check_bounds(self, more: int) -> None:
        self._unpacked = unpacked = self._unpacked + more
        if unpacked > limits.UNPACKED_BYTES:
            raise ArchiveError(self._packed.path, f"unpacks to more than the bound of {limits.UNPACKED_BYTES} bytes")
        if unpacked > limits.RATIO_FROM_BYTES and unpacked > limits.RATIO * self._packed.tell():
            raise ArchiveError(
                self._packed.path, f"unpacks to more than {limits.RATIO} times its size: a decompression bomb"
            )


def stream(packed: Range, codec: str | None) -> Stream:
    """Return the bytes of a range from its start, decompressed where a codec is named."""
    packed.seek(0)
    return packed if codec is None else Inflated(packed, codec)


def unpacked(packed: Range, codec: str) -> Iterator[bytes]:
    """
    Yield all bytes of a compressed range, to its end, so that the decoder checks its checksums.

    Raises:
        ArchiveError: It is damaged, cut short or over the bounds.
    """
    data = stream(packed, codec)
    try:
        while part := data.read(limits.HEADER_BYTES):
            yield part
    except ArchiveError:
        raise
    except Exception as error:
        # Each decoder has its own error.
        raise ArchiveError(packed.path, f"its {codec} data is damaged: {error}") from error


class _Spooled:
    """A temporary file that is closed when its last user is gone."""

    def __init__(self) -> None:
        self.file: BinaryIO = tempfile.TemporaryFile(prefix="golink-")  # noqa: SIM115 - closed below

    def __del__(self) -> None:
        self.file.close()


class _Spool(threading.local):
    """
    Keeps the unpacked archive of the last member in a temporary file, from the archive's second member on.

    Without it, each member of a compressed archive would again unpack everything that stands before it.
    """

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._spooled: _Spooled | None = None

    def opened(self, packed: Range, codec: str, status: os.stat_result) -> Stream:
        """Return the decompressed bytes of a range of the file with that status."""
        state = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        key = (*state, packed.start, packed.size, codec)
        # A file that was just written may change again without a new time; a file without a name may be another one.
        sure = status.st_nlink > 0 and time.time() - max(status.st_mtime, status.st_ctime) > _CLOCK_S
        if not sure or key != self._key:
            self._key, self._spooled = key if sure else (), None
            return stream(packed, codec)
        if self._spooled is None:
            spooled = _Spooled()
            for part in unpacked(packed, codec):
                spooled.file.write(part)
            self._spooled = spooled
        return Range(self._spooled.file, path=packed.path)


_spool = _Spool()


@dataclass(frozen=True, kw_only=True, slots=True)
class Extent:
    """
    The place of one member's bytes: in a range of a file, decompressed.

    Attributes:
        start: Where the range starts in the file.
        length: How long the range is in the file.
        codec: Its compression.
        offset: Where the member starts, after decompression.
        size: Its size; None for everything up to the end.
    """

    start: int
    length: int
    codec: str | None
    offset: int
    size: int | None

    def stream(self, file: BinaryIO, path: str) -> Stream:
        """Return the file's data from the member's first byte on."""
        packed = Range(file, path=path, start=self.start, size=self.length)
        data: Stream = packed if self.codec is None else _spool.opened(packed, self.codec, os.fstat(file.fileno()))
        data.seek(self.offset)
        return data

    def chunks(self, file: BinaryIO, path: str) -> Iterator[bytes]:
        """Yield the member's bytes, from the file that holds it."""
        data = self.stream(file, path)
        left = limits.UNPACKED_BYTES if self.size is None else self.size
        while left and (part := data.read(min(_CHUNK_BYTES, left))):
            left -= len(part)
            yield part
        if left and self.size is not None:
            raise ArchiveError(path, f"is cut short: {left} bytes of a member are missing")
