"""Bytes to facts: opens a file, picks the format by its magic number and gives the fact sheet."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from pytest_golink.errors import ParameterError, UnreadableBinaryError
from pytest_golink.reader.crosscheck import crosscheck_if_asked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_golink.facts import BinaryFacts
    from pytest_golink.golang import MappedImage

    _Slices = tuple[tuple[str | None, MappedImage], ...]

# An image is held in memory whole. Far above any Go program, far below what exhausts a machine.
_LARGEST_IMAGE_BYTES = 2 << 30
_MAGIC_BYTES = 16


def read_binary(path: str | os.PathLike[str], *, slice: str | None = None) -> BinaryFacts:  # noqa: A002 - Mach-O's word
    """
    Read the linkage facts of one image, without running it.

    Args:
        path: An executable, shared library, object or archive.
        slice: Which image of a fat Mach-O file, by its GOARCH ("arm64"); needed where there are several.

    Raises:
        UnreadableBinaryError: The file cannot be read whole: missing, no binary, truncated or damaged.
        ParameterError: `slice` is missing where there are several, or names one that is not there.
    """
    images = read_binaries(path)
    return images[_choose(images[0].path, [image.slice for image in images], slice)]


def _choose(path: str, slices: Sequence[str | None], wanted: str | None) -> int:
    """Return which of a file's images is asked for, by the names of its slices."""
    names = [name for name in slices if name is not None]
    if wanted is None:
        if len(slices) == 1:
            return 0
        raise ParameterError(f"{path}: has {len(slices)} slices; pass slice= with one of {', '.join(names)}")
    if wanted in names:
        return slices.index(wanted)
    if not names:
        raise ParameterError(f'{path}: has no slices, so there is no slice "{wanted}"')
    raise ParameterError(f'{path}: has no slice "{wanted}"; it has {", ".join(names)}')


def read_binaries(path: str | os.PathLike[str]) -> tuple[BinaryFacts, ...]:
    """
    Read the facts of every image in a file: one, or one for each slice of a fat Mach-O file.

    Raises:
        UnreadableBinaryError: The file cannot be read whole: missing, no binary, truncated or damaged.
        ReaderDisagreement: With `--golink-crosscheck`: two readers read different facts.
    """
    name = os.fsdecode(path)
    data, reader = _load(name)
    view = memoryview(data)
    images = reader(name, view)
    crosscheck_if_asked(images, view)
    return images


def read_package_sizes(
    path: str | os.PathLike[str],
    *,
    slice: str | None = None,  # noqa: A002 - Mach-O's word
) -> tuple[tuple[str, int], ...]:
    """
    Read how many bytes of code each Go package brought, the largest first; stripping does not change them.

    A size includes what fills the gaps between functions. Code without a package counts to the one that it stands in,
    C code to "C" where Go's own linker linked it, and to nothing where a C linker did.

    Args:
        path: An executable or shared library.
        slice: Which image of a fat Mach-O file, as for `read_binary`.

    Returns:
        Import paths and bytes; () for an image that Go did not make, an object or an archive.

    Raises:
        UnreadableBinaryError: The file cannot be read whole: missing, no binary, truncated or damaged.
        ParameterError: `slice` is missing where there are several, or names one that is not there.
    """
    from pytest_golink.golang.sizes import package_sizes

    name = os.fsdecode(path)
    data, reader = _load(name)
    map_images = _MAPPERS.get(reader)
    if map_images is None:
        return ()
    images = map_images(name, memoryview(data))
    at = _choose(name, [of_slice for of_slice, _ in images], slice)
    return package_sizes(images[at][1])


def _elf(path: str, data: memoryview) -> tuple[BinaryFacts, ...]:
    from pytest_golink.reader.elf.facts import read_elf

    return (read_elf(path, data),)


def _macho(path: str, data: memoryview) -> tuple[BinaryFacts, ...]:
    from pytest_golink.reader.macho.facts import read_macho

    return read_macho(path, data)


def _pe(path: str, data: memoryview) -> tuple[BinaryFacts, ...]:
    from pytest_golink.reader.pe.facts import read_pe

    return (read_pe(path, data),)


def _coff(path: str, data: memoryview) -> tuple[BinaryFacts, ...]:
    from pytest_golink.reader.coff.facts import read_coff

    return (read_coff(path, data),)


def _archive(path: str, data: memoryview) -> tuple[BinaryFacts, ...]:
    from pytest_golink.reader.ar import read_archive

    return (read_archive(path, data),)


def _xcoff(path: str, data: memoryview) -> tuple[BinaryFacts, ...]:
    from pytest_golink.reader.xcoff import read_xcoff

    return (read_xcoff(path, data),)


def _plan9(path: str, data: memoryview) -> tuple[BinaryFacts, ...]:
    from pytest_golink.reader.plan9 import read_plan9

    return (read_plan9(path, data),)


def _wasm(path: str, data: memoryview) -> tuple[BinaryFacts, ...]:
    from pytest_golink.reader.wasm import read_wasm

    return (read_wasm(path, data),)


def _map_elf(path: str, data: memoryview) -> _Slices:
    from pytest_golink.reader.elf.facts import map_image

    return ((None, map_image(path, data)),)


