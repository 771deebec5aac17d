"""ELF images that something was done to after the link: they stay what they were, or are refused."""

from __future__ import annotations

import struct
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.reader import read_binary
from tests.reader.c_images import HELLO, NO_LIBC, CompileC

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample

PT_NULL, PT_SUNWSTACK, PT_GNU_STACK = 0, 0x6FFFFFFB, 0x6474E551
READ_WRITE, READ_WRITE_EXECUTE = 6, 7
BARE = ("-static", "-nostdlib")


def only_debug_information(image: Path, folder: Path) -> Path:
    debug = folder / "image.debug"
    subprocess.run(["objcopy", "--only-keep-debug", str(image), str(debug)], check=True)
    return debug


@pytest.mark.parametrize(
    ("flags", "source"),
    [
        (("-no-pie",), HELLO),
        (("-pie",), HELLO),
        (("-static",), HELLO),
        (("-static-pie",), HELLO),
        (BARE, NO_LIBC),
        (("-shared", "-fPIC"), HELLO),
    ],
)
def test_the_debug_information_of_an_image_is_not_an_image(
    compile_c: CompileC, tmp_path: Path, flags: tuple[str, ...], source: str
) -> None:
    debug = only_debug_information(compile_c("-g", *flags, source=source), tmp_path)

    with pytest.raises(UnreadableBinaryError, match="debug information"):
        read_binary(debug)


def test_the_debug_information_of_a_static_go_program_is_not_a_static_program(
    go_sample: GoSample, tmp_path: Path
) -> None:
    debug = only_debug_information(go_sample("static", target="linux/amd64", cgo=False).path, tmp_path)

    with pytest.raises(UnreadableBinaryError, match=r"the entry point 0x[0-9a-f]+ has no bytes in the file"):
        read_binary(debug)


@pytest.mark.parametrize(
    ("goos", "header", "flags", "nx"),
    [
        ("freebsd", PT_GNU_STACK, READ_WRITE, True),
        ("freebsd", PT_GNU_STACK, READ_WRITE_EXECUTE, False),
        ("freebsd", PT_NULL, 0, False),
        # NetBSD and OpenBSD map no stack executable, whatever a header says.
        ("netbsd", PT_NULL, 0, True),
        ("netbsd", PT_GNU_STACK, READ_WRITE_EXECUTE, True),
        ("openbsd", PT_NULL, 0, True),
        # Solaris has a header of its own; without it a 64-bit process has no executable stack.
        ("solaris", PT_NULL, 0, True),
        ("solaris", PT_GNU_STACK, READ_WRITE_EXECUTE, True),
        ("solaris", PT_SUNWSTACK, READ_WRITE, True),
        ("solaris", PT_SUNWSTACK, READ_WRITE_EXECUTE, False),
    ],
)
def test_each_system_has_its_own_word_for_an_executable_stack(
    compile_c: CompileC, tmp_path: Path, goos: str, header: int, flags: int, nx: bool
) -> None:
    data = bytearray(compile_c(*BARE, source=NO_LIBC).read_bytes())
    data[7] = {"netbsd": 2, "solaris": 6, "freebsd": 9, "openbsd": 12}[goos]
    table, size, count = struct.unpack_from("<Q14xHH", data, 32)
    places = [table + index * size for index in range(count)]
    stack = next(at for at in places if struct.unpack_from("<I", data, at)[0] == PT_GNU_STACK)
    struct.pack_into("<II", data, stack, header, flags)
    path = tmp_path / "image"
    path.write_bytes(data)

    facts = read_binary(path)

    assert (facts.target and facts.target.goos, facts.hardening.nx) == (goos, nx)
