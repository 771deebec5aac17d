"""The ways in which a zip's members are compressed, and what is wrong with one that is damaged."""

from __future__ import annotations

import io
import lzma
import random
import struct
import sys
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest

from pytest_golink.archives import find_images
from pytest_golink.errors import ArchiveError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from pathlib import Path

_CONTENT = random.Random(1).randbytes(400_000) + bytes(400_000)  # noqa: S311 - what does not compress, and what does


def by_python(method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("app", _CONTENT)
    return file.getvalue()


def by_hand(method: int, packed: bytes) -> bytes:
    numbers = struct.pack("<3I", zlib.crc32(_CONTENT), len(packed), len(_CONTENT))
    local = (
        b"PK\x03\x04" + struct.pack("<5H", 20, 0, method, 0, 0) + numbers + struct.pack("<2H", 3, 0) + b"app" + packed
    )
    central = b"PK\x01\x02" + struct.pack("<6H", 788, 20, 0, method, 0, 0) + numbers
    central += struct.pack("<5H2I", 3, 0, 0, 0, 0, 0o100755 << 16, 0) + b"app"
    return local + central + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(central), len(local), 0)


@pytest.mark.parametrize(
    "content",
    [
        *map(by_python, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)),
        by_hand(93, zstd.compress(_CONTENT)),
        by_hand(95, lzma.compress(_CONTENT)),
    ],
    ids=["stored", "deflate", "bzip2", "lzma", "zstd", "xz"],
)
def test_a_member_is_unpacked_by_each_method(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)

    (found,) = find_images(["a!app"], tmp_path)

    assert found.head == _CONTENT[:16]
    assert found.at(tmp_path / "out").read_bytes() == _CONTENT


def refusal(folder: Path, method: int, packed: bytes) -> str:
    (folder / "a").write_bytes(by_hand(method, packed))
    (found,) = find_images(["a!app"], folder)
    with pytest.raises(ArchiveError) as error:
        found.at(folder / "out")
    return str(error.value)


def test_a_member_that_is_damaged_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, 8, b"\xff" * 100).startswith("a!app: is damaged: Error -3")
    assert refusal(tmp_path, 8, zlib.compress(_CONTENT, wbits=-15)[:-9]) == (
        "a!app: is damaged: its compressed data has no end"
    )
    assert refusal(tmp_path, 14, b"\x09\x04\x01\x00x") == "a!app: is damaged: its LZMA properties are not there"
    assert refusal(tmp_path, 0, bytes(len(_CONTENT))) == "a!app: is damaged: its CRC-32 is not that of its header"


def test_a_method_that_is_not_supported_is_called_that(tmp_path: Path) -> None:
    for method, name in ((9, "9 (Deflate64)"), (77, "77")):
        (tmp_path / "a").write_bytes(by_hand(method, b"x"))
        with pytest.raises(ArchiveError) as error:
            find_images(["a!app"], tmp_path)
        assert str(error.value) == f"a!app: compression method not supported: {name}; pack it with Deflate"