def _map_macho(path: str, data: memoryview) -> _Slices:
    from pytest_golink.reader.macho.facts import map_images

    return map_images(path, data)


def _map_pe(path: str, data: memoryview) -> _Slices:
    from pytest_golink.reader.pe.facts import map_image

    return ((None, map_image(path, data)),)


def _map_xcoff(path: str, data: memoryview) -> _Slices:
    from pytest_golink.reader.xcoff import map_image

    return ((None, map_image(path, data)),)


def _map_plan9(path: str, data: memoryview) -> _Slices:
    from pytest_golink.reader.plan9 import map_image

    return ((None, map_image(path, data)),)


def _map_wasm(path: str, data: memoryview) -> _Slices:
    from pytest_golink.reader.wasm import map_image

    return ((None, map_image(path, data)),)


# Not of objects and archives: their code has no addresses yet.
_MAPPERS: dict[Callable[..., object], Callable[[str, memoryview], _Slices]] = {
    _elf: _map_elf,
    _macho: _map_macho,
    _pe: _map_pe,
    _xcoff: _map_xcoff,
    _plan9: _map_plan9,
    _wasm: _map_wasm,
}

_READERS: tuple[tuple[bytes, Callable[[str, memoryview], tuple[BinaryFacts, ...]]], ...] = (
    (b"\x7fELF", _elf),
    # Thin Mach-O, both widths and byte orders; fat headers are always big-endian (mach-o/loader.h, mach-o/fat.h).
    (b"\xfe\xed\xfa\xce", _macho),
    (b"\xfe\xed\xfa\xcf", _macho),
    (b"\xce\xfa\xed\xfe", _macho),
    (b"\xcf\xfa\xed\xfe", _macho),
    (b"\xca\xfe\xba\xbe", _macho),
    (b"\xca\xfe\xba\xbf", _macho),
    (b"MZ", _pe),
    (b"!<arch>\n", _archive),
    (b"!<thin>\n", _archive),
    # COFF objects have no magic number, only a machine field: 386, amd64, arm64, arm; and /bigobj's anonymous header.
    (b"\x4c\x01", _coff),
    (b"\x64\x86", _coff),
    (b"\x64\xaa", _coff),
    (b"\xc4\x01", _coff),
    (b"\x00\x00\xff\xff", _coff),
    # XCOFF, 32- and 64-bit; Plan 9's a.out for 386, amd64, arm (debug/plan9obj).
    (b"\x01\xdf", _xcoff),
    (b"\x01\xf7", _xcoff),
    (b"\x00\x00\x01\xeb", _plan9),
    (b"\x00\x00\x8a\x97", _plan9),
    (b"\x00\x00\x06\x47", _plan9),
    (b"\x00asm", _wasm),
)


def _pick(path: str, head: bytes) -> Callable[[str, memoryview], tuple[BinaryFacts, ...]]:
    """Choose the reader for a file that starts with `head`."""
    for magic, reader in _READERS:
        if head.startswith(magic):
            # A Java class file has the fat magic too; its next word is a version, 45 and up, not a slice count.
            if head.startswith(b"\xca\xfe\xba\xbe") and int.from_bytes(head[4:8], "big") >= 45:
                break
            return reader
    if head.startswith(b"<bigaf>\n"):
        raise UnreadableBinaryError(path, "an AIX archive: name an image inside it", format="xcoff")
    raise UnreadableBinaryError(path, f"not an executable, library, object or archive (starts with {head[:8]!r})")


def _load(path: str) -> tuple[bytes, Callable[[str, memoryview], tuple[BinaryFacts, ...]]]:
    """
    Return the bytes of a file and the reader for them.

    Read, not mapped: a page of a mapped file that shrinks under us is a SIGBUS, which kills the interpreter. A file
    that is no binary is refused by its first bytes, however large it is.
    """
    try:
        # Before it is opened: opening a device can do things, opening a FIFO waits for its other end.
        _require_regular(path, os.stat(path))  # noqa: PTH116 - the caller's own spelling, for messages
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(path, flags), "rb") as file:  # noqa: PTH123 - from a descriptor
            status = os.fstat(file.fileno())
            _require_regular(path, status)
            reader = _pick(path, file.read(_MAGIC_BYTES))
            if status.st_size > _LARGEST_IMAGE_BYTES:
                raise UnreadableBinaryError(
                    path, f"is larger than {_LARGEST_IMAGE_BYTES >> 30} GiB (size {status.st_size})"
                )
            file.seek(0)
            data = file.read(status.st_size)
    except (OSError, ValueError) as error:
        # ValueError: a NUL in the path.
        raise UnreadableBinaryError(path, getattr(error, "strerror", None) or str(error)) from error
    if len(data) != status.st_size:
        raise UnreadableBinaryError(path, f"shrank while it was read ({len(data)} of {status.st_size} bytes)")
    return data, reader


_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


def _require_regular(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((word for test, word in _KINDS if test(status.st_mode)), "something else")
        raise UnreadableBinaryError(path, f"is {kind}, not a regular file")
    if status.st_size == 0:
        raise UnreadableBinaryError(path, "is empty")
