"""Files that are no image, and the choice of the reader."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from pytest_golink import GoSample, reader
from pytest_golink.errors import ParameterError, UnreadableBinaryError
from pytest_golink.reader import read_binaries, read_binary
from tests.reader.handmade_macho import fat

if TYPE_CHECKING:
    from pathlib import Path

    from tests.reader.c_images import CompileC


def reason(path: str | Path) -> str:
    with pytest.raises(UnreadableBinaryError) as caught:
        read_binary(path)
    assert caught.value.path == str(path)
    return caught.value.reason


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    assert reason(tmp_path / "absent") == "No such file or directory"


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert reason(tmp_path / "empty") == "is empty"


def test_a_directory_is_an_error(tmp_path: Path) -> None:
    assert reason(tmp_path) == "is a directory, not a regular file"


def test_a_fifo_is_an_error_at_once_though_nobody_writes_to_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert reason(tmp_path / "fifo") == "is a FIFO, not a regular file"


def test_a_socket_is_an_error(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        assert reason(tmp_path / "socket") == "is a socket, not a regular file"


def test_an_endless_device_is_an_error() -> None:
    assert reason("/dev/zero") == "is a character device, not a regular file"


def test_a_file_that_becomes_a_fifo_between_the_look_and_the_opening_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = tmp_path / "image"
    image.write_bytes(b"\x7fELF")
    opened = os.open

    def swap(path: str, flags: int) -> int:
        image.unlink()
        os.mkfifo(image)
        return opened(path, flags)

    monkeypatch.setattr(os, "open", swap)
    assert reason(image) == "is a FIFO, not a regular file"


def test_a_loop_of_links_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "symbolic links" in reason(tmp_path / "loop")


def test_a_path_with_a_nul_is_an_error() -> None:
    assert "null" in reason("a\0b")


def test_text_is_no_binary_and_the_message_shows_its_start(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("#!/bin/sh\necho hello\n")
    assert reason(tmp_path / "run.sh") == ("not an executable, library, object or archive (starts with b'#!/bin/s')")


def test_a_java_class_is_no_fat_file(tmp_path: Path) -> None:
    (tmp_path / "A.class").write_bytes(bytes.fromhex("cafebabe00000041") + bytes(60))
    assert "not an executable" in reason(tmp_path / "A.class")


def test_a_file_larger_than_any_program_is_refused_unread(tmp_path: Path) -> None:
    image = tmp_path / "huge"
    image.write_bytes(b"\x7fELF")
    os.truncate(image, 3 << 30)
    assert reason(image) == "is larger than 2 GiB (size 3221225472)"


def test_a_file_that_shrinks_while_it_is_read_is_an_error(
    compile_c: CompileC, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = tmp_path / "image"
    image.write_bytes(compile_c().read_bytes())
    size = image.stat().st_size
    pick = reader._pick

    def cut_and_pick(path: str, head: bytes) -> object:
        os.truncate(image, size // 2)
        return pick(path, head)

    monkeypatch.setattr(reader, "_pick", cut_and_pick)
    assert reason(image) == f"shrank while it was read ({size // 2} of {size} bytes)"


def test_a_link_is_read_under_its_own_name(compile_c: CompileC, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(compile_c())
    assert read_binary(tmp_path / "link").path == str(tmp_path / "link")


def test_a_file_without_slices_is_one_image(compile_c: CompileC) -> None:
    (facts,) = read_binaries(compile_c())
    assert facts == read_binary(str(compile_c()))
    assert facts.slice is None


def test_a_slice_of_a_file_that_has_none_is_a_wrong_parameter(compile_c: CompileC) -> None:
    with pytest.raises(ParameterError, match='has no slices, so there is no slice "arm64"'):
        read_binary(compile_c(), slice="arm64")


@pytest.mark.parametrize(
    "start",
    [
        b"\x7fELF",
        b"\xcf\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe",
        b"MZ",
        b"!<arch>\n",
        b"\x64\x86",
        b"\x01\xf7",
        b"\0\0\x8a\x97",
        b"\0asm",
    ],
)
def test_a_magic_number_alone_is_a_damaged_file(start: bytes, tmp_path: Path) -> None:
    (tmp_path / "start").write_bytes(start)
    assert reason(tmp_path / "start")


def test_an_aix_archive_is_named_and_never_static(tmp_path: Path) -> None:
    (tmp_path / "lib.a").write_bytes(b"<bigaf>\n" + bytes(120))

    assert reason(tmp_path / "lib.a") == "an AIX archive: name an image inside it"


def test_the_slices_of_a_fat_file_are_read_by_name(go_sample: GoSample, tmp_path: Path) -> None:
    cpus = {"amd64": 0x01000007, "arm64": 0x0100000C}
    images = {arch: go_sample("static", target=f"darwin/{arch}", cgo=False).path.read_bytes() for arch in cpus}
    both = tmp_path / "both"
    both.write_bytes(fat(*((cpus[arch], images[arch]) for arch in cpus)))

    assert [facts.slice for facts in read_binaries(both)] == ["amd64", "arm64"]
    assert str(read_binary(both, slice="arm64").target) == "darwin/arm64"
    with pytest.raises(ParameterError, match="has 2 slices; pass slice= with one of amd64, arm64"):
        read_binary(both)
    with pytest.raises(ParameterError, match='has no slice "386"; it has amd64, arm64'):
        read_binary(both, slice="386")
