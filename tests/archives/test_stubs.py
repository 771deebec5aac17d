"""A file most of which lies behind its image is not judged as the program."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from pytest_golink.archives import find_images
from pytest_golink.errors import ArchiveError
from tests.archives.packing import tar, zipped
from tests.reader.handmade_macho import AMD64, ARM64, fat

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample


def refusal(folder: Path, content: bytes) -> str:
    (folder / "app").write_bytes(content)
    (folder / "a.tar").write_bytes(tar({"app": content}))
    texts = []
    for pattern in ("app", "a.tar!app"):
        (found,) = find_images([pattern], folder)
        with pytest.raises(ArchiveError) as error:
            found.at(folder / "out")
        texts.append(error.value.reason)
    assert texts[0] == texts[1]
    return texts[0]


def passes(folder: Path, content: bytes) -> bool:
    (folder / "app").write_bytes(content)
    (found,) = find_images(["app"], folder)
    return found.at(folder).read_bytes() == content


@pytest.fixture(
    scope="module", params=["linux/amd64", "linux/386", "linux/mips", "windows/amd64", "windows/386", "darwin/arm64"]
)
def app(go_sample: GoSample, request: pytest.FixtureRequest) -> bytes:
    return go_sample("static", target=request.param, cgo=False, ldflags="-s -w").path.read_bytes()


def test_a_program_with_something_larger_behind_it_is_refused(app: bytes, tmp_path: Path) -> None:
    size = len(app) + 1000
    larger = app + b"7z\xbc\xaf\x27\x1c".ljust(size, b"x")
    other = app + bytes(size)

    assert passes(tmp_path, app)
    # Resources behind a program are no other program.
    assert passes(tmp_path, app + b"PK\x03\x04" + bytes(len(app) // 2))
    assert refusal(tmp_path, larger).startswith("is a program of ")
    assert f"with a 7z archive of {size} bytes behind it, which no rule sees" in refusal(tmp_path, larger)
    assert f"with something else of {size} bytes behind it" in refusal(tmp_path, other)


def test_what_is_behind_the_images_of_a_fat_file_is_no_program(go_sample: GoSample, tmp_path: Path) -> None:
    arm64 = go_sample("static", target="darwin/arm64", cgo=False, ldflags="-s -w").path.read_bytes()
    whole = fat((ARM64, arm64))
    # In the slice, and behind the file.
    other = go_sample("static", target="darwin/amd64", cgo=False, ldflags="-s -w").path.read_bytes()
    large = arm64 + bytes(2 * len(arm64))
    for content in (fat((ARM64, large)), fat((ARM64, large), (AMD64, other)), whole + bytes(2 * len(whole))):
        assert "with something else of" in refusal(tmp_path, content)
    for wide in (False, True):
        assert passes(tmp_path, fat((ARM64, arm64), wide=wide))


def test_an_appimage_is_refused(go_sample: GoSample, tmp_path: Path) -> None:
    runtime = go_sample("static", target="linux/amd64", cgo=False, ldflags="-s -w").path.read_bytes()
    marked = runtime[:8] + b"AI\x02" + runtime[11:]

    assert refusal(tmp_path, runtime + b"hsqs" + bytes(92)) == (
        f"is an AppImage: the program is in the squashfs image behind a runtime of {len(runtime)} bytes; "
        "unpack it (--appimage-extract) and name the program in squashfs-root"
    )
    assert "is an AppImage: the program is in the disk image" in refusal(tmp_path, marked)


def test_a_table_of_sections_that_is_not_there_hides_nothing(go_sample: GoSample, tmp_path: Path) -> None:
    runtime = bytearray(go_sample("static", target="linux/amd64", cgo=False, ldflags="-s -w").path.read_bytes())
    struct.pack_into("<Q", runtime, 40, 1 << 40)

    assert "behind it, which no rule sees" in refusal(tmp_path, bytes(runtime) + bytes(2 * len(runtime)))


def test_a_self_extracting_zip_is_looked_into(tmp_path: Path) -> None:
    (tmp_path / "app").write_bytes(b"\x7fELF" + bytes(1000) + zipped({"agent": b"1"}))

    (found,) = find_images(["app!agent"], tmp_path)

    assert found.at(tmp_path / "out").read_bytes() == b"1"


def test_a_damaged_image_is_left_to_its_reader(tmp_path: Path) -> None:
    pe = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0"
    java = b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(100)
    macho = [b"\xcf\xfa\xed\xfe", b"\xcf\xfa\xed\xfe" + bytes(100), fat((ARM64, b"text")), java]
    for content in (b"\x7fELF", b"MZ", b"MZ" + bytes(100), b"text", b"", pe, *macho):
        assert passes(tmp_path, content)
