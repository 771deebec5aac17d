"""
A small archive costs little: each ends within 5 s of CPU and 300 MB, in its own process.

On a busy machine the same work takes up to twice the time: the test allows for that.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import re
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from functools import cache
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.archives.packing import Layout, rpm, tar

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_SECONDS = 10
_BYTES = 300 << 20

# What is measured is the archive's: a limit of CPU time ends a process that has none.
_MEASURE = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
from pytest_golink.archives import find_images
from pytest_golink.errors import GolinkError
import lief
before = resource.getrusage(resource.RUSAGE_SELF)
answer = "read"
try:
    for found in find_images(sys.argv[2:], Path(sys.argv[1])):
        found.at(Path(sys.argv[1]) / "out")
except GolinkError as error:
    answer = str(error)
after = resource.getrusage(resource.RUSAGE_SELF)
seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
# Not ru_maxrss, which starts with what the parent had.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(seconds, int(peak.split()[1]) * 1024, answer)
"""


@cache
def nameless(kind: bytes, size: int) -> tuple[bytes, int]:
    """A header without a name, and the sum of its bytes with blanks for the checksum."""
    block = bytearray(tarfile.TarInfo("").tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"%011o\0" % size
    block[156:157] = kind
    block[148:156] = b" " * 8
    return bytes(block), sum(block)


def header(name: str, kind: bytes, size: int) -> bytes:
    block, total = nameless(kind, size)
    raw = name.encode()
    return raw.ljust(100, b"\0") + block[100:148] + b"%06o\0 " % (total + sum(raw)) + block[156:]


def extended(kind: bytes, data: bytes) -> bytes:
    return header("././@LongLink", kind, len(data)) + data + bytes(-len(data) % 512)


def packed(parts: Iterable[bytes], compressor: Callable[[bytes], bytes] = gzip.compress) -> bytes:
    return compressor(b"".join([*parts, bytes(1024)]))


class Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


def zeros(compressor: Compressor, size: int, start: bytes = b"") -> bytes:
    """Return zeros, compressed in pieces."""
    parts = [compressor.compress(start), *(compressor.compress(bytes(1 << 20)) for _ in range(size >> 20))]
    return b"".join([*parts, compressor.flush()])


def deep_tar() -> bytes:
    name = "/".join(["a"] * 500_000 + ["app"]).encode()
    return packed([extended(b"L", name + b"\0"), header("x", b"0", 0)])


def pax_names() -> bytes:
    info = tarfile.TarInfo("/".join(["a"] * 2000) + "/app")
    return packed([info.tobuf(tarfile.PAX_FORMAT).replace(b"app", b"%03x" % number) for number in range(4000)])


def names_through_a_link() -> bytes:
    deep = tarfile.TarInfo("/".join(["long" * 10] * 90))
    deep.type = tarfile.DIRTYPE
    link = tarfile.TarInfo("l")
    link.type, link.linkname = tarfile.SYMTYPE, deep.name
    return packed(
        [
            deep.tobuf(tarfile.GNU_FORMAT),
            link.tobuf(tarfile.GNU_FORMAT),
            *(header(f"l/{n}", b"0", 0) for n in range(50_000)),
        ]
    )


def many_members() -> bytes:
    return packed(header(f"{number % 500}/{number}", b"0", 0) for number in range(199_000))


def links_of_links() -> bytes:
    """A chain of links, each with a long way to the next."""
    members = [tarfile.TarInfo(f"l{number}") for number in range(60_000)]
    for number, info in enumerate(members):
        info.type = tarfile.SYMTYPE
        info.linkname = "./" * 40 + f"l{number + 1}"
    return packed(info.tobuf(tarfile.GNU_FORMAT) for info in members)


def deep_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(20):
            archive.writestr("a/" * 32_000 + str(number), b"")
    return file.getvalue()


def zip_bomb(method: int) -> Callable[[], bytes]:
    return lambda: zip_of_zeros(method)


@cache
def zip_of_zeros(method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("app", b"1")
        with archive.open("bomb", "w", force_zip64=True) as member:
            for _ in range(300):
                member.write(bytes(1 << 20))
    return file.getvalue()


def zip_links() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(20_000):
            info = zipfile.ZipInfo(f"l{number}")
            info.create_system, info.external_attr = 3, 0o120777 << 16
            archive.writestr(info, "app")
        archive.writestr("app", b"1")
    return file.getvalue()


@cache
def zip_over_the_bounds() -> bytes:
    """9 GiB in members that are each below the bounds."""
    data = zlib.compressobj(wbits=-15)
    raw = b"".join(data.compress(bytes(1 << 20)) for _ in range(250)) + data.flush()
    size, crc = 250 << 20, 0
    for _ in range(250):
        crc = zlib.crc32(bytes(1 << 20), crc)
    numbers = struct.pack("<3I", crc, len(raw), size)
    local, central = b"", b""
    for number in range(38):
        name = b"%02d" % number
        offset = len(local)
        local += b"PK\x03\x04" + struct.pack("<5H", 20, 0, 8, 0, 0) + numbers + struct.pack("<2H", 2, 0) + name + raw
        central += b"PK\x01\x02" + struct.pack("<6H", 788, 20, 0, 8, 0, 0) + numbers
        central += struct.pack("<5H2I", 2, 0, 0, 0, 0, 0o100755 << 16, offset) + name
    return local + central + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 38, 38, len(central), len(local), 0)


def zip_lzma_dictionary() -> bytes:
    """An LZMA member that asks for a dictionary of 4 GiB."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("app", bytes(1000))
    content = bytearray(file.getvalue())
    at = content.index(b"\x05\x00", 30) + 2
    content[at + 1 : at + 5] = b"\xff\xff\xff\xff"
    return bytes(content)


def indexes() -> bytes:
    made = Layout()
    below = made.image([tar({"app": b"1"})])
    for _ in range(4):
        below = made.nested_index([below] * 300)
    made.index([below] * 300)
    return tar(made.files)


def one_layer_many_times() -> bytes:
    layer = gzip.compress(b"".join(header(str(number), b"0", 0) for number in range(5000)) + bytes(1024))
    manifest = [{"Config": "c.json", "Layers": ["layer.tar"] * 15_000}]
    return tar({"c.json": b"{}", "layer.tar": layer, "manifest.json": json.dumps(manifest).encode()})


def one_layer_in_many_images() -> bytes:
    made = Layout()
    layer = gzip.compress(b"".join(header(str(number), b"0", 0) for number in range(5000)) + bytes(1024))
    made.index([made.image([layer] * 30, architecture=f"a{number}") for number in range(200)])
    return tar(made.files)


def opaque_folders() -> bytes:
    made = Layout()
    whole = [header(str(number), b"0", 0) for number in range(90_000)]
    whole += [header(".wh..wh..opq", b"0", 0)] * 90_000
    made.index([made.image([packed(whole)])])
    return tar(made.files)


def json_of_brackets() -> bytes:
    made = Layout()
    made.files["index.json"] = b'{"manifests": [' + b"{}," * 1_300_000 + b"{}]}"
    return tar(made.files)


def nested_json() -> bytes:
    made = Layout()
    made.files["index.json"] = b"[" * 3_000_000
    return tar(made.files)


def open_string_in_json() -> bytes:
    made = Layout()
    made.files["index.json"] = b'"' + b'\\"' * 1_500_000
    return tar(made.files)


def sparse_map() -> bytes:
    info = tarfile.TarInfo("app")
    info.pax_headers = {
        "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "app", "GNU.sparse.realsize": "9",
    }  # fmt: skip
    data = b"4000000\n" + b"0\n0\n" * 4_000_000
    info.size = len(data)
    return packed([info.tobuf(tarfile.PAX_FORMAT), data, bytes(-len(data) % 512)])


def old_sparse_map() -> bytes:
    first = bytearray(header("app", b"S", 0))
    first[482] = 1
    first[148:156] = b" " * 8
    first[148:156] = b"%06o\0 " % sum(first)
    block = b"00000000000\0" * 42 + b"\1" + bytes(7)
    return packed([bytes(first), block * 60_000])


def hard_links_in_an_rpm() -> bytes:
    numbers = "".join(f"{number:08x}" for number in (7, 0o100755, 0, 0, 2, 0, 0, 8, 1, 0, 0, 8, 0))
    entries = (b"070701" + numbers.encode() + b"%07x\0" % number + bytes(2) for number in range(1_500_000))
    return rpm(gzip.compress(b"".join(entries), 1))


def pax_globals() -> bytes:
    records = b"".join(b"%d %d=\n" % (len(str(n)) + 5, n) for n in range(10_000, 30_000))
    return packed([extended(b"g", records), *(header(str(n), b"0", 0) for n in range(1000))])


def pax_records() -> bytes:
    record = b"5 a=\n" * 990
    return packed(part for n in range(20_000) for part in (extended(b"x", record), header(str(n), b"0", 0)))


def frames(compress: Callable[[bytes], bytes], content: bytes = b"", number: int = 200_000) -> Callable[[], bytes]:
    return lambda: compress(content) * number


def bomb(new: Callable[[], Compressor]) -> Callable[[], bytes]:
    return lambda: zeros(new(), 300 << 20, header("app", b"0", 300 << 20))


def hard_links() -> bytes:
    members = []
    for number in range(100_000):
        info = tarfile.TarInfo(f"h{number}")
        info.type, info.linkname = tarfile.LNKTYPE, f"h{number - 1}" if number else "app"
        members.append(info.tobuf(tarfile.GNU_FORMAT))
    return packed([header("app", b"0", 0), *members])


_FRAMES = "has more frames than the bound for what they unpack to"
ARCHIVES: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "name of 500,000 parts": (deep_tar, "**", "is longer than the bound of 4096"),
    "names of 2,000 parts": (pax_names, "**", "read"),
    "names behind a link": (names_through_a_link, "**", "has names of more than the bound of"),
    "200,000 members": (many_members, "7/7", "read"),
    "links of links": (links_of_links, "*", "its links take more than the bound of|no member of a matches"),
    "hard links": (hard_links, "h1", "read"),
    "zip: names of 32,000 parts": (deep_zip, "**", "is longer than the bound of 4096"),
    "zip: bzip2 that was not asked for": (zip_bomb(zipfile.ZIP_BZIP2), "app", "read"),
    "zip: lzma that was not asked for": (zip_bomb(zipfile.ZIP_LZMA), "app", "read"),
    "zip: bzip2 that was": (zip_bomb(zipfile.ZIP_BZIP2), "bomb", "a decompression bomb"),
    "zip: lzma that was": (zip_bomb(zipfile.ZIP_LZMA), "bomb", "a decompression bomb"),
    "zip: deflate that was": (zip_bomb(zipfile.ZIP_DEFLATED), "bomb", "a decompression bomb"),
    "zip: dictionary": (zip_lzma_dictionary, "app", "needs 4294967295 bytes to be unpacked"),
    "zip: links": (zip_links, "l7", "read"),
    "zip: many members over the bounds": (zip_over_the_bounds, "**", "unpacks to [0-9]+ bytes, more than the bound of"),
    "zip: few members over the ratio": (zip_over_the_bounds, "0*", "a decompression bomb"),
    "indexes of indexes": (indexes, "app", "read"),
    "one layer many times": (one_layer_many_times, "**", "has an image of more than the bound of 500 layers"),
    "one layer in many images": (one_layer_in_many_images, "**", "its images have more than the bound of"),
    "opaque folders": (opaque_folders, "**", "its links take more than the bound of"),
    "objects in JSON": (json_of_brackets, "**", "has no digest"),
    "brackets in JSON": (nested_json, "**", "nested more than 64 deep"),
    "open string in JSON": (open_string_in_json, "**", "is not JSON"),
    "sparse map": (sparse_map, "app", "is a sparse file of more parts than the bound of 10000"),
    "old sparse map": (old_sparse_map, "app", "is a sparse file of more parts than the bound of 10000"),
    "rpm: hard links": (hard_links_in_an_rpm, "**", "has more than the bound of 200000 members"),
    "global pax header": (pax_globals, "**", "a pax header has more than the bound of 1000 records"),
    "pax headers": (pax_records, "**", "its pax headers have more than the bound of 2000000 records"),
    "empty zstd frames": (frames(zstd.compress), "**", _FRAMES),
    "zstd frames of a byte": (frames(zstd.compress, b"x"), "**", _FRAMES),
    "zstd frames to skip": (lambda: (b"\x50\x2a\x4d\x18" + bytes(4)) * 200_000, "**", _FRAMES),
    "empty gzip members": (frames(gzip.compress), "**", _FRAMES),
    "empty bzip2 streams": (frames(bz2.compress), "**", _FRAMES),
    "empty xz streams": (frames(lzma.compress), "**", _FRAMES),
    "a zstd frame for each block": (frames(zstd.compress, header("app", b"0", 0), 100_000), "**", "read"),
    "gzip bomb": (bomb(lambda: zlib.compressobj(wbits=31)), "**", "a decompression bomb"),
    "bzip2 bomb": (bomb(bz2.BZ2Compressor), "**", "a decompression bomb"),
    "xz bomb": (bomb(lambda: lzma.LZMACompressor(preset=0)), "**", "a decompression bomb"),
    "zstd bomb": (bomb(zstd.ZstdCompressor), "**", "a decompression bomb"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_costs_no_more_than_its_bound(name: str, tmp_path: Path) -> None:
    make, pattern, expected = ARCHIVES[name]
    (tmp_path / "a").write_bytes(make())

    seconds, memory, answer = measured(tmp_path, f"a!{pattern}")

    assert re.search(expected, answer), answer
    assert seconds < _SECONDS
    assert memory < _BYTES


def measured(folder: Path, pattern: str) -> tuple[float, int, str]:
    command = [sys.executable, "-c", _MEASURE, str(folder), pattern]
    # The measurement of coverage, which a child process would take up, costs several times the work itself.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    seconds, memory, answer = done.stdout.split(maxsplit=2)
    return float(seconds), int(memory), answer.strip()
